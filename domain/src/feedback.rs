//! Opinions on the application itself (对应用的意见). 国办函〔2026〕12号 demands an entry for them: what
//! is broken, what would be better, what burdens people (形式主义、重复填报、强制打卡), what a person
//! with a disability cannot use. It is no complaint: nobody's case, no deadline, no rate.
//!
//! [`TRANSITIONS`] is the table of every step.

use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, FeedbackId},
    identity::{Actor, Role},
    refusal::{self, Faults, Invalid, Kind as RefusalKind},
    text,
};

codes! {
    /// What an opinion is about.
    pub enum Kind {
        /// Something does not work.
        Fault = "fault", "故障";
        /// Something could be better.
        Suggestion = "suggestion", "建议";
        /// Formalism, the same form twice, compulsory check-in.
        Burden = "burden", "增加负担";
        /// Somebody cannot use it.
        Accessibility = "accessibility", "无障碍";
        /// Something is good.
        Praise = "praise", "表扬";
    }
}

codes! {
    /// Where an opinion stands.
    pub enum Status {
        /// Nobody has answered.
        Submitted = "submitted", "待答复";
        /// It is answered.
        Answered = "answered", "已答复";
        /// It will be done.
        Planned = "planned", "计划改进";
        /// It is done.
        Done = "done", "已改进";
        /// It will not be done.
        Declined = "declined", "不予采纳";
    }
}

