//! Every code of the interface, each from a real refusal: its kind and an example sentence for
//! the OpenAPI file cannot drift from what is answered.

use domain::{
    refusal::{Basic, Invalid, Refusal},
    time::Timestamp,
};

use super::status;
use crate::http::extract::Unreadable;

/// A code with what the OpenAPI file says of it.
#[derive(Debug, Clone)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// An example of the sentence that a person reads.
    pub detail: String,
}

fn code(refusal: &dyn Refusal) -> Code {
    Code {
        code: refusal.code(),
        status: status(refusal.kind()).as_u16(),
        detail: refusal.to_string(),
    }
}

/// An instant for the examples: 2026-11-24 08:30 in Asia/Shanghai.
const EXAMPLE: Timestamp = match Timestamp::from_timestamp(1_795_480_200, 0) {
    Some(at) => at,
    None => Timestamp::UNIX_EPOCH,
};

/// Every code, ours first, then each word's.
pub fn all() -> Vec<Code> {
    let internal =
        Code { code: super::INTERNAL.0, status: 500, detail: super::INTERNAL.1.to_owned() };
    let mut codes = vec![internal];
    codes.extend(basic());
    codes.extend(words());
    codes
}

fn basic() -> Vec<Code> {
    vec![
        code(&Basic::Unauthenticated),
        code(&Basic::Forbidden),
        code(&Basic::NotFound),
        code(&Basic::VersionMismatch { current: 4 }),
        code(&Basic::IdempotencyKeyRequired),
        code(&Basic::IdempotencyKeyReused),
        code(&Basic::RateLimited { retry_after: 30 }),
        code(&Basic::Unavailable),
        code(&Invalid::field("title", "需要 2–200 个字，现在是 1 个字")),
        code(&Unreadable::MalformedJson("第 1 行第 12 列写法有误".to_owned())),
        code(&Unreadable::BodyTooLarge),
        code(&Unreadable::UnsupportedMediaType),
        code(&Unreadable::MalformedIfMatch),
    ]
}

fn words() -> Vec<Code> {
    [
        identity(),
        oidc(),
        grant(),
        invitation(),
        privacy(),
        complaint(),
        follow_up(),
        task(),
        extension(),
        consultation(),
        enforcement(),
        powers(),
        final_reply(),
        attachment(),
        note(),
        template(),
        screening(),
        delivery(),
        push(),
        whistle(),
        supervision(),
        registration(),
        change(),
        work_unit(),
        pairing(),
        party(),
        request(),
        service(),
        hours(),
        household(),
        points(),
        merchant(),
        settlement(),
        offer(),
        score(),
        redemption(),
        till(),
        fairness(),
        feedback(),
        live(),
        publication(),
        lists(),
        duty(),
        routing(),
        other(),
        sheet(),
    ]
    .concat()
}

fn grant() -> Vec<Code> {
    use domain::grant::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Approve, status: Status::Withdrawn }),
        code(&Refused::OwnProposal),
        code(&Refused::AnothersProposal),
        code(&Refused::OwnRole),
        code(&Refused::NotSeparate),
        code(&Refused::Held),
        code(&Refused::NotHeld),
        code(&Refused::Waiting),
        code(&Refused::LastAdministrators),
        code(&Refused::TakesTwo),
    ]
}

fn invitation() -> Vec<Code> {
    use domain::invitation::Refused;
    vec![
        code(&Refused::Invalid),
        code(&Refused::Own),
        code(&Refused::NeedsWeChat),
        code(&Refused::OtherKind(domain::identity::Role::MerchantClerk)),
        code(&Refused::Suspended),
        code(&Refused::NotBound),
    ]
}

fn consultation() -> Vec<Code> {
    use domain::consultation::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::State, status: Status::Decided }),
        code(&Refused::AlreadyOpen),
        code(&Refused::AtTop),
        code(&Refused::DecideByOutOfRange),
    ]
}

