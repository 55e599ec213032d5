//! Floating members (流动党员): away from home, or here from elsewhere. The branch of the register is
//! one end; the other one is another branch of ours, or named in words.

use chrono::NaiveDate;

use super::Ledger;
use crate::{
    org::NodeCode,
    personal::Phone,
    refusal::{Faults, Invalid},
    text,
};

codes! {
    /// Which end the register's branch is.
    pub enum Direction {
        /// The branch is home; the member is elsewhere.
        Out = "out", "流出";
        /// The branch is the host; home is elsewhere.
        In = "in", "流入";
    }
}

/// The other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherEnd {
    /// A branch of this register.
    Branch(NodeCode),
    /// Somebody else's, by its name.
    Named(String),
}

/// How somebody floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Float {
    /// Which end the register's branch is.
    pub direction: Direction,
    /// The other end.
    pub other: OtherEnd,
    /// Where to, or from where.
    pub place: String,
    /// Since when.
    pub since: NaiveDate,
    /// Who is called at the other end.
    pub contact: Option<Phone>,
    /// The ledger to which the member comes back.
    pub ledger: Ledger,
}

/// The same as somebody wrote it.
#[derive(Debug, Clone)]
pub struct FloatForm<'a> {
    /// Which end the register's branch is.
    pub direction: Direction,
    /// The code of the other end's branch.
    pub other_branch: Option<&'a str>,
    /// Or its name.
    pub other_name: Option<&'a str>,
    /// Where to, or from where.
    pub place: &'a str,
    /// Since when.
    pub since: NaiveDate,
    /// The telephone of the other end.
    pub contact: Option<&'a str>,
    /// The ledger before; 直管 where none is named.
    pub ledger: Option<Ledger>,
}

impl FloatForm<'_> {
    /// # Errors
    /// Not exactly one other end; a date in the future; a field is missing or too long.
    pub fn parse(&self, today: NaiveDate) -> Result<Float, Invalid> {
        let mut faults = Faults::default();
        let branch = faults.take(NodeCode::optional("other_branch", self.other_branch)).flatten();
        let named = faults.take(text::optional("other_name", self.other_name, 100)).flatten();
        let place = faults.take(text::line("place", self.place, 2, 100));
        let contact = self.contact.filter(|text| !text.trim().is_empty());
        let contact = contact.and_then(|text| faults.take(Phone::parse("contact", text)));
        if self.since > today {
            faults.add("since", "流动开始的日期不能晚于今天");
        }
        if self.ledger == Some(Ledger::Floating) {
            faults.add("ledger", "请写流动结束后回到哪个台账：直管、离退或在职");
        }
        let other = match (branch, named) {
            (Some(branch), None) => Some(OtherEnd::Branch(branch)),
            (None, Some(named)) => Some(OtherEnd::Named(named)),
            _ => {
                faults.add("other_name", "另一端的党组织写一个：本区的写代码，外地的写名称");
                None
            }
        };
        faults.check()?;
        let other = other.ok_or_else(|| Invalid(Vec::new()))?;
        Ok(Float {
            direction: self.direction,
            other,
            place: place.unwrap_or_default(),
            since: self.since,
            contact,
            ledger: self.ledger.unwrap_or(Ledger::Direct),
        })
    }
}

/// The day on which somebody came back.
///
/// # Errors
/// Before the stay began, or in the future.
pub fn ended(since: NaiveDate, on: NaiveDate, today: NaiveDate) -> Result<(), Invalid> {
    if on > today {
        return Err(Invalid::field("on", "流动结束的日期不能晚于今天"));
    }
    if on < since {
        return Err(Invalid::field("on", format!("流动结束的日期不能早于流动开始的 {since}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> FloatForm<'static> {
        FloatForm {
            direction: Direction::Out,
            other_branch: None,
            other_name: Some("北京市朝阳区流动党支部"),
            place: "北京市朝阳区",
            since: "2026-03-01".parse().unwrap(),
            contact: Some("010-88886666"),
            ledger: None,
        }
    }

    #[test]
    fn there_is_exactly_one_other_end() {
        let today = "2026-11-24".parse().unwrap();
        let parsed = form().parse(today).unwrap();
        assert_eq!(parsed.other, OtherEnd::Named("北京市朝阳区流动党支部".to_owned()));
        assert_eq!(parsed.ledger, Ledger::Direct);
        let branch = Some("party-140213066004-02");
        let both = FloatForm { other_branch: branch, ..form() }.parse(today).unwrap_err();
        assert_eq!(both.0[0].field, "other_name");
        let none = FloatForm { other_name: Some(" "), ..form() }.parse(today).unwrap_err();
        assert_eq!(none.0[0].field, "other_name");
        let other = FloatForm { other_branch: branch, other_name: None, ..form() }.parse(today);
        assert!(matches!(other.unwrap().other, OtherEnd::Branch(_)));
    }

    #[test]
    fn a_stay_does_not_begin_tomorrow_nor_end_before_it_began() {
        let (before, day): (NaiveDate, NaiveDate) =
            ("2026-02-28".parse().unwrap(), "2026-03-01".parse().unwrap());
        assert_eq!(form().parse(before).unwrap_err().0[0].field, "since");
        assert!(ended(day, day, day).is_ok());
        assert!(ended(day, before, day).is_err() && ended(before, day, before).is_err());
        let floating = FloatForm { ledger: Some(Ledger::Floating), ..form() };
        assert_eq!(floating.parse(day).unwrap_err().0[0].field, "ledger");
    }
}
