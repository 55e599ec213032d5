//! Offers (优惠): what a merchant gives for points, when and to whom, and who pays for it. A benefit,
//! not a sale.
//!
//! [`TRANSITIONS`] is the table of every step.

use chrono::TimeDelta;

use crate::{
    id::{AccountId, BudgetId, OfferId},
    refusal::{Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};

mod conditions;
mod refused;
#[cfg(test)]
mod tests;

pub use conditions::{Ages, Audience, Conditions, ConditionsForm, Hours, Person, Taken, Weekdays};
pub use refused::Refused;

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

codes! {
    /// Where an offer stands.
    pub enum Status {
        /// The merchant writes it.
        Draft = "draft", "草稿";
        /// It waits for the organiser.
        InReview = "in_review", "待审核";
        /// It can be redeemed.
        Published = "published", "已发布";
        /// It cannot be redeemed for the time being; codes that are out stay good.
        Paused = "paused", "已暂停";
        /// It is over; codes that are out stay good.
        Ended = "ended", "已结束";
    }
}

codes! {
    /// The steps in an offer's life.
    pub enum Step {
        /// Its words or conditions are changed.
        Change = "change", "修改";
        /// The merchant hands it in.
        Submit = "submit", "提交审核";
        /// The organiser publishes it.
        Approve = "approve", "审核通过";
        /// The organiser wants it changed.
        SendBack = "send_back", "退回修改";
        /// More pieces, or fewer.
        Stock = "stock", "增减份数";
        /// Nobody redeems it for the time being.
        Pause = "pause", "暂停";
        /// It is redeemed again.
        Resume = "resume", "恢复";
        /// It ends for good.
        End = "end", "结束";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is refused
/// with `offer_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Draft, Ended, InReview, Paused, Published};
    &[
        (Step::Change, &[Draft, Published, Paused], &[Draft, Published, Paused]),
        (Step::Submit, &[Draft], &[InReview]),
        (Step::Approve, &[InReview], &[Published]),
        (Step::SendBack, &[InReview], &[Draft]),
        (Step::Stock, &[Published, Paused], &[Published, Paused]),
        (Step::Pause, &[Published], &[Paused]),
        (Step::Resume, &[Paused], &[Published]),
        (Step::End, &[Draft, InReview, Published, Paused], &[Ended]),
    ]
};

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

/// The longest description, in characters.
const DESCRIPTION: usize = 2000;
/// What a piece costs whoever pays for it at most: 10,000 yuan, in fen.
const FEN: i64 = 1_000_000;

impl std::str::FromStr for MerchantCode {
    type Err = FieldError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::parse("merchant", given)
    }
}

/// The words and figures of an offer, as they are sent.
#[derive(Debug, Clone)]
pub struct OfferForm<'a> {
    /// What one gets.
    pub title: &'a str,
    /// More about it.
    pub description: Option<&'a str>,
    /// What kind of benefit.
    pub category: Category,
    /// Points for one piece.
    pub points: i64,
    /// Pieces.
    pub stock: i64,
    /// Pieces for one person.
    pub per_person: i64,
    /// From when; at once where none is given.
    pub valid_from: Option<Timestamp>,
    /// No codes after this instant.
    pub valid_until: Timestamp,
    /// Who gives it.
    pub merchant: &'a str,
    /// When and to whom.
    pub conditions: ConditionsForm<'a>,
    /// Who pays.
    pub funding: Funding,
}

codes! {
    /// Who pays by a budget.
    pub enum Payer {
        /// A work unit.
        Unit = "unit", "单位";
        /// A community.
        Community = "community", "社区";
        /// A fund.
        Fund = "fund", "专项资金";
    }
}

/// A budget's cap, in fen: at most 100 million yuan.
///
/// # Errors
/// Nothing, or beyond that.
pub fn cap(fen: i64) -> Result<i64, FieldError> {
    within("cap_fen", fen, 1, 10_000_000_000)
}

/// Who pays for a piece, and how much, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Funding {
    /// The budget; without one the merchant bears it itself.
    pub budget: Option<BudgetId>,
    /// What the payer owes the merchant for a piece.
    pub settlement_fen: i64,
    /// What the buyer adds at the till.
    pub cash_fen: i64,
}

impl Funding {
    fn check(self, faults: &mut Faults) {
        faults.take(within("settlement_fen", self.settlement_fen, 0, FEN));
        faults.take(within("cash_fen", self.cash_fen, 0, FEN));
        if self.budget.is_none() && self.settlement_fen > 0 {
            faults.add("budget", "写了结算价，就要选由哪一笔预算支付；商户自己承担的结算价写 0");
        }
    }

    /// What `pieces` commit of the budget.
    pub const fn of(self, pieces: i64) -> i64 {
        self.settlement_fen.saturating_mul(pieces)
    }
}

/// An offer that may be drafted or published.
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
    /// What need not be said.
    pub details: Details,
}

/// What an offer may say beside what it must.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// More about it.
    pub description: Option<String>,
    /// From when; at once where none is given.
    pub valid_from: Option<Timestamp>,
    /// When and to whom.
    pub conditions: Conditions,
    /// Who pays.
    pub funding: Funding,
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
        } else if form.valid_from.is_some_and(|from| from >= form.valid_until) {
            faults.add("valid_from", "开始时间要在截止时间之前");
        }
        let description =
            faults.take(text::optional("description", form.description, DESCRIPTION)).flatten();
        let conditions = Conditions::parse(&form.conditions, &mut faults);
        form.funding.check(&mut faults);
        faults.check()?;
        Ok(Self {
            title: title.unwrap_or_default(),
            category: form.category,
            points: points.unwrap_or_default(),
            stock: stock.unwrap_or_default(),
            per_person: per_person.and_then(|each| i16::try_from(each).ok()).unwrap_or(1),
            valid_until: form.valid_until,
            merchant: merchant.ok_or_else(|| Invalid(Vec::new()))?,
            details: Details {
                description,
                valid_from: form.valid_from,
                conditions,
                funding: form.funding,
            },
        })
    }

    /// From when it can be redeemed; one that begins at once begins at `now`.
    pub fn valid_from(&self, now: Timestamp) -> Timestamp {
        self.details.valid_from.unwrap_or(now)
    }
}

