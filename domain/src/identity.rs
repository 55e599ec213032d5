//! Identity (身份): roles on scopes, and what each role may do at all. Whether a thing is *theirs*
//! is the business of [`crate::scope`].

use chrono::TimeDelta;

use crate::{
    id::AccountId,
    org::NodeCode,
    refusal::{FieldError, Kind, Refusal},
    time::Timestamp,
};

pub mod device;
pub mod oidc;
pub mod password;
pub mod phone_code;

codes! {
    /// A role (角色). What a person may do comes from roles, each held on a scope.
    pub enum Role {
        /// 居民.
        Resident = "resident", "居民";
        /// 党员（与名册核对一致的居民）.
        PartyMember = "party_member", "党员";
        /// 网格员.
        GridOfficer = "grid_officer", "网格员";
        /// 社区工作者.
        CommunityOfficer = "community_officer", "社区工作者";
        /// 街道工作者.
        SubdistrictOfficer = "subdistrict_officer", "街道工作者";
        /// 区中心派单员.
        Dispatcher = "dispatcher", "派单员";
        /// 部门经办人.
        DepartmentClerk = "department_clerk", "部门经办人";
        /// 部门负责人.
        DepartmentHead = "department_head", "部门负责人";
        /// 督查.
        Supervisor = "supervisor", "督查";
        /// 组织部.
        Organiser = "organiser", "组织员";
        /// 党支部书记：一个党组织和它下面的党员.
        BranchSecretary = "branch_secretary", "支部书记";
        /// 区领导.
        Leader = "leader", "区领导";
        /// 商户店员.
        MerchantClerk = "merchant_clerk", "商户店员";
        /// 商户负责人.
        MerchantManager = "merchant_manager", "商户负责人";
        /// 单位党组织联络员：看本单位党员的报到回执与年度结果.
        UnitLiaison = "unit_liaison", "单位党组织联络员";
        /// 物业工作人员.
        PropertyClerk = "property_clerk", "物业人员";
        /// 审计员：只读.
        Auditor = "auditor", "审计员";
        /// 安全管理员：角色与账号.
        SecurityAdmin = "security_admin", "安全管理员";
        /// 系统管理员：配置.
        SystemAdmin = "system_admin", "系统管理员";
    }
}

impl Role {
    /// Whether the role is a staff role, logged in by password.
    pub const fn is_staff(self) -> bool {
        !matches!(self, Self::Resident | Self::PartyMember)
    }

    /// Whether the role works in the district centre's name.
    pub const fn is_centre(self) -> bool {
        matches!(self, Self::Dispatcher | Self::Supervisor | Self::Leader | Self::Auditor)
    }

    /// The roles that approve a unit's replies and sign for it: a department's head; in a
    /// subdistrict or community, which has none, another of its officers.
    pub const APPROVERS: &[Self] =
        &[Self::DepartmentHead, Self::SubdistrictOfficer, Self::CommunityOfficer];

    /// Whether the role handles tasks in the name of the unit it is held on.
    pub const fn works_tasks(self) -> bool {
        matches!(
            self,
            Self::DepartmentClerk
                | Self::DepartmentHead
                | Self::SubdistrictOfficer
                | Self::CommunityOfficer
        )
    }
}

codes! {
    /// By what somebody logged in.
    pub enum Means {
        /// A code of WeChat.
        WeChat = "wechat", "微信";
        /// A code by SMS.
        Phone = "phone", "手机验证码";
        /// A password, and where the account has one, a second factor.
        Password = "password", "密码";
        /// The directory that staff stand in.
        Oidc = "oidc", "统一身份认证";
    }
}

/// So long it counts that somebody has just shown who they are **\[default\]**.
pub const CONFIRMED: TimeDelta = TimeDelta::minutes(5);

/// Whether a field worker is asked once more who they are before a sensitive act. Their log-in lasts
/// for weeks on a phone that others may hold; one by password or directory ends by itself
/// (domain.md: field roles "are asked again only for a sensitive act"). `shown` is when they last did,
/// by logging in or by confirming.
pub fn must_confirm(means: Option<Means>, shown: Timestamp, now: Timestamp) -> bool {
    let short = matches!(means, Some(Means::Password | Means::Oidc));
    !short && now - shown >= CONFIRMED
}

