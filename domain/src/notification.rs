//! Notifications (通知): who is told of which event, and every event in plain Chinese, for
//! timelines and inboxes alike: who has it, by when, what was done, why not.

use crate::{event::EventKind, identity::Role};

mod words;

pub use words::{Viewer, render};

/// Who is told of an event. The actor is never told of what he did himself, and nobody is told of
/// an event that its visibility keeps from him.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// Who reported, and who reported the complaints merged into this one.
    Reporter,
    /// Those who work in the unit the event names; where it names none, in every unit on the case.
    Unit,
    /// The heads of those units.
    UnitHeads,
    /// Who approves the unit's replies: its head, and where it has none its other officers.
    Approvers,
    /// The officer or the body that the event names.
    Assignee,
    /// Those who work in the community or subdistrict that blew the whistle.
    Blower,
    /// Those who review it: the subdistrict for a community's, supervisors for a subdistrict's.
    Reviewer,
    /// The desk of the district centre.
    Centre,
    /// Those who watch over the centre.
    Supervisor,
    /// The district's leaders.
    Leader,
    /// The liaisons of the work unit that the event names.
    Liaison,
    /// The secretary of the party branch that the event names.
    Secretary,
    /// Those who organise service and points in the district (组织部).
    Organiser,
    /// The person whose account the event names: who registers, who claims a post.
    Person,
    /// Those who keep the system (系统管理员).
    Administrator,
    /// Those who look at what is published in the name of the body that the event names.
    Publisher,
}

impl Recipient {
    /// The roles by which someone is told.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Reporter => &[Role::Resident],
            Self::Unit | Self::Assignee => {
                &[Role::DepartmentClerk, Role::SubdistrictOfficer, Role::CommunityOfficer]
            }
            Self::UnitHeads => &[Role::DepartmentHead],
            Self::Approvers => Role::APPROVERS,
            Self::Blower => &[Role::CommunityOfficer, Role::SubdistrictOfficer],
            Self::Reviewer => &[Role::SubdistrictOfficer, Role::Supervisor],
            Self::Centre => &[Role::Dispatcher],
            Self::Supervisor => &[Role::Supervisor],
            Self::Leader => &[Role::Leader],
            Self::Liaison => &[Role::UnitLiaison],
            Self::Secretary => &[Role::BranchSecretary],
            Self::Organiser => &[Role::Organiser],
            Self::Person => &[Role::Resident],
            Self::Administrator => &[Role::SystemAdmin],
            Self::Publisher => &[
                Role::DepartmentHead,
                Role::SubdistrictOfficer,
                Role::CommunityOfficer,
                Role::Dispatcher,
                Role::Organiser,
            ],
        }
    }
}

