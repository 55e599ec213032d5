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
        let parsed =
            |form: OfferForm<'_>| NewOffer::parse(&form, at("2026-11-24 09:00")).is_ok();
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
    assert_eq!(
        faults(&all),
        ["title", "points", "stock", "per_person", "merchant", "valid_until"]
    );
}
