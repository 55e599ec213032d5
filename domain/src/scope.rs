//! Scope (数据范围): which rows an account may read. Every read function takes a [`Scope`], and
//! only [`Scope::of`] makes one, from an authenticated account: a list, search or export that
//! forgets it does not compile.

use crate::{
    id::AccountId,
    identity::{Actor, Role},
    org::NodeCode,
};

/// The rows an account may read. Its parts are alternatives: a row is readable when any fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    everything: bool,
    areas: Vec<String>,
    units: Vec<String>,
    organises: bool,
    liaises: Vec<String>,
    register: Register,
    audits: bool,
    shops: Vec<String>,
    administers: bool,
    supervises: bool,
    account: AccountId,
}

/// Which part of the party register may be read. Nobody reads it by a role of another kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    /// All of it.
    pub everything: bool,
    /// All of it is kept too, not only read: an auditor's is not.
    pub keeps_everything: bool,
    /// What stands below these party bodies.
    pub roots: Vec<String>,
    /// What stands below the party bodies of these communities.
    pub communities: Vec<String>,
}

/// What decides who reads a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseReaders {
    /// The account that reported it; nobody for a whistle.
    pub reporter: Option<AccountId>,
    /// The community it is about.
    pub community: Option<NodeCode>,
    /// The units that have or had a part in it, and the bodies that tasks were handed to.
    pub units: Vec<NodeCode>,
    /// The unit that it reports.
    pub reported_unit: Option<NodeCode>,
}

/// For whom a view is made; it decides what the view may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Audience {
    /// The person who reported.
    Reporter,
    /// A unit that handles a task, or an officer of the area.
    Unit,
    /// The district centre, supervisors, leaders and auditors.
    Centre,
}

impl Scope {
    /// The scope of an authenticated account.
    pub fn of(actor: &Actor) -> Self {
        let held = |wanted: fn(Role) -> bool| {
            actor
                .grants
                .iter()
                .filter(move |grant| wanted(grant.role))
                .map(|grant| grant.scope.clone())
                .collect::<Vec<_>>()
        };
        let areas = held(|role| {
            matches!(role, Role::GridOfficer | Role::CommunityOfficer | Role::SubdistrictOfficer)
        })
        .into_iter()
        .filter(|scope| NodeCode::parse("scope", scope).is_ok_and(|code| code.is_division()))
        // A grid officer reads the complaints of the community that the grid belongs to.
        .map(|scope| scope.chars().take(12).collect())
        .collect();
        Self {
            everything: actor.grants.iter().any(|grant| grant.role.is_centre()),
            areas,
            units: held(Role::works_tasks),
            organises: actor.has(Role::Organiser),
            liaises: held(|role| role == Role::UnitLiaison),
            register: Register {
                everything: actor.has(Role::Organiser) || actor.has(Role::Auditor),
                keeps_everything: actor.has(Role::Organiser),
                roots: held(|role| role == Role::BranchSecretary),
                communities: held(|role| role == Role::CommunityOfficer),
            },
            audits: actor.has(Role::Auditor),
            shops: held(|role| role == Role::MerchantManager),
            administers: actor.has(Role::SystemAdmin),
            supervises: actor.has(Role::Supervisor),
            account: actor.account,
        }
    }

    /// Whether every row of the district may be read.
    pub const fn everything(&self) -> bool {
        self.everything
    }

    /// The divisions whose complaints may be read, as prefixes of community codes.
    pub fn areas(&self) -> &[String] {
        &self.areas
    }

    /// The same as patterns for `like any`. Codes hold digits only, so nothing needs escaping.
    pub fn area_patterns(&self) -> Vec<String> {
        self.areas.iter().map(|area| format!("{area}%")).collect()
    }

    /// The units whose tasks, and the complaints they belong to, may be read.
    pub fn units(&self) -> &[String] {
        &self.units
    }

    /// Whether the posts of every community, and who claimed them, may be read (组织部).
    pub const fn organises(&self) -> bool {
        self.organises
    }

    /// The work units (工作单位) whose members' registrations and results may be read.
    pub fn liaises(&self) -> &[String] {
        &self.liaises
    }

    /// Whether the rows of every work unit may be read: those who organise, and auditors.
    pub const fn every_unit(&self) -> bool {
        self.organises || self.everything
    }

    /// Which part of the party register may be read.
    pub const fn register(&self) -> &Register {
        &self.register
    }