fn enforcement() -> Vec<Code> {
    use domain::{
        enforcement::{ActKind, Refused},
        task::Status,
    };
    let number = || "晋-B-0213-0001".to_owned();
    vec![
        code(&Refused::TaskStep(Status::Pending)),
        code(&Refused::Withdrawn(ActKind::Order)),
        code(&Refused::NoSuchPower("street-vending".to_owned())),
        code(&Refused::TooFewOfficers(ActKind::SpotPenalty)),
        code(&Refused::ForeignCertificate(number())),
        code(&Refused::CertificateNotValid { number: number(), on: domain::time::date(EXAMPLE) }),
        code(&Refused::RecorderNotAmongThem),
        code(&Refused::WrongTime),
        code(&Refused::NoCaseFiled),
        code(&Refused::PenaltyStands),
        code(&Refused::DocumentTaken),
        code(&Refused::Twice),
        code(&Refused::NumberTaken(number())),
        code(&Refused::Overlap),
        code(&Refused::AlreadyRevoked(number())),
    ]
}

fn powers() -> Vec<Code> {
    use domain::{
        edition::{Fault, RefusedRow},
        enforcement::power::Refused,
    };
    let fault = Fault {
        column: "依据".to_owned(), reason: "不能为空，需要 1–500 个字".to_owned()
    };
    let row = RefusedRow { line: 7, code: "street-vending".to_owned(), faults: vec![fault] };
    vec![
        code(&Refused::VersionTaken("powers-2027.1-140213066".to_owned())),
        code(&Refused::TooEarly {
            version: "powers-2026.1-140213066".to_owned(),
            earliest: domain::time::date(EXAMPLE),
        }),
        code(&Refused::Sheet("表头缺少“依据”这一列".to_owned())),
        code(&Refused::Rows(vec![row])),
    ]
}

fn final_reply() -> Vec<Code> {
    use domain::final_reply::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Confirm, status: Status::Proposed }),
        code(&Refused::NotAnswered),
        code(&Refused::NotReviewed),
        code(&Refused::NotLead),
        code(&Refused::AlreadyThere),
        code(&Refused::OwnProposal),
        code(&Refused::Expired { until: EXAMPLE }),
        code(&Refused::Outdated),
        code(&Refused::Secret),
        code(&Refused::OwnCase),
        code(&Refused::OtherReporter),
        code(&Refused::NewFacts),
        code(&Refused::Emergency),
    ]
}

fn attachment() -> Vec<Code> {
    use domain::attachment::{Check, Excess, Refused, Step};
    vec![
        code(&Refused::TooLarge(Excess::Bytes)),
        code(&Refused::Type),
        code(&Refused::Unreadable),
        code(&Refused::TooLong { minutes: 5 }),
        code(&Refused::BrokenOff),
        code(&Refused::Quota { files: 200, megabytes: 500 }),
        code(&Refused::Step { step: Step::Hide, check: Check::Hidden }),
    ]
}

fn feedback() -> Vec<Code> {
    use domain::feedback::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Answer, status: Status::Done }),
        code(&Refused::NoContact),
    ]
}

fn live() -> Vec<Code> {
    use domain::live::Refused;
    vec![code(&Refused::Limit { most: 3 }), code(&Refused::Full)]
}

fn publication() -> Vec<Code> {
    use domain::{
        guide,
        publication::{Refused, Status, Step},
        sheet::RefusedCell,
    };
    let cell = RefusedCell {
        sheet: Some("办事指南".to_owned()),
        line: 7,
        column: "办理期限（工作日）".to_owned(),
        cell: Some("K7".to_owned()),
        reason: "要写工作日的天数，例如 5".to_owned(),
    };
    vec![
        code(&Refused::Step { step: Step::Submit, status: Status::Withdrawn }),
        code(&Refused::NothingNew),
        code(&Refused::Waits),
        code(&Refused::NothingWaits),
        code(&Refused::Own),
        code(&guide::Refused::TitleTaken),
        code(&guide::Refused::Sheet("表头缺少“事项名称”这一列".to_owned())),
        code(&guide::Refused::Cells(vec![cell])),
    ]
}

fn note() -> Vec<Code> {
    use domain::note::Refused;
    vec![code(&Refused::Missing), code(&Refused::Foreign), code(&Refused::Corrected)]
}

fn template() -> Vec<Code> {
    use domain::template::Refused;
    vec![code(&Refused::Missing), code(&Refused::Retired), code(&Refused::NameTaken)]
}

