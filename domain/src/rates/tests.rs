use proptest::prelude::*;

use super::*;

fn row(unit: &str, contact: (u32, u32), answers: u32, solved: u32, satisfied: u32) -> RateRow {
    RateRow {
        tasks: contact.1,
        contacted_in_time: contact.0,
        contact_due: contact.1,
        answers,
        solved,
        satisfied,
        ..RateRow::empty(unit, PeerGroup::Department, format!("{unit}局"))
    }
}

fn departments(rows: Vec<RateRow>) -> Vec<UnitRates> {
    rates(rows, &RateRules::default()).remove(1).rows
}

fn ranks(rows: Vec<RateRow>) -> Vec<(String, Option<u32>)> {
    departments(rows).into_iter().map(|rates| (rates.unit, rates.rank)).collect()
}

fn expect(ranks: &[(&str, Option<u32>)]) -> Vec<(String, Option<u32>)> {
    ranks.iter().map(|(unit, rank)| ((*unit).to_owned(), *rank)).collect()
}

#[test]
fn all_three_groups_stand_there_even_when_empty() {
    let groups = rates(Vec::new(), &RateRules::default());
    let codes: Vec<_> = groups.iter().map(|group| group.group.code()).collect();
    assert_eq!(codes, ["subdistrict", "department", "utility"]);
    assert!(groups.iter().all(|group| group.rows.is_empty()));
}

#[test]
fn an_empty_denominator_is_null_and_not_zero() {
    let rates = departments(vec![RateRow::empty("a", PeerGroup::Department, "甲局")]).remove(0);
    let json = serde_json::to_value(&rates).unwrap();
    let fields = json.as_object().unwrap();
    for (field, value) in fields {
        match field.as_str() {
            "unit" | "name" => assert!(value.is_string()),
            "tasks" | "sample" | "appraisals" => assert_eq!(value, 0),
            "counts" => {
                let counts = value.as_object().unwrap();
                assert!(Figure::ALL.iter().all(|figure| counts[figure.code()] == 0), "{value}");
            }
            _ => assert!(value.is_null(), "{field} is {value}"),
        }
    }
    assert_eq!(fields.len(), 23);
}

#[test]
fn a_composite_needs_all_three_rates() {
    let nobody_to_contact = departments(vec![row("a", (0, 0), 10, 10, 10)]).remove(0);
    assert_eq!(nobody_to_contact.response_rate, None);
    assert_eq!(nobody_to_contact.solved_rate, Some(1.0));
    assert_eq!((nobody_to_contact.composite, nobody_to_contact.rank), (None, None));
    let nobody_answered = departments(vec![row("a", (3, 4), 0, 0, 0)]).remove(0);
    assert_eq!(nobody_answered.response_rate, Some(0.75));
    assert_eq!((nobody_answered.solved_rate, nobody_answered.composite), (None, None));
}

#[test]
fn rates_are_weighted_and_rounded_to_four_decimals() {
    let rates = departments(vec![row("a", (2, 3), 12, 7, 11)]).remove(0);
    assert_eq!(rates.response_rate, Some(0.6667));
    assert_eq!(rates.solved_rate, Some(0.5833));
    assert_eq!(rates.satisfied_rate, Some(0.9167));
    // 0.2 × 0.6667 + 0.4 × 0.5833 + 0.4 × 0.9167 = 0.73334
    assert_eq!(rates.composite, Some(0.7333));
    assert_eq!((rates.sample, rates.rank), (12, Some(1)));
}

#[test]
fn a_small_sample_is_shown_but_not_ranked() {
    let given =
        vec![row("a", (9, 9), 9, 9, 9), row("b", (10, 10), 10, 1, 1), row("c", (0, 0), 0, 0, 0)];
    assert_eq!(departments(given.clone())[1].composite, Some(1.0));
    assert_eq!(ranks(given), expect(&[("b", Some(1)), ("a", None), ("c", None)]));
}

#[test]
fn ties_share_a_rank_and_the_next_rank_is_left_out() {
    // b and c: .7 and .6 the other way round weigh the same.
    let given = vec![
        row("d", (1, 2), 10, 1, 1),
        row("c", (1, 2), 10, 6, 7),
        row("b", (1, 2), 10, 7, 6),
        row("a", (2, 2), 10, 10, 10),
    ];
    assert_eq!(
        ranks(given),
        expect(&[("a", Some(1)), ("b", Some(2)), ("c", Some(2)), ("d", Some(4))])
    );
}

#[test]
fn groups_are_ranked_apart() {
    let other = RateRow { group: PeerGroup::Utility, ..row("heat", (1, 2), 10, 5, 5) };
    let groups = rates(vec![row("a", (2, 2), 10, 10, 10), other], &RateRules::default());
    assert_eq!((groups[1].rows[0].rank, groups[2].rows[0].rank), (Some(1), Some(1)));
}

#[test]
fn shares_divide_by_their_own_whole() {
    let given = RateRow {
        tasks: 8,
        not_reached: 1,
        excluded: 2,
        reworked: 3,
        returned: 4,
        overdue: 5,
        acknowledge_due: 4,
        on_time_acknowledge: 3,
        reply_due: 2,
        on_time_reply: 1,
        confirmed: 5,
        one_pass: 4,
        ..RateRow::empty("a", PeerGroup::Department, "甲局")
    };
    let rates = departments(vec![given]).remove(0);
    assert_eq!(
        [rates.not_reached_share, rates.excluded_share, rates.reworked_share],
        [Some(0.125), Some(0.25), Some(0.375)]
    );
    assert_eq!((rates.return_rate, rates.overdue_rate), (Some(0.3333), Some(0.625)));
    assert_eq!((rates.on_time_acknowledge_rate, rates.on_time_reply_rate), (Some(0.75), Some(0.5)));
    assert_eq!(rates.one_pass_rate, Some(0.8));
}

