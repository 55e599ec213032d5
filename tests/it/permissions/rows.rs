//! The table: every operation, who may do it at all, and what it is about.

/// Everybody, from nobody on.
pub(super) const PERSONAS: [&str; 14] = [
    "anonymous",
    "demo:li",
    "dispatcher",
    "supervisor",
    "organiser",
    "leader",
    "auditor",
    "security",
    "sysadmin",
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
    "merchant.wenxing",
];

pub(super) const EVERYONE: &[&str] = &PERSONAS;
pub(super) const LOGGED_IN: &[&str] = PERSONAS.split_at(1).1;
pub(super) const STAFF: &[&str] = PERSONAS.split_at(2).1;
pub(super) const RESIDENT: &[&str] = &["demo:li"];
pub(super) const DESK: &[&str] = &["dispatcher"];
pub(super) const OFFICERS: &[&str] = &["subdistrict.140213066", "community.140213066004"];
pub(super) const UNITS: &[&str] = &[
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
];
pub(super) const TASK_READERS: &[&str] = &[
    "dispatcher",
    "supervisor",
    "leader",
    "auditor",
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
];
pub(super) const CASE_READERS: &[&str] = &[
    "demo:li",
    "dispatcher",
    "supervisor",
    "leader",
    "auditor",
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
];
pub(super) const SUBMITTERS: &[&str] =
    &["anonymous", "demo:li", "dispatcher", "subdistrict.140213066", "community.140213066004"];
pub(super) const JUDGES: &[&str] =
    &["dispatcher", "subdistrict.140213066", "community.140213066004"];
pub(super) const REVIEWERS: &[&str] = &["supervisor", "subdistrict.140213066"];
pub(super) const RATERS: &[&str] =
    &["subdistrict.140213066", "dept.urban-management", "head.urban-management"];
pub(super) const COMMUNITY_DESK: &[&str] = &["community.140213066004"];
pub(super) const ORGANISERS: &[&str] = &["organiser", "community.140213066004"];
pub(super) const UNMASKERS: &[&str] = &["dispatcher", "supervisor"];

/// What an operation is about; whose it is follows from the [`World`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// Nothing of anybody's.
    Nothing,
    /// A complaint that one may read: one's own, of one's area, of one's unit; all for the centre.
    Case,
    /// A task that one may read: of one's unit; all for the centre.
    Task,
    /// A task that one judges: the centre's are the complaints', an officer's those of a whistle
    /// that his unit blew; every other is foreign to him.
    Judged,
    /// A whistle that one may read: of one's area, of one's unit; all for the centre.
    Whistle,
    /// A whistle that one's unit blew.
    Blown,
    /// A whistle that one reviews: a community's for its subdistrict, a subdistrict's for supervisors.
    Reviewed,
    /// A whistle that called one's unit.
    Called,
    /// A notification in one's own inbox.
    Notification,
    /// Any account.
    Account,
    /// A year of the calendar, by its number.
    Year,
    /// Any routing rule.
    Rule,
    /// Any dead job.
    Job,
    /// A registration with one's community.
    Registration,
    /// Any post: whoever is logged in reads it and any resident claims it.
    Post,
    /// A post that one organises: of one's community; all for the organisers.
    Organised,
    /// A claim of one's own.
    Claim,
    /// A claim on a post that one organises.
    Hours,
    /// Any offer.
    Offer,
    /// A redemption of one's own.
    Redemption,
    /// Any redemption.
    Refund,
    /// A complaint by its number and query code, in the body.
    Code,
}