codes! {
    /// The steps in the life of an opinion.
    pub enum Step {
        /// It is answered.
        Answer = "answer", "答复";
        /// It will be done.
        Plan = "plan", "列入计划";
        /// It is done.
        Finish = "finish", "标为已改进";
        /// It will not be done.
        Decline = "decline", "不予采纳";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `feedback_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Answered, Declined, Done, Planned, Submitted};
    &[
        (Step::Answer, &[Submitted], &[Answered]),
        (Step::Plan, &[Submitted, Answered], &[Planned]),
        (Step::Finish, &[Submitted, Answered, Planned], &[Done]),
        (Step::Decline, &[Submitted, Answered, Planned], &[Declined]),
    ]
};

impl Step {
    /// Where it leads.
    const fn leads(self) -> Status {
        match self {
            Self::Answer => Status::Answered,
            Self::Plan => Status::Planned,
            Self::Finish => Status::Done,
            Self::Decline => Status::Declined,
        }
    }
}

/// Whether somebody handles opinions of a kind: the system administrator all, the supervisor what
/// burdens people.
pub fn handles(actor: &Actor, kind: Kind) -> bool {
    actor.has(Role::SystemAdmin) || kind == Kind::Burden && actor.has(Role::Supervisor)
}

/// An opinion, sound in form.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Opinion {
    /// What it is about.
    pub kind: Kind,
    /// In the writer's words.
    pub text: String,
    /// Where in the application.
    pub page: Option<String>,
    /// In which version of it.
    pub app_version: Option<String>,
    /// How to reach the writer.
    pub contact: Option<String>,
}

impl Opinion {
    /// # Errors
    /// Every field that breaks a rule.
    pub fn parse(
        kind: Kind,
        text: &str,
        page: Option<&str>,
        app_version: Option<&str>,
        contact: Option<&str>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let line = |field: &str, given: Option<&str>, max| match given.map(str::trim) {
            None | Some("") => Ok(None),
            Some(given) => text::line(field, given, 1, max).map(Some),
        };
        let text = faults.take(text::text("text", text, 5, 5000));
        let page = faults.take(line("page", page, 200));
        let app_version = faults.take(line("app_version", app_version, 50));
        let contact = faults.take(line("contact", contact, 100));
        faults.check()?;
        Ok(Self {
            kind,
            text: text.unwrap_or_default(),
            page: page.flatten(),
            app_version: app_version.flatten(),
            contact: contact.flatten(),
        })
    }
}

/// An opinion as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// Grows by one with each save.
    pub version: i64,
    /// What it is about.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Who wrote it, where they were logged in.
    pub account: Option<AccountId>,
}

impl Feedback {
    /// Somebody gives an opinion.
    pub fn submit(id: FeedbackId, kind: Kind, account: Option<AccountId>) -> Decision<Self> {
        let state = Self { id, version: 1, kind, status: Status::Submitted, account };
        let told = if kind == Kind::Burden {
            EventKind::BurdenReported
        } else {
            EventKind::FeedbackSubmitted
        };
        let event = state.event(told);
        Decision::one(state, event)
    }

    /// Whether the table allows a step from where it stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// Whoever handles it says something on it.
    ///
    /// # Errors
    /// An illegal step.
    pub fn step(&self, step: Step, words: String) -> Result<Decision<Self>, Refused> {
        self.permit(step)?;
        let state = Self { status: step.leads(), ..self.clone() };
        let event = state.event(EventKind::FeedbackAnswered).note(Some(words));
        Ok(Decision::one(state, event))
    }

    fn event(&self, kind: EventKind) -> NewEvent {
        let data = json!({ "kind": self.kind, "status": self.status, "account": self.account });
        NewEvent::new(kind, Visibility::Everyone).with(data)
    }
}

/// What is answered: 2–2,000 characters.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn words(field: &str, given: &str) -> Result<String, Invalid> {
    Ok(text::text(field, given, 2, 2000)?)
}

/// Why something about an opinion is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这条意见现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The writer left no way to be reached.
    #[error("反映人没有留下联系方式，答复会显示在“我的意见”里，或凭编号和查询码查看")]
    NoContact,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "feedback_step_refused",
            Self::NoContact => "feedback_without_contact",
        }
    }

    fn kind(&self) -> RefusalKind {
        RefusalKind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Grant, testing::id};

    #[test]
    fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
        let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, Step::ALL);
        for (step, sources, targets) in TRANSITIONS {
            for status in Status::ALL {
                let before = Feedback::submit(id(1), Kind::Fault, Some(id(2))).state;
                let before = Feedback { status: *status, ..before };
                match before.step(*step, "已在新版本中修复".to_owned()) {
                    Ok(decision) => {
                        assert!(sources.contains(status), "{step} from {status}");
                        assert_eq!(*targets, [decision.state.status]);
                        let event = &decision.events[0];
                        assert_eq!(event.data["status"], decision.state.status.code());
                        assert_eq!(event.note.as_deref(), Some("已在新版本中修复"));
                    }
                    Err(Refused::Step { .. }) => {
                        assert!(!sources.contains(status), "{step} from {status}");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn what_burdens_people_is_the_supervisors_too() {
        for role in Role::ALL {
            let grants = vec![Grant { role: *role, scope: "140213".to_owned() }];
            let actor = Actor { account: id(1), grants };
            for kind in Kind::ALL {
                let expected = *role == Role::SystemAdmin
                    || *role == Role::Supervisor && *kind == Kind::Burden;
                assert_eq!(handles(&actor, *kind), expected, "{role} {kind}");
            }
        }
        let told = |kind| Feedback::submit(id(1), kind, None).events[0].kind;
        assert_eq!(told(Kind::Burden), EventKind::BurdenReported);
        assert_eq!(told(Kind::Praise), EventKind::FeedbackSubmitted);
    }

    #[test]
    fn every_fault_is_named() {
        let good = Opinion::parse(Kind::Fault, "签到页打不开", Some(" "), None, Some("微信同号"));
        let good = good.unwrap();
        assert_eq!((good.page, good.contact.as_deref()), (None, Some("微信同号")));
        let long = "长".repeat(201);
        let bad = Opinion::parse(Kind::Fault, "坏", Some(&long), Some("1\n2"), Some(&long));
        let fields: Vec<String> = bad.unwrap_err().0.into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["text", "page", "app_version", "contact"]);
        assert!(words("text", "谢").is_err() && words("text", "谢谢").is_ok());
    }
}
