//! Offers (优惠): what a merchant gives for points. A benefit, not a sale.

use chrono::TimeDelta;

use crate::{
    id::OfferId,
    refusal::{Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};

codes! {
    /// What kind of benefit.
    pub enum Category {
        /// 餐饮.
        Dining = "dining", "餐饮";
        /// 娱乐.
        Entertainment = "entertainment", "文娱";
        /// 医疗.
        Medical = "medical", "医疗健康";
        /// 购物.
        Shop = "shop", "购物";
        /// 课程.
        Class = "class", "课程";
    }
}

/// Points of one piece at most.
const POINTS: i64 = 100_000;
/// Pieces of one offer at most.
const STOCK: i64 = 100_000;
/// Pieces for one person at most.
const PER_PERSON: i64 = 1_000;
/// An offer ends within so many days.
const LONGEST_DAYS: i64 = 5 * 366;

/// The code of a merchant: 2–40 characters of `a-z`, `0-9` and `-`.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = String, example = "wenxing")]
pub struct MerchantCode(String);

impl MerchantCode {
    /// # Errors
    /// Another form.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let fits = (2..=40).contains(&given.len())
            && given.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(given.to_owned()))
        } else {
            Err(FieldError::new(field, "商户代码为 2–40 位小写字母、数字或连字符"))
        }
    }

    /// A code that was checked before it was stored.
    pub const fn trusted(code: String) -> Self {
        Self(code)
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The words and figures of a new offer, as they are sent.
#[derive(Debug, Clone)]
pub struct OfferForm<'a> {
    /// What one gets.
    pub title: &'a str,
    /// What kind of benefit.
    pub category: Category,
    /// Points for one piece.
    pub points: i64,
    /// Pieces.
    pub stock: i64,
    /// Pieces for one person.
    pub per_person: i64,
    /// No codes after this instant.
    pub valid_until: Timestamp,
    /// Who gives it.
    pub merchant: &'a str,
}

/// An offer that may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOffer {
    /// What one gets; 2–200 characters.
    pub title: String,
    /// What kind of benefit.
    pub category: Category,
    /// Points for one piece.
    pub points: i64,
    /// Pieces.
    pub stock: i64,
    /// Pieces for one person.
    pub per_person: i16,
    /// No codes after this instant.
    pub valid_until: Timestamp,
    /// Who gives it.
    pub merchant: MerchantCode,
}

impl NewOffer {
    /// # Errors
    /// Every field that is out of range, all at once.
    pub fn parse(form: &OfferForm<'_>, now: Timestamp) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let title = faults.take(text::line("title", form.title, 2, 200));
        let points = faults.take(within("points", form.points, 1, POINTS));
        let stock = faults.take(within("stock", form.stock, 1, STOCK));
        let per_person = faults.take(within("per_person", form.per_person, 1, PER_PERSON));
        let merchant = faults.take(MerchantCode::parse("merchant", form.merchant));
        let latest = now + TimeDelta::days(LONGEST_DAYS);
        if form.valid_until <= now || form.valid_until > latest {
            faults.add("valid_until", "截止时间要在现在之后、5 年之内");
        }
        match (title, points, stock, per_person, merchant) {
            (Some(title), Some(points), Some(stock), Some(per_person), Some(merchant)) => {
                faults.check()?;
                let (category, valid_until) = (form.category, form.valid_until);
                let per_person = i16::try_from(per_person).unwrap_or(i16::MAX);
                Ok(Self { title, category, points, stock, per_person, valid_until, merchant })
            }
            _ => Err(faults.check().err().unwrap_or(Invalid(Vec::new()))),
        }
    }
}

fn within(field: &str, given: i64, least: i64, most: i64) -> Result<i64, FieldError> {
    if (least..=most).contains(&given) {
        Ok(given)
    } else {
        Err(FieldError::new(field, format!("只能是 {least}–{most} 的整数，现在是 {given}")))
    }
}

/// An offer as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Points for one piece.
    pub points: i64,
    /// Pieces for one person.
    pub per_person: i16,
    /// No codes after this instant.
    pub valid_until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    fn form() -> OfferForm<'static> {
        OfferForm {
            title: "幸福餐厅午餐一份",
            category: Category::Dining,
            points: 50,
            stock: 100,
            per_person: 2,
            valid_until: at("2026-12-31 00:00"),
            merchant: "wenxing",
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
}
