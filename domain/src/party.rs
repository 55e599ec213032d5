//! Party members (党员) as the register knows them. Who stands on it is sensitive: nobody outside
//! the register's own desks learns whether a name and a number agree with it.

use crate::{
    id::{AccountId, MemberId},
    personal::{IdTail, PersonName},
    refusal::{Faults, Invalid},
};

/// Who somebody says they are on the register: a name and the last six characters of the ID
/// number. Only together they mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: PersonName,
    /// The last six characters of the ID number.
    pub number: IdTail,
}

impl Identity {
    /// # Errors
    /// No name, or not six characters of an ID number. What is well-formed is never judged here.
    pub fn parse(field: &str, name: &str, number: &str) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let name = faults.take(PersonName::parse(&format!("{field}.name"), name));
        let number = faults.take(IdTail::parse(&format!("{field}.id_number_last6"), number));
        faults.check()?;
        match (name, number) {
            (Some(name), Some(number)) => Ok(Self { name, number }),
            _ => Err(Invalid(Vec::new())),
        }
    }

    /// What is looked up by: both parts in one text, so that neither can be tried alone.
    pub fn key(&self) -> String {
        format!("{}\n{}", self.name.plain(), self.number.plain())
    }
}

codes! {
    /// The rank at work (职级). 科级及以下 are bound to the yearly minimum of services and hours.
    pub enum Rank {
        /// None: workers, and staff of institutions and enterprises without one.
        None = "none", "无职级";
        /// 科员、办事员.
        Clerk = "clerk", "科员";
        /// 科级副职.
        SectionDeputy = "section_deputy", "科级副职";
        /// 科级正职.
        Section = "section", "科级正职";
        /// 处级副职.
        DivisionDeputy = "division_deputy", "处级副职";
        /// 处级正职.
        Division = "division", "处级正职";
        /// 厅局级及以上.
        Bureau = "bureau", "厅局级及以上";
    }
}

impl Rank {
    /// Whether the rank is 科级及以下, which the yearly minimum binds.
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::None | Self::Clerk | Self::SectionDeputy | Self::Section)
    }
}

/// A row of the register, as registrations need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// The account that a community signed as this member.
    pub account: Option<AccountId>,
    /// The work unit that gets the receipt.
    pub work_unit: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_ends_in_six_characters() {
        for good in ["100001", "12345X", " 12345x "] {
            let identity = Identity::parse("party_member", "演示党员1", good).unwrap();
            assert_eq!(identity.number.plain(), good.trim().to_ascii_uppercase());
        }
        for bad in ["", "10001", "1000011", "X00001", "10000１", "1000 1", "abcdef"] {
            let faults = Identity::parse("party_member", "演示党员1", bad).unwrap_err();
            assert_eq!(faults.0[0].field, "party_member.id_number_last6", "{bad}");
        }
        let both = Identity::parse("party_member", " ", "1").unwrap_err();
        assert_eq!(both.0.len(), 2, "a form names all its faults");
    }

    #[test]
    fn the_key_needs_both_and_nothing_prints() {
        let one = Identity::parse("p", "王强", "100001").unwrap();
        let other = Identity::parse("p", "王强", "100002").unwrap();
        assert_ne!(one.key(), other.key());
        let printed = format!("{one:?}");
        assert!(!printed.contains("王强") && !printed.contains("100001"), "{printed}");
    }
}
