//! Merchants (商户): somebody applies, another decides; its manager invites clerks; a suspended one
//! redeems nothing; each month is settled in a statement.
//!
//! [`TRANSITIONS`] is the table of an application's steps, [`settlement::TRANSITIONS`] that of a
//! statement.

use serde_json::json;

use crate::{
    complaint::Location,
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ApplicationId},
    offer::MerchantCode,
    personal::{PersonName, Phone},
    refusal::{Faults, Invalid},
    text,
    time::Timestamp,
};

mod licence;
mod refused;
pub mod settlement;
#[cfg(test)]
mod tests;

pub use licence::Licence;
pub use refused::Refused;

codes! {
    /// Where an application stands.
    pub enum Status {
        /// It waits for the organiser.
        Pending = "pending", "待审核";
        /// The merchant is on.
        Approved = "approved", "已入驻";
        /// To be put right by the applicant.
        SentBack = "sent_back", "退回补正";
        /// It was not agreed to.
        Refused = "refused", "未通过";
        /// The applicant took it back.
        Withdrawn = "withdrawn", "已撤回";
    }
}

codes! {
    /// The steps in an application's life.
    pub enum Step {
        /// The applicant puts it right.
        Correct = "correct", "补正";
        /// The applicant takes it back.
        Withdraw = "withdraw", "撤回";
        /// The organiser agrees.
        Approve = "approve", "通过";
        /// The organiser wants it put right.
        SendBack = "send_back", "退回";
        /// The organiser does not agree.
        Refuse = "refuse", "不通过";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is refused
/// with `application_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Approved, Pending, Refused, SentBack, Withdrawn};
    &[
        (Step::Correct, &[Pending, SentBack], &[Pending]),
        (Step::Withdraw, &[Pending, SentBack], &[Withdrawn]),
        (Step::Approve, &[Pending], &[Approved]),
        (Step::SendBack, &[Pending], &[SentBack]),
        (Step::Refuse, &[Pending], &[Refused]),
    ]
};

/// What the whole word is configured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// So many working days a merchant disputes lines of a statement.
    pub dispute_days: u32,
}

impl Default for Rules {
    /// Five working days **\[default\]**.
    fn default() -> Self {
        Self { dispute_days: 5 }
    }
}

/// The shop as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct ShopForm<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is.
    pub address: &'a str,
    /// What it is.
    pub intro: Option<&'a str>,
    /// When it is open, in its own words.
    pub opening: Option<&'a str>,
    /// The number that it shows to everybody.
    pub shop_phone: Option<&'a str>,
    /// Where it is on the map.
    pub location: Option<(f64, f64)>,
}

/// The shop as residents see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shop {
    /// Its name; 2–100 characters.
    pub name: String,
    /// Where it is; 2–200 characters.
    pub address: String,
    /// What it is.
    pub intro: Option<String>,
    /// When it is open, in its own words.
    pub opening: Option<String>,
    /// The number that it shows to everybody.
    pub shop_phone: Option<String>,
    /// Where it is on the map.
    pub place: Option<Location>,
}

impl Shop {
    /// # Errors
    /// Every field that is missing, too long or wrong, all at once.
    pub fn parse(form: ShopForm<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let shop = Self::read(form, &mut faults);
        faults.check()?;
        Ok(shop)
    }

    fn read(form: ShopForm<'_>, faults: &mut Faults) -> Self {
        let name = faults.take(text::line("name", form.name, 2, 100));
        let address = faults.take(text::line("address", form.address, 2, 200));
        let intro = faults.take(text::optional("intro", form.intro, 2000)).flatten();
        let opening = faults.take(text::optional("opening", form.opening, 200)).flatten();
        let phone = form.shop_phone.filter(|given| !given.trim().is_empty());
        let phone = phone.and_then(|given| faults.take(Phone::parse("shop_phone", given)));
        let place = form.location.and_then(|(lng, lat)| faults.take(Location::new(lng, lat)));
        Self {
            name: name.unwrap_or_default(),
            address: address.unwrap_or_default(),
            intro,
            opening,
            shop_phone: phone.map(|phone| phone.plain().to_owned()),
            place,
        }
    }
}

/// An application as it is handed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Apply {
    /// The shop.
    pub shop: Shop,
    /// Its unified social credit code.
    pub licence: Licence,
    /// Whom to call.
    pub contact_name: PersonName,
    /// By which number.
    pub contact_phone: Phone,
}