fn whistle() -> Vec<Code> {
    use domain::whistle::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Review, status: Status::Withdrawn }),
        code(&Refused::OwnReview),
        code(&Refused::Reviewed),
        code(&Refused::TasksOpen(2)),
        code(&Refused::UnitNotCalled("区水务局".to_owned())),
        code(&Refused::UnitNotConfirmed("区水务局".to_owned())),
        code(&Refused::AlreadyAppraised),
        code(&Refused::AlreadyRated),
        code(&Refused::AwaitingBlower),
        code(&Refused::ComplaintNotOpen),
        code(&Refused::ComplaintWaits),
        code(&Refused::UnitTwice("区水务局".to_owned())),
    ]
}

fn supervision() -> Vec<Code> {
    use domain::supervision::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Answer, status: Status::Accepted }),
        code(&Refused::AlreadyOpen),
        code(&Refused::NobodyToSupervise),
        code(&Refused::UntilPast),
        code(&Refused::Listed),
        code(&Refused::NotListed),
    ]
}

fn identity() -> Vec<Code> {
    use domain::identity::Refused;
    vec![
        code(&Refused::BadCredentials),
        code(&Refused::AccountLocked { minutes: 15 }),
        code(&Refused::AccountDisabled),
        code(&Refused::RefreshTokenInvalid),
        code(&Refused::RefreshTokenReused),
        code(&Refused::WechatCodeInvalid),
        code(&Refused::WechatCodeUsed),
        code(&Refused::WechatBlocked),
        code(&Refused::WechatUnavailable),
        code(&Refused::PhoneForeign),
        code(&Refused::PhoneCodeWrong),
        code(&Refused::PhoneLoginOff),
        code(&Refused::UsernameTaken),
        code(&Refused::OwnAccount),
        code(&Refused::PasswordChangeRequired),
        code(&Refused::PasswordLapsed),
        code(&Refused::PasswordUnused),
        code(&Refused::OwnCredentials),
        code(&Refused::TotpRequired),
        code(&Refused::TotpInvalid),
        code(&Refused::TotpEnrolmentRequired),
        code(&Refused::TotpOn),
        code(&Refused::TotpOff),
        code(&Refused::TotpNotStarted),
        code(&Refused::TotpDemanded),
        code(&Refused::NetworkNotAllowed),
        code(&Refused::ConfirmationRequired),
        code(&Refused::ConfirmedByAnother),
    ]
}

fn oidc() -> Vec<Code> {
    use domain::identity::oidc::Refused;
    vec![
        code(&Refused::Off),
        code(&Refused::Away),
        code(&Refused::State),
        code(&Refused::Rejected),
        code(&Refused::Unbound),
        code(&Refused::Taken),
        code(&Refused::NotStaff),
    ]
}

fn screening() -> Vec<Code> {
    use domain::screening::{Refused, State, Step};
    vec![code(&Refused::Step { step: Step::Show, state: State::Shown })]
}

fn delivery() -> Vec<Code> {
    use domain::delivery::{Refused, State, Step};
    vec![
        code(&Refused::Step { step: Step::Resend, state: State::Sent }),
        code(&Refused::TemplateChanged),
    ]
}

fn push() -> Vec<Code> {
    use crate::app::wechat::Refused;
    vec![code(&Refused::Signature), code(&Refused::Plain), code(&Refused::Unreadable)]
}

fn privacy() -> Vec<Code> {
    use domain::privacy::{Purpose, Refused};
    vec![code(&Refused::StaffAccount), code(&Refused::ConsentRequired(Purpose::Service))]
}

fn complaint() -> Vec<Code> {
    use domain::complaint::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Accept, status: Status::Closed }),
        code(&Refused::Suspended),
        code(&Refused::NotSuspended),
        code(&Refused::MergeTarget),
        code(&Refused::LeadOpen),
        code(&Refused::UnitTwice("urban-management".to_owned())),
        code(&Refused::UnitIsReported {
            unit: "140213066004".to_owned(),
            superior: Some("140213066".to_owned()),
        }),
        code(&Refused::AppealUsed),
        code(&Refused::AlreadyExcluded),
        code(&Refused::ExclusionClosed { closes_at: EXAMPLE }),
        code(&Refused::ExclusionNotLead),
        code(&Refused::ExclusionAsked),
        code(&Refused::NoExclusionAsked),
        code(&Refused::ExclusionDecided),
        code(&Refused::HandoverMissing),
        code(&Refused::SuspensionOutOfRange),
        code(&Refused::LeadingCaseAnswered),
        code(&Refused::ChildEvaluated),
        code(&Refused::LeadingCaseOpen),
        code(&Refused::AlreadyEvaluated),
        code(&Refused::NoContact),
    ]
}

