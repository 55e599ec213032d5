//! The month's watch: both alarms at their edges, and the ranking by appraisals.

use crate::{
    rates::PeerGroup,
    sla::WhistleRules,
    whistle::{Alarm, BlowRate, Scores, ranking},
};

fn rate(complaints: u32, whistles: u32) -> BlowRate {
    let who = ("140213066004".to_owned(), "文兴社区".to_owned());
    BlowRate::of(who, complaints, whistles, &WhistleRules::default())
}

#[test]
fn none_is_idle_and_more_than_a_fifth_is_too_many() {
    let alarm = |complaints, whistles| rate(complaints, whistles).alarm;
    assert_eq!(alarm(0, 0), None, "nothing to blow for");
    assert_eq!(alarm(1, 0), Some(Alarm::Idle));
    assert_eq!(alarm(9, 9), None, "too few to say");
    assert_eq!(alarm(10, 2), None);
    assert_eq!(alarm(10, 3), Some(Alarm::TooMany));
    assert_eq!(alarm(100, 20), None);
    assert_eq!(alarm(100, 21), Some(Alarm::TooMany));
    assert_eq!(alarm(0, 3), None, "blown on patrols alone");
    assert_eq!(rate(3, 1).per_hundred, Some(33.3));
    assert_eq!(rate(0, 1).per_hundred, None);
}

fn scores(unit: &str, group: PeerGroup, sample: u32, each: u32) -> Scores {
    let sum = sample * each;
    let (unit, name) = (unit.to_owned(), unit.to_owned());
    Scores { unit, group, name, sample, speed: sum, handling: sum, result: sum }
}

#[test]
fn units_are_ranked_inside_their_group_from_a_minimum_of_appraisals_on() {
    use PeerGroup::{Department, Utility};
    let rows = vec![
        scores("water", Utility, 10, 3),
        scores("few", Department, 9, 5),
        scores("c", Department, 10, 2),
        scores("b", Department, 12, 4),
        scores("a", Department, 10, 4),
        scores("never", Department, 0, 0),
    ];
    let ranked = ranking(rows, &WhistleRules::default());
    let places: Vec<(&str, Option<u32>)> =
        ranked.iter().map(|row| (row.unit.as_str(), row.rank)).collect();
    assert_eq!(
        places,
        [("a", Some(1)), ("b", Some(1)), ("c", Some(3)), ("few", None), ("water", Some(1))]
    );
    assert_eq!(ranked[0].mean, 4.0);
}

#[test]
fn means_have_two_decimals_rounded_half_up() {
    let one =
        Scores { speed: 10, handling: 11, result: 14, ..scores("a", PeerGroup::Utility, 3, 0) };
    let row = ranking(vec![one], &WhistleRules { min_sample: 1, ..WhistleRules::default() });
    let [row] = row.try_into().unwrap();
    assert_eq!((row.speed, row.handling, row.result), (3.33, 3.67, 4.67));
    assert_eq!(row.mean, 3.89);
}