fn within(field: &str, given: i64, least: i64, most: i64) -> Result<i64, FieldError> {
    if (least..=most).contains(&given) {
        Ok(given)
    } else {
        Err(FieldError::new(field, format!("只能是 {least}–{most} 的整数，现在是 {given}")))
    }
}

/// More pieces of an offer, or fewer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Batch {
    /// How many; negative takes free pieces away.
    pub pieces: i32,
    /// Why, or what it is about.
    pub note: Option<String>,
}

impl Batch {
    /// # Errors
    /// No pieces, too many, or a note that is too long.
    pub fn parse(pieces: i64, note: Option<&str>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        if pieces == 0 || pieces.saturating_abs() > STOCK {
            faults.add("pieces", format!("份数为 1–{STOCK}，减少写负数"));
        }
        let note = faults.take(text::optional("note", note, 200)).flatten();
        faults.check()?;
        Ok(Self { pieces: i32::try_from(pieces).unwrap_or_default(), note })
    }
}

/// An offer as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Who gives it.
    pub merchant: MerchantCode,
    /// Grows by one with each save.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// Its merchant redeems nothing.
    pub suspended: bool,
    /// What kind of benefit.
    pub category: Category,
    /// Points for one piece.
    pub points: i64,
    /// Pieces.
    pub stock: i32,
    /// Pieces for one person.
    pub per_person: i16,
    /// From when.
    pub valid_from: Timestamp,
    /// No codes after this instant.
    pub valid_until: Timestamp,
    /// When and to whom.
    pub conditions: Conditions,
    /// Who pays.
    pub funding: Funding,
    /// Who wrote it.
    pub created_by: Option<AccountId>,
}

impl Offer {
    /// Whether the table allows a step from where it stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// Whether it was ever published: before that only its merchant and the organisers know of it.
    pub const fn is_out(&self) -> bool {
        !matches!(self.status, Status::Draft | Status::InReview)
    }

    /// What has lapsed is over for good: its budget was given back, and nobody asks it again.
    fn in_time(&self, now: Timestamp) -> Result<(), Refused> {
        if self.valid_until <= now { Err(Refused::Lapsed { at: self.valid_until }) } else { Ok(()) }
    }

    /// Takes a step that leads to another state.
    ///
    /// # Errors
    /// The table has no such step from here; the merchant is suspended or the offer has lapsed, and
    /// the step would let it be redeemed; who wrote it would approve it.
    pub fn step(&self, step: Step, by: AccountId, now: Timestamp) -> Result<Status, Refused> {
        self.permit(step)?;
        if matches!(step, Step::Approve | Step::Resume) {
            if self.suspended {
                return Err(Refused::Suspended);
            }
            self.in_time(now)?;
        }
        if step == Step::Approve && self.created_by == Some(by) {
            return Err(Refused::OwnOffer);
        }
        let leads = TRANSITIONS.iter().find(|(listed, ..)| *listed == step);
        Ok(leads.and_then(|(_, _, to)| to.first().copied()).unwrap_or(self.status))
    }

    /// Whether its words and conditions may become those of `new`. What was agreed with the payer
    /// stays once it was published: another price is another offer.
    ///
    /// # Errors
    /// It waits for the organiser or is over; it was published and has lapsed; merchant, category,
    /// points, stock or price differ.
    pub fn change(&self, new: &NewOffer, now: Timestamp) -> Result<(), Refused> {
        self.permit(Step::Change)?;
        if self.is_out() {
            self.in_time(now)?;
        }
        let kept = (&self.merchant, self.category, self.points, i64::from(self.stock));
        let wanted = (&new.merchant, new.category, new.points, new.stock);
        let drafted = self.status == Status::Draft && self.merchant == new.merchant;
        if !drafted && (kept != wanted || self.funding != new.details.funding) {
            return Err(Refused::PriceKept);
        }
        Ok(())
    }

    /// How many pieces there are after a batch.
    ///
    /// # Errors
    /// It is over, has lapsed or was never published; none would be left, or more than there may be.
    pub fn batch(&self, batch: &Batch, now: Timestamp) -> Result<i32, Refused> {
        self.permit(Step::Stock)?;
        self.in_time(now)?;
        let stock = self.stock.saturating_add(batch.pieces);
        if (1..=STOCK).contains(&i64::from(stock)) { Ok(stock) } else { Err(Refused::StockRange) }
    }

    /// Whether a person may have a piece now, as far as the offer itself says.
    ///
    /// # Errors
    /// Not published; its merchant is suspended; not yet, not today, not at this hour; not for this
    /// person; enough for a day or a week.
    pub fn judge(&self, person: &Person, taken: Taken, now: Timestamp) -> Result<(), Refused> {
        match self.status {
            Status::Published if self.suspended => return Err(Refused::Suspended),
            Status::Published => {}
            status => return Err(Refused::NotPublished { status }),
        }
        if now < self.valid_from {
            return Err(Refused::NotYet { from: self.valid_from });
        }
        self.conditions.judge(person, taken, now)
    }
}