/// Who is told of what. Every kind of event has its line.
pub const TOLD: &[(EventKind, &[Recipient])] = {
    use Recipient::{
        Administrator, Approvers, Assignee, Blower, Centre, Leader, Liaison, Organiser, Person,
        Publisher, Reporter, Reviewer, Secretary, Supervisor, Unit, UnitHeads,
    };
    &[
        (EventKind::Submitted, &[Reporter, Centre]),
        (EventKind::Accepted, &[Reporter]),
        (EventKind::Rejected, &[Reporter]),
        (EventKind::Answered, &[Reporter]),
        (EventKind::Merged, &[Reporter]),
        (EventKind::Unmerged, &[Reporter, Centre]),
        (EventKind::Split, &[Reporter, Centre]),
        (EventKind::Withdrawn, &[Reporter, Centre]),
        (EventKind::EmergencyApproved, &[Supervisor]),
        (EventKind::TaskDispatched, &[Reporter, Unit]),
        (EventKind::TaskAcknowledged, &[Reporter, Blower]),
        (EventKind::Contacted, &[Reporter]),
        (EventKind::Arrived, &[Reporter, Centre, Blower]),
        (EventKind::TaskReplied, &[Centre, Blower]),
        (EventKind::AssistsWaived, &[Centre]),
        (EventKind::TaskConfirmed, &[Unit]),
        (EventKind::TaskSentBack, &[Unit, UnitHeads]),
        (EventKind::TaskHandedOver, &[Assignee]),
        (EventKind::TaskTakenBack, &[Assignee, Unit]),
        (EventKind::ReplySubmitted, &[Approvers]),
        (EventKind::ReplyApproved, &[Unit]),
        (EventKind::ReplyDisapproved, &[Unit]),
        (EventKind::ReplyWithdrawn, &[Approvers]),
        (EventKind::ReturnRequested, &[Centre]),
        (EventKind::ReturnDeclined, &[Unit]),
        (EventKind::TaskReturned, &[Reporter, Unit, Blower]),
        (EventKind::ExtensionRequested, &[Centre]),
        (EventKind::ExtensionGranted, &[Reporter, Unit]),
        (EventKind::ExtensionDeclined, &[Unit]),
        (EventKind::DeadlinesRecomputed, &[Reporter, Unit]),
        (EventKind::TaskCancelled, &[Unit]),
        (EventKind::Replied, &[Reporter]),
        (EventKind::FollowUpStarted, &[Reporter]),
        (EventKind::FollowUpMissed, &[]),
        (EventKind::Evaluated, &[Unit, Centre]),
        (EventKind::ReworkOrdered, &[Reporter, Unit, UnitHeads]),
        (EventKind::ConsultationOpened, &[Reporter, Unit, UnitHeads, Centre]),
        (EventKind::ConsultationInvited, &[Unit, UnitHeads]),
        (EventKind::ConsultationStated, &[Centre]),
        (EventKind::ConsultationClimbed, &[Unit, UnitHeads]),
        (EventKind::ConsultationDecided, &[Reporter, Unit, UnitHeads]),
        (EventKind::ConsultationLapsed, &[Unit, UnitHeads]),
        (EventKind::TaskBound, &[Unit, UnitHeads]),
        (EventKind::EnforcementActed, &[UnitHeads]),
        (EventKind::EnforcementWithdrawn, &[UnitHeads, Centre]),
        (EventKind::FinalReplyProposed, &[Approvers]),
        (EventKind::FinalReplySigned, &[Unit, Centre]),
        (EventKind::FinalReplyRefused, &[Unit, UnitHeads]),
        (EventKind::FinalReplyInForce, &[Reporter, Unit, UnitHeads]),
        (EventKind::FinalReplyRevoked, &[Reporter, Unit, UnitHeads]),
        (EventKind::Closed, &[Reporter, Unit]),
        (EventKind::Archived, &[Reporter]),
        (EventKind::Reopened, &[Unit, UnitHeads, Centre]),
        (EventKind::Appealed, &[Centre]),
        (EventKind::Urged, &[Unit, Centre]),
        (EventKind::Suspended, &[Reporter, Unit]),
        (EventKind::Resumed, &[Reporter, Unit]),
        (EventKind::Excluded, &[Centre]),
        (EventKind::ExclusionRequested, &[Supervisor]),
        (EventKind::ExclusionDecided, &[Unit, UnitHeads]),
        (EventKind::Reminder, &[Unit]),
        (EventKind::Overdue, &[Unit, Centre]),
        (EventKind::OverdueNotice, &[Unit, UnitHeads, Centre]),
        (EventKind::WrittenBulletin, &[Unit, UnitHeads, Centre, Supervisor]),
        (EventKind::SupervisionOpened, &[Unit, UnitHeads, Centre, Supervisor]),
        (EventKind::SupervisionClimbed, &[Unit, UnitHeads, Centre, Supervisor]),
        (EventKind::SupervisionReferred, &[Unit, UnitHeads, Centre, Supervisor, Leader]),
        (EventKind::LeaderInstructed, &[Unit, UnitHeads, Centre, Supervisor, Leader]),
        (EventKind::SupervisionAnswered, &[Supervisor]),
        (EventKind::SupervisionSentBack, &[Unit, UnitHeads]),
        (EventKind::SupervisionAccepted, &[Unit, UnitHeads, Centre]),
        (EventKind::SupervisionLapsed, &[Unit, UnitHeads, Supervisor]),
        (EventKind::SupervisionListed, &[Unit, UnitHeads, Centre, Leader]),
        (EventKind::SupervisionUnlisted, &[Unit, UnitHeads, Centre, Leader]),
        (EventKind::CoordinationAsked, &[Unit, UnitHeads, Centre, Supervisor, Leader]),
        (EventKind::CentreOverdue, &[Centre, Supervisor]),
        (EventKind::WhistleDrafted, &[Reviewer]),
        (EventKind::WhistleReviewed, &[Blower]),
        (EventKind::WhistleBlown, &[Centre]),
        (EventKind::WhistleWithdrawn, &[Unit, Reviewer]),
        (EventKind::ReviewOverdue, &[Reviewer, Supervisor]),
        (EventKind::StandDownCalled, &[Unit]),
        (EventKind::StandDownSilent, &[Unit, Blower, Centre]),
        (EventKind::UnitAppraised, &[Unit]),
        (EventKind::WhistleRated, &[Blower]),
        (EventKind::StoodDown, &[Unit, Blower]),
        (EventKind::BlowerSilent, &[Blower, Centre]),
        (EventKind::RegistrationSubmitted, &[Unit]),
        (EventKind::RegistrationSigned, &[Person]),
        (EventKind::RegistrationRefused, &[Person]),
        (EventKind::RegistrationEnded, &[Person, Unit]),
        (EventKind::ReceiptSent, &[Liaison]),
        (EventKind::ChangeAsked, &[Unit]),
        (EventKind::ChangeReleased, &[Person, Unit]),
        (EventKind::ChangeGranted, &[Person]),
        (EventKind::ChangeRefused, &[Person]),
        (EventKind::ChangeTakenBack, &[Unit]),
        (EventKind::ServiceReminded, &[Person]),
        (EventKind::UnitSubmitted, &[Unit]),
        (EventKind::UnitSigned, &[Liaison]),
        (EventKind::UnitRefused, &[Liaison]),
        (EventKind::UnitEnded, &[Liaison, Unit]),
        (EventKind::UnitReported, &[Liaison]),
        (EventKind::Claimed, &[]),
        (EventKind::ClaimPromoted, &[Person]),
        (EventKind::ClaimCancelled, &[]),
        (EventKind::PostCancelled, &[Person]),
        (EventKind::CheckedIn, &[]),
        (EventKind::CheckedOut, &[]),
        (EventKind::ServiceConfirmed, &[Person]),
        (EventKind::NoShow, &[Person]),
        (EventKind::ClaimRejected, &[Person]),
        (EventKind::AttendanceDue, &[Unit]),
        (EventKind::PostInvited, &[Person]),
        (EventKind::PostChanged, &[Person]),
        (EventKind::DisputeRaised, &[Unit, Person, Organiser]),
        (EventKind::DisputeWithdrawn, &[Unit, Person, Organiser]),
        (EventKind::DisputeDecided, &[Person]),
        (EventKind::ClaimsPaused, &[Person]),
        (EventKind::ClaimsResumed, &[Person]),
        (EventKind::RequestSubmitted, &[Unit]),
        (EventKind::RequestOrdered, &[Person]),
        (EventKind::RequestDeclined, &[Person]),
        (EventKind::RequestCancelled, &[Unit]),
        (EventKind::RequestDone, &[Unit]),
        (EventKind::RequestReturned, &[Person, Unit]),
        (EventKind::RequestSettled, &[Person, Unit]),
        (EventKind::PointsTakenBack, &[Person]),
        (EventKind::PointsAdjusted, &[Person]),
        (EventKind::PointsExpiring, &[Person]),
        (EventKind::AwardNoticed, &[Person]),
        (EventKind::PointsReceived, &[Person]),
        (EventKind::AwardRefused, &[Person]),
        (EventKind::PairingProposed, &[Person]),
        (EventKind::PairingAccepted, &[Unit]),
        (EventKind::PairingDeclined, &[Unit]),
        (EventKind::PairingEnded, &[Person, Unit]),
        (EventKind::VisitDue, &[Person]),
        (EventKind::RedemptionUndone, &[Person]),
        (EventKind::VoucherIssued, &[Person]),
        (EventKind::VoucherRevoked, &[Person]),
        (EventKind::FlagUpheld, &[Person]),
        (EventKind::FlagConfirmed, &[Person]),
        (EventKind::FlagOverturned, &[Person]),
        (EventKind::MerchantApproved, &[Person]),
        (EventKind::MerchantSentBack, &[Person]),
        (EventKind::MerchantRefused, &[Person]),
        (EventKind::RedemptionReturned, &[Person]),
        (EventKind::ScoreEntered, &[Unit, Secretary]),
        (EventKind::ScoreAccepted, &[Person]),
        (EventKind::ScoreRefused, &[Person]),
        (EventKind::ScoreProposed, &[Unit]),
        (EventKind::ScoreNoticed, &[Person]),
        (EventKind::ScoreSentBack, &[Person]),
        (EventKind::ScoreObjected, &[Unit]),
        (EventKind::ScoreObjectionDecided, &[Person]),
        (EventKind::ScoreLocked, &[Person]),
        (EventKind::FeedbackSubmitted, &[Administrator]),
        (EventKind::BurdenReported, &[Administrator, Supervisor]),
        (EventKind::FeedbackAnswered, &[Person]),
        (EventKind::PublicationSubmitted, &[Publisher]),
        (EventKind::PublicationReviewed, &[Person]),
        (EventKind::GuideExpiring, &[Unit, UnitHeads]),
        (EventKind::GuideExpired, &[Unit, UnitHeads]),
        (EventKind::GuideReviewDue, &[Unit, UnitHeads]),
    ]
};