/// An operation, who may do it at all, and what it is about.
pub(super) type Row = (&'static str, &'static [&'static str], About);

pub(super) const ROWS: &[Row] = &[
    ("identity.login_wechat", EVERYONE, About::Nothing),
    ("identity.login_staff", EVERYONE, About::Nothing),
    ("identity.refresh", EVERYONE, About::Nothing),
    ("identity.logout", LOGGED_IN, About::Nothing),
    ("identity.me", LOGGED_IN, About::Nothing),
    ("account.list", &["security"], About::Nothing),
    ("account.disable", &["security"], About::Account),
    ("account.enable", &["security"], About::Account),
    ("org.divisions", EVERYONE, About::Nothing),
    ("org.departments", STAFF, About::Nothing),
    ("org.duty_items", STAFF, About::Nothing),
    ("complaint.submit", SUBMITTERS, About::Nothing),
    ("complaint.list", CASE_READERS, About::Nothing),
    ("complaint.mine", RESIDENT, About::Nothing),
    ("complaint.read", CASE_READERS, About::Case),
    ("complaint.events", CASE_READERS, About::Case),
    ("complaint.accept", DESK, About::Case),
    ("complaint.reject", DESK, About::Case),
    ("complaint.answer", DESK, About::Case),
    ("complaint.merge", DESK, About::Case),
    ("complaint.dispatch", DESK, About::Case),
    ("complaint.suspend", DESK, About::Case),
    ("complaint.resume", DESK, About::Case),
    ("complaint.follow_up", DESK, About::Case),
    ("complaint.unmask", UNMASKERS, About::Case),
    ("complaint.exclude", &["supervisor"], About::Case),
    ("complaint.remind", RESIDENT, About::Case),
    ("complaint.evaluate", RESIDENT, About::Case),
    ("complaint.reopen", RESIDENT, About::Case),
    ("complaint.withdraw", RESIDENT, About::Case),
    ("track.read", EVERYONE, About::Code),
    ("track.evaluate", EVERYONE, About::Code),
    ("track.withdraw", EVERYONE, About::Code),
    ("track.remind", EVERYONE, About::Code),
    ("track.reopen", EVERYONE, About::Code),
    ("routing.propose", DESK, About::Case),
    ("routing.list", &["dispatcher", "sysadmin"], About::Nothing),
    ("routing.add", &["dispatcher", "sysadmin"], About::Nothing),
    ("routing.end", &["dispatcher", "sysadmin"], About::Rule),
    ("routing.locate", STAFF, About::Nothing),
    ("task.list", TASK_READERS, About::Nothing),
    ("task.read", TASK_READERS, About::Task),
    ("task.acknowledge", UNITS, About::Task),
    ("task.contact", UNITS, About::Task),
    ("task.report_in", UNITS, About::Task),
    ("task.reply", UNITS, About::Task),
    ("task.return", UNITS, About::Task),
    ("task.extend", UNITS, About::Task),
    ("task.decide_return", DESK, About::Task),
    ("task.decide_extension", DESK, About::Task),
    ("task.confirm", JUDGES, About::Judged),
    ("task.send_back", JUDGES, About::Judged),
    ("whistle.draft", OFFICERS, About::Nothing),
    ("whistle.list", TASK_READERS, About::Nothing),
    ("whistle.read", TASK_READERS, About::Whistle),
    ("whistle.events", TASK_READERS, About::Whistle),
    ("whistle.review", REVIEWERS, About::Reviewed),
    ("whistle.rate", RATERS, About::Called),
    ("whistle.appraise", OFFICERS, About::Blown),
    ("whistle.stand_down", OFFICERS, About::Blown),
    ("whistle.withdraw", OFFICERS, About::Blown),
    ("registration.submit", RESIDENT, About::Nothing),
    ("registration.mine", RESIDENT, About::Nothing),
    ("registration.list", COMMUNITY_DESK, About::Nothing),
    ("registration.read", COMMUNITY_DESK, About::Registration),
    ("registration.sign", COMMUNITY_DESK, About::Registration),
    ("service.publish", ORGANISERS, About::Nothing),
    ("service.posts", LOGGED_IN, About::Nothing),
    ("service.read_post", LOGGED_IN, About::Post),
    ("service.call_off", ORGANISERS, About::Organised),
    ("service.claims", ORGANISERS, About::Organised),
    ("service.claim", RESIDENT, About::Post),
    ("service.mine", RESIDENT, About::Nothing),
    ("service.check_in", RESIDENT, About::Claim),
    ("service.check_out", RESIDENT, About::Claim),
    ("service.cancel", RESIDENT, About::Claim),
    ("service.confirm", ORGANISERS, About::Hours),
    ("service.no_show", ORGANISERS, About::Hours),
    ("service.reject", ORGANISERS, About::Hours),
    ("service.year", RESIDENT, About::Nothing),
    ("points.mine", LOGGED_IN, About::Nothing),
    ("points.entries", LOGGED_IN, About::Nothing),
    ("points.reconciliation", &["auditor", "sysadmin"], About::Nothing),
    ("offer.publish", &["organiser"], About::Nothing),
    ("offer.list", LOGGED_IN, About::Nothing),
    ("redemption.redeem", RESIDENT, About::Offer),
    ("redemption.cancel", RESIDENT, About::Redemption),
    ("redemption.qr", RESIDENT, About::Redemption),
    ("redemption.verify", &["merchant.wenxing"], About::Nothing),
    ("redemption.refund", &["organiser"], About::Refund),
    ("redemption.mine", LOGGED_IN, About::Nothing),
    ("notification.list", LOGGED_IN, About::Nothing),
    ("notification.unread_count", LOGGED_IN, About::Nothing),
    ("notification.read", LOGGED_IN, About::Notification),
    ("job.list", &["sysadmin"], About::Nothing),
    ("job.redrive", &["sysadmin"], About::Job),
    ("calendar.read", STAFF, About::Nothing),
    ("calendar.import", &["sysadmin"], About::Year),
    ("calendar.recompute", &["sysadmin"], About::Year),
    ("deadline.preview", STAFF, About::Nothing),
    ("rates.month", STAFF, About::Nothing),
];
