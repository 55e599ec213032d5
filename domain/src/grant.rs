//! Grants (授权): who is given which role on which scope takes two security administrators, and the
//! three administrators are three persons (三员分立).
//!
//! [`TRANSITIONS`] is the table of every step of a proposal. Revoking takes the same way; an urgent
//! one (停权先行) is in force from the proposal on and undone unless another administrator confirms it
//! by the end of the next working day.

use chrono::TimeDelta;

use crate::{
    id::AccountId,
    identity::{Grant, Role, Username},
    org::NodeKind,
    refusal::{Faults, Invalid},
    sla::Span,
    text,
    time::Timestamp,
};

mod refused;
#[cfg(test)]
mod tests;

pub use refused::Refused;

codes! {
    /// Where a proposal stands.
    pub enum Status {
        /// Waits for another administrator.
        Proposed = "proposed", "待批准";
        /// In force.
        Approved = "approved", "已批准";
        /// The other administrator did not agree.
        Refused = "refused", "未批准";
        /// Whoever proposed it took it back.
        Withdrawn = "withdrawn", "已撤回";
        /// Nobody decided in time.
        Expired = "expired", "已过期";
    }
}

codes! {
    /// The steps in a proposal's life.
    pub enum Step {
        /// Another administrator agrees.
        Approve = "approve", "批准";
        /// Another administrator does not agree.
        Refuse = "refuse", "不批准";
        /// The proposer takes it back.
        Withdraw = "withdraw", "撤回";
        /// Its time is over.
        Expire = "expire", "过期";
    }
}

codes! {
    /// What is proposed.
    pub enum Kind {
        /// A role for an account that exists.
        Grant = "grant", "授予角色";
        /// A role that an account holds is taken away.
        Revoke = "revoke", "收回角色";
        /// A new staff account with one role.
        Account = "account", "新建账号";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused with
/// `grant_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Approved, Expired, Proposed, Refused, Withdrawn};
    &[
        (Step::Approve, &[Proposed], &[Approved]),
        (Step::Refuse, &[Proposed], &[Refused]),
        (Step::Withdraw, &[Proposed], &[Withdrawn]),
        (Step::Expire, &[Proposed], &[Expired]),
    ]
};

/// How long a proposal waits **\[default\]**.
pub const WAITS: Span = Span::Minutes(7 * 24 * 60);
/// How long an urgent revocation waits to be confirmed: to the end of the next working day.
pub const URGENT_WAITS: Span = Span::WorkingDays(1);

/// So many enabled security administrators there must be, or nobody could approve anything.
pub const ADMINISTRATORS: usize = 2;

/// An account that nobody used for so long is listed in the yearly review **\[default\]**.
pub const UNUSED: TimeDelta = TimeDelta::days(90);

/// On what a role can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A node of the organisation's tree, of this kind.
    Node(NodeKind),
    /// A merchant.
    Merchant,
    /// A work unit (单位).
    WorkUnit,
}

/// On what each role can be held; every role has one line. A role with none is never given by hand:
/// a resident's comes with the first log-in, a member's with the signed registration.
pub const FITS: &[(Role, &[Place])] = {
    use NodeKind::{
        Community, Department, District, Estate, Grid, PartyBranch, PartyCommittee, Subdistrict,
        Utility, Village,
    };
    use Place::{Merchant, Node, WorkUnit};
    const DISTRICT: &[Place] = &[Node(District)];
    const DEPARTMENT: &[Place] = &[Node(Department), Node(Utility)];
    &[
        (Role::Resident, &[]),
        (Role::PartyMember, &[]),
        (Role::GridOfficer, &[Node(Grid), Node(Community), Node(Village)]),
        (Role::CommunityOfficer, &[Node(Community), Node(Village)]),
        (Role::SubdistrictOfficer, &[Node(Subdistrict)]),
        (Role::Dispatcher, DISTRICT),
        (Role::DepartmentClerk, DEPARTMENT),
        (Role::DepartmentHead, DEPARTMENT),
        (Role::Supervisor, DISTRICT),
        (Role::Organiser, DISTRICT),
        (Role::BranchSecretary, &[Node(PartyCommittee), Node(PartyBranch)]),
        (Role::Leader, DISTRICT),
        (Role::MerchantClerk, &[Merchant]),
        (Role::MerchantManager, &[Merchant]),
        (Role::UnitLiaison, &[WorkUnit]),
        (Role::PropertyClerk, &[Node(Estate), Node(Community)]),
        (Role::Auditor, DISTRICT),
        (Role::SecurityAdmin, DISTRICT),
        (Role::SystemAdmin, DISTRICT),
    ]
};

/// On what a role can be held.
pub fn places(role: Role) -> &'static [Place] {
    FITS.iter().find(|(one, _)| *one == role).map_or(&[], |(_, places)| places)
}

/// The roles that are no other staff role's beside them: of the three administrators (等保三员) none
/// is another, and none decides cases.
pub const ADMINISTRATION: &[Role] = &[Role::SecurityAdmin, Role::SystemAdmin, Role::Auditor];

/// Whether a person who holds these roles, on all their accounts, may hold one more.
///
/// # Errors
/// One of the two is an administrator's, and the other is another staff role.
pub fn apart(held: &[Role], new: Role) -> Result<(), Refused> {
    let beside = held.iter().any(|one| {
        one.is_staff()
            && new.is_staff()
            && *one != new
            && (ADMINISTRATION.contains(one) || ADMINISTRATION.contains(&new))
    });
    if beside { Err(Refused::NotSeparate) } else { Ok(()) }
}

/// Whose role is proposed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum Holder {
    /// An account that exists.
    Account(AccountId),
    /// An account that is made when the proposal is approved.
    New {
        /// The name that it logs in by.
        username: String,
        /// What colleagues see.
        display_name: String,
    },
}