fn follow_up() -> Vec<Code> {
    use domain::follow_up::Refused;
    vec![
        code(&Refused::Taken { until: EXAMPLE }),
        code(&Refused::OwnWork),
        code(&Refused::NobodyToCall),
        code(&Refused::NoLink),
    ]
}

fn task() -> Vec<Code> {
    use domain::task::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Acknowledge, status: Status::Confirmed }),
        code(&Refused::CaseSuspended),
        code(&Refused::ContactMissing),
        code(&Refused::NotArrived),
        code(&Refused::NobodyToContact),
        code(&Refused::RelayOnly),
        code(&Refused::ReplyNotSubstantive("答复要写明查到什么、做了什么、结果如何".to_owned())),
        code(&Refused::PhotosRequired),
        code(&Refused::ReturnLimitReached { limit: 2 }),
        code(&Refused::ReturnWindowClosed { closed_at: EXAMPLE }),
        code(&Refused::ReturnToSelf),
        code(&Refused::EmergencyActsFirst),
        code(&Refused::NextUnitMissing),
        code(&Refused::ReplyByPast),
        code(&Refused::NotBelow("水泊寺街道".to_owned())),
        code(&Refused::BodyBlew("文兴社区".to_owned())),
        code(&Refused::HandedAlready),
        code(&Refused::NotHanded),
        code(&Refused::UnitAnswers),
        code(&Refused::ReplyWaits),
        code(&Refused::NoReplyWaits),
        code(&Refused::OwnReply),
        code(&Refused::NoExtensionAsked),
        code(&Refused::ExtensionPending),
        code(&Refused::AssistsOut("区住房和城乡建设局".to_owned())),
        code(&Refused::LeadOnly),
    ]
}

fn extension() -> Vec<Code> {
    use domain::sla::ExtensionRefusal;
    let latest = EXAMPLE + chrono::TimeDelta::days(5);
    vec![
        code(&ExtensionRefusal::Emergency),
        code(&ExtensionRefusal::Limit { times: 1 }),
        code(&ExtensionRefusal::TooLate { reply_by: EXAMPLE }),
        code(&ExtensionRefusal::Until { reply_by: EXAMPLE, latest, working_days: 5 }),
    ]
}

fn points() -> Vec<Code> {
    use domain::points::{EntryKind, NoticeStatus, ProposalStatus, Refused};
    let day = domain::time::date(EXAMPLE);
    vec![
        code(&Refused::NotAnAward { kind: EntryKind::Redeem }),
        code(&Refused::AlreadyReversed),
        code(&Refused::NoSuchAccount),
        code(&Refused::OwnPoints),
        code(&Refused::Decided { status: ProposalStatus::Withdrawn }),
        code(&Refused::OwnProposal),
        code(&Refused::AnothersProposal),
        code(&Refused::RuleNameTaken { name: "2027-1".to_owned() }),
        code(&Refused::RuleDayTaken { day }),
        code(&Refused::RuleTooLate { day }),
        code(&Refused::NotEnough { needed: 20, available: 12 }),
        code(&Refused::NoticeStep { status: NoticeStatus::Posted }),
        code(&Refused::NoticeEnded { at: EXAMPLE }),
        code(&Refused::NoticeRuns { until: EXAMPLE }),
        code(&Refused::DonationLimit { at_most: 200, left: 50 }),
        code(&Refused::HouseholdLimit { at_most: 100, left: 20 }),
        code(&Refused::HouseholdByOneself),
        code(&Refused::DonationReturns),
        code(&Refused::NoAccount),
        code(&Refused::ObjectedBefore),
    ]
}

fn till() -> Vec<Code> {
    use domain::redemption::Refused;
    vec![
        code(&Refused::QrExpired),
        code(&Refused::DigitsUnknown { left: 4 }),
        code(&Refused::DigitsLocked { until: EXAMPLE }),
        code(&Refused::OwnRedemption),
        code(&Refused::UndoNotYours),
        code(&Refused::UndoTooLate { minutes: 10 }),
        code(&Refused::HolderUnknown),
        code(&Refused::OwnVoucher),
    ]
}