/// What may be done, by the verb's family. The table of [`Permission::roles`] is the one place
/// that says which role may do it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read one's own account: anyone who is logged in.
    ReadSelf,
    /// Report a complaint, for oneself or on behalf of another; staff take in by phone or visit.
    SubmitComplaint,
    /// What the reporter of a complaint may do with it: withdraw, remind, evaluate, reopen.
    OwnComplaint,
    /// Read complaints within one's scope.
    ReadComplaint,
    /// The centre's desk: accept, reject, answer, merge, dispatch, suspend, rule, confirm, follow up.
    CentreDesk,
    /// See whom to call in full, with a reason and on record.
    UnmaskContact,
    /// Take a case out of the rates (剔除).
    ExcludeComplaint,
    /// Read tasks within one's scope.
    ReadTask,
    /// See which cases went to and fro between units (反复退单), and what that cost.
    WatchReturns,
    /// Work on one's unit's tasks.
    WorkTask,
    /// Sign for one's unit: approve its replies, and say which of them need that.
    SignForUnit,
    /// Confirm a task or send it back: the centre for complaints, the blower for whistles.
    JudgeTask,
    /// Supervise: demand written answers, judge them, put matters on the list.
    Supervise,
    /// Keep reply templates: a unit its own, the centre those for all.
    KeepTemplate,
    /// Write internal notes on the cases that one may read them of.
    WriteNote,
    /// Give an instruction (批示).
    Instruct,
    /// Keep the duty roster of one's unit.
    KeepRoster,
    /// Read whistles within one's scope.
    ReadWhistle,
    /// Blow a whistle, take it back, appraise who came, stand it down.
    BlowWhistle,
    /// Review another's whistle.
    ReviewWhistle,
    /// Upload photos and voice, to attach them to what one does.
    AttachFile,
    /// Judge what others attached: see it, hide it, show it again.
    JudgeAttachment,
    /// Take a list away as a workbook.
    ExportList,
    /// Say whether a whistle was needed and clear.
    RateWhistle,
    /// Read the rates within one's scope.
    ReadRates,
    /// Publish the monthly bulletin, and read it before it is.
    PublishBulletin,
    /// Any staff: the deadline preview, the directory of units.
    Staff,
    /// Import versions of duty lists and enforcement powers: configuration.
    ManageDutyLists,
    /// Register and revoke the certificates of enforcement officers.
    ManageCertificates,
    /// Object to a duty list, proposing what its next version should say.
    ProposeDuty,
    /// Decide what is proposed for the next version of a duty list.
    DecideDuty,
    /// Disable and enable accounts, re-drive dead jobs' accounts.
    ManageAccounts,
    /// See who holds which role, and who proposed and approved it.
    ReadGrants,
    /// Import a year's holiday notice, and have deadlines computed anew by it.
    ManageCalendar,
    /// Keep the rules by which matters are proposed to units.
    ManageRouting,
    /// See and re-drive dead jobs.
    ManageJobs,
    /// Redeem one's own points, and take a redemption back.
    UsePoints,
    /// Publish offers and refund redemptions.
    ManageOffers,
    /// Verify redemption codes at the merchant's till.
    VerifyRedemption,
    /// See what a till verified: clerks and managers their merchant's, the organisers and the auditor all.
    ReadTill,
    /// Redeem on paper for a person without a phone who stands before one.
    IssueVoucher,
    /// See what looks unfair.
    ReadFlags,
    /// Say whether it is.
    ReviewFlags,
    /// Ask to become a merchant, and accept an invitation to work for one.
    ApplyMerchant,
    /// Be bound to a field role by an invitation: whoever has their own WeChat.
    AcceptInvitation,
    /// Invite and end the field workers of one's community.
    KeepFieldWorkers,
    /// Decide applications, suspend merchants, keep budgets, pay statements.
    ManageMerchants,
    /// Keep a merchant's shop: profile, people, drafts of offers, disputes; the organisers all.
    KeepShop,
    /// Read offers in any state and statements: a merchant its own.
    ReadSettlement,
    /// Agree to a merchant's statements, or dispute their lines.
    AgreeSettlement,
    /// Read the budgets that pay for offers.
    ReadBudget,
    /// See whether the points ledger adds up.
    ReadLedger,
    /// Read people's points line by line, adjustments and objections.
    ReadPoints,
    /// Keep people's points: take awards back, adjust, decide on objections and rules.
    KeepPoints,
    /// Pass a community's points on to a household in it.
    GivePoints,
    /// Read what a community has of points.
    ReadCommunityPoints,
    /// Object to an award in public notice.
    ObjectAward,
    /// Register with a community as a party member.
    Register,
    /// Sign registrations with one's own community.
    SignRegistration,
    /// Keep the register of work units, and with which communities they are paired.
    KeepWorkUnit,
    /// Read the register of work units and their registrations.
    ReadWorkUnit,
    /// Act for one's work unit: register it with communities, acknowledge receipts and reports.
    ActForWorkUnit,
    /// End the registration of a work unit: the unit itself, or the community.
    EndUnitRegistration,
    /// Read receipts and reports of work units.
    ReadReceipt,
    /// Read the year's results of members: a community its own, a liaison the unit's own.
    ReadResults,
    /// Pair leading cadres with communities and estates.
    KeepPairing,
    /// Read which cadres are paired with what, and what they solved.
    ReadPairing,
    /// Log what a paired cadre takes on and solves.
    LogMatter,
    /// Read the party register within one's scope.
    ReadRegister,
    /// Keep the party register within one's scope: members, ledgers, transfers, full numbers.
    KeepRegister,
    /// Found, rename, move and deactivate party bodies.
    KeepPartyTree,
    /// Publish service posts and confirm hours: a community its own, the organisers all.
    OrganisePost,
    /// Claim service posts, and see one's own hours.
    ClaimPost,
    /// Register households in difficulty of one's community, and ask people to look after them.
    ManageHouseholds,
    /// See households: of one's community, or that one looks after.
    ReadHousehold,
    /// Look after a household, when asked.
    LookAfter,
    /// See how many households are looked after: a community its own, the organisers all.
    CountHouseholds,
    /// Bring something into the score book: about oneself, another of the branch, a member one knows.
    DeclareScore,
    /// See a branch's quarter in public notice: the branch and above.
    ReadScore,
    /// Keep the score book within one's part of the register: enter, accept, propose a quarter.
    KeepScore,
    /// Settle a branch's quarter: public notice, objections.
    SettleScore,
    /// Add versions of what counts in the score book.
    ManageScore,
    /// See whose claims pause, and end a pause before its time.
    LiftPause,
    /// Search the audit trail.
    ReadAudit,
    /// Answer what people say of the application: the administrator all, the supervisor what burdens.
    HandleFeedback,
    /// Write and review what a body tells the people of its area.
    KeepAnnouncement,
    /// Write and review what a unit does for people (办事指南).
    KeepGuide,
}

