//! The tree of party bodies (党组织): committee → branch → group → household. A body hangs below one of
//! the kind right above, so that the tree has no loops whoever moves what.

use super::Refused;
use crate::{
    org::{NodeCode, NodeKind},
    refusal::{Faults, FieldError, Invalid},
    text,
};

/// What the code of a party body begins with: it is no division's and no department's.
const PREFIX: &str = "party-";
/// Estates that a branch covers at most.
const ESTATES: usize = 50;

/// The kind right above; a committee has none.
pub const fn above(kind: NodeKind) -> Option<NodeKind> {
    match kind {
        NodeKind::PartyBranch => Some(NodeKind::PartyCommittee),
        NodeKind::PartyGroup => Some(NodeKind::PartyBranch),
        NodeKind::PartyHousehold => Some(NodeKind::PartyGroup),
        _ => None,
    }
}

/// A body as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its code.
    pub code: NodeCode,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The body above it.
    pub parent: Option<NodeCode>,
    /// The division that it belongs to.
    pub division: Option<NodeCode>,
    /// Whether it is in use.
    pub active: bool,
}

/// Found a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its code, for good.
    pub code: NodeCode,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The body above it; none for a committee.
    pub parent: Option<NodeCode>,
    /// The division that it belongs to; that of the body above where none is named.
    pub division: Option<NodeCode>,
    /// The estates that a branch covers.
    pub estates: Vec<NodeCode>,
}

impl Found {
    /// # Errors
    /// No party body's code or kind; a parent is missing or too many; estates of what is no branch.
    pub fn parse(
        (code, kind, name): (&str, NodeKind, &str),
        parent: Option<&str>,
        division: Option<&str>,
        estates: &[String],
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let code = faults.take(NodeCode::parse("code", code));
        if code.as_ref().is_some_and(|code| !code.as_str().starts_with(PREFIX)) {
            faults.add("code", format!("党组织的代码以 {PREFIX} 开头，例如 party-140213066004-05"));
        }
        let name = faults.take(text::line("name", name, 2, 60));
        let parent = faults.take(NodeCode::optional("parent", parent)).flatten();
        let division = faults.take(NodeCode::optional("division", division)).flatten();
        let party = kind == NodeKind::PartyCommittee || above(kind).is_some();
        if !party {
            faults.add("kind", "只能是社区党委、党支部、楼栋党小组或党员中心户");
        } else if above(kind).is_some() != parent.is_some() {
            faults.add("parent", "社区党委没有上级，其余都要写上级党组织的代码");
        }
        if kind == NodeKind::PartyCommittee && division.is_none() {
            faults.add("division", "社区党委要写所属社区的区划代码");
        }
        let list = estates_of(kind, estates, &mut faults);
        faults.check()?;
        let (Some(code), Some(name)) = (code, name) else { return Err(Invalid(Vec::new())) };
        Ok(Self { code, kind, name, parent, division, estates: list })
    }
}

fn estates_of(kind: NodeKind, given: &[String], faults: &mut Faults) -> Vec<NodeCode> {
    if kind != NodeKind::PartyBranch && !given.is_empty() {
        faults.add("estates", "只有党支部对应小区");
    }
    match estates(given) {
        Ok(list) => list,
        Err(fault) => {
            faults.add(fault.field, fault.reason);
            Vec::new()
        }
    }
}

/// The estates that a branch covers, each once.
///
/// # Errors
/// One is no code, or there are too many.
pub fn estates(given: &[String]) -> Result<Vec<NodeCode>, FieldError> {
    if given.len() > ESTATES {
        return Err(FieldError::new("estates", format!("一个党支部最多对应 {ESTATES} 个小区")));
    }
    let mut list: Vec<NodeCode> =
        given.iter().map(|code| NodeCode::parse("estates", code)).collect::<Result<_, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// Put a body right: what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape {
    /// Its new name.
    pub name: Option<String>,
    /// The body below which it hangs from now on.
    pub parent: Option<NodeCode>,
    /// The estates that a branch covers from now on, all of them.
    pub estates: Option<Vec<NodeCode>>,
}