impl Apply {
    /// # Errors
    /// Every field that is missing, too long or wrong, all at once.
    pub fn parse(
        shop: ShopForm<'_>,
        licence: &str,
        contact_name: &str,
        contact_phone: &str,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let shop = Shop::read(shop, &mut faults);
        let licence = faults.take(Licence::parse("licence", licence));
        let name = faults.take(PersonName::parse("contact_name", contact_name));
        let phone = faults.take(Phone::parse("contact_phone", contact_phone));
        faults.check()?;
        match (licence, name, phone) {
            (Some(licence), Some(contact_name), Some(contact_phone)) => {
                Ok(Self { shop, licence, contact_name, contact_phone })
            }
            _ => Err(Invalid(Vec::new())),
        }
    }
}

/// What the organiser says to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The merchant is on, under this code.
    Approve(MerchantCode),
    /// To be put right, and what.
    SendBack(String),
    /// Not agreed to, and why.
    Refuse(String),
}

impl Ruling {
    /// # Errors
    /// No code to approve under, no reason not to, or neither approval nor refusal.
    pub fn parse(step: Step, code: Option<&str>, reason: Option<&str>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let given = reason.unwrap_or_default();
        let ruling = match step {
            Step::Approve => {
                let code = MerchantCode::parse("code", code.unwrap_or_default());
                faults.take(code).map(Self::Approve)
            }
            Step::SendBack => faults.take(text::text("reason", given, 2, 500)).map(Self::SendBack),
            Step::Refuse => faults.take(text::text("reason", given, 2, 500)).map(Self::Refuse),
            Step::Correct | Step::Withdraw => {
                faults.add(
                    "decision",
                    "只能是 approve（通过）、send_back（退回）或 refuse（不通过）",
                );
                None
            }
        };
        faults.check()?;
        ruling.ok_or_else(|| Invalid(Vec::new()))
    }

    const fn step(&self) -> Step {
        match self {
            Self::Approve(_) => Step::Approve,
            Self::SendBack(_) => Step::SendBack,
            Self::Refuse(_) => Step::Refuse,
        }
    }
}

/// An application as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Grows by one with each save.
    pub version: i64,
    /// Who asks.
    pub applicant: AccountId,
    /// Where it stands.
    pub status: Status,
    /// Who decided last, and when.
    pub decided: Option<(AccountId, Timestamp)>,
    /// Why it was sent back or refused.
    pub reason: Option<String>,
    /// What it became.
    pub merchant: Option<MerchantCode>,
}

impl Application {
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

    /// A new one, which waits.
    pub const fn submit(id: ApplicationId, applicant: AccountId) -> Self {
        let status = Status::Pending;
        Self { id, version: 1, applicant, status, decided: None, reason: None, merchant: None }
    }

    /// The applicant hands it in again, or takes it back.
    ///
    /// # Errors
    /// It is decided for good.
    pub fn take_up(&self, step: Step) -> Result<Self, Refused> {
        self.permit(step)?;
        let status = if step == Step::Withdraw { Status::Withdrawn } else { Status::Pending };
        Ok(Self { status, decided: None, reason: None, ..self.clone() })
    }

    /// The organiser decides.
    ///
    /// # Errors
    /// It does not wait for that; the applicant would decide it.
    pub fn decide(
        &self,
        ruling: &Ruling,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(ruling.step())?;
        if by == self.applicant {
            return Err(Refused::OwnApplication);
        }
        let (status, kind, reason, merchant) = match ruling {
            Ruling::Approve(code) => {
                (Status::Approved, EventKind::MerchantApproved, None, Some(code.clone()))
            }
            Ruling::SendBack(why) => {
                (Status::SentBack, EventKind::MerchantSentBack, Some(why.clone()), None)
            }
            Ruling::Refuse(why) => {
                (Status::Refused, EventKind::MerchantRefused, Some(why.clone()), None)
            }
        };
        let event = NewEvent::new(kind, Visibility::Everyone)
            .with(json!({ "account": self.applicant }))
            .note(reason.clone());
        let decided = Some((by, now));
        let state = Self { status, decided, reason, merchant, ..self.clone() };
        Ok(Decision::one(state, event))
    }
}