impl Permission {
    /// The roles that hold the permission.
    pub fn roles(self) -> Vec<Role> {
        use Role::{
            Auditor, BranchSecretary, CommunityOfficer, DepartmentClerk, DepartmentHead,
            Dispatcher, GridOfficer, Leader, MerchantClerk, MerchantManager, Organiser,
            PartyMember, Resident, SecurityAdmin, SubdistrictOfficer, Supervisor, SystemAdmin,
            UnitLiaison,
        };
        let only = |roles: &[Role]| roles.to_vec();
        match self {
            Self::ReadSelf => Role::ALL.to_vec(),
            Self::SubmitComplaint => only(&[
                Resident,
                PartyMember,
                Dispatcher,
                GridOfficer,
                CommunityOfficer,
                SubdistrictOfficer,
            ]),
            Self::OwnComplaint => only(&[Resident, PartyMember]),
            Self::ReadComplaint => only(&[
                Resident,
                PartyMember,
                GridOfficer,
                CommunityOfficer,
                SubdistrictOfficer,
                Dispatcher,
                DepartmentClerk,
                DepartmentHead,
                Supervisor,
                Leader,
                Auditor,
            ]),
            Self::CentreDesk => only(&[Dispatcher]),
            Self::UnmaskContact | Self::JudgeAttachment => only(&[Dispatcher, Supervisor]),
            Self::AttachFile => only(&[
                Resident,
                PartyMember,
                GridOfficer,
                CommunityOfficer,
                SubdistrictOfficer,
                Dispatcher,
                DepartmentClerk,
                DepartmentHead,
                Organiser,
                MerchantManager,
            ]),
            Self::ExcludeComplaint | Self::PublishBulletin => only(&[Supervisor]),
            Self::ReadTask | Self::ExportList => only(&[
                CommunityOfficer,
                SubdistrictOfficer,
                Dispatcher,
                DepartmentClerk,
                DepartmentHead,
                Supervisor,
                Leader,
                Auditor,
            ]),
            Self::WatchReturns => only(&[Dispatcher, Supervisor]),
            Self::WorkTask | Self::KeepGuide => {
                only(&[DepartmentClerk, DepartmentHead, SubdistrictOfficer, CommunityOfficer])
            }
            Self::Supervise => only(&[Supervisor]),
            Self::Instruct => only(&[Leader]),
            Self::KeepRoster | Self::SignForUnit => only(Role::APPROVERS),
            Self::ReadWhistle => only(&[
                CommunityOfficer,
                SubdistrictOfficer,
                Dispatcher,
                DepartmentClerk,
                DepartmentHead,
                Supervisor,
                Leader,
                Auditor,
            ]),
            Self::BlowWhistle => only(&[CommunityOfficer, SubdistrictOfficer]),
            Self::ReviewWhistle => only(&[SubdistrictOfficer, Supervisor]),
            Self::RateWhistle => only(&[DepartmentClerk, DepartmentHead, SubdistrictOfficer]),
            Self::JudgeTask => only(&[Dispatcher, CommunityOfficer, SubdistrictOfficer]),
            Self::ReadRates | Self::Staff => {
                Role::ALL.iter().copied().filter(|role| role.is_staff()).collect()
            }
            Self::ManageDutyLists => only(&[SystemAdmin]),
            Self::KeepTemplate | Self::ProposeDuty => only(&[
                Dispatcher,
                DepartmentClerk,
                DepartmentHead,
                SubdistrictOfficer,
                CommunityOfficer,
            ]),
            Self::WriteNote => only(&[
                Dispatcher,
                Supervisor,
                DepartmentClerk,
                DepartmentHead,
                SubdistrictOfficer,
                CommunityOfficer,
            ]),
            Self::DecideDuty => only(&[Supervisor]),
            Self::ManageAccounts => only(&[SecurityAdmin]),
            Self::ReadGrants => only(&[SecurityAdmin, Auditor]),
            Self::ManageCalendar | Self::ManageJobs => only(&[SystemAdmin]),
            Self::ManageRouting | Self::ManageCertificates => only(&[Dispatcher, SystemAdmin]),
            Self::ReadRegister => only(&[BranchSecretary, CommunityOfficer, Organiser, Auditor]),
            Self::KeepRegister => only(&[BranchSecretary, CommunityOfficer, Organiser]),
            Self::KeepFieldWorkers => only(&[CommunityOfficer]),
            Self::UsePoints | Self::ApplyMerchant | Self::AcceptInvitation => {
                only(&[Resident, PartyMember])
            }
            Self::ManageOffers | Self::ManageMerchants | Self::KeepPartyTree | Self::LiftPause => {
                only(&[Organiser])
            }
            Self::VerifyRedemption => only(&[MerchantClerk]),
            Self::ReadTill => only(&[MerchantClerk, MerchantManager, Organiser, Auditor]),
            Self::IssueVoucher => only(&[CommunityOfficer]),
            Self::ReadFlags => only(&[Organiser, Supervisor, Auditor]),
            Self::ReviewFlags => only(&[Organiser, Supervisor]),
            Self::KeepShop => only(&[MerchantManager, Organiser]),
            Self::AgreeSettlement => only(&[MerchantManager]),
            Self::ReadBudget => only(&[Organiser, Auditor]),
            Self::ReadSettlement => only(&[MerchantManager, Organiser, Auditor]),
            Self::ReadAudit => only(&[Auditor]),
            Self::HandleFeedback => only(&[SystemAdmin, Supervisor]),
            Self::KeepAnnouncement => {
                only(&[CommunityOfficer, SubdistrictOfficer, Dispatcher, Organiser])
            }
            Self::ReadLedger => only(&[Auditor, SystemAdmin]),
            Self::ReadPoints => only(&[Organiser, Auditor]),
            Self::KeepPoints => only(&[Organiser]),
            Self::GivePoints => only(&[CommunityOfficer]),
            Self::ReadCommunityPoints => only(&[CommunityOfficer, Organiser, Auditor]),
            Self::ObjectAward => only(&[Resident, PartyMember, CommunityOfficer]),
            Self::Register | Self::ClaimPost => only(&[Resident, PartyMember]),
            Self::SignRegistration => only(&[CommunityOfficer]),
            Self::KeepWorkUnit | Self::KeepPairing => only(&[Organiser]),
            Self::ReadWorkUnit => only(&[CommunityOfficer, Organiser, UnitLiaison, Auditor]),
            Self::ActForWorkUnit => only(&[UnitLiaison]),
            Self::ReadReceipt => only(&[UnitLiaison, Organiser]),
            Self::ReadResults => only(&[CommunityOfficer, Organiser, UnitLiaison]),
            Self::ReadPairing => only(&[CommunityOfficer, Organiser, UnitLiaison, Leader, Auditor]),
            Self::LogMatter | Self::EndUnitRegistration => only(&[CommunityOfficer, UnitLiaison]),
            Self::ManageHouseholds => only(&[CommunityOfficer]),
            Self::ReadHousehold => only(&[Resident, PartyMember, CommunityOfficer]),
            Self::LookAfter | Self::DeclareScore => only(&[Resident, PartyMember]),
            Self::ReadScore => {
                only(&[Resident, PartyMember, BranchSecretary, CommunityOfficer, Organiser])
            }
            Self::KeepScore => only(&[BranchSecretary, CommunityOfficer, Organiser]),
            Self::SettleScore => only(&[CommunityOfficer, Organiser]),
            Self::ManageScore => only(&[Organiser]),
            Self::OrganisePost | Self::CountHouseholds => only(&[CommunityOfficer, Organiser]),
        }
    }
}

