//! The table: every operation, who may do it at all, and what it is about.

/// Everybody, from nobody on.
pub(super) const PERSONAS: [&str; 17] = [
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
    "liaison.education",
    SECRETARY,
    "manager.wenxing",
];

/// The secretary of a party branch of 文兴社区.
pub(super) const SECRETARY: &str = "secretary.party-140213066004-01";

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
pub(super) const ROSTER_KEEPERS: &[&str] =
    &["subdistrict.140213066", "community.140213066004", "head.urban-management"];
pub(super) const SIGNERS: &[&str] = ROSTER_KEEPERS;
pub(super) const COMMUNITY_DESK: &[&str] = &["community.140213066004"];
pub(super) const LIAISON: &[&str] = &["liaison.education"];
pub(super) const TOLD: &[&str] = &["organiser", "liaison.education"];
pub(super) const RESULTS: &[&str] = &["organiser", "community.140213066004", "liaison.education"];
pub(super) const UNIT_READERS: &[&str] =
    &["organiser", "auditor", "community.140213066004", "liaison.education"];
pub(super) const PAIRING_READERS: &[&str] =
    &["organiser", "leader", "auditor", "community.140213066004", "liaison.education"];
pub(super) const LOGGERS: &[&str] = &["community.140213066004", "liaison.education"];
pub(super) const ORGANISERS: &[&str] = &["organiser", "community.140213066004"];
/// Who looks after a household, and who asks them to.
pub(super) const NEIGHBOURS: &[&str] = &["demo:li", "community.140213066004"];
/// Whom a branch's quarter may concern at all.
pub(super) const BRANCHES: &[&str] = &["demo:li", "organiser", "community.140213066004", SECRETARY];
pub(super) const OBJECTORS: &[&str] = &[
    "dispatcher",
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
];
pub(super) const NOTE_WRITERS: &[&str] = &[
    "dispatcher",
    "supervisor",
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
];
pub(super) const UPLOADERS: &[&str] = &[
    "demo:li",
    "dispatcher",
    "subdistrict.140213066",
    "community.140213066004",
    "dept.urban-management",
    "head.urban-management",
    "organiser",
    "manager.wenxing",
];
pub(super) const POINTS_READERS: &[&str] = &["organiser", "auditor"];
pub(super) const TILL_READERS: &[&str] =
    &["organiser", "auditor", "merchant.wenxing", "manager.wenxing"];
pub(super) const FLAG_REVIEWERS: &[&str] = &["supervisor", "organiser"];
pub(super) const FLAG_READERS: &[&str] = &["supervisor", "organiser", "auditor"];
pub(super) const REGISTER_KEEPERS: &[&str] = &["organiser", "community.140213066004", SECRETARY];
pub(super) const REGISTER_READERS: &[&str] =
    &["auditor", "organiser", "community.140213066004", SECRETARY];
