//! Screening (内容核验): what people wrote is looked at before the public may see it, by a list of
//! words, by WeChat's check, and by a person where that cannot run. It never loses or delays a
//! complaint: who handles it, and who reported it, read it all the time.
//!
//! [`TRANSITIONS`] is the table of every step. A machine steps from `pending` alone, so that an
//! answer that comes late changes nothing that a person decided.

use serde::Deserialize;

use crate::{
    complaint::normalised,
    refusal::{Faults, Invalid, Kind, Refusal},
    text,
};

/// What the public reads in place of a title that is not shown.
pub const WITHHELD: &str = "（内容核验中或不公开）";
/// A check that has not answered by then is a person's, in minutes.
pub const PATIENCE_MINUTES: i64 = 30;

codes! {
    /// Where it stands.
    pub enum State {
        /// The machine has not answered.
        Pending = "pending", "待核验";
        /// The public may see it.
        Shown = "shown", "公开";
        /// The public does not see it.
        Hidden = "hidden", "不公开";
        /// The public does not see it, and a person has to look.
        Waiting = "waiting", "待人工核验";
    }
}

codes! {
    /// What becomes of it.
    pub enum Step {
        /// The machine found nothing.
        Pass = "pass", "机器核验通过";
        /// The machine found something, or is not sure.
        Flag = "flag", "机器核验不通过";
        /// The machine cannot look at it.
        Refer = "refer", "转人工";
        /// A person lets it be seen.
        Show = "show", "公开";
        /// A person hides it.
        Hide = "hide", "不公开";
    }
}

codes! {
    /// Why it stands there.
    pub enum Reason {
        /// Somebody of the staff wrote it down.
        Staff = "staff", "工作人员登记";
        /// A word of the list stands in it.
        Word = "word", "含有禁用词";
        /// The machine says so.
        Machine = "machine", "机器核验";
        /// The machine cannot look at it, or did not answer.
        Unchecked = "unchecked", "机器无法核验";
        /// A person says so.
        Decided = "decided", "人工核验";
        /// It was there before there was a check.
        Before = "before", "核验启用以前";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `screening_step_refused`.
pub const TRANSITIONS: &[(Step, &[State], &[State])] = {
    use State::{Hidden, Pending, Shown, Waiting};
    &[
        (Step::Pass, &[Pending], &[Shown]),
        (Step::Flag, &[Pending], &[Hidden]),
        (Step::Refer, &[Pending], &[Waiting]),
        (Step::Show, &[Pending, Hidden, Waiting], &[Shown]),
        (Step::Hide, &[Pending, Shown, Waiting], &[Hidden]),
    ]
};

impl State {
    /// Where a step leads.
    ///
    /// # Errors
    /// The table has no such step from here.
    pub fn step(self, step: Step) -> Result<Self, Refused> {
        TRANSITIONS
            .iter()
            .find(|(one, from, _)| *one == step && from.contains(&self))
            .and_then(|(_, _, to)| to.first().copied())
            .ok_or(Refused::Step { step, state: self })
    }

    /// Whether the public may see it.
    pub const fn shows(self) -> bool {
        matches!(self, Self::Shown)
    }
}

/// Words that the public does not get to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The words. White space, punctuation and the case of letters do not matter.
    pub forbidden: Vec<String>,
}

impl Rules {
    /// Whether one of the words stands in it. A word of nothing but punctuation stands nowhere.
    pub fn finds(&self, title: &str, content: &str) -> bool {
        !self.found(title, content).is_empty()
    }

    /// The words that stand in it, as the list writes them.
    pub fn found(&self, title: &str, content: &str) -> Vec<&str> {
        let given = normalised(title, content);
        let stands = |word: &&String| {
            let word = normalised(word, "");
            !word.is_empty() && given.contains(&word)
        };
        self.forbidden.iter().filter(stands).map(String::as_str).collect()
    }
}

/// Who wrote it, as far as that says who can look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Somebody of the staff, who wrote down what was said.
    Staff,
    /// A person whom WeChat knows.
    Known,
    /// A person whom it does not know: its check wants an openid.
    Unknown,
}

/// Where a text stands at first, and why.
pub const fn first(author: Author, forbidden: bool) -> (State, Reason) {
    match author {
        _ if forbidden => (State::Hidden, Reason::Word),
        Author::Staff => (State::Shown, Reason::Staff),
        Author::Known => (State::Pending, Reason::Machine),
        Author::Unknown => (State::Waiting, Reason::Unchecked),
    }
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    /// What they do.
    pub step: Step,
    /// Why.
    pub note: String,
}

impl Decide {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(show: bool, reason: &str) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let note = faults.take(text::text("reason", reason, 2, 200));
        faults.check()?;
        let step = if show { Step::Show } else { Step::Hide };
        Ok(Self { step, note: note.unwrap_or_default() })
    }
}

/// Why it is not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Shown already, or hidden.
    #[error("这件诉求的内容现在是“{}”，不能办理“{}”", .state.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        state: State,
    },
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "screening_step_refused",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Step { .. } => Kind::Conflict,
        }
    }
}

#[cfg(test)]
mod tests;