/// The scope on which a role is held, as handed out in `{role, scope}`: a node's code, a
/// merchant's code, or `self`.
pub const SCOPE_SELF: &str = "self";

/// A role held on a scope.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// A division's or department's code, a merchant's code, or `self`.
    #[schema(example = "140213066004")]
    pub scope: String,
}

/// Who is asking: an authenticated account with its roles as they stand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub account: AccountId,
    /// What it holds.
    pub grants: Vec<Grant>,
}

impl Actor {
    /// Whether any of the roles held may do this at all. One's own account is everyone's, also
    /// when the last role is gone: a person must be able to log out.
    pub fn may(&self, permission: Permission) -> bool {
        let roles = permission.roles();
        permission == Permission::ReadSelf
            || self.grants.iter().any(|grant| roles.contains(&grant.role))
    }

    /// Whether a role is held, on whatever scope.
    pub fn has(&self, role: Role) -> bool {
        self.grants.iter().any(|grant| grant.role == role)
    }

    /// The role written beside the account in the audit trail: the first one held.
    pub fn role(&self) -> Option<Role> {
        self.grants.first().map(|grant| grant.role)
    }

    /// Whether the account works in the name of this unit.
    pub fn works_for(&self, unit: &NodeCode) -> bool {
        self.grants.iter().any(|grant| grant.role.works_tasks() && grant.scope == unit.as_str())
    }