pub(super) const KEEPERS: &[&str] = &["organiser", "manager.wenxing"];
pub(super) const SETTLEMENT_READERS: &[&str] = &["organiser", "auditor", "manager.wenxing"];
pub(super) const OPINION_HANDLERS: &[&str] = &["supervisor", "sysadmin"];
pub(super) const ANNOUNCERS: &[&str] =
    &["dispatcher", "organiser", "subdistrict.140213066", "community.140213066004"];
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
    /// A complaint whose notes one reads: with a task of one's unit; all for the centre.
    Noted,
    /// The same for a whistle, and for whoever blew it.
    NotedWhistle,
    /// A reply template that one may use: of one's unit, or the centre's; all for the centre.
    Template,
    /// A reply template that one keeps: of one's unit; the centre's for the dispatcher.
    OwnTemplate,
    /// A consultation that one's unit is invited to; all for the centre.
    Consultation,
    /// A final reply of one's unit; all for the centre.
    FinalReply,
    /// Any version of a duty list.
    List,
    /// Any item of a duty list.
    Item,
    /// Any proposal for the next version of a duty list.
    Objection,
    /// Any version of a unit's powers.
    Powers,
    /// Any certificate.
    Certificate,
    /// An act of one's unit.
    Act,
    /// A whistle that one may read: of one's area, of one's unit; all for the centre.
    Whistle,
    /// A whistle that one's unit blew.
    Blown,
    /// A whistle that one reviews: a community's for its subdistrict, a subdistrict's for supervisors.
    Reviewed,
    /// A whistle that called one's unit.
    Called,
    /// A saved view of one's own.
    View,
    /// Any merchant.
    Shop,
    /// A merchant that one manages; all for the organisers and the auditor.
    OwnShop,
    /// Somebody's application to become a merchant: one's own; all for the organiser.
    Application,
    /// Any offer that is out.
    Listed,
    /// An offer of a merchant that one manages; all for the organisers and the auditor.
    OwnOffer,
    /// Any budget.
    Budget,
    /// A statement of a merchant that one manages; all for the organisers and the auditor.
    Settlement,
    /// An export of one's own.
    Export,
    /// A workbook or an attachment by its signed link, which nobody here holds.
    File,
    /// An attachment that one uploaded.
    Upload,
    /// An attachment of a case; any for whoever judges them.
    Attached,
    /// A reply by its short link, which one who is not logged in holds.
    Link,
    /// A supervision of one's unit; all for the centre.
    Supervision,
    /// Any unit.
    Roster,
    /// One's own unit.
    OwnRoster,
    /// A notification in one's own inbox.
    Notification,
    /// An opinion on the application that one handles.
    Opinion,
    /// An opinion of one's own.
    OwnOpinion,
    /// An announcement that everybody reads.
    Announced,
    /// An announcement of the body in whose name one writes.
    OwnAnnouncement,
    /// An item of the guide that everybody reads.
    Guide,
    /// An item of one's own unit.
    OwnGuide,
    /// Any proposal of a role.
    Grant,
    /// Any account.
    Account,
    /// A log-in of one's own; ending it is tried in `identity`.
    Session,
    /// A year of the calendar, by its number.
    Year,
    /// Any routing rule.
    Rule,
    /// Any dead job.
    Job,
    /// A template of what is sent out, by its word.
    MessageTemplate,
    /// A message that was sent out.
    Delivery,
    /// A registration with one's community.
    Registration,
    /// A change of a registration: one's own, or one that one's community decides.
    Change,
    /// A work unit: one's own, one that is paired with one's community, any for the organisers.
    WorkUnit,
    /// A registration of one's own unit, or with one's community.
    UnitRegistration,
    /// A receipt of one's own unit.
    Receipt,
    /// A report to one's own unit.
    Report,
    /// A pairing of a cadre of one's unit, or with one's community.
    CadrePairing,
    /// A matter under such a pairing.
    Matter,
    /// A member of one's part of the party register; all for the organisers.
    Member,
    /// A transfer of which one end lies there.
    Transfer,
    /// A party body.
    PartyBody,
    /// Any post: whoever is logged in reads it and any resident claims it.
    Post,
    /// A post that one organises: of one's community; all for the organisers.
    Organised,
    /// A series of posts that one organises.
    Series,
    /// A claim of one's own.
    Claim,
    /// A claim on a post that one organises.
    Hours,
    /// A claim of one's own, or on a post that one organises.
    Served,
    /// Any movement of somebody's points.
    Movement,
    /// Any version of the rules of points.
    PointsRule,
    /// Any manual adjustment.
    Adjustment,
    /// A community whose points one sees: one's own; all for the organisers and auditors.
    CommunityPoints,
    /// Any award in public notice.
    PointsNotice,
    /// A household that one looks after, or of one's community.
    Household,
    /// A household of one's community.
    OwnHousehold,
    /// A pairing of one's own, or of a household of one's community.
    Pairing,
    /// Imported hours of a member of one's community; all for the organisers.
    Imported,
    /// An entry of the score book in one's part of the register.
    ScoreEntry,
    /// A member in one's part of the register.
    ScoreMember,
    /// A branch's quarter in one's part of the register.
    Quarter,
    /// An objection to one.
    ScoreObjection,
    /// A request to one's community; all for the organisers.
    Request,
    /// A request of one's own.
    OwnRequest,
    /// A dispute on a post that one organises.
    Dispute,
    /// A dispute that one raised.
    OwnDispute,
    /// Any pause of new claims.
    Pause,
    /// Any offer.
    Offer,
    /// A redemption of one's own.
    Redemption,
    /// A redemption at a till of one's merchant.
    AtTill,
    /// The till of one's merchant; every till for the organisers and the auditor.
    Till,
    /// A voucher of one's community.
    Voucher,
    /// Any fairness flag.
    Flag,
    /// A fairness flag of one's own that was upheld.
    OwnFlag,
    /// Any redemption.
    Refund,
    /// A complaint by its number and query code, in the body.
    Code,
}

