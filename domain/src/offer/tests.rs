use super::*;
use crate::testing::at;

fn form() -> OfferForm<'static> {
    OfferForm {
        title: "幸福餐厅午餐一份",
        description: None,
        category: Category::Dining,
        points: 50,
        stock: 100,
        per_person: 2,
        valid_from: None,
        valid_until: at("2026-12-31 00:00"),
        merchant: "wenxing",
        conditions: ConditionsForm::default(),
        funding: Funding::default(),
    }
}

fn faults(form: &OfferForm<'_>) -> Vec<String> {
    let refused = NewOffer::parse(form, at("2026-11-24 09:00")).unwrap_err();
    refused.0.into_iter().map(|fault| fault.field).collect()
}

#[test]
fn a_sound_offer_is_taken() {
    let offer = NewOffer::parse(&form(), at("2026-11-24 09:00")).unwrap();
    assert_eq!((offer.points, offer.stock, offer.per_person), (50, 100, 2));
    assert_eq!(offer.merchant.as_str(), "wenxing");
}

#[test]
fn each_fault_is_named_and_all_at_once() {
    for (figure, ok) in [(0, false), (-1, false), (1, true), (i64::MAX, false)] {
        let parsed = |form: OfferForm<'_>| NewOffer::parse(&form, at("2026-11-24 09:00")).is_ok();
        assert_eq!(parsed(OfferForm { points: figure, ..form() }), ok, "points {figure}");
        assert_eq!(parsed(OfferForm { stock: figure, ..form() }), ok, "stock {figure}");
        assert_eq!(parsed(OfferForm { per_person: figure, ..form() }), ok, "each {figure}");
    }
    let past = OfferForm { valid_until: at("2026-11-24 09:00"), ..form() };
    assert_eq!(faults(&past), ["valid_until"]);
    let far = OfferForm { valid_until: at("2099-01-01 00:00"), ..form() };
    assert_eq!(faults(&far), ["valid_until"]);
    let all = OfferForm {
        title: "",
        points: 0,
        stock: 0,
        per_person: 0,
        merchant: "文兴",
        valid_until: at("2000-01-01 00:00"),
        ..form()
    };
    assert_eq!(faults(&all), ["title", "points", "stock", "per_person", "merchant", "valid_until"]);
}

fn standing(status: Status) -> Offer {
    let new = NewOffer::parse(&form(), at("2026-11-24 09:00")).unwrap();
    Offer {
        id: crate::testing::id(1),
        merchant: new.merchant,
        version: 1,
        status,
        suspended: false,
        category: new.category,
        points: new.points,
        stock: 100,
        per_person: new.per_person,
        valid_from: at("2026-11-24 09:00"),
        valid_until: new.valid_until,
        conditions: Conditions::default(),
        funding: Funding::default(),
        created_by: Some(crate::testing::id(1)),
    }
}

/// Each step × each state.
#[test]
fn exactly_the_listed_steps_are_allowed() {
    let new = NewOffer::parse(&form(), at("2026-11-24 09:00")).unwrap();
    let batch = Batch::parse(5, None).unwrap();
    for status in Status::ALL {
        for step in Step::ALL {
            let listed =
                TRANSITIONS.iter().find(|(one, from, _)| one == step && from.contains(status));
            let one = standing(*status);
            let done = match step {
                Step::Change => one.change(&new, at("2026-11-24 09:00")).map(|()| *status),
                Step::Stock => one.batch(&batch, at("2026-11-24 09:00")).map(|_| *status),
                step => one.step(*step, crate::testing::id(2), at("2026-11-24 09:00")),
            };
            match listed {
                Some((_, _, to)) => assert!(to.contains(&done.unwrap()), "{step} from {status}"),
                None => assert_eq!(done, Err(Refused::Step { step: *step, status: *status })),
            }
        }
    }
}

#[test]
fn nobody_approves_his_own_and_a_suspended_merchants_offer_stays() {
    let (one, now) = (standing(Status::InReview), at("2026-11-24 09:00"));
    assert_eq!(one.step(Step::Approve, crate::testing::id(1), now), Err(Refused::OwnOffer));
    for (status, step) in [(Status::InReview, Step::Approve), (Status::Paused, Step::Resume)] {
        let one = Offer { suspended: true, ..standing(status) };
        assert_eq!(one.step(step, crate::testing::id(2), now), Err(Refused::Suspended));
        assert_eq!(one.step(Step::End, crate::testing::id(2), now), Ok(Status::Ended));
    }
}

#[test]
fn a_price_that_was_published_is_kept() {
    let now = at("2026-11-24 09:00");
    let new = NewOffer::parse(&form(), now).unwrap();
    let dearer = NewOffer { points: 60, ..new.clone() };
    let moved = NewOffer { merchant: MerchantCode::parse("m", "other").unwrap(), ..new.clone() };
    for status in [Status::Published, Status::Paused] {
        assert_eq!(standing(status).change(&new, now), Ok(()));
        assert_eq!(standing(status).change(&dearer, now), Err(Refused::PriceKept));
    }
    assert_eq!(standing(Status::Draft).change(&dearer, now), Ok(()));
    assert_eq!(standing(Status::Draft).change(&moved, now), Err(Refused::PriceKept));
}