    /// Whether a role that holds `permission` is held on this very node: in its name, not below it.
    pub fn acts_for(&self, permission: Permission, node: &NodeCode) -> bool {
        let roles = permission.roles();
        self.grants.iter().any(|grant| roles.contains(&grant.role) && grant.scope == node.as_str())
    }

    /// The nodes on which a role that holds `permission` is held, each once.
    pub fn nodes(&self, permission: Permission) -> Vec<NodeCode> {
        let roles = permission.roles();
        let held = self.grants.iter().filter(|grant| roles.contains(&grant.role));
        let nodes: std::collections::BTreeSet<NodeCode> =
            held.filter_map(|grant| NodeCode::parse("scope", &grant.scope).ok()).collect();
        nodes.into_iter().collect()
    }

    /// Whether the account signs in the name of this unit.
    pub fn signs_for(&self, unit: &NodeCode) -> bool {
        self.grants
            .iter()
            .any(|grant| Role::APPROVERS.contains(&grant.role) && grant.scope == unit.as_str())
    }

    /// Whether one of the roles that hold `permission` is held on a division containing `node`. A
    /// grid's officer covers the community that the grid lies in.
    pub fn covers(&self, permission: Permission, node: &NodeCode) -> bool {
        let roles = permission.roles();
        self.grants.iter().any(|grant| {
            roles.contains(&grant.role)
                && NodeCode::parse("scope", &grant.scope)
                    .is_ok_and(|scope| scope.community().contains(node))
        })
    }
}

