//! Identifiers: one UUIDv7 newtype for each kind of thing, so that a task's id is never taken for
//! a complaint's. They are made from the given instant and random bits (`infra::random::id`).

use uuid::{Builder, Uuid};

use crate::time::Timestamp;

/// What every identifier can do.
pub trait Id: Sized {
    /// Makes the identifier from its instant (millisecond precision) and 10 random bytes.
    fn from_parts(at: Timestamp, random: &[u8; 10]) -> Self;
}

fn v7(at: Timestamp, random: &[u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(at.timestamp_millis().unsigned_abs(), random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl Id for $name {
            fn from_parts(at: Timestamp, random: &[u8; 10]) -> Self {
                Self(v7(at, random))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

ids! {
    /// An account (账号): one person.
    AccountId;
    /// A log-in session (会话) and its family of refresh tokens.
    SessionId;
    /// A code sent to a phone (验证码).
    PhoneCodeId;
    /// A role granted on a scope (授权).
    RoleGrantId;
    /// A role that is to be given or taken (授权申请).
    GrantProposalId;
    /// A complaint (诉求).
    ComplaintId;
    /// A task (任务单).
    TaskId;
    /// A whistle (哨).
    WhistleId;
    /// A supervision (督办件).
    SupervisionId;
    /// A consultation (会商).
    ConsultationId;
    /// What somebody wants otherwise in a duty list (对清单的建议).
    DutyProposalId;
    /// A short link to evaluate by (评价短链).
    EvaluationLinkId;
    /// The certificate of an officer (行政执法证).
    CertificateId;
    /// An act of enforcement (执法行为).
    ActId;
    /// An evaluation (评价).
    EvaluationId;
    /// A reply to a task (答复).
    ReplyId;
    /// A job of the queue (后台作业).
    JobId;
    /// A notification that is sent out (对外发送).
    DeliveryId;
    /// A notification in an inbox (通知).
    NotificationId;
    /// An entry of the audit trail (审计记录).
    AuditId;
    /// An uploaded file (附件).
    AttachmentId;
    /// A movement in the points ledger (积分流水).
    LedgerTxId;
    /// Points that were given together and expire together (积分批次).
    LotId;
    /// A version of what gives points (积分规则版本).
    PointsRuleId;
    /// A manual adjustment of points (人工调整).
    AdjustmentId;
    /// Points given away (转赠).
    DonationId;
    /// An award in public notice (积分公示).
    PointsNoticeId;
    /// An offer (优惠).
    OfferId;
    /// A budget that pays for offers (预算).
    BudgetId;
    /// An application to become a merchant (商户入驻申请).
    ApplicationId;
    /// An invitation to work for a merchant (店员邀请).
    InvitationId;
    /// A suspension of a merchant (暂停合作).
    SuspensionId;
    /// A merchant's statement of a month (结算单).
    SettlementId;
    /// A dispute over a line of a statement (结算异议).
    SettlementDisputeId;
    /// A redemption (兑换), and the hold and the ledger movement that it becomes.
    RedemptionId;
    /// A rule by which matters are proposed to units (路由规则).
    RoutingRuleId;
    /// A row of the register of party members (党员名册).
    MemberId;
    /// A transfer between party branches (组织关系转接).
    TransferId;
    /// A change on the register of party members (名册变动).
    MemberChangeId;
    /// A stay of a floating member (流动).
    FloatingId;
    /// A registration with a community (双报到).
    RegistrationId;
    /// A change of a registration that a member asks for (报到变更).
    ChangeId;
    /// A work unit's registration with a community (单位报到).
    UnitRegistrationId;
    /// What a work unit is told of one of its members (报到回执).
    ReceiptId;
    /// What a work unit is told of all its members (年度服务反馈).
    UnitReportId;
    /// A leading cadre's pairing with a community (包联).
    CadrePairingId;
    /// What a paired cadre took on (包联事项).
    MatterId;
    /// A service post (服务岗位).
    PostId;
    /// A claim of a service post (认领).
    ClaimId;
    /// A dispute of what was decided on a claim (服务异议).
    DisputeId;
    /// What a resident asks for (服务点单).
    ServiceRequestId;
    /// A series of posts that repeat (重复岗位).
    PostSeriesId;
    /// A pause of new claims (暂停认领).
    ServicePauseId;
    /// A final reply (最终答复).
    FinalReplyId;
    /// A saved view (常用筛选).
    ViewId;
    /// An export (导出).
    ExportId;
    /// An internal note (内部备注).
    NoteId;
    /// A reply template (答复模板).
    TemplateId;
    /// A household in difficulty (困难家庭).
    HouseholdId;
    /// Who looks after a household (包联).
    PairingId;
    /// A visit to a household (走访).
    VisitId;
    /// What looks unfair and waits for a person to look at it (公平核查).
    FlagId;
    /// An entry of the score book (积分管理手册).
    ScoreEntryId;
    /// A branch's quarter (季度结算).
    ScoreSettlementId;
    /// An objection to a branch's quarter (异议).
    ObjectionId;
    /// Hours from another volunteer platform (外部平台时长).
    ImportedId;
    /// A consent to a notice (同意记录).
    ConsentId;
    /// An opinion on the application (意见).
    FeedbackId;
    /// An announcement (公告).
    AnnouncementId;
    /// An item of the guide of services (办事指南).
    GuideId;
}