#[test]
fn weights_and_sample_are_rules() {
    let rules: RateRules = serde_json::from_str(
        r#"{"response_weight": 1, "solved_weight": 0, "satisfied_weight": 0, "min_sample": 1}"#,
    )
    .unwrap();
    let groups = rates(vec![row("a", (1, 4), 1, 1, 1)], &rules);
    assert_eq!(groups[1].rows[0].composite, Some(0.25));
    assert_eq!(groups[1].rows[0].rank, Some(1));
    let none = RateRules { response_weight: 0, solved_weight: 0, satisfied_weight: 0, ..rules };
    assert_eq!(rates(vec![row("a", (1, 4), 1, 1, 1)], &none)[1].rows[0].composite, None);
}

fn appraised(row: RateRow, appraisals: u32, appraisal_score: u32) -> RateRow {
    RateRow { appraisals, appraisal_score, ..row }
}

#[test]
fn what_blowers_say_is_a_third_of_a_departments_ranking() {
    // Composite 1.0; 12 and 9 of 15: (2 × 1.0 + 0.7) / 3.
    let rows = vec![
        appraised(row("a", (10, 10), 10, 10, 10), 2, 21),
        row("b", (10, 10), 10, 9, 10),
        appraised(row("c", (10, 10), 10, 9, 10), 1, 15),
    ];
    let rated = departments(rows.clone());
    let seen: Vec<_> = rated
        .iter()
        .map(|one| (one.unit.as_str(), one.composite, one.appraisal, one.score, one.rank))
        .collect();
    assert_eq!(
        seen,
        [
            ("c", Some(0.96), Some(1.0), Some(0.9733), Some(1)),
            ("b", Some(0.96), None, Some(0.96), Some(2)),
            ("a", Some(1.0), Some(0.7), Some(0.9), Some(3)),
        ]
    );
    let unweighted = RateRules { appraisal_weight: 0, ..RateRules::default() };
    let plain: Vec<_> = rates(rows, &unweighted).remove(1).rows;
    assert!(plain.iter().all(|one| one.score == one.composite), "{plain:?}");
    assert_eq!(plain[0].unit, "a");
}

#[test]
fn a_division_is_shown_its_appraisals_and_not_ranked_by_them() {
    for group in PeerGroup::ALL {
        let given = RateRow { group: *group, ..row("a", (10, 10), 10, 10, 10) };
        let groups = rates(vec![appraised(given, 1, 3)], &RateRules::default());
        let rated = groups.iter().find_map(|one| one.rows.first()).unwrap();
        assert_eq!((rated.appraisal, rated.appraisals), (Some(0.2), 1));
        let expected = if *group == PeerGroup::Subdistrict { 1.0 } else { 0.7333 };
        assert_eq!(rated.score, Some(expected), "{group}");
    }
}

#[test]
fn who_has_no_composite_has_no_score_however_praised() {
    let praised = departments(vec![appraised(row("a", (0, 0), 10, 10, 10), 3, 45)]).remove(0);
    assert_eq!((praised.appraisal, praised.score, praised.rank), (Some(1.0), None, None));
}

#[test]
fn a_month_frozen_before_appraisals_counted_is_read_as_it_was() {
    let rules: RateRules = serde_json::from_str(r#"{"version": "2026-1"}"#).unwrap();
    assert_eq!((rules.version.as_str(), rules.appraisal_weight), ("2026-1", 0));
    let mut kept = serde_json::to_value(departments(vec![row("a", (1, 1), 10, 10, 10)])).unwrap();
    for field in ["appraisal", "appraisals", "score"] {
        kept[0].as_object_mut().unwrap().remove(field);
    }
    let read: Vec<UnitRates> = serde_json::from_value(kept).unwrap();
    assert_eq!((read[0].rank, read[0].score, read[0].appraisals), (Some(1), None, 0));
}

proptest! {
    #[test]
    fn a_rank_is_one_more_than_the_number_of_better_units(
        counts in prop::collection::vec((1u32..40, 0u32..40, 0u32..20, 0u32..20, 0u32..20), 0..30),
    ) {
        let rows: Vec<_> = counts
            .iter()
            .enumerate()
            .map(|(index, &(due, made, answers, solved, satisfied))| {
                let made = made.min(due);
                row(&format!("u{index:02}"), (made, due), answers, solved.min(answers), satisfied.min(answers))
            })
            .collect();
        let length = rows.len();
        let rated = departments(rows);
        prop_assert_eq!(rated.len(), length);
        let eligible: Vec<_> = rated.iter().filter(|unit| unit.sample >= 10).collect();
        for unit in &rated {
            for rate in [unit.response_rate, unit.solved_rate, unit.satisfied_rate, unit.composite] {
                prop_assert!(rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
            }
            let better = eligible.iter().filter(|other| other.composite > unit.composite).count();
            let expected = (unit.sample >= 10).then(|| u32::try_from(better).unwrap() + 1);
            prop_assert_eq!(unit.rank, expected);
            if let (Some(r), Some(s), Some(t), Some(c)) =
                (unit.response_rate, unit.solved_rate, unit.satisfied_rate, unit.composite)
            {
                prop_assert!((0.2 * r + 0.4 * s + 0.4 * t - c).abs() < 0.000_051);
            }
        }
    }
}