    /// The merchants that the account manages, by their codes.
    pub fn shops(&self) -> &[String] {
        &self.shops
    }

    /// Whether what people say of the application may be read.
    pub const fn administers(&self) -> bool {
        self.administers
    }

    /// Whether what burdens people may be read.
    pub const fn supervises(&self) -> bool {
        self.supervises
    }

    /// Whether the audit trail may be read.
    pub const fn audits(&self) -> bool {
        self.audits
    }

    /// Whether every merchant's offers and statements may be read.
    pub const fn reads_shops(&self) -> bool {
        self.audits || self.organises
    }

    /// Whether a merchant's offers, people and statements may be read.
    pub fn reads_shop(&self, merchant: &str) -> bool {
        self.reads_shops() || self.shops.iter().any(|own| own == merchant)
    }

    /// The account itself, whose own rows may be read.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Whether a complaint that is at hand may be read.
    pub fn reads(&self, complaint: &crate::complaint::Complaint) -> bool {
        self.reads_case(&CaseReaders {
            reporter: complaint.reporter,
            community: Some(complaint.community.clone()),
            units: complaint.units.clone(),
            reported_unit: complaint.reported_unit.clone(),
        })
    }

    /// Whether a case may be read, by what decides it: what the lists ask in SQL.
    pub fn reads_case(&self, case: &CaseReaders) -> bool {
        if self.everything || case.reporter == Some(self.account) {
            return true;
        }
        // Whoever is reported does not read the report, nor do those under them.
        let reported = case.reported_unit.as_ref().map(NodeCode::as_str);
        if reported.is_some_and(|code| self.units.iter().any(|own| own.starts_with(code))) {
            return false;
        }
        let near =
            |place: &NodeCode| self.areas.iter().any(|area| place.as_str().starts_with(area));
        case.community.as_ref().is_some_and(near)
            || case.units.iter().any(|unit| self.units.iter().any(|own| own == unit.as_str()))
    }

    /// The audience for rows that are not the account's own.
    pub const fn audience(&self) -> Audience {
        if self.everything {
            Audience::Centre
        } else if self.areas.is_empty() && self.units.is_empty() {
            Audience::Reporter
        } else {
            Audience::Unit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::Id, identity::Grant};

    fn actor(grants: &[(Role, &str)]) -> Actor {
        Actor {
            account: AccountId::from_parts(chrono::DateTime::UNIX_EPOCH, &[7; 10]),
            grants: grants
                .iter()
                .map(|(role, scope)| Grant { role: *role, scope: (*scope).to_owned() })
                .collect(),
        }
    }

    #[test]
    fn each_role_reads_its_own_rows_only() {
        let resident = Scope::of(&actor(&[(Role::Resident, "self")]));
        assert!(
            !resident.everything() && resident.areas().is_empty() && resident.units().is_empty()
        );
        assert_eq!(resident.audience(), Audience::Reporter);

        let clerk = Scope::of(&actor(&[(Role::DepartmentClerk, "housing")]));
        assert_eq!(clerk.units(), ["housing"]);
        assert!(clerk.areas().is_empty());
        assert_eq!(clerk.audience(), Audience::Unit);

        let officer = Scope::of(&actor(&[(Role::CommunityOfficer, "140213066004")]));
        assert_eq!(officer.area_patterns(), ["140213066004%"]);
        assert_eq!(officer.units(), ["140213066004"]);

        for role in Role::ALL {
            let scope = Scope::of(&actor(&[(*role, "140213")]));
            assert_eq!(scope.everything(), role.is_centre(), "{role}");
        }
    }

    #[test]
    fn the_register_is_read_inside_the_branch_and_above() {
        for role in Role::ALL {
            let scope = Scope::of(&actor(&[(*role, "party-140213066004-01")]));
            let register = scope.register();
            let all = matches!(role, Role::Organiser | Role::Auditor);
            assert_eq!(register.everything, all, "{role}");
            assert_eq!(register.keeps_everything, *role == Role::Organiser, "{role}");
            assert_eq!(register.roots.is_empty(), *role != Role::BranchSecretary, "{role}");
            assert_eq!(register.communities.is_empty(), *role != Role::CommunityOfficer, "{role}");
        }
    }

    #[test]
    fn a_word_is_never_an_area() {
        let odd = Scope::of(&actor(&[(Role::CommunityOfficer, "%")]));
        assert!(odd.areas().is_empty());
    }
}