/// The longest reason that an administrator gives, in characters.
const REASON_LENGTH: usize = 200;

/// Why an account was disabled: 2–200 characters.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn disabling_reason(given: &str) -> Result<String, FieldError> {
    crate::text::line("reason", given, 2, REASON_LENGTH)
}

/// The name by which a staff account logs in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// # Errors
    /// Not 2–64 characters of `a-z`, `0-9`, `.` and `-`.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let fits = (2..=64).contains(&given.len())
            && given
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        if fits {
            Ok(Self(given.to_owned()))
        } else {
            Err(FieldError::new(field, "用户名为 2–64 位小写字母、数字、点或连字符"))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password as it was typed. It never prints.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A password for a new account: 12–128 characters with letters and digits, not the name
    /// it belongs to, and nothing that is tried first (等保 level 3 asks for length and mixture).
    ///
    /// # Errors
    /// One of these is missing; the reason says which.
    pub fn choose(field: &str, given: &str, username: &Username) -> Result<Self, FieldError> {
        let length = given.chars().count();
        let refuse = |reason: &str| Err(FieldError::new(field, reason));
        if !(12..=128).contains(&length) {
            return refuse("密码需要 12–128 个字符");
        }
        if !given.chars().any(char::is_alphabetic) || !given.chars().any(char::is_numeric) {
            return refuse("密码需要同时有字母和数字");
        }
        if given.contains(username.as_str()) {
            return refuse("密码里不能有用户名");
        }
        if password::is_guessable(given) {
            return refuse("密码太常见或太有规律，请少用常见词、连续或重复的字符");
        }
        Ok(Self(given.to_owned()))
    }

    /// A secret as it was typed or drawn, whatever it looks like.
    pub const fn typed(secret: String) -> Self {
        Self(secret)
    }

    /// The password itself, to be hashed or verified.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How often a password may be wrong, and for how long the account is locked then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutRule {
    /// So many failures in a row lock.
    pub failures: i32,
    /// For so long.
    pub period: TimeDelta,
}

/// The failures of an account so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Failures in a row since the last success or the last lock.
    pub failures: i32,
    /// Locked until then.
    pub until: Option<Timestamp>,
}

impl Lockout {
    /// # Errors
    /// The account is locked at `now`.
    pub fn check(self, now: Timestamp) -> Result<(), Refused> {
        match self.until {
            Some(until) if until > now => {
                let minutes = (until - now).num_seconds().max(1).unsigned_abs().div_ceil(60);
                Err(Refused::AccountLocked { minutes })
            }
            _ => Ok(()),
        }
    }

    /// After one more wrong password. A lock that has passed begins the count anew.
    #[must_use]
    pub fn failed(self, rule: LockoutRule, now: Timestamp) -> Self {
        let before = if self.until.is_some() { 0 } else { self.failures };
        let failures = before.saturating_add(1);
        let until = (failures >= rule.failures).then(|| now + rule.period);
        Self { failures, until }
    }
}

/// How long a replay of a used refresh token is taken for a lost answer and not for a theft.
pub const REPLAY_GRACE: TimeDelta = TimeDelta::seconds(10);

/// What is known of a refresh token that was presented, read under its session's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// The token is good before this instant.
    pub expires_at: Timestamp,
    /// When it was exchanged for its successor.
    pub used_at: Option<Timestamp>,
    /// Whether the successor was exchanged in its turn.
    pub successor_used: bool,
    /// The session ended, was revoked, or ran out.
    pub session_over: bool,
}

