//! Why a step of enforcement is refused.

use chrono::NaiveDate;

use super::ActKind;
use crate::{
    refusal::{self, FieldError, Kind},
    task,
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The task is not the unit's to act in.
    #[error("任务现在是“{}”，不能登记执法行为；请先签收，已退单或取消的不能登记", .0.label())]
    TaskStep(task::Status),
    /// The act is withdrawn already, or is a withdrawal.
    #[error("这一“{}”已经撤回或本身就是撤回，不能再撤回；有误的请另行登记", .0.label())]
    Withdrawn(ActKind),
    /// The unit's list that is in force has no such power.
    #[error("本单位现行的执法事项清单里没有“{0}”，请从清单中选择，或请有权的单位执法")]
    NoSuchPower(String),
    /// Fewer officers than the law asks for.
    #[error("“{}”要由不少于 {} 名持证执法人员办理（行政处罚法第四十二条），请写明各人的证件", .0.label(), .0.officers())]
    TooFewOfficers(ActKind),
    /// A certificate is another unit's.
    #[error("执法证 {0} 不是本单位的，请由本单位的持证人员办理")]
    ForeignCertificate(String),
    /// A certificate does not count on the day.
    #[error("执法证 {number} 在 {on} 无效（未到期、已过期或已吊销），请换用有效的证件")]
    CertificateNotValid {
        /// Its number.
        number: String,
        /// The day.
        on: NaiveDate,
    },
    /// Whoever puts it on record holds none of the certificates.
    #[error("登记人要是办理的执法人员之一，请由持证人本人登记")]
    RecorderNotAmongThem,
    /// The instant is before the task or in the future.
    #[error("执法时间要在派单之后、现在之前")]
    WrongTime,
    /// No case was filed.
    #[error("普通程序的处罚决定要先立案（行政处罚法第五十四条），请先登记“立案”")]
    NoCaseFiled,
    /// A penalty rests on the filed case.
    #[error("这件立案之上还有处罚决定，请先撤回处罚决定")]
    PenaltyStands,
    /// The document's number stands on another act.
    #[error("文书编号已经登记过，请核对；登记有误的请先撤回原来的")]
    DocumentTaken,
    /// The very same act stands already.
    #[error("这一执法行为已经登记过（同一任务、同一种类、同一时间），不用重复登记")]
    Twice,
    /// The certificate's number is taken.
    #[error("执法证编号 {0} 已经登记过，请核对")]
    NumberTaken(String),
    /// The holder has another certificate in the time.
    #[error("持证人在这段时间已有一个有效的执法证，请先吊销原来的，或改有效期")]
    Overlap,
    /// The certificate was taken back before.
    #[error("执法证 {0} 已经吊销，不能再吊销")]
    AlreadyRevoked(String),
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::TaskStep(_) => "act_task_step_refused",
            Self::Withdrawn(_) => "act_step_refused",
            Self::NoSuchPower(_) => "act_power_missing",
            Self::TooFewOfficers(_) => "act_officers_too_few",
            Self::ForeignCertificate(_) => "certificate_foreign",
            Self::CertificateNotValid { .. } => "certificate_not_valid",
            Self::RecorderNotAmongThem => "act_recorder_not_officer",
            Self::WrongTime => "act_time_out_of_range",
            Self::NoCaseFiled => "act_case_not_filed",
            Self::PenaltyStands => "act_penalty_stands",
            Self::DocumentTaken => "act_document_taken",
            Self::Twice => "act_recorded_twice",
            Self::NumberTaken(_) => "certificate_number_taken",
            Self::Overlap => "certificate_overlap",
            Self::AlreadyRevoked(_) => "certificate_revoked",
        }
    }

    fn kind(&self) -> Kind {
        if self.field().is_some() { Kind::Invalid } else { Kind::Conflict }
    }

    fn fields(&self) -> Vec<FieldError> {
        self.field().map(|field| FieldError::new(field, self.to_string())).into_iter().collect()
    }
}

impl Refused {
    /// The field at fault, where it is the input that is wrong.
    const fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchPower(_) => Some("power"),
            Self::TooFewOfficers(_) => Some("certificates"),
            Self::WrongTime => Some("occurred_at"),
            _ => None,
        }
    }
}