/// What is proposed, as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// What.
    pub kind: Kind,
    /// Whose role; none of a new account.
    pub account: Option<AccountId>,
    /// Of a new account, the name that it logs in by.
    pub username: Option<&'a str>,
    /// Of a new account, what colleagues see.
    pub display_name: Option<&'a str>,
    /// The role.
    pub role: Role,
    /// The scope.
    pub scope: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Take the role away at once.
    pub urgent: bool,
}

/// Propose.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Propose {
    /// What.
    pub kind: Kind,
    /// Whose role.
    pub holder: Holder,
    /// The role on its scope.
    pub grant: Grant,
    /// Why; 2–200 characters.
    pub reason: String,
    /// Take the role away at once.
    pub urgent: bool,
}

impl Propose {
    /// # Errors
    /// A role that is not given by hand; a field that is missing, too much or wrong.
    pub fn parse(form: Form<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        if places(form.role).is_empty() {
            faults.add("role", "居民和党员身份不由人工授予：登录、报到审核时自动取得");
        }
        let scope = form.scope.trim();
        if scope.is_empty() || scope.chars().count() > 40 {
            faults.add("scope", "请填写范围：区划、部门、党组织、商户或单位的代码，至多 40 个字符");
        }
        let reason = faults.take(text::line("reason", form.reason, 2, 200));
        if form.urgent && form.kind != Kind::Revoke {
            faults.add("urgent", "只有收回角色可以先行停权");
        }
        let holder = if form.kind == Kind::Account {
            if form.account.is_some() {
                faults.add("account", "新建账号时不填账号编号");
            }
            let username =
                faults.take(Username::parse("username", form.username.unwrap_or_default()));
            let name = form.display_name.unwrap_or_default();
            let display_name = faults.take(text::line("display_name", name, 2, 40));
            username.zip(display_name).map(|(username, display_name)| Holder::New {
                username: username.as_str().to_owned(),
                display_name,
            })
        } else {
            for (field, given) in [("username", form.username), ("display_name", form.display_name)]
            {
                if given.is_some() {
                    faults.add(field, "只有新建账号时填写");
                }
            }
            if form.account.is_none() {
                faults.add("account", "请填写账号编号");
            }
            form.account.map(Holder::Account)
        };
        faults.check()?;
        let (Some(holder), Some(reason)) = (holder, reason) else {
            return Err(Invalid(Vec::new()));
        };
        let grant = Grant { role: form.role, scope: scope.to_owned() };
        Ok(Self { kind: form.kind, holder, grant, reason, urgent: form.urgent })
    }

    /// How long it waits.
    pub const fn waits(&self) -> Span {
        if self.urgent { URGENT_WAITS } else { WAITS }
    }
}

/// A proposal as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Grows by one with each save.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// What.
    pub kind: Kind,
    /// Whose role.
    pub holder: Holder,
    /// The role on its scope.
    pub grant: Grant,
    /// The role is gone already.
    pub urgent: bool,
    /// Who proposed it.
    pub by: AccountId,
    /// It is over then.
    pub expires_at: Timestamp,
}

/// Who decides, compared with those whom it concerns, as persons: the same account, or the same phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decider {
    /// Whoever decides proposed it.
    pub proposed: bool,
    /// It is about whoever decides.
    pub concerned: bool,
}

impl Proposal {
    /// Whether the table allows a step at `now`. One whose time is over is expired, swept or not.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step, now: Timestamp) -> Result<Status, Refused> {
        let over = self.status == Status::Proposed && now >= self.expires_at;
        let status = if over && step != Step::Expire { Status::Expired } else { self.status };
        let listed = TRANSITIONS.iter().find(|(one, from, _)| {
            *one == step && from.contains(&status) && (step != Step::Expire || over)
        });
        let to = listed.and_then(|(_, _, to)| to.first()).copied();
        to.ok_or(Refused::Step { step, status })
    }

    /// Where a step leads.
    ///
    /// # Errors
    /// The table has no such step from here; deciding on one's own proposal or one's own role, or
    /// withdrawing another's.
    pub fn step(&self, step: Step, who: Decider, now: Timestamp) -> Result<Status, Refused> {
        let to = self.permit(step, now)?;
        match step {
            Step::Withdraw if !who.proposed => Err(Refused::AnothersProposal),
            Step::Approve | Step::Refuse if who.proposed => Err(Refused::OwnProposal),
            Step::Approve | Step::Refuse if who.concerned => Err(Refused::OwnRole),
            _ => Ok(to),
        }
    }

    /// What a proposal that came to `status` does to the role: it is given (`true`), taken
    /// (`false`), or stays as it is.
    pub const fn effect(&self, status: Status) -> Option<bool> {
        match (self.kind, self.urgent, status) {
            (Kind::Grant | Kind::Account, _, Status::Approved) => Some(true),
            (Kind::Revoke, false, Status::Approved) => Some(false),
            // Taken at once, and not confirmed.
            (Kind::Revoke, true, Status::Refused | Status::Withdrawn | Status::Expired) => {
                Some(true)
            }
            _ => None,
        }
    }
}

/// Whether enough security administrators are left when one goes.
///
/// # Errors
/// Fewer than two would be.
pub const fn enough(left: usize) -> Result<(), Refused> {
    if left < ADMINISTRATORS { Err(Refused::LastAdministrators) } else { Ok(()) }
}

/// Whether the command line may make an administrator: only until two security administrators can
/// propose and approve.
///
/// # Errors
/// There are two.
pub const fn bootstrap(administrators: usize) -> Result<(), Refused> {
    if administrators < ADMINISTRATORS { Ok(()) } else { Err(Refused::TakesTwo) }
}