fn fairness() -> Vec<Code> {
    use domain::fairness::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Uphold, status: Status::Cleared }),
        code(&Refused::Party),
        code(&Refused::SameReviewer),
        code(&Refused::AppealLate { until: EXAMPLE }),
    ]
}

fn merchant() -> Vec<Code> {
    use domain::merchant::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Approve, status: Status::Withdrawn }),
        code(&Refused::OwnApplication),
        code(&Refused::LicenceTaken),
        code(&Refused::CodeTaken("wenxing".to_owned())),
        code(&Refused::NotBound),
        code(&Refused::LastManager),
        code(&Refused::Suspended),
        code(&Refused::NotSuspended),
    ]
}

fn settlement() -> Vec<Code> {
    use domain::merchant::{
        Refused,
        settlement::{Status, Step},
    };
    vec![
        code(&Refused::SettlementStep { step: Step::Dispute, status: Status::Paid }),
        code(&Refused::DisputesOpen(2)),
        code(&Refused::DisputeClosed { at: EXAMPLE }),
        code(&Refused::DisputedAlready),
        code(&Refused::NoDispute),
        code(&Refused::OwnDispute),
        code(&Refused::NotConfirmed { at: EXAMPLE }),
    ]
}

fn offer() -> Vec<Code> {
    use domain::offer::{Audience, Refused, Status, Step};
    let yuan = || "300.00".to_owned();
    let name = "2026 年文兴社区惠民资金".to_owned();
    vec![
        code(&Refused::Step { step: Step::Approve, status: Status::Draft }),
        code(&Refused::OwnOffer),
        code(&Refused::PriceKept),
        code(&Refused::Lapsed { at: EXAMPLE }),
        code(&Refused::StockRange),
        code(&Refused::StockTaken { free: 3 }),
        code(&Refused::BudgetExceeded { name, left: yuan(), wanted: "500.00".to_owned() }),
        code(&Refused::BudgetTaken),
        code(&Refused::BudgetCommitted { committed: yuan() }),
        code(&Refused::Suspended),
        code(&Refused::NotPublished { status: Status::Paused }),
        code(&Refused::NotYet { from: EXAMPLE }),
        code(&Refused::NotToday { when: "每天 11:00–13:30 兑换".to_owned() }),
        code(&Refused::Audience { audience: Audience::PartyMember, named: false }),
        code(&Refused::Age { ages: "60 周岁以上".to_owned() }),
        code(&Refused::PeriodLimit { per: "每天", limit: 1 }),
    ]
}

fn redemption() -> Vec<Code> {
    use domain::redemption::{Refused, Status};
    vec![
        code(&Refused::SoldOut),
        code(&Refused::PointsInsufficient { needed: 50, available: 20 }),
        code(&Refused::LimitReached { limit: 1 }),
        code(&Refused::OfferEnded { at: EXAMPLE }),
        code(&Refused::Suspended),
        code(&Refused::LedgerBlocked),
        code(&Refused::AlreadyVerified),
        code(&Refused::Ended { status: Status::Cancelled }),
        code(&Refused::NotVerified),
        code(&Refused::NotYet),
    ]
}

fn registration() -> Vec<Code> {
    use domain::registration::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Sign, status: Status::Signed }),
        code(&Refused::AlreadyRegistered),
        code(&Refused::NotOnRegister),
        code(&Refused::MemberTaken),
        code(&Refused::OwnRegistration),
    ]
}

fn hours() -> Vec<Code> {
    use domain::{
        edition::{Fault, RefusedRow},
        service::hours::Refused,
    };
    let fault = Fault {
        column: "时长（分钟）".to_owned(),
        reason: "时长应为 1–1440 的整数分钟".to_owned(),
    };
    let row = RefusedRow { line: 7, code: "SX-2026-0001".to_owned(), faults: vec![fault] };
    vec![
        code(&Refused::Sheet("表头缺少“姓名”这一列".to_owned())),
        code(&Refused::Rows(vec![row])),
        code(&Refused::AtOnce),
        code(&Refused::Withdrawn),
    ]
}