/// What a presented refresh token brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The successor, issued now.
    Issue,
    /// The same successor as before: the first answer was lost on the way.
    Repeat,
    /// Nothing: it is over.
    Refuse,
    /// The end of the session: somebody holds a copy, and nobody can tell who is the thief.
    Revoke,
}

impl Presented {
    /// The rule of rotation: a token is exchanged once; a replay within 10 s is answered alike as
    /// long as the successor is unused; any other replay ends the whole family.
    pub fn rotation(self, now: Timestamp) -> Rotation {
        match self.used_at {
            _ if self.session_over => Rotation::Refuse,
            None if now < self.expires_at => Rotation::Issue,
            None => Rotation::Refuse,
            Some(used) if !self.successor_used && now - used <= REPLAY_GRACE => Rotation::Repeat,
            Some(_) => Rotation::Revoke,
        }
    }
}

codes! {
    /// Why a session ended.
    pub enum SessionEnd {
        /// The person logged out.
        Logout = "logout", "退出登录";
        /// A used refresh token came again.
        Reuse = "reuse", "令牌重复使用";
        /// The account was disabled.
        Disabled = "disabled", "账号停用";
        /// Its time ran out.
        Expired = "expired", "已到期";
        /// The person asked to be erased.
        Erased = "erased", "注销";
        /// The password or the second factor changed hands.
        Credentials = "credentials", "密码或动态口令已更换";
    }
}