/// Its budget was given back when it lapsed.
#[test]
fn what_has_lapsed_comes_back_in_no_way() {
    let (new, over) =
        (NewOffer::parse(&form(), at("2026-11-24 09:00")).unwrap(), at("2026-12-31 00:00"));
    let (batch, by) = (Batch::parse(1, None).unwrap(), crate::testing::id(2));
    let lapsed = Refused::Lapsed { at: over };
    for status in [Status::Published, Status::Paused] {
        assert_eq!(standing(status).change(&new, over), Err(lapsed.clone()), "{status}");
        assert_eq!(standing(status).batch(&batch, over), Err(lapsed.clone()), "{status}");
        assert_eq!(standing(status).step(Step::End, by, over), Ok(Status::Ended), "{status}");
    }
    assert_eq!(standing(Status::Paused).step(Step::Resume, by, over), Err(lapsed.clone()));
    assert_eq!(standing(Status::InReview).step(Step::Approve, by, over), Err(lapsed));
    assert_eq!(standing(Status::Draft).change(&new, over), Ok(()), "a draft names another time");
}

#[test]
fn stock_stays_within_its_bounds() {
    let (one, now) = (standing(Status::Published), at("2026-11-24 09:00"));
    let batch = |pieces| one.batch(&Batch::parse(pieces, None).unwrap(), now);
    assert_eq!(batch(-99), Ok(1));
    assert_eq!(batch(-100), Err(Refused::StockRange));
    assert_eq!(batch(100_000), Err(Refused::StockRange));
    for wrong in [0, 100_001, i64::MIN, i64::MAX] {
        assert!(Batch::parse(wrong, None).is_err(), "{wrong}");
    }
}

/// Tuesday, 24 November 2026.
#[test]
fn conditions_say_when_and_to_whom() {
    let anybody = Person::default();
    let member = Person {
        party_member: true,
        registered: Some(crate::testing::code("140213066004")),
        born_on: Some("1966-11-24".parse().unwrap()),
    };
    let judge = |conditions: &Conditions, person: &Person, taken, when: &str| {
        use crate::refusal::Refusal;
        conditions.judge(person, taken, at(when)).map_err(|refused| refused.code())
    };
    let none = Taken::default();
    let open = Conditions::default();
    assert_eq!(judge(&open, &anybody, none, "2026-11-24 09:00"), Ok(()));
    let mondays = Conditions { weekdays: Weekdays::of(&[1]).unwrap(), ..open.clone() };
    assert_eq!(judge(&mondays, &anybody, none, "2026-11-24 00:00"), Err("offer_not_today"));
    assert_eq!(judge(&mondays, &anybody, none, "2026-11-23 23:59"), Ok(()));
    let noon = Conditions { hours: Some(Hours { from: 660, to: 810 }), ..open.clone() };
    for (when, fits) in [("10:59", false), ("11:00", true), ("13:29", true), ("13:30", false)] {
        let judged = judge(&noon, &anybody, none, &format!("2026-11-24 {when}"));
        assert_eq!(judged.is_ok(), fits, "{when}");
    }
    let away = Conditions { blackout: vec!["2026-11-24".parse().unwrap()], ..open.clone() };
    assert_eq!(judge(&away, &anybody, none, "2026-11-24 12:00"), Err("offer_not_today"));
    let here = vec![crate::testing::code("140213066004")];
    let there = vec![crate::testing::code("140213051001")];
    for (audience, communities, person, fits) in [
        (Audience::PartyMember, vec![], &anybody, false),
        (Audience::PartyMember, vec![], &member, true),
        (Audience::Registered, vec![], &anybody, false),
        (Audience::Registered, vec![], &member, true),
        (Audience::Registered, here, &member, true),
        (Audience::Registered, there, &member, false),
    ] {
        let conditions = Conditions { audience, communities, ..open.clone() };
        let judged = judge(&conditions, person, none, "2026-11-24 12:00");
        assert_eq!(judged.is_ok(), fits, "{audience}");
    }
    // The member is sixty on this very day.
    for (min, max, person, fits) in [
        (Some(60), None, &member, true),
        (Some(61), None, &member, false),
        (None, Some(60), &member, true),
        (None, Some(59), &member, false),
        (Some(18), Some(70), &member, true),
        (Some(18), None, &anybody, false),
        (None, Some(120), &anybody, false),
    ] {
        let conditions = Conditions { ages: Ages { min, max }, ..open.clone() };
        let judged = judge(&conditions, person, none, "2026-11-24 12:00");
        assert_eq!(judged, if fits { Ok(()) } else { Err("offer_age") }, "{min:?} {max:?}");
    }
    let few = Conditions { per_day: Some(1), per_week: Some(3), ..open };
    for (day, week, fits) in [(0, 0, true), (1, 1, false), (0, 2, true), (0, 3, false)] {
        let judged = judge(&few, &anybody, Taken { day, week }, "2026-11-24 12:00");
        assert_eq!(judged.is_ok(), fits, "{day} {week}");
    }
}

#[test]
fn days_of_the_week_are_read_and_said() {
    assert_eq!(Weekdays::of(&[]), Some(Weekdays::ALL));
    assert_eq!(Weekdays::of(&[7, 1]).unwrap().days(), [1, 7]);
    assert_eq!(Weekdays::of(&[7, 1]).unwrap().spoken(), "周一、周日");
    assert_eq!((Weekdays::of(&[0]), Weekdays::of(&[8])), (None, None));
}
