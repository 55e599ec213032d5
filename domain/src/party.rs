//! Party members (党员) as the register knows them. Who stands on it is sensitive: nobody outside
//! the register's own desks learns whether a name and a number agree with it.
//!
//! What a row holds and how it is changed is in [`entry`], the five colours in [`colour`], transfers
//! between branches in [`transfer`], floating members in [`floating`], files in [`roll`], the tree
//! of party bodies in [`tree`].

use crate::{
    id::{AccountId, MemberId},
    personal::{IdTail, PersonName},
    refusal::{Faults, Invalid},
};

pub mod colour;
pub mod entry;
pub mod floating;
mod refused;
pub mod roll;
pub mod transfer;
pub mod tree;

pub use refused::Refused;

codes! {
    /// The four ledgers (四本台账).
    pub enum Ledger {
        /// Managed by the community itself.
        Direct = "direct", "直管";
        /// Retired, or living on after the post.
        Retired = "retired", "离退";
        /// At work in a unit.
        Employed = "employed", "在职";
        /// Away from home, or here from elsewhere.
        Floating = "floating", "流动";
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

codes! {
    /// How far the membership is (党籍).
    pub enum Standing {
        /// 正式党员.
        Full = "full", "正式党员";
        /// 预备党员.
        Probationary = "probationary", "预备党员";
    }
}

codes! {
    /// Whether somebody can take part as others do; no diagnosis stands here.
    pub enum Health {
        /// As others do.
        Good = "good", "正常";
        /// Weak: visited, not called.
        Frail = "frail", "体弱";
    }
}

codes! {
    /// As the ID number says it.
    pub enum Sex {
        /// 男.
        Male = "male", "男";
        /// 女.
        Female = "female", "女";
    }
}

codes! {
    /// Why somebody stands on the register no more.
    pub enum RemovedAs {
        /// To an organisation outside the district.
        MovedAway = "moved_away", "组织关系转出本区";
        /// Died.
        Died = "died", "去世";
        /// 除名、开除.
        Expelled = "expelled", "除名或开除党籍";
        /// 退党.
        Left = "left", "退党";
        /// Should never have stood there.
        Mistake = "mistake", "登记有误";
    }
}

codes! {
    /// What happened to a row of the register.
    pub enum ChangeKind {
        /// Somebody was added by hand.
        Added = "added", "登记";
        /// Somebody came with a file.
        Imported = "imported", "导入";
        /// The full number was filled in.
        Completed = "completed", "补全身份证号码";
        /// Something was put right.
        Changed = "changed", "更正";
        /// To another ledger.
        LedgerChanged = "ledger_changed", "变更台账";
        /// Floats from now on.
        Floated = "floated", "登记流动";
        /// Came back.
        Returned = "returned", "流动结束";
        /// To another branch.
        Transferred = "transferred", "转接组织关系";
        /// Stands there no more.
        Removed = "removed", "移出名册";
    }
}

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
        key(self.name.plain(), self.number.plain())
    }
}

/// By what a member is found: the name and the last six characters of the number, in one text.
pub fn key(name: &str, tail: &str) -> String {
    format!("{name}\n{tail}")
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
