//! Leading cadres paired with communities and estates (包联): who, by post and unit, with what, for
//! how long, and the matters that they took on. A matter counts as solved once the community
//! confirms it.

use chrono::NaiveDate;
use serde_json::json;

use crate::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, CadrePairingId, ComplaintId, MatterId, WhistleId},
    org::NodeCode,
    refusal::{self, Faults, Invalid, Kind},
    text,
    time::{self, Timestamp},
};

/// The longest term of a pairing, in days: five years.
const LONGEST_TERM: i64 = 5 * 366;

codes! {
    /// Where a matter stands.
    pub enum Status {
        /// Taken on.
        Logged = "logged", "已接手";
        /// The cadre's side says it is solved.
        Solved = "solved", "待社区确认";
        /// The community confirms that.
        Confirmed = "confirmed", "已解决";
        /// The community does not.
        SentBack = "sent_back", "退回再办";
    }
}

codes! {
    /// The steps in a matter's life.
    pub enum Step {
        /// It is reported solved.
        Solve = "solve", "报告解决";
        /// The community confirms.
        Confirm = "confirm", "确认";
        /// The community sends it back.
        SendBack = "send_back", "退回";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `matter_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::Solve, &[Status::Logged, Status::SentBack], &[Status::Solved]),
    (Step::Confirm, &[Status::Solved], &[Status::Confirmed]),
    (Step::SendBack, &[Status::Solved], &[Status::SentBack]),
];

/// A pairing that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The cadre's post: `区教育局局长`.
    pub post: String,
    /// The cadre's work unit.
    pub unit: NodeCode,
    /// The name by which the cadre logs in, where there is an account.
    pub username: Option<String>,
    /// With which community.
    pub community: NodeCode,
    /// With which estate of it, where it is one alone.
    pub estate: Option<NodeCode>,
    /// From which day until which, both included.
    pub term: (NaiveDate, NaiveDate),
}

/// What was filled in.
#[derive(Debug, Clone, Copy)]
pub struct PairForm<'f> {
    /// The post.
    pub post: &'f str,
    /// The unit's code.
    pub unit: &'f str,
    /// The account's name.
    pub username: Option<&'f str>,
    /// The community's code.
    pub community_code: &'f str,
    /// The estate's code.
    pub estate_code: Option<&'f str>,
    /// The first day.
    pub from_day: NaiveDate,
    /// The last day.
    pub until_day: NaiveDate,
}

impl Pair {
    /// # Errors
    /// A post or code that cannot be one; an estate of another community; a term that ends before
    /// it begins, or is longer than five years.
    pub fn parse(form: PairForm<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let post = faults.take(text::line("post", form.post, 2, 60));
        let unit = faults.take(NodeCode::parse("unit", form.unit));
        let username = faults.take(text::optional("username", form.username, 64));
        let community = faults.take(NodeCode::parse("community_code", form.community_code));
        let estate = faults.take(NodeCode::optional("estate_code", form.estate_code)).flatten();
        if let (Some(community), Some(estate)) = (&community, &estate)
            && (community == estate || !community.contains(estate))
        {
            faults.add("estate_code", "这个小区不在所填的社区里");
        }
        let days = (form.until_day - form.from_day).num_days();
        if !(0..=LONGEST_TERM).contains(&days) {
            faults.add("until_day", "包联期要从开始之日起，最长五年");
        }
        faults.check()?;
        let term = (form.from_day, form.until_day);
        match (post, unit, username, community) {
            (Some(post), Some(unit), Some(username), Some(community)) => {
                Ok(Self { post, unit, username, community, estate, term })
            }
            _ => Err(Invalid(Vec::new())),
        }
    }
}

/// A pairing as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// Its id.
    pub id: CadrePairingId,
    /// Grows by one with each save.
    pub version: i64,
    /// The cadre's work unit.
    pub unit: NodeCode,
    /// The cadre's account, where there is one.
    pub cadre: Option<AccountId>,
    /// With which community.
    pub community: NodeCode,
    /// From which day until which.
    pub term: (NaiveDate, NaiveDate),
    /// When it was ended before its term.
    pub ended_at: Option<Timestamp>,
}

impl Pairing {
    /// Something that community, work unit and cadre are told of.
    pub fn event(&self, kind: EventKind) -> NewEvent {
        let mut event = NewEvent::new(kind, Visibility::Everyone);
        event.unit = Some(self.community.clone());
        event.with(json!({ "work_unit": self.unit, "account": self.cadre }))
    }

    /// Whether something can be logged under it on the day of `now`.
    ///
    /// # Errors
    /// It was ended, or the day is not within the term.
    pub fn open(&self, now: Timestamp) -> Result<(), Refused> {
        let today = time::date(now);
        let within = (self.term.0..=self.term.1).contains(&today);
        if self.ended_at.is_none() && within { Ok(()) } else { Err(Refused::Over) }
    }

    /// Whether it can be ended.
    ///
    /// # Errors
    /// It was ended before.
    pub fn end(&self) -> Result<(), Refused> {
        if self.ended_at.is_none() { Ok(()) } else { Err(Refused::Over) }
    }
}

/// A matter that is to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What it is about; no names of people.
    pub title: String,
    /// When it was found.
    pub found_on: NaiveDate,
    /// The complaint that it belongs to.
    pub complaint: Option<ComplaintId>,
    /// The whistle that it belongs to.
    pub whistle: Option<WhistleId>,
}

impl Log {
    /// # Errors
    /// No title; found later than today.
    pub fn parse(
        title: &str,
        found_on: NaiveDate,
        (complaint, whistle): (Option<ComplaintId>, Option<WhistleId>),
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let title = faults.take(text::text("title", title, 2, 200));
        if found_on > time::date(now) {
            faults.add("found_on", "发现日期不能晚于今天");
        }
        faults.check()?;
        let title = title.ok_or_else(|| Invalid(Vec::new()))?;
        Ok(Self { title, found_on, complaint, whistle })
    }
}

/// A matter as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Its id.
    pub id: MatterId,
    /// Grows by one with each save.
    pub version: i64,
    /// Under which pairing.
    pub pairing: CadrePairingId,
    /// Where it stands.
    pub status: Status,
    /// What was done.
    pub solution: Option<String>,
    /// Who said it is solved, and when.
    pub solved: Option<(Timestamp, AccountId)>,
    /// Which officer judged that, and when.
    pub judged: Option<(Timestamp, AccountId)>,
    /// The officer's words.
    pub note: Option<String>,
}

impl Matter {
    /// Whether the table allows a step from where the matter stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// It is reported solved.
    ///
    /// # Errors
    /// It waits for the community, or is confirmed.
    pub fn solve(&self, solution: String, by: AccountId, now: Timestamp) -> Result<Self, Refused> {
        self.permit(Step::Solve)?;
        Ok(Self {
            status: Status::Solved,
            solution: Some(solution),
            solved: Some((now, by)),
            judged: None,
            note: None,
            ..self.clone()
        })
    }

    /// The community confirms, or sends it back with a reason.
    ///
    /// # Errors
    /// It is not reported solved; who reported it does not judge it.
    pub fn judge(
        &self,
        approve: bool,
        note: Option<String>,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        self.permit(if approve { Step::Confirm } else { Step::SendBack })?;
        if self.solved.is_some_and(|(_, solver)| solver == by) {
            return Err(Refused::OwnMatter);
        }
        let status = if approve { Status::Confirmed } else { Status::SentBack };
        Ok(Self { status, judged: Some((now, by)), note, ..self.clone() })
    }
}

/// Why something about a pairing is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这件事现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The same post is paired there already.
    #[error("这个职务已经包联这个社区（小区），请先终止原来的包联")]
    Paired,
    /// Not within the term.
    #[error("这项包联已经终止，或今天不在包联期内")]
    Over,
    /// The same matter, complaint or whistle was logged before.
    #[error("这件事（或同一件诉求、哨单）已经登记在这项包联下，不需要重复登记")]
    Logged,
    /// Who reports does not confirm.
    #[error("不能确认自己报告解决的事项，请由社区其他工作人员确认")]
    OwnMatter,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "matter_step_refused",
            Self::Paired => "already_paired",
            Self::Over => "pairing_over",
            Self::Logged => "matter_logged",
            Self::OwnMatter => "own_matter",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        refusal::Refusal,
        testing::{code, id, tuesday},
    };

    fn matter_in(status: Status) -> Matter {
        let solved = (status != Status::Logged).then(|| (tuesday(), id(2)));
        Matter {
            id: id(1),
            version: 1,
            pairing: id(4),
            status,
            solution: solved.map(|_| "已协调修复".into()),
            solved,
            judged: None,
            note: None,
        }
    }

    #[test]
    fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
        let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, Step::ALL);
        for (step, sources, targets) in TRANSITIONS {
            for status in Status::ALL {
                let before = matter_in(*status);
                let taken = match step {
                    Step::Solve => before.solve("已协调修复".into(), id(2), tuesday()),
                    Step::Confirm => before.judge(true, None, id(9), tuesday()),
                    Step::SendBack => before.judge(false, None, id(9), tuesday()),
                };
                assert_eq!(taken.is_ok(), sources.contains(status), "{step} from {status}");
                match taken {
                    Ok(after) => assert!(targets.contains(&after.status), "{step} from {status}"),
                    Err(refused) => assert_eq!(refused.code(), "matter_step_refused"),
                }
            }
        }
    }

    #[test]
    fn who_reports_does_not_confirm() {
        let own = matter_in(Status::Solved).judge(true, None, id(2), tuesday());
        assert_eq!(own.unwrap_err(), Refused::OwnMatter);
    }

    fn form() -> PairForm<'static> {
        PairForm {
            post: "区教育局局长",
            unit: "education",
            username: None,
            community_code: "140213066004",
            estate_code: Some("140213066004001"),
            from_day: "2026-01-01".parse().unwrap(),
            until_day: "2027-12-31".parse().unwrap(),
        }
    }

    #[test]
    fn a_pairing_is_checked_field_by_field() {
        assert_eq!(Pair::parse(form()).unwrap().estate, Some(code("140213066004001")));
        let fields = |form| {
            let faults = Pair::parse(form).unwrap_err().0;
            faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let elsewhere = PairForm { estate_code: Some("140213066005001"), ..form() };
        assert_eq!(fields(elsewhere), ["estate_code"]);
        let itself = PairForm { estate_code: Some("140213066004"), ..form() };
        assert_eq!(fields(itself), ["estate_code"]);
        let backwards = PairForm { until_day: "2025-12-31".parse().unwrap(), ..form() };
        assert_eq!(fields(backwards), ["until_day"]);
        let odd = PairForm { post: "", unit: "教育", ..form() };
        assert_eq!(fields(odd), ["post", "unit"]);
    }

    #[test]
    fn a_pairing_is_open_within_its_term() {
        let (from, until) = (form().from_day, form().until_day);
        let pairing = Pairing {
            id: id(4),
            version: 1,
            unit: code("education"),
            cadre: None,
            community: code("140213066004"),
            term: (from, until),
            ended_at: None,
        };
        assert_eq!(pairing.open(tuesday()), Ok(()));
        let over = Pairing { term: (from, from), ..pairing.clone() };
        assert_eq!(over.open(tuesday()), Err(Refused::Over));
        let ended = Pairing { ended_at: Some(tuesday()), ..pairing };
        assert_eq!((ended.open(tuesday()), ended.end()), (Err(Refused::Over), Err(Refused::Over)));
    }

    #[test]
    fn nothing_is_found_tomorrow() {
        let log = |day: &str| Log::parse("路灯不亮", day.parse().unwrap(), (None, None), tuesday());
        assert!(log("2026-11-24").is_ok());
        assert_eq!(log("2026-11-25").unwrap_err().0[0].field, "found_on");
    }
}
