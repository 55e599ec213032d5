//! Events (办理记录): what happened to a case. An event carries codes, ids and instants, a mandatory
//! audience, and apart from them the words a person wrote (`note`), which can be erased without
//! touching the record. Timelines and notifications are rendered from events when they are read.

use serde_json::Value;

use crate::{id::TaskId, org::NodeCode, time::Timestamp};

codes! {
    /// Who may read an event in a timeline.
    pub enum Visibility {
        /// The reporter, every unit with a task, and the centre.
        Everyone = "everyone", "各方";
        /// The reporter and the centre.
        Reporter = "reporter", "反映人";
        /// The unit named in the event and the centre.
        Unit = "unit", "承办单位";
        /// The centre alone.
        Centre = "centre", "区中心";
    }
}

codes! {
    /// What happened.
    pub enum EventKind {
        /// A complaint came in.
        Submitted = "submitted", "已提交";
        /// The centre took it on.
        Accepted = "accepted", "已受理";
        /// The centre did not take it on.
        Rejected = "rejected", "不予受理";
        /// The centre answered at once.
        Answered = "answered", "直接答复";
        /// It follows another complaint from now on.
        Merged = "merged", "已并案";
        /// The case it followed was taken back: it goes its own way again.
        Unmerged = "unmerged", "恢复单独办理";
        /// The merge was wrong: it goes its own way again.
        Split = "split", "撤销并案";
        /// The reporter took it back.
        Withdrawn = "withdrawn", "已撤回";
        /// A unit was given a task.
        TaskDispatched = "task_dispatched", "已派单";
        /// An emergency was given to a subdistrict or community that no duty list names.
        EmergencyApproved = "emergency_approved", "紧急下派审批";
        /// The unit acknowledged.
        TaskAcknowledged = "task_acknowledged", "已签收";
        /// The unit spoke with the reporter, or tried to.
        Contacted = "contacted", "先行联系";
        /// The unit is on the spot.
        Arrived = "arrived", "已到场";
        /// The unit replied.
        TaskReplied = "task_replied", "单位已答复";
        /// The lead replies though assists have not.
        AssistsWaived = "assists_waived", "不等协办答复";
        /// The reply was confirmed.
        TaskConfirmed = "task_confirmed", "答复已确认";
        /// The reply was sent back.
        TaskSentBack = "task_sent_back", "答复被退回";
        /// The unit named who works on the task.
        TaskHandedOver = "task_handed_over", "任务转交";
        /// The unit took the task back from whoever worked on it.
        TaskTakenBack = "task_taken_back", "任务收回";
        /// The unit's reply waits for its head.
        ReplySubmitted = "reply_submitted", "答复送审";
        /// The head approved the reply.
        ReplyApproved = "reply_approved", "答复已审签";
        /// The head wants the reply written again.
        ReplyDisapproved = "reply_disapproved", "答复退回修改";
        /// The unit took back the reply that waited for its head.
        ReplyWithdrawn = "reply_withdrawn", "撤回送审";
        /// The unit asks to return the task.
        ReturnRequested = "return_requested", "申请退单";
        /// The centre did not agree to the return.
        ReturnDeclined = "return_declined", "退单未获同意";
        /// The centre agreed; another unit has it now.
        TaskReturned = "task_returned", "已退单";
        /// The unit asks for more time.
        ExtensionRequested = "extension_requested", "申请延期";
        /// More time was granted.
        ExtensionGranted = "extension_granted", "同意延期";
        /// More time was not granted.
        ExtensionDeclined = "extension_declined", "未同意延期";
        /// The year's working days were announced: the unit's deadlines were computed anew.
        DeadlinesRecomputed = "deadlines_recomputed", "时限重算";
        /// The task ended because the case did.
        TaskCancelled = "task_cancelled", "任务取消";
        /// Every unit's reply is confirmed: the reporter has the answer.
        Replied = "replied", "已答复";
        /// The reporter is asked for an evaluation (first or second round).
        FollowUpStarted = "follow_up_started", "回访";
        /// A follow-up call did not reach the reporter.
        FollowUpMissed = "follow_up_missed", "回访未联系上";
        /// The reporter's evaluation.
        Evaluated = "evaluated", "已评价";
        /// The lead unit must do it again.
        ReworkOrdered = "rework_ordered", "重办";
        /// Reworked twice in vain: the units must confer.
        ConsultationOpened = "consultation_opened", "转入会商";
        /// A unit is invited to confer.
        ConsultationInvited = "consultation_invited", "邀请会商";
        /// An invited unit gave its statement.
        ConsultationStated = "consultation_stated", "会商陈述";
        /// The consultation went one level up.
        ConsultationClimbed = "consultation_climbed", "提级会商";
        /// The consultation was decided: who has the case now.
        ConsultationDecided = "consultation_decided", "会商裁定";
        /// The case was settled or ended before the consultation was decided.
        ConsultationLapsed = "consultation_lapsed", "会商终止";
        /// The ruling of a consultation left the task with its unit.
        TaskBound = "task_bound", "会商裁定承办";
        /// Officers of the unit acted: inspected, ordered, fined.
        EnforcementActed = "enforcement_acted", "执法行为";
        /// An act of enforcement was withdrawn.
        EnforcementWithdrawn = "enforcement_withdrawn", "撤回执法行为";
        /// The lead's unit proposed its last word on the matter.
        FinalReplyProposed = "final_reply_proposed", "提出最终答复";
        /// The unit's head signed it.
        FinalReplySigned = "final_reply_signed", "最终答复已签署";
        /// The unit's head or the centre did not agree.
        FinalReplyRefused = "final_reply_refused", "最终答复未通过";
        /// The centre confirmed it: appeals may be answered with it.
        FinalReplyInForce = "final_reply_in_force", "最终答复生效";
        /// It was taken out of force.
        FinalReplyRevoked = "final_reply_revoked", "最终答复撤销";
        /// The case is closed.
        Closed = "closed", "已办结";
        /// The case is archived.
        Archived = "archived", "已归档";
        /// The reporter reopened the case.
        Reopened = "reopened", "重新办理";
        /// The reporter appealed against a rejection or a direct answer.
        Appealed = "appealed", "申请复核";
        /// The reporter urges.
        Urged = "urged", "催办";
        /// The clocks are stopped.
        Suspended = "suspended", "已挂起";
        /// The clocks go on.
        Resumed = "resumed", "恢复办理";
        /// The case counts in no rate.
        Excluded = "excluded", "已剔除";
        /// The lead asks that the case count in no rate.
        ExclusionRequested = "exclusion_requested", "申请剔除";
        /// A supervisor decided on that.
        ExclusionDecided = "exclusion_decided", "剔除申请已决定";
        /// A share of the time is used up (50 % and 80 %).
        Reminder = "reminder", "时限提醒";
        /// A unit's deadline passed.
        Overdue = "overdue", "已超时";
        /// The head of the unit is told of a missed deadline.
        OverdueNotice = "overdue_notice", "催办通知";
        /// A missed deadline is told in writing.
        WrittenBulletin = "written_bulletin", "书面通报";
        /// A supervision was opened: the unit must answer in writing.
        SupervisionOpened = "supervision_opened", "督办";
        /// It climbed to the government's 督查室.
        SupervisionClimbed = "supervision_climbed", "督办上升";
        /// It is with the district leader.
        SupervisionReferred = "supervision_referred", "提交区领导督办";
        /// The district leader gave an instruction.
        LeaderInstructed = "leader_instructed", "领导批示";
        /// The unit answered in writing.
        SupervisionAnswered = "supervision_answered", "督办答复";
        /// The answer was sent back.
        SupervisionSentBack = "supervision_sent_back", "督办答复被退回";
        /// The answer was accepted.
        SupervisionAccepted = "supervision_accepted", "督办办结";
        /// It lapsed: the unit was relieved of the matter.
        SupervisionLapsed = "supervision_lapsed", "督办失效";
        /// It was put on the list.
        SupervisionListed = "supervision_listed", "挂牌督办";
        /// It was taken off the list.
        SupervisionUnlisted = "supervision_unlisted", "督办摘牌";
        /// Unanswered at the last level: the coordination mechanism is asked.
        CoordinationAsked = "coordination_asked", "提请协调机制";
        /// A deadline of the centre passed.
        CentreOverdue = "centre_overdue", "区中心超时";
        /// A whistle was drafted.
        WhistleDrafted = "whistle_drafted", "起草吹哨";
        /// It was reviewed.
        WhistleReviewed = "whistle_reviewed", "审核吹哨";
        /// It was blown: the tasks are out.
        WhistleBlown = "whistle_blown", "吹哨";
        /// It was taken back.
        WhistleWithdrawn = "whistle_withdrawn", "撤回吹哨";
        /// The review is late.
        ReviewOverdue = "review_overdue", "审核超时";
        /// The blower calls it done.
        StandDownCalled = "stand_down_called", "申请销哨";
        /// Every task is confirmed and the blower said nothing: it stands down by itself.
        StandDownSilent = "stand_down_silent", "自动销哨";
        /// The blower scored a unit.
        UnitAppraised = "unit_appraised", "评哨";
        /// A unit scored the whistle.
        WhistleRated = "whistle_rated", "反向评价";
        /// It is over.
        StoodDown = "stood_down", "已销哨";
        /// The blower said nothing for two working days: the centre may confirm.
        BlowerSilent = "blower_silent", "确认移交区中心";
        /// Somebody registers with a community (双报到).
        RegistrationSubmitted = "registration_submitted", "申请报到";
        /// The community signed.
        RegistrationSigned = "registration_signed", "报到已签署";
        /// The community did not sign.
        RegistrationRefused = "registration_refused", "报到未通过";
        /// The member was taken off the register, and the registration ended with it.
        RegistrationEnded = "registration_ended", "报到终止";
        /// A unit is told of one of its members.
        ReceiptSent = "receipt_sent", "报到回执";
        /// A member asks for a change of the registration.
        ChangeAsked = "registration_change_asked", "申请变更报到";
        /// The old community let a member go who moves.
        ChangeReleased = "registration_change_released", "原社区已转出";
        /// The change was made.
        ChangeGranted = "registration_change_granted", "变更已办理";
        /// The change was not made.
        ChangeRefused = "registration_change_refused", "变更未同意";
        /// The member took the wish back.
        ChangeTakenBack = "registration_change_taken_back", "撤回变更申请";
        /// Something of the year's service is missing.
        ServiceReminded = "service_reminded", "年度服务提醒";
        /// A work unit registers with a community.
        UnitSubmitted = "unit_registration_submitted", "单位申请报到";
        /// The community signed.
        UnitSigned = "unit_registration_signed", "单位报到已签署";
        /// The community did not sign.
        UnitRefused = "unit_registration_refused", "单位报到未签署";
        /// The unit's registration ended.
        UnitEnded = "unit_registration_ended", "单位报到终止";
        /// A unit was sent figures about all its members.
        UnitReported = "unit_reported", "年度服务反馈";
        /// Somebody claimed a service post, or waits for a place.
        Claimed = "claimed", "认领岗位";
        /// A place came free for who waited.
        ClaimPromoted = "claim_promoted", "候补转正";
        /// Who claimed a post called it off.
        ClaimCancelled = "claim_cancelled", "取消认领";
        /// The post was called off.
        PostCancelled = "post_cancelled", "岗位取消";
        /// Somebody is at the post.
        CheckedIn = "checked_in", "已签到";
        /// Somebody left the post.
        CheckedOut = "checked_out", "已签退";
        /// The organiser confirmed the hours.
        ServiceConfirmed = "service_confirmed", "时长已确认";
        /// Somebody did not come.
        NoShow = "no_show", "未到";
        /// The organiser does not count it.
        ClaimRejected = "claim_rejected", "未认可";
        /// A post ended, and nobody has said who came.
        AttendanceDue = "attendance_due", "时长待确认";
        /// Somebody who agreed to be suggested is invited to a post.
        PostInvited = "post_invited", "邀请认领";
        /// Something about the post is other than when it was claimed.
        PostChanged = "post_changed", "岗位变更";
        /// Somebody whom it concerns does not agree with what was decided.
        DisputeRaised = "dispute_raised", "提出异议";
        /// They took it back.
        DisputeWithdrawn = "dispute_withdrawn", "撤回异议";
        /// Another officer looked at it again.
        DisputeDecided = "dispute_decided", "异议已复核";
        /// New claims pause for a while.
        ClaimsPaused = "claims_paused", "暂停认领";
        /// The pause ended before its time.
        ClaimsResumed = "claims_resumed", "恢复认领";
        /// A resident asks for a service (点单).
        RequestSubmitted = "request_submitted", "点单";
        /// The community made a post of it.
        RequestOrdered = "request_ordered", "已下单";
        /// The community cannot do it.
        RequestDeclined = "request_declined", "未能安排";
        /// The resident took it back.
        RequestCancelled = "request_cancelled", "取消点单";
        /// The resident was served.
        RequestDone = "request_done", "确认完成";
        /// Nobody served: the community has it again.
        RequestReturned = "request_returned", "点单退回待处理";
        /// The resident said nothing of what was served: it is taken for done.
        RequestSettled = "request_settled", "点单按已完成处理";
        /// Points that were given are taken back.
        PointsTakenBack = "points_taken_back", "收回积分";
        /// Two persons adjusted somebody's points.
        PointsAdjusted = "points_adjusted", "人工调整积分";
        /// Points will run out.
        PointsExpiring = "points_expiring", "积分即将到期";
        /// Points were put up for public notice.
        AwardNoticed = "award_noticed", "积分公示";
        /// Points came as a gift.
        PointsReceived = "points_received", "收到转赠";
        /// An objection to them was upheld.
        AwardRefused = "award_refused", "公示异议成立";
        /// A community asks somebody to look after a household (包联).
        PairingProposed = "pairing_proposed", "拟定包联";
        /// The person agreed.
        PairingAccepted = "pairing_accepted", "接受包联";
        /// The person did not agree.
        PairingDeclined = "pairing_declined", "未接受包联";
        /// It is over: ended by the person or the community, or the term ran out.
        PairingEnded = "pairing_ended", "包联结束";
        /// The household was not visited for a while.
        VisitDue = "visit_due", "走访提醒";
        /// What waits for somebody who works on tasks, on the morning of a working day.
        DailyDigest = "daily_digest", "每日摘要";
        /// A clerk took back what he had verified by mistake.
        RedemptionUndone = "redemption_undone", "核销已撤销";
        /// An officer redeemed an offer for a person without a phone.
        VoucherIssued = "voucher_issued", "代办兑换券";
        /// An officer took a voucher back.
        VoucherRevoked = "voucher_revoked", "兑换券作废";
        /// What looked unfair was found to be so.
        FlagUpheld = "flag_upheld", "核查认定";
        /// Another reviewer came to the same.
        FlagConfirmed = "flag_confirmed", "申诉后维持";
        /// Another reviewer saw it otherwise.
        FlagOverturned = "flag_overturned", "申诉后撤销";
        /// A merchant is on.
        MerchantApproved = "merchant_approved", "商户入驻通过";
        /// An application is to be put right.
        MerchantSentBack = "merchant_sent_back", "入驻申请退回";
        /// An application was not agreed to.
        MerchantRefused = "merchant_refused", "入驻申请未通过";
        /// A redemption was taken back because its merchant is suspended.
        RedemptionReturned = "redemption_returned", "兑换退回";
        /// Somebody logged in on a device that the account was not used on before.
        DeviceNew = "device_new", "新设备登录";
        /// The security desk set a one-time password.
        PasswordSet = "password_set", "重设密码";
        /// The security desk took the second factor away.
        TotpReset = "totp_reset", "重置动态口令";
        /// The security desk bound an account to a person of the directory.
        DirectoryBound = "directory_bound", "绑定统一身份";
        /// Two administrators gave somebody a role, or what was taken came back.
        RoleGranted = "role_granted", "授予角色";
        /// Somebody's role was taken.
        RoleRevoked = "role_revoked", "收回角色";
        /// Something was brought into the score book (积分管理手册).
        ScoreEntered = "score_entered", "积分手册记录";
        /// It counts.
        ScoreAccepted = "score_accepted", "记录已认定";
        /// It does not count.
        ScoreRefused = "score_refused", "记录未认定";
        /// A branch proposes its quarter.
        ScoreProposed = "score_proposed", "提交季度结算";
        /// The quarter is in public notice.
        ScoreNoticed = "score_noticed", "季度积分公示";
        /// It goes back to the branch.
        ScoreSentBack = "score_sent_back", "退回季度结算";
        /// Somebody of the branch objects.
        ScoreObjected = "score_objected", "公示异议";
        /// The objection is decided.
        ScoreObjectionDecided = "score_objection_decided", "异议处理";
        /// The quarter is locked.
        ScoreLocked = "score_locked", "季度积分锁定";
        /// A merchant's statement of a month is made.
        StatementReady = "statement_ready", "月度结算单";
        /// The merchant agreed to it.
        StatementConfirmed = "statement_confirmed", "确认结算单";
        /// The merchant says that a line of it is wrong.
        StatementDisputed = "statement_disputed", "结算单异议";
        /// That was answered.
        StatementAnswered = "statement_answered", "结算单异议答复";
        /// It was paid.
        StatementPaid = "statement_paid", "结算单付款";
        /// A member is to go over to another branch.
        TransferProposed = "transfer_proposed", "申请转接";
        /// The branch that the member leaves agreed.
        TransferReleased = "transfer_released", "同意转出";
        /// The member is with the other branch now.
        TransferAccepted = "transfer_accepted", "转接完成";
        /// One of the branches did not agree.
        TransferRefused = "transfer_refused", "转接未同意";
        /// It was taken back.
        TransferWithdrawn = "transfer_withdrawn", "撤回转接";
        /// A leading cadre took something on in the community (领导干部包联).
        MatterLogged = "matter_logged", "包联事项登记";
        /// It is reported solved.
        MatterSolved = "matter_solved", "包联事项报告解决";
        /// The community confirmed that.
        MatterConfirmed = "matter_confirmed", "包联事项确认解决";
        /// The community sent it back.
        MatterSentBack = "matter_sent_back", "包联事项退回";
        /// The cadre's pairing ended before its term.
        CadreEnded = "cadre_pairing_ended", "领导包联终止";
        /// Somebody says something of the application.
        FeedbackSubmitted = "feedback_submitted", "对应用的意见";
        /// Somebody says that it burdens people.
        BurdenReported = "burden_reported", "增加负担的意见";
        /// Whoever handles it answered, or says what becomes of it.
        FeedbackAnswered = "feedback_answered", "意见答复";
        /// An announcement or an item of the guide waits for another of the body.
        PublicationSubmitted = "publication_submitted", "提交审核";
        /// Another of the body looked at it.
        PublicationReviewed = "publication_reviewed", "审核结果";
        /// An item of the guide will run out.
        GuideExpiring = "guide_expiring", "办事指南即将到期";
        /// An item of the guide ran out.
        GuideExpired = "guide_expired", "办事指南已到期";
        /// It is time to look through an item of the guide.
        GuideReviewDue = "guide_review_due", "办事指南复核";
    }
}