fn score() -> Vec<Code> {
    use domain::score::{Quarter, Refused, Status, Step, quarterly as settlement};
    let quarter = Quarter::of(EXAMPLE);
    vec![
        code(&Refused::Step { step: Step::Accept, status: Status::Settled }),
        code(&Refused::NotMember),
        code(&Refused::NoSubject),
        code(&Refused::OwnEntry),
        code(&Refused::OtherMember),
        code(&Refused::NoItem { item: "meeting".to_owned() }),
        code(&Refused::NotSettled),
        code(&Refused::SameQuarter),
        code(&Refused::Corrected),
        code(&Refused::QuarterClosed { quarter }),
        code(&Refused::QuarterRuns { quarter }),
        code(&Refused::Proposed { quarter }),
        code(&Refused::Settlement {
            step: settlement::Step::Publish,
            status: settlement::Status::Locked,
        }),
        code(&Refused::EntriesWait { waiting: 2 }),
        code(&Refused::OwnSettlement),
        code(&Refused::NoticeOver),
        code(&Refused::Objected),
        code(&Refused::NoEntry),
        code(&Refused::OwnObjection),
        code(&Refused::ObjectionDecided),
        code(&Refused::CatalogueTaken("score-2026.1".to_owned())),
        code(&Refused::CatalogueTooEarly { earliest: quarter }),
    ]
}

fn household() -> Vec<Code> {
    use domain::household::{Refused, Status, Step};
    let latest = domain::time::date(EXAMPLE);
    vec![
        code(&Refused::Step { step: Step::Accept, status: Status::Ended }),
        code(&Refused::Registered),
        code(&Refused::AccountTaken),
        code(&Refused::Closed),
        code(&Refused::Paired),
        code(&Refused::OwnHousehold),
        code(&Refused::OwnPairing),
        code(&Refused::TooMany { limit: 3 }),
        code(&Refused::Term { latest }),
        code(&Refused::NoVisit),
        code(&Refused::NoComplaint),
    ]
}

fn change() -> Vec<Code> {
    use domain::registration::change::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Grant, status: Status::Granted }),
        code(&Refused::NotRegistered),
        code(&Refused::Open),
        code(&Refused::SameCommunity),
        code(&Refused::SameUnit),
        code(&Refused::AlreadyRetired),
        code(&Refused::AlreadyExempt),
        code(&Refused::Year { this: 2026 }),
        code(&Refused::Settled),
        code(&Refused::NotYourTurn),
        code(&Refused::OwnChange),
    ]
}

fn work_unit() -> Vec<Code> {
    use domain::work_unit::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Sign, status: Status::Ended }),
        code(&Refused::Taken("代码")),
        code(&Refused::NotPaired),
        code(&Refused::AlreadyRegistered),
        code(&Refused::OwnUnit),
        code(&Refused::Acknowledged),
    ]
}

fn pairing() -> Vec<Code> {
    use domain::pairing::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Confirm, status: Status::Logged }),
        code(&Refused::Paired),
        code(&Refused::Over),
        code(&Refused::Logged),
        code(&Refused::OwnMatter),
    ]
}

fn party() -> Vec<Code> {
    use domain::{
        party::{
            Ledger, Refused,
            transfer::{Status, Step},
        },
        sheet::RefusedCell,
    };
    let cell = RefusedCell {
        sheet: Some("党员名册".to_owned()),
        line: 7,
        column: "身份证号码".to_owned(),
        cell: Some("B7".to_owned()),
        reason: "身份证号码的校验位不符，请核对有没有写错的数字".to_owned(),
    };
    vec![
        code(&Refused::NumberThere),
        code(&Refused::MatchThere),
        code(&Refused::NumberFixed),
        code(&Refused::Removed),
        code(&Refused::SameLedger(Ledger::Direct)),
        code(&Refused::FloatingByItself),
        code(&Refused::AlreadyFloating),
        code(&Refused::NotFloating),
        code(&Refused::TransferOpen),
        code(&Refused::SameBranch),
        code(&Refused::TransferStep { step: Step::Accept, status: Status::Withdrawn }),
        code(&Refused::OtherEnd),
        code(&Refused::BothEnds),
        code(&Refused::BodyThere("party-140213066004-01".to_owned())),
        code(&Refused::BodyHasMembers(12)),
        code(&Refused::BodyHasBodies(2)),
        code(&Refused::BodyInactive),
        code(&Refused::Sheet("表头缺少“党支部”这一列".to_owned())),
        code(&Refused::Cells(vec![cell])),
    ]
}

fn request() -> Vec<Code> {
    use domain::request::{Refused, Status, Step};
    vec![
        code(&Refused::Step { step: Step::Order, status: Status::Cancelled }),
        code(&Refused::NotServed),
        code(&Refused::OwnRequest),
    ]
}