impl Reshape {
    /// # Errors
    /// Nothing is named, or a field breaks a rule.
    pub fn parse(
        name: Option<&str>,
        parent: Option<&str>,
        given: Option<&[String]>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let name = name.and_then(|name| faults.take(text::line("name", name, 2, 60)));
        let parent = faults.take(NodeCode::optional("parent", parent)).flatten();
        let estates = given.and_then(|given| faults.take(estates(given)));
        faults.check()?;
        if name.is_none() && parent.is_none() && estates.is_none() {
            return Err(Invalid::field("", "请至少填写一项：名称、上级党组织或对应的小区"));
        }
        Ok(Self { name, parent, estates })
    }
}

impl Body {
    /// # Errors
    /// It is in use no more.
    pub const fn in_use(&self) -> Result<(), Refused> {
        if self.active { Ok(()) } else { Err(Refused::BodyInactive) }
    }

    /// Whether something of this kind may hang below it.
    ///
    /// # Errors
    /// It is in use no more, or not right above.
    pub fn takes(&self, kind: NodeKind) -> Result<(), Invalid> {
        let right = self.active && above(kind) == Some(self.kind);
        if right {
            return Ok(());
        }
        let wanted = above(kind).map_or("", NodeKind::label);
        Err(Invalid::field("parent", format!("{}的上级应是在用的{wanted}", kind.label())))
    }

    /// Whether it may be put out of use.
    ///
    /// # Errors
    /// It is already; members or bodies are left below it.
    pub const fn deactivate(&self, members: i64, bodies: i64) -> Result<(), Refused> {
        match (self.active, members, bodies) {
            (false, ..) => Err(Refused::BodyInactive),
            (true, 1.., _) => Err(Refused::BodyHasMembers(members)),
            (true, _, 1..) => Err(Refused::BodyHasBodies(bodies)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: NodeKind, active: bool) -> Body {
        let code = NodeCode::parse("code", "party-x").unwrap();
        Body { code, kind, name: "一".to_owned(), parent: None, division: None, active }
    }

    /// Every kind × every kind: only the kind right above takes it.
    #[test]
    fn a_body_hangs_below_the_kind_right_above() {
        for (kind, taken) in
            NodeKind::ALL.iter().flat_map(|k| NodeKind::ALL.iter().map(move |t| (k, t)))
        {
            let right = above(*taken) == Some(*kind);
            assert_eq!(body(*kind, true).takes(*taken).is_ok(), right, "{kind} {taken}");
            assert!(body(*kind, false).takes(*taken).is_err());
        }
    }

    #[test]
    fn what_still_has_members_stays() {
        let branch = body(NodeKind::PartyBranch, true);
        assert_eq!(branch.deactivate(0, 0), Ok(()));
        assert_eq!(branch.deactivate(2, 1), Err(Refused::BodyHasMembers(2)));
        assert_eq!(branch.deactivate(0, 1), Err(Refused::BodyHasBodies(1)));
        let gone = body(NodeKind::PartyBranch, false);
        assert_eq!(gone.deactivate(0, 0), Err(Refused::BodyInactive));
    }

    #[test]
    fn a_new_body_is_complete() {
        let branch = NodeKind::PartyBranch;
        let parse = |code, kind, parent, division, estates: &[&str]| {
            let estates: Vec<String> = estates.iter().map(ToString::to_string).collect();
            let parsed = Found::parse((code, kind, "文兴花园党支部"), parent, division, &estates);
            parsed.map_err(|invalid| {
                invalid.0.iter().map(|one| one.field.clone()).collect::<Vec<_>>()
            })
        };
        let good = parse("party-x-01", branch, Some("party-x"), None, &["140213066004001"; 2]);
        assert_eq!(good.unwrap().estates.len(), 1, "each estate once");
        assert_eq!(parse("x-01", branch, Some("party-x"), None, &[]).unwrap_err(), ["code"]);
        assert_eq!(parse("party-x-01", branch, None, None, &[]).unwrap_err(), ["parent"]);
        let committee = NodeKind::PartyCommittee;
        let wrong = parse("party-x", committee, Some("party-y"), None, &["140213066004001"]);
        assert_eq!(wrong.unwrap_err(), ["parent", "division", "estates"]);
        let unit = parse("party-x", NodeKind::Department, None, None, &[]);
        assert_eq!(unit.unwrap_err(), ["kind"]);
        assert!(Reshape::parse(None, None, None).is_err());
        assert!(Reshape::parse(Some("文兴花园第一党支部"), None, None).is_ok());
    }
}