/// An event that a rule decided on, before it has its number in the case's stream.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// Who may read it.
    pub visibility: Visibility,
    /// The unit it is about.
    pub unit: Option<NodeCode>,
    /// The task it is about.
    pub task: Option<TaskId>,
    /// Codes, ids and instants; never prose, never personal data.
    pub data: Value,
    /// The words a person wrote with it.
    pub note: Option<String>,
}

impl NewEvent {
    /// An event with nothing but its kind and audience.
    pub const fn new(kind: EventKind, visibility: Visibility) -> Self {
        Self { kind, visibility, unit: None, task: None, data: Value::Null, note: None }
    }

    /// With codes, ids and instants.
    #[must_use]
    pub fn with(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    /// With a person's words.
    #[must_use]
    pub fn note(mut self, note: impl Into<Option<String>>) -> Self {
        self.note = note.into();
        self
    }

    /// About a unit's task.
    #[must_use]
    pub fn about(mut self, task: TaskId, unit: &NodeCode) -> Self {
        self.task = Some(task);
        self.unit = Some(unit.clone());
        self
    }
}

/// An event as it is read back, in its place in the case's stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number in the stream, from 1.
    pub seq: i32,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Who may read it.
    pub visibility: Visibility,
    /// The unit it is about.
    pub unit: Option<NodeCode>,
    /// That unit's name.
    pub unit_name: Option<String>,
    /// The task it is about.
    pub task: Option<TaskId>,
    /// Codes, ids and instants.
    pub data: Value,
    /// The words a person wrote with it, until they are erased.
    pub note: Option<String>,
}