/// An operation, who may do it at all, and what it is about.
pub(super) type Row = (&'static str, &'static [&'static str], About);

pub(super) const ROWS: &[Row] = &[
    ("identity.login_wechat", EVERYONE, About::Nothing),
    ("identity.ask_phone_code", EVERYONE, About::Nothing),
    ("identity.login_phone", EVERYONE, About::Nothing),
    ("identity.set_phone", LOGGED_IN, About::Nothing),
    ("identity.prove_phone", LOGGED_IN, About::Nothing),
    ("identity.phone", LOGGED_IN, About::Nothing),
    ("identity.login_staff", EVERYONE, About::Nothing),
    ("identity.start_oidc", EVERYONE, About::Nothing),
    ("identity.login_oidc", EVERYONE, About::Nothing),
    ("account.bind_oidc", &["security"], About::Account),
    ("account.unbind_oidc", &["security"], About::Account),
    ("identity.refresh", EVERYONE, About::Nothing),
    ("identity.logout", LOGGED_IN, About::Nothing),
    ("identity.me", LOGGED_IN, About::Nothing),
    ("identity.sessions", LOGGED_IN, About::Nothing),
    ("identity.end_session", LOGGED_IN, About::Session),
    ("privacy.export", LOGGED_IN, About::Nothing),
    ("privacy.correct", LOGGED_IN, About::Nothing),
    ("privacy.erase", LOGGED_IN, About::Nothing),
    ("privacy.notices", EVERYONE, About::Nothing),
    ("privacy.consents", LOGGED_IN, About::Nothing),
    ("privacy.consent", LOGGED_IN, About::Nothing),
    ("privacy.withdraw", LOGGED_IN, About::Nothing),
    ("identity.change_password", STAFF, About::Nothing),
    ("identity.renew_password", EVERYONE, About::Nothing),
    ("identity.start_totp", EVERYONE, About::Nothing),
    ("identity.confirm_totp", EVERYONE, About::Nothing),
    ("identity.renew_recovery_codes", STAFF, About::Nothing),
    ("identity.remove_totp", STAFF, About::Nothing),
    ("account.set_password", &["security"], About::Account),
    ("account.reset_totp", &["security"], About::Account),
    ("account.list", &["security"], About::Nothing),
    ("grant.list", &["security", "auditor"], About::Nothing),
    ("grant.propose", &["security"], About::Nothing),
    ("grant.read", &["security", "auditor"], About::Grant),
    ("grant.approve", &["security"], About::Grant),
    ("grant.refuse", &["security"], About::Grant),
    ("grant.withdraw", &["security"], About::Grant),
    ("grant.history", &["security", "auditor"], About::Account),
    ("invitation.accept", RESIDENT, About::Nothing),
    ("invitation.invite", COMMUNITY_DESK, About::CommunityPoints),
    ("invitation.workers", COMMUNITY_DESK, About::CommunityPoints),
    ("invitation.unbind", COMMUNITY_DESK, About::CommunityPoints),
    ("identity.confirm", LOGGED_IN, About::Nothing),
    ("account.disable", &["security"], About::Account),
    ("account.enable", &["security"], About::Account),
    ("org.divisions", EVERYONE, About::Nothing),
    ("org.departments", STAFF, About::Nothing),
    ("duty.lists", STAFF, About::Nothing),
    ("duty.read", STAFF, About::List),
    ("duty.list_items", STAFF, About::List),
    ("duty.export", STAFF, About::List),
    ("duty.items", STAFF, About::Nothing),
    ("duty.import", &["sysadmin"], About::Nothing),
    ("duty.suggest_for_place", STAFF, About::Item),
    ("duty.suggest_for_case", DESK, About::Case),
    ("duty.propose", OBJECTORS, About::Nothing),
    ("duty.proposals", STAFF, About::Nothing),
    ("duty.decide", &["supervisor"], About::Objection),
    ("complaint.submit", SUBMITTERS, About::Nothing),
    ("complaint.list", CASE_READERS, About::Nothing),
    ("complaint.mine", RESIDENT, About::Nothing),
    ("complaint.read", CASE_READERS, About::Case),
    ("complaint.events", CASE_READERS, About::Case),
    ("complaint.sheet", CASE_READERS, About::Case),
    ("complaint.photo_reports", EVERYONE, About::Nothing),
    ("attachment.upload", UPLOADERS, About::Nothing),
    ("attachment.read", UPLOADERS, About::Upload),
    ("attachment.of_complaint", CASE_READERS, About::Case),
    ("attachment.of_task", TASK_READERS, About::Task),
    ("attachment.of_offer", LOGGED_IN, About::Listed),
    ("attachment.of_claim", LOGGED_IN, About::Served),
    ("attachment.file", EVERYONE, About::File),
    ("attachment.thumbnail", EVERYONE, About::File),
    ("attachment.list", UNMASKERS, About::Nothing),
    ("attachment.hide", UNMASKERS, About::Attached),
    ("attachment.unhide", UNMASKERS, About::Attached),
    ("complaint.accept", DESK, About::Case),
    ("complaint.reject", DESK, About::Case),
    ("complaint.answer", DESK, About::Case),
    ("complaint.merge", DESK, About::Case),
    ("complaint.duplicates", DESK, About::Case),
    ("complaint.split", DESK, About::Case),
    ("complaint.dispatch", DESK, About::Case),
    ("complaint.suspend", DESK, About::Case),
    ("complaint.resume", DESK, About::Case),
    ("complaint.follow_up", DESK, About::Case),
    ("complaint.unmask", UNMASKERS, About::Case),
    ("complaint.exclude", &["supervisor"], About::Case),
    ("complaint.hot", DESK, About::Case),
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
    ("task.assists", TASK_READERS, About::Task),
    ("task.acknowledge", UNITS, About::Task),
    ("task.acknowledge_all", UNITS, About::Nothing),
    ("task.contact", UNITS, About::Task),
    ("task.report_in", UNITS, About::Task),
    ("task.reply", UNITS, About::Task),
    ("task.save_draft", UNITS, About::Task),
    ("task.read_draft", UNITS, About::Task),
    ("task.discard_draft", UNITS, About::Task),
    ("task.hand_over", UNITS, About::Task),
    ("task.take_back", UNITS, About::Task),
    ("task.receivers", UNITS, About::Task),
    ("task.hand_overs", TASK_READERS, About::Task),
    ("task.decide_reply", SIGNERS, About::Task),
    ("task.withdraw_reply", UNITS, About::Task),
    ("task.set_approval", SIGNERS, About::OwnRoster),
    ("task.approval", TASK_READERS, About::Roster),
    ("task.return", UNITS, About::Task),
    ("task.extend", UNITS, About::Task),
    ("task.decide_return", DESK, About::Task),
    ("task.decide_extension", DESK, About::Task),
    ("task.confirm", JUDGES, About::Judged),
    ("task.send_back", JUDGES, About::Judged),
    ("view.list", TASK_READERS, About::Nothing),
    ("view.save", TASK_READERS, About::Nothing),
    ("view.remove", TASK_READERS, About::View),
    ("export.order", TASK_READERS, About::Nothing),
    ("export.read", TASK_READERS, About::Export),
    ("export.file", EVERYONE, About::File),
    ("task.charges", TASK_READERS, About::Case),
    ("task.ping_pong", &["dispatcher", "supervisor"], About::Nothing),
    ("consultation.open", DESK, About::Case),
    ("consultation.list", TASK_READERS, About::Nothing),
    ("consultation.read", TASK_READERS, About::Consultation),
    ("consultation.state", UNITS, About::Consultation),
    ("consultation.climb", DESK, About::Consultation),
    ("consultation.decide", DESK, About::Consultation),
    ("final_reply.propose", UNITS, About::Case),
    ("final_reply.list", TASK_READERS, About::Nothing),
    ("final_reply.read", TASK_READERS, About::FinalReply),
    ("final_reply.sign", SIGNERS, About::FinalReply),
    ("final_reply.confirm", DESK, About::FinalReply),
    ("final_reply.revoke", &["supervisor"], About::FinalReply),
    ("final_reply.cite", DESK, About::Case),
    ("template.list", TASK_READERS, About::Nothing),
    ("template.read", TASK_READERS, About::Template),
    ("template.preview", TASK_READERS, About::Template),
    ("template.make", OBJECTORS, About::Nothing),
    ("template.revise", OBJECTORS, About::OwnTemplate),
    ("template.retire", OBJECTORS, About::OwnTemplate),
    ("note.write", NOTE_WRITERS, About::Noted),
    ("note.list", TASK_READERS, About::Noted),
    ("note.write_on_whistle", NOTE_WRITERS, About::NotedWhistle),
    ("note.list_of_whistle", TASK_READERS, About::NotedWhistle),
    ("task.ask_exclusion", UNITS, About::Task),
    ("task.decide_exclusion", &["supervisor"], About::Task),
    ("task.exclusions", TASK_READERS, About::Nothing),
    ("enforcement.lists", STAFF, About::Nothing),
    ("enforcement.read", STAFF, About::Powers),
    ("enforcement.export", STAFF, About::Powers),
    ("enforcement.import", &["sysadmin"], About::Nothing),
    ("enforcement.register", &["dispatcher", "sysadmin"], About::Nothing),
    ("enforcement.certificates", STAFF, About::Nothing),
    ("enforcement.revoke", &["dispatcher", "sysadmin"], About::Certificate),
    ("enforcement.record", UNITS, About::Task),
    ("enforcement.acts", TASK_READERS, About::Task),
    ("enforcement.withdraw", UNITS, About::Act),
    ("follow_up.queue", DESK, About::Nothing),
    ("follow_up.take", DESK, About::Case),
    ("evaluation.read", EVERYONE, About::Link),
    ("evaluation.evaluate", EVERYONE, About::Link),
    ("evaluation.link", DESK, About::Case),
    ("whistle.draft", OFFICERS, About::Nothing),
    ("whistle.list", TASK_READERS, About::Nothing),
    ("whistle.rates", TASK_READERS, About::Nothing),
    ("whistle.read", TASK_READERS, About::Whistle),
    ("whistle.events", TASK_READERS, About::Whistle),
    ("whistle.review", REVIEWERS, About::Reviewed),
    ("whistle.rate", RATERS, About::Called),
    ("whistle.appraise", OFFICERS, About::Blown),
    ("whistle.stand_down", OFFICERS, About::Blown),
    ("whistle.withdraw", OFFICERS, About::Blown),
    ("supervision.supervise", &["supervisor"], About::Case),
    ("supervision.instruct", &["leader"], About::Case),
    ("supervision.list", TASK_READERS, About::Nothing),
    ("supervision.read", TASK_READERS, About::Supervision),
    ("supervision.answer", UNITS, About::Supervision),
    ("supervision.accept", &["supervisor"], About::Supervision),
    ("supervision.send_back", &["supervisor"], About::Supervision),
    ("supervision.put_on_list", &["supervisor"], About::Supervision),
    ("supervision.take_off_list", &["supervisor"], About::Supervision),
    ("supervision.roster", TASK_READERS, About::Roster),
    ("supervision.keep_roster", ROSTER_KEEPERS, About::OwnRoster),
    ("registration.submit", RESIDENT, About::Nothing),
    ("registration.mine", RESIDENT, About::Nothing),
    ("registration.list", COMMUNITY_DESK, About::Nothing),
    ("registration.read", COMMUNITY_DESK, About::Registration),
    ("registration.sign", COMMUNITY_DESK, About::Registration),
    ("registration.results", RESULTS, About::Nothing),
    ("registration.ask_change", RESIDENT, About::Nothing),
    ("registration.my_changes", RESIDENT, About::Nothing),
    ("registration.take_back_change", RESIDENT, About::Change),
    ("registration.changes", COMMUNITY_DESK, About::Nothing),
    ("registration.read_change", COMMUNITY_DESK, About::Change),
    ("registration.decide_change", COMMUNITY_DESK, About::Change),
    ("work_unit.add", &["organiser"], About::Nothing),
    ("work_unit.list", UNIT_READERS, About::Nothing),
    ("work_unit.read", UNIT_READERS, About::WorkUnit),
    ("work_unit.change", &["organiser"], About::WorkUnit),
    ("work_unit.register", LIAISON, About::Nothing),
    ("work_unit.registrations", UNIT_READERS, About::Nothing),
    ("work_unit.read_registration", UNIT_READERS, About::UnitRegistration),
    ("work_unit.sign", COMMUNITY_DESK, About::UnitRegistration),
    ("work_unit.end", LOGGERS, About::UnitRegistration),
    ("work_unit.receipts", TOLD, About::Nothing),
    ("work_unit.read_receipt", TOLD, About::Receipt),
    ("work_unit.acknowledge_receipt", LIAISON, About::Receipt),
    ("work_unit.reports", TOLD, About::Nothing),
    ("work_unit.read_report", TOLD, About::Report),
    ("work_unit.acknowledge_report", LIAISON, About::Report),
    ("work_unit.file", TOLD, About::Report),
    ("pairing.pair", &["organiser"], About::Nothing),
    ("pairing.list", PAIRING_READERS, About::Nothing),
    ("pairing.counts", PAIRING_READERS, About::Nothing),
    ("pairing.read", PAIRING_READERS, About::CadrePairing),
    ("pairing.end", &["organiser"], About::CadrePairing),
    ("pairing.log_matter", LOGGERS, About::CadrePairing),
    ("pairing.matters", PAIRING_READERS, About::CadrePairing),
    ("pairing.solve_matter", LOGGERS, About::Matter),
    ("pairing.judge_matter", COMMUNITY_DESK, About::Matter),
    ("party.members", REGISTER_READERS, About::Nothing),
    ("party.add", REGISTER_KEEPERS, About::Nothing),
    ("party.member", REGISTER_READERS, About::Member),
    ("party.change", REGISTER_KEEPERS, About::Member),
    ("party.remove", REGISTER_KEEPERS, About::Member),
    ("party.unmask", REGISTER_KEEPERS, About::Member),
    ("party.changes", REGISTER_READERS, About::Member),
    ("party.mine", RESIDENT, About::Nothing),
    ("party.relist", REGISTER_KEEPERS, About::Member),
    ("party.float", REGISTER_KEEPERS, About::Member),
    ("party.come_back", REGISTER_KEEPERS, About::Member),
    ("party.propose_transfer", REGISTER_KEEPERS, About::Member),
    ("party.transfers", REGISTER_READERS, About::Nothing),
    ("party.transfer", REGISTER_READERS, About::Transfer),
    ("party.release_transfer", REGISTER_KEEPERS, About::Transfer),
    ("party.accept_transfer", REGISTER_KEEPERS, About::Transfer),
    ("party.refuse_transfer", REGISTER_KEEPERS, About::Transfer),
    ("party.withdraw_transfer", REGISTER_KEEPERS, About::Transfer),
    ("party.template", REGISTER_KEEPERS, About::Nothing),
    ("party.import", REGISTER_KEEPERS, About::Nothing),
    ("party.export", REGISTER_KEEPERS, About::Nothing),
    ("party.tree", REGISTER_READERS, About::Nothing),
    ("party.found", &["organiser"], About::Nothing),
    ("party.reshape", &["organiser"], About::PartyBody),
    ("party.deactivate", &["organiser"], About::PartyBody),
    ("request.submit", RESIDENT, About::Nothing),
    ("request.mine", RESIDENT, About::Nothing),
    ("request.read_own", RESIDENT, About::OwnRequest),
    ("request.confirm", RESIDENT, About::OwnRequest),
    ("request.list", ORGANISERS, About::Nothing),
    ("request.read", ORGANISERS, About::Request),
    ("request.unmask", ORGANISERS, About::Request),
    ("request.order", ORGANISERS, About::Request),
    ("request.decline", ORGANISERS, About::Request),
    ("request.cancel", RESIDENT, About::OwnRequest),
    ("service.publish", ORGANISERS, About::Nothing),
    ("service.posts", LOGGED_IN, About::Nothing),
    ("service.read_post", LOGGED_IN, About::Post),
    ("service.publish_series", ORGANISERS, About::Nothing),
    ("service.change_series", ORGANISERS, About::Series),
    ("service.cancel_series", ORGANISERS, About::Series),
    ("service.skills", RESIDENT, About::Nothing),
    ("service.keep_skills", RESIDENT, About::Nothing),
    ("service.post_matches", RESIDENT, About::Nothing),
    ("service.candidates", ORGANISERS, About::Organised),
    ("service.invite", ORGANISERS, About::Organised),
    ("service.check_in_code", ORGANISERS, About::Organised),
    ("service.page_code", ORGANISERS, About::Organised),
    ("service.change", ORGANISERS, About::Organised),
    ("service.call_off", ORGANISERS, About::Organised),
    ("service.claims", ORGANISERS, About::Organised),
    ("service.claim", RESIDENT, About::Post),
    ("service.mine", RESIDENT, About::Nothing),
    ("service.check_in", RESIDENT, About::Claim),
    ("service.check_out", RESIDENT, About::Claim),
    ("service.show", RESIDENT, About::Claim),
    ("service.cancel", RESIDENT, About::Claim),
    ("service.confirm", ORGANISERS, About::Hours),
    ("service.no_show", ORGANISERS, About::Hours),
    ("service.reject", ORGANISERS, About::Hours),
    ("service.year", RESIDENT, About::Nothing),
    ("service.hours", RESIDENT, About::Nothing),
    ("service.import_hours", ORGANISERS, About::Nothing),
    ("service.imported_hours", ORGANISERS, About::Nothing),
    ("service.withdraw_hours", ORGANISERS, About::Imported),
    ("household.register", COMMUNITY_DESK, About::Nothing),
    ("household.list", NEIGHBOURS, About::Nothing),
    ("household.counts", ORGANISERS, About::Nothing),
    ("household.read", NEIGHBOURS, About::Household),
    ("household.visits", NEIGHBOURS, About::Household),
    ("household.pairings", NEIGHBOURS, About::Household),
    ("household.change", COMMUNITY_DESK, About::OwnHousehold),
    ("household.close", COMMUNITY_DESK, About::OwnHousehold),
    ("household.pair", COMMUNITY_DESK, About::OwnHousehold),
    ("household.mine", RESIDENT, About::Nothing),
    ("household.read_pairing", NEIGHBOURS, About::Pairing),
    ("household.accept", RESIDENT, About::Pairing),
    ("household.decline", RESIDENT, About::Pairing),
    ("household.end", NEIGHBOURS, About::Pairing),
    ("household.visit", RESIDENT, About::Pairing),
    ("score.declare", RESIDENT, About::Nothing),
    ("score.submitted", RESIDENT, About::Nothing),
    ("score.mine", RESIDENT, About::Nothing),
    ("score.my_page", RESIDENT, About::Nothing),
    ("score.enter", REGISTER_KEEPERS, About::Nothing),
    ("score.entries", REGISTER_KEEPERS, About::Nothing),
    ("score.read", REGISTER_KEEPERS, About::ScoreEntry),
    ("score.accept", REGISTER_KEEPERS, About::ScoreEntry),
    ("score.refuse", REGISTER_KEEPERS, About::ScoreEntry),
    ("score.catalogues", REGISTER_KEEPERS, About::Nothing),
    ("score.revise", &["organiser"], About::Nothing),
    ("score.book", REGISTER_KEEPERS, About::ScoreMember),
    ("score.book_page", REGISTER_KEEPERS, About::ScoreMember),
    ("score.propose", REGISTER_KEEPERS, About::Nothing),
    ("score.settlements", BRANCHES, About::Nothing),
    ("score.settlement", BRANCHES, About::Quarter),
    ("score.object", BRANCHES, About::Quarter),
    ("score.export", REGISTER_KEEPERS, About::Quarter),
    ("score.publish", ORGANISERS, About::Quarter),
    ("score.send_back", ORGANISERS, About::Quarter),
    ("score.decide", ORGANISERS, About::ScoreObjection),
    ("service.dispute", RESIDENT, About::Claim),
    ("service.my_disputes", RESIDENT, About::Nothing),
    ("service.disputes", ORGANISERS, About::Nothing),
    ("service.read_dispute", ORGANISERS, About::Dispute),
    ("service.decide_dispute", ORGANISERS, About::Dispute),
    ("service.withdraw_dispute", RESIDENT, About::OwnDispute),
    ("service.standing", RESIDENT, About::Nothing),
    ("service.pauses", &["organiser"], About::Nothing),
    ("service.lift_pause", &["organiser"], About::Pause),
    ("points.mine", LOGGED_IN, About::Nothing),
    ("points.entries", LOGGED_IN, About::Nothing),
    ("points.statement", LOGGED_IN, About::Nothing),
    ("points.donate", RESIDENT, About::Nothing),
    ("points.pass_on", COMMUNITY_DESK, About::CommunityPoints),
    (
        "points.community",
        &["organiser", "auditor", "community.140213066004"],
        About::CommunityPoints,
    ),
    (
        "points.community_entries",
        &["organiser", "auditor", "community.140213066004"],
        About::CommunityPoints,
    ),
    ("points.reconciliation", &["auditor", "sysadmin"], About::Nothing),
    ("points.movements", POINTS_READERS, About::Nothing),
    ("points.movement", POINTS_READERS, About::Movement),
    ("points.reverse", &["organiser"], About::Movement),
    ("points.rules", LOGGED_IN, About::Nothing),
    ("points.rule", LOGGED_IN, About::PointsRule),
    ("points.preview_rule", POINTS_READERS, About::Nothing),
    ("points.propose_rule", &["organiser"], About::Nothing),
    ("points.decide_rule", &["organiser"], About::PointsRule),
    ("points.withdraw_rule", &["organiser"], About::PointsRule),
    ("points.adjustments", POINTS_READERS, About::Nothing),
    ("points.adjustment", POINTS_READERS, About::Adjustment),
    ("points.propose_adjustment", &["organiser"], About::Nothing),
    ("points.decide_adjustment", &["organiser"], About::Adjustment),
    ("points.withdraw_adjustment", &["organiser"], About::Adjustment),
    ("points.notices", LOGGED_IN, About::Nothing),
    ("points.notice", LOGGED_IN, About::PointsNotice),
    ("points.object", &["demo:li", "community.140213066004"], About::PointsNotice),
    ("points.objections", POINTS_READERS, About::PointsNotice),
    ("points.decide_objection", &["organiser"], About::PointsNotice),
    ("merchant.apply", RESIDENT, About::Nothing),
    ("merchant.my_applications", RESIDENT, About::Nothing),
    ("merchant.applications", &["organiser"], About::Nothing),
    ("merchant.read_application", LOGGED_IN, About::Application),
    ("merchant.correct", RESIDENT, About::Application),
    ("merchant.withdraw", RESIDENT, About::Application),
    ("merchant.decide", &["organiser"], About::Application),
    ("merchant.list", LOGGED_IN, About::Nothing),
    ("merchant.read", LOGGED_IN, About::Shop),
    ("merchant.change", KEEPERS, About::OwnShop),
    ("merchant.unmask", &["organiser"], About::OwnShop),
    ("merchant.suspend", &["organiser"], About::OwnShop),
    ("merchant.lift", &["organiser"], About::OwnShop),
    ("merchant.invite", KEEPERS, About::OwnShop),
    ("merchant.people", KEEPERS, About::OwnShop),
    ("merchant.unbind", KEEPERS, About::OwnShop),
    ("merchant.settlements", SETTLEMENT_READERS, About::Nothing),
    ("merchant.settlement", SETTLEMENT_READERS, About::Settlement),
    ("merchant.settlement_lines", SETTLEMENT_READERS, About::Settlement),
    ("merchant.settlement_workbook", SETTLEMENT_READERS, About::Settlement),
    ("merchant.settlement_page", SETTLEMENT_READERS, About::Settlement),
    ("merchant.confirm", &["manager.wenxing"], About::Settlement),
    ("merchant.dispute", &["manager.wenxing"], About::Settlement),
    ("merchant.answer", &["organiser"], About::Settlement),
    ("merchant.pay", &["organiser"], About::Settlement),
    ("offer.publish", &["organiser"], About::Nothing),
    ("offer.list", LOGGED_IN, About::Nothing),
    ("offer.read", LOGGED_IN, About::Listed),
    ("offer.draft", KEEPERS, About::Nothing),
    ("offer.change", KEEPERS, About::OwnOffer),
    ("offer.show", KEEPERS, About::OwnOffer),
    ("offer.submit", KEEPERS, About::OwnOffer),
    ("offer.review", &["organiser"], About::OwnOffer),
    ("offer.switch", KEEPERS, About::OwnOffer),
    ("offer.stock", &["organiser"], About::OwnOffer),
    ("offer.batches", SETTLEMENT_READERS, About::OwnOffer),
    ("offer.of_shop", SETTLEMENT_READERS, About::OwnShop),
    ("offer.in_review", &["organiser"], About::Nothing),
    ("offer.add_budget", &["organiser"], About::Nothing),
    ("offer.budgets", &["organiser", "auditor"], About::Nothing),
    ("offer.set_cap", &["organiser"], About::Budget),
    ("redemption.redeem", RESIDENT, About::Offer),
    ("redemption.cancel", RESIDENT, About::Redemption),
    ("redemption.qr", RESIDENT, About::Redemption),
    ("redemption.verify", &["merchant.wenxing"], About::Nothing),
    ("redemption.refund", &["organiser"], About::Refund),
    ("redemption.mine", LOGGED_IN, About::Nothing),
    ("redemption.qr_token", RESIDENT, About::Redemption),
    ("redemption.undo", &["merchant.wenxing"], About::AtTill),
    ("redemption.till", TILL_READERS, About::Till),
    ("redemption.till_lines", TILL_READERS, About::Till),
    ("redemption.till_sheet", TILL_READERS, About::Till),
    ("redemption.issue_voucher", COMMUNITY_DESK, About::Offer),
    ("redemption.vouchers", COMMUNITY_DESK, About::Nothing),
    ("redemption.print_voucher", COMMUNITY_DESK, About::Voucher),
    ("redemption.revoke_voucher", COMMUNITY_DESK, About::Voucher),
    ("audit.search", &["auditor"], About::Nothing),
    ("audit.chain", &["auditor"], About::Nothing),
    ("screening.list", &["dispatcher"], About::Nothing),
    ("screening.decide", &["dispatcher"], About::Case),
    ("feedback.submit", EVERYONE, About::Nothing),
    ("feedback.track", EVERYONE, About::Nothing),
    ("feedback.mine", LOGGED_IN, About::Nothing),
    ("feedback.read_own", LOGGED_IN, About::OwnOpinion),
    ("feedback.list", OPINION_HANDLERS, About::Nothing),
    ("feedback.counts", OPINION_HANDLERS, About::Nothing),
    ("feedback.read", OPINION_HANDLERS, About::Opinion),
    ("feedback.answer", OPINION_HANDLERS, About::Opinion),
    ("feedback.mark", OPINION_HANDLERS, About::Opinion),
    ("feedback.unmask", OPINION_HANDLERS, About::Opinion),
    ("announcement.list", EVERYONE, About::Nothing),
    ("announcement.read", EVERYONE, About::Announced),
    ("announcement.mark_read", LOGGED_IN, About::Announced),
    ("announcement.desk", ANNOUNCERS, About::Nothing),
    ("announcement.draft", ANNOUNCERS, About::Nothing),
    ("announcement.revise", ANNOUNCERS, About::OwnAnnouncement),
    ("announcement.submit", ANNOUNCERS, About::OwnAnnouncement),
    ("announcement.review", ANNOUNCERS, About::OwnAnnouncement),
    ("announcement.withdraw", ANNOUNCERS, About::OwnAnnouncement),
    ("guide.list", EVERYONE, About::Nothing),
    ("guide.suggest", EVERYONE, About::Nothing),
    ("guide.read", EVERYONE, About::Guide),
    ("guide.vote", EVERYONE, About::Guide),
    ("guide.desk", UNITS, About::Nothing),
    ("guide.template", UNITS, About::Nothing),
    ("guide.import", UNITS, About::Nothing),
    ("guide.draft", UNITS, About::Nothing),
    ("guide.revise", UNITS, About::OwnGuide),
    ("guide.submit", UNITS, About::OwnGuide),
    ("guide.review", SIGNERS, About::OwnGuide),
    ("guide.withdraw", UNITS, About::OwnGuide),
    ("guide.votes", UNITS, About::OwnGuide),
    ("wechat.echo", EVERYONE, About::Nothing),
    ("wechat.push", EVERYONE, About::Nothing),
    ("fairness.list", FLAG_READERS, About::Nothing),
    ("fairness.counts", FLAG_READERS, About::Nothing),
    ("fairness.read", FLAG_READERS, About::Flag),
    ("fairness.review", FLAG_REVIEWERS, About::Flag),
    ("fairness.decide_appeal", FLAG_REVIEWERS, About::Flag),
    ("fairness.mine", LOGGED_IN, About::Nothing),
    ("fairness.appeal", LOGGED_IN, About::OwnFlag),
    ("live.stream", TASK_READERS, About::Nothing),
    ("notification.list", LOGGED_IN, About::Nothing),
    ("notification.unread_count", LOGGED_IN, About::Nothing),
    ("notification.read", LOGGED_IN, About::Notification),
    ("delivery.subscriptions", LOGGED_IN, About::Nothing),
    ("delivery.subscribe", LOGGED_IN, About::Nothing),
    ("delivery.preferences", LOGGED_IN, About::Nothing),
    ("delivery.prefer", LOGGED_IN, About::Nothing),
    ("delivery.list", &["sysadmin"], About::Nothing),
    ("delivery.resend", &["sysadmin"], About::Delivery),
    ("delivery.templates", &["sysadmin"], About::Nothing),
    ("delivery.preview", &["sysadmin"], About::MessageTemplate),
    ("delivery.publish", &["sysadmin"], About::MessageTemplate),
    ("job.list", &["sysadmin"], About::Nothing),
    ("job.redrive", &["sysadmin"], About::Job),
    ("calendar.read", STAFF, About::Nothing),
    ("calendar.import", &["sysadmin"], About::Year),
    ("calendar.recompute", &["sysadmin"], About::Year),
    ("deadline.preview", STAFF, About::Nothing),
    ("rates.month", STAFF, About::Nothing),
    ("rates.cases", STAFF, About::Nothing),
    ("rates.appraisals", STAFF, About::Nothing),
    ("bulletin.list", STAFF, About::Nothing),
    ("bulletin.read", STAFF, About::Nothing),
    ("bulletin.page", STAFF, About::Nothing),
    ("bulletin.publish", &["supervisor"], About::Nothing),
];