/// Refusals of log-in and of account administration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Unknown name or wrong password; which of the two is not told.
    #[error("用户名或密码不对，请重新输入；连续输错多次账号会暂时锁定")]
    BadCredentials,
    /// Too many wrong passwords in a row.
    #[error("密码连续输错次数过多，账号已暂时锁定，请 {minutes} 分钟后再试，或联系安全管理员")]
    AccountLocked {
        /// Minutes until it unlocks, rounded up.
        minutes: u64,
    },
    /// It is long since the caller last showed who they are.
    #[error("请先再次确认是您本人：用微信重新取得 code 并提交确认，五分钟内有效")]
    ConfirmationRequired,
    /// The code of another person's WeChat.
    #[error("这不是登录时的微信，请用本人的微信确认")]
    ConfirmedByAnother,
    /// The account is disabled.
    #[error("这个账号已停用，如有疑问请联系管理员")]
    AccountDisabled,
    /// No such refresh token, or its session is over.
    #[error("登录已失效，请重新登录")]
    RefreshTokenInvalid,
    /// A used refresh token came again; its session was ended.
    #[error("为了您的账号安全，这次登录已退出，请重新登录")]
    RefreshTokenReused,
    /// WeChat does not know the code, or it is too old.
    #[error("微信凭证（code）无效或已过期，请回到小程序重新获取")]
    WechatCodeInvalid,
    /// The code was used already.
    #[error("微信凭证（code）已经用过，请回到小程序重新获取")]
    WechatCodeUsed,
    /// WeChat blocks the person.
    #[error("微信限制了您的登录，请在微信里按提示处理，或改用电话 12345 反映")]
    WechatBlocked,
    /// WeChat is away.
    #[error("微信暂时没有响应，请稍后再试；着急的事请拨打 12345")]
    WechatUnavailable,
    /// The number that WeChat verified is not one of mainland China.
    #[error("目前只能绑定中国内地的手机号码，请在微信里换一个号码授权")]
    PhoneForeign,
    /// Not the newest code of the phone, or too late, or used; which of them is not told.
    #[error("验证码不对或已过期，请核对最近收到的短信；一个验证码最多试 5 次，也可以重新获取")]
    PhoneCodeWrong,
    /// Nobody sends messages here.
    #[error("手机验证码登录还没有开通，请用微信登录；着急的事请拨打 12345")]
    PhoneLoginOff,
    /// The name is taken.
    #[error("这个用户名已被使用，请换一个")]
    UsernameTaken,
    /// One cannot disable oneself.
    #[error("不能停用自己的账号，请由另一位安全管理员办理")]
    OwnAccount,
    /// The password is a one-time one, or older than allowed.
    #[error("请先更换密码：用现在的密码和新密码重新登录，之后就可以正常使用")]
    PasswordChangeRequired,
    /// The day of a one-time password is over.
    #[error("一次性密码已过期，请联系安全管理员重新设置")]
    PasswordLapsed,
    /// The account logs in without a password.
    #[error("这个账号不用密码登录，没有密码可以更换")]
    PasswordUnused,
    /// An administrator cannot reset his own password or second factor.
    #[error("不能重置自己的密码和动态口令，请由另一位安全管理员办理")]
    OwnCredentials,
    /// The password is right, and a code is wanted beside it.
    #[error("请再输入验证器上的 6 位动态口令，或者一个恢复码")]
    TotpRequired,
    /// The code is wrong, too old, or was used.
    #[error("动态口令不对或已经用过，请等验证器显示下一个再输入；连续输错多次账号会暂时锁定")]
    TotpInvalid,
    /// The role demands a second factor and the account has none.
    #[error("您的岗位要求使用动态口令，请先绑定验证器再登录")]
    TotpEnrolmentRequired,
    /// There is one already.
    #[error("这个账号已经绑定动态口令；要换手机请先解除，或请安全管理员重置")]
    TotpOn,
    /// There is none.
    #[error("这个账号没有绑定动态口令")]
    TotpOff,
    /// Nothing was begun that could be confirmed.
    #[error("还没有开始绑定，请先取得密钥并加入验证器")]
    TotpNotStarted,
    /// The role demands it.
    #[error("您的岗位要求使用动态口令，不能解除；要换手机请由安全管理员重置")]
    TotpDemanded,
    /// A role of the account may not be used from where the request came. Which places are allowed
    /// is not told.
    #[error("当前网络不能使用这个账号，请在单位指定的网络内操作，或联系安全管理员")]
    NetworkNotAllowed,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::AccountLocked { .. } => "account_locked",
            Self::AccountDisabled => "account_disabled",
            Self::RefreshTokenInvalid => "refresh_token_invalid",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::WechatCodeInvalid => "wechat_code_invalid",
            Self::WechatCodeUsed => "wechat_code_used",
            Self::WechatBlocked => "wechat_blocked",
            Self::WechatUnavailable => "wechat_unavailable",
            Self::PhoneForeign => "phone_foreign",
            Self::PhoneCodeWrong => "phone_code_wrong",
            Self::PhoneLoginOff => "phone_login_off",
            Self::UsernameTaken => "username_taken",
            Self::OwnAccount => "own_account",
            Self::PasswordChangeRequired => "password_change_required",
            Self::PasswordLapsed => "password_lapsed",
            Self::PasswordUnused => "password_unused",
            Self::OwnCredentials => "own_credentials",
            Self::TotpRequired => "totp_required",
            Self::TotpInvalid => "totp_invalid",
            Self::TotpEnrolmentRequired => "totp_enrolment_required",
            Self::TotpOn => "totp_on",
            Self::TotpOff => "totp_off",
            Self::TotpNotStarted => "totp_not_started",
            Self::TotpDemanded => "totp_demanded",
            Self::NetworkNotAllowed => "network_not_allowed",
            Self::ConfirmationRequired => "confirmation_required",
            Self::ConfirmedByAnother => "confirmed_by_another",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::BadCredentials
            | Self::AccountDisabled
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused
            | Self::TotpRequired
            | Self::TotpInvalid => Kind::Unauthenticated,
            Self::AccountLocked { .. } => Kind::TooMany,
            Self::WechatCodeInvalid
            | Self::WechatCodeUsed
            | Self::PhoneForeign
            | Self::PhoneCodeWrong => Kind::Invalid,
            Self::WechatBlocked
            | Self::PasswordChangeRequired
            | Self::PasswordLapsed
            | Self::TotpEnrolmentRequired
            | Self::NetworkNotAllowed
            | Self::ConfirmationRequired => Kind::Forbidden,
            Self::WechatUnavailable | Self::PhoneLoginOff => Kind::Unavailable,
            Self::UsernameTaken
            | Self::ConfirmedByAnother
            | Self::OwnAccount
            | Self::PasswordUnused
            | Self::OwnCredentials
            | Self::TotpOn
            | Self::TotpOff
            | Self::TotpNotStarted
            | Self::TotpDemanded => Kind::Conflict,
        }
    }
}

#[cfg(test)]
mod tests;