fn service() -> Vec<Code> {
    use domain::service::{Refused, Status, Step, dispute};
    vec![
        code(&Refused::Step { step: Step::Confirm, status: Status::Confirmed }),
        code(&Refused::PostEnded { ended_at: EXAMPLE }),
        code(&Refused::PostCancelled),
        code(&Refused::PostNotStarted { starts_at: EXAMPLE }),
        code(&Refused::OwnService),
        code(&Refused::AlreadyClaimed),
        code(&Refused::Overlap),
        code(&Refused::CheckInNotOpen { opens_at: EXAMPLE }),
        code(&Refused::CheckInNothing),
        code(&Refused::CheckInCode),
        code(&Refused::CheckInCodeExpired),
        code(&Refused::CheckInCodeLocked),
        code(&Refused::CheckInFar { away: 820, near: 300 }),
        code(&Refused::Paused { until: EXAMPLE }),
        code(&Refused::PauseOver),
        code(&Refused::OwnPause),
        code(&Refused::Dispute { step: dispute::Step::Withdraw, status: dispute::Status::Stands }),
        code(&Refused::NothingToDispute { status: Status::Claimed }),
        code(&Refused::DisputeClosed { closed_at: EXAMPLE }),
        code(&Refused::AlreadyDisputed),
        code(&Refused::SameDecider),
        code(&Refused::NothingCorrected),
        code(&Refused::AlreadyInvited),
        code(&Refused::CapacityTaken { taken: 3 }),
        code(&Refused::TimesHeld),
        code(&Refused::MinutesBeyondPost { minutes: 120 }),
    ]
}

fn lists() -> Vec<Code> {
    use domain::{export, view};
    vec![
        code(&view::Refused::Limit),
        code(&view::Refused::NameTaken),
        code(&export::Refused::Limit),
    ]
}

fn other() -> Vec<Code> {
    vec![
        code(&crate::app::job::Refused::NotDead),
        code(&crate::app::calendar::Refused::YearMissing(2027)),
        code(&domain::bulletin::Refused::Published),
    ]
}

fn duty() -> Vec<Code> {
    use domain::{
        duty::{
            self, Shortfall,
            edition::Refused,
            proposal::{self, Status},
        },
        edition::{Fault, RefusedRow},
    };
    let unlisted = duty::Refused::NotOnDutyList {
        unit: "文兴社区".to_owned(),
        looked_into: None,
        shortfall: Shortfall::Unlisted,
    };
    let fault = Fault { column: "依据".to_owned(), reason: "没有写依据".to_owned() };
    let row = RefusedRow { line: 7, code: "city-05".to_owned(), faults: vec![fault] };
    vec![
        code(&unlisted),
        code(&Refused::VersionTaken("territorial-2027.1".to_owned())),
        code(&Refused::TooEarly {
            version: "territorial-2024.1".to_owned(),
            earliest: domain::time::date(EXAMPLE),
        }),
        code(&Refused::Sheet("表头缺少“依据”这一列".to_owned())),
        code(&Refused::Rows(vec![row])),
        code(&proposal::Refused::AlreadyOpen),
        code(&proposal::Refused::Decided(Status::Adopted)),
        code(&proposal::Refused::OwnProposal),
        code(&proposal::Refused::NoSuchReturn),
    ]
}

fn sheet() -> Vec<Code> {
    use crate::{http::extract::sheet, sheet::Refused};
    vec![
        code(&Refused::Encoding),
        code(&Refused::Workbook("不是有效的压缩文件".to_owned())),
        code(&Refused::TooLarge),
        code(&Refused::Empty),
        code(&sheet::Refused::TooLarge),
        code(&sheet::Refused::Type),
        code(&sheet::Refused::Broken),
        code(&crate::paper::Refused::FontMissing),
    ]
}

fn routing() -> Vec<Code> {
    use domain::routing::Refused;
    vec![code(&Refused::Exists), code(&Refused::Ended)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_is_flat_and_means_one_thing() {
        let mut seen = BTreeSet::new();
        for Code { code, detail, .. } in all() {
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            );
            assert!(!detail.is_empty(), "{code}");
            assert!(seen.insert(code), "{code} stands twice");
        }
    }
}
