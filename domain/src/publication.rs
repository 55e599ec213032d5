//! What a body publishes in editions (公告、办事指南): written, handed in, looked at by another of the
//! body, shown, ended or taken down. What people read is one edition; a later one does not touch it
//! until it was let through.
//!
//! [`TRANSITIONS`] is the table of every step.

use uuid::Uuid;

use crate::{
    id::{AnnouncementId, GuideId},
    identity::Permission,
    refusal::{self, FieldError, Kind},
    text,
};

codes! {
    /// Where a publication stands.
    pub enum Status {
        /// It is being written.
        Draft = "draft", "草稿";
        /// Another of the body has to look at it.
        InReview = "in_review", "待审核";
        /// It is to be put right.
        SentBack = "sent_back", "退回修改";
        /// People read it.
        Published = "published", "已发布";
        /// Its time is over.
        Ended = "ended", "已结束";
        /// It was taken down.
        Withdrawn = "withdrawn", "已撤下";
    }
}

codes! {
    /// The steps in the life of a publication.
    pub enum Step {
        /// A new edition is written.
        Revise = "revise", "修改";
        /// The latest edition is handed in.
        Submit = "submit", "提交";
        /// Another of the body lets it through.
        Approve = "approve", "审核通过";
        /// Another of the body does not.
        SendBack = "send_back", "审核不通过";
        /// It is taken down.
        Withdraw = "withdraw", "撤下";
        /// Its time is over.
        End = "end", "到期结束";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `publication_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Draft, Ended, InReview, Published, SentBack, Withdrawn};
    &[
        (Step::Revise, &[Draft, InReview, SentBack, Published], &[Draft, Published]),
        (Step::Submit, &[Draft, SentBack, Published], &[InReview, Published]),
        (Step::Approve, &[InReview, Published], &[Published]),
        (Step::SendBack, &[InReview, Published], &[SentBack, Published, Withdrawn]),
        (Step::Withdraw, &[Draft, InReview, SentBack, Published], &[Withdrawn]),
        (Step::End, &[Published], &[Ended]),
    ]
};

/// What a word that is published has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// What its records call it.
    pub name: &'static str,
    /// Whoever writes in a body's name holds this on the body.
    pub keep: Permission,
    /// Whoever looks at what another of the body wrote holds this on the body.
    pub sign: Permission,
    /// The field that names the body.
    pub field: &'static str,
    /// What is said of a body that is not one's own.
    pub foreign: &'static str,
    /// What is said where there are several to choose from.
    pub unnamed: &'static str,
}

/// Announcements (公告): any officer of the body looks at what another wrote.
pub const ANNOUNCEMENT: Word = Word {
    name: "announcement",
    keep: Permission::KeepAnnouncement,
    sign: Permission::KeepAnnouncement,
    field: "body",
    foreign: "只能以本单位的名义发布公告",
    unnamed: "请写明以哪个单位的名义发布",
};

/// The guide of services (办事指南): whoever signs for the unit looks at it.
pub const GUIDE: Word = Word {
    name: "guide",
    keep: Permission::KeepGuide,
    sign: Permission::SignForUnit,
    field: "unit",
    foreign: "只能为本单位编写办事指南",
    unnamed: "请写明是哪个单位的办事指南",
};

/// One publication, by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An announcement.
    Announcement(AnnouncementId),
    /// An item of the guide.
    Guide(GuideId),
}

impl Subject {
    /// What its word has of its own.
    pub const fn word(self) -> Word {
        match self {
            Self::Announcement(_) => ANNOUNCEMENT,
            Self::Guide(_) => GUIDE,
        }
    }

    /// Its id.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Announcement(AnnouncementId(id)) | Self::Guide(GuideId(id)) => id,
        }
    }

    /// What the audit trail calls a step on it.
    pub const fn action(self, step: Step) -> &'static str {
        match (self, step) {
            (Self::Announcement(_), Step::Revise) => "announcement.revise",
            (Self::Announcement(_), Step::Submit) => "announcement.submit",
            (Self::Announcement(_), Step::Approve | Step::SendBack) => "announcement.review",
            (Self::Announcement(_), Step::Withdraw) => "announcement.withdraw",
            (Self::Announcement(_), Step::End) => "announcement.end",
            (Self::Guide(_), Step::Revise) => "guide.revise",
            (Self::Guide(_), Step::Submit) => "guide.submit",
            (Self::Guide(_), Step::Approve | Step::SendBack) => "guide.review",
            (Self::Guide(_), Step::Withdraw) => "guide.withdraw",
            (Self::Guide(_), Step::End) => "guide.end",
        }
    }
}

impl From<AnnouncementId> for Subject {
    fn from(id: AnnouncementId) -> Self {
        Self::Announcement(id)
    }
}

impl From<GuideId> for Subject {
    fn from(id: GuideId) -> Self {
        Self::Guide(id)
    }
}

/// Who looks at what is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Another of the body, before people read it.
    Before,
    /// Another of the body, while people read it already: it cannot wait.
    After,
    /// Nobody: there is no other.
    Nobody,
}

impl Review {
    /// Whether whoever hands it in `signs` for the body, whether `others` do, and whether it is
    /// `urgent`. The word of one who signs is the body's where there is no other to sign; what cannot
    /// wait is looked at after.
    pub const fn of(signs: bool, others: bool, urgent: bool) -> Self {
        match (signs, others, urgent) {
            (true, false, _) => Self::Nobody,
            (_, _, true) => Self::After,
            (_, _, false) => Self::Before,
        }
    }
}

/// A publication as its rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// Where it stands.
    pub status: Status,
    /// The number of its latest edition, from 1.
    pub edition: i32,
    /// The edition that people read.
    pub shown: Option<i32>,
    /// The edition that somebody has to look at.
    pub waiting: Option<i32>,
    /// The last edition that was let through, or that nobody had to look at. What people read is this
    /// one, or one that is looked at after.
    pub approved: Option<i32>,
}

impl Publication {
    /// One that is begun.
    pub const fn draft() -> Self {
        Self { status: Status::Draft, edition: 1, shown: None, waiting: None, approved: None }
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

    /// A new edition. One that waits unseen is taken back by it; what people read stays.
    ///
    /// # Errors
    /// An illegal step.
    pub fn revise(&self) -> Result<Self, Refused> {
        self.permit(Step::Revise)?;
        let status = if self.shown.is_some() { Status::Published } else { Status::Draft };
        let waiting = self.waiting.filter(|edition| Some(*edition) == self.shown);
        Ok(Self { status, edition: self.edition.saturating_add(1), waiting, ..*self })
    }

    /// The latest edition is handed in.
    ///
    /// # Errors
    /// An illegal step; people read it already, or it waits already.
    pub fn submit(&self, review: Review) -> Result<Self, Refused> {
        self.permit(Step::Submit)?;
        let latest = Some(self.edition);
        if self.waiting == latest && self.shown != latest {
            return Err(Refused::Waits);
        }
        if self.shown == latest {
            return Err(Refused::NothingNew);
        }
        Ok(match review {
            Review::Before => {
                let seen = self.shown.is_some();
                let status = if seen { Status::Published } else { Status::InReview };
                Self { status, waiting: latest, ..*self }
            }
            Review::After => {
                Self { status: Status::Published, shown: latest, waiting: latest, ..*self }
            }
            Review::Nobody => {
                let status = Status::Published;
                Self { status, shown: latest, waiting: None, approved: latest, ..*self }
            }
        })
    }

    /// Another of the body looked at it. Of what is not let through people read the edition that was
    /// let through before; where there is none, it is taken down.
    ///
    /// # Errors
    /// An illegal step; nothing waits; one's own.
    pub fn review(&self, approve: bool, own: bool) -> Result<Self, Refused> {
        self.permit(if approve { Step::Approve } else { Step::SendBack })?;
        let waiting = self.waiting.ok_or(Refused::NothingWaits)?;
        if own {
            return Err(Refused::Own);
        }
        let looked = Self { waiting: None, ..*self };
        if approve {
            let through = Some(waiting);
            let status = Status::Published;
            return Ok(Self { status, shown: through, approved: through, ..looked });
        }
        Ok(match (self.shown, self.approved) {
            (None, _) => Self { status: Status::SentBack, ..looked },
            (Some(_), Some(before)) => {
                Self { status: Status::Published, shown: Some(before), ..looked }
            }
            (Some(_), None) => Self { status: Status::Withdrawn, ..looked },
        })
    }

    /// It is taken down.
    ///
    /// # Errors
    /// An illegal step.
    pub fn withdraw(&self) -> Result<Self, Refused> {
        self.permit(Step::Withdraw)?;
        Ok(Self { status: Status::Withdrawn, waiting: None, ..*self })
    }

    /// Its time is over.
    ///
    /// # Errors
    /// An illegal step.
    pub fn end(&self) -> Result<Self, Refused> {
        self.permit(Step::End)?;
        Ok(Self { status: Status::Ended, waiting: None, ..*self })
    }
}

/// What another of the body says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is let through.
    pub approve: bool,
    /// Why not; a word with a yes may be left out.
    pub note: Option<String>,
}

impl Verdict {
    /// # Errors
    /// A no without a reason; a note that is too long.
    pub fn parse(approve: bool, note: Option<&str>) -> Result<Self, FieldError> {
        let note = text::optional("note", note, 500)?;
        if !approve && note.as_ref().is_none_or(|note| note.chars().count() < 2) {
            return Err(FieldError::new("note", "不通过请写明原因，2–500 个字"));
        }
        Ok(Self { approve, note })
    }
}

/// Why it is taken down: 2–500 characters.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn reason(given: &str) -> Result<String, FieldError> {
    text::text("reason", given, 2, 500)
}

/// Why something about a publication is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这条内容现在是“{}”，不能办理“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The latest edition is shown.
    #[error("最新的一版已经发布，没有新的修改要提交")]
    NothingNew,
    /// It was handed in already.
    #[error("最新的一版已经提交，正在等待审核；要改动请先修改")]
    Waits,
    /// Nothing is to be looked at.
    #[error("没有待审核的内容，请刷新后再看")]
    NothingWaits,
    /// One does not look at one's own.
    #[error("不能审核自己写的内容，请由本单位其他人审核")]
    Own,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "publication_step_refused",
            Self::NothingNew => "publication_nothing_new",
            Self::Waits => "publication_waits",
            Self::NothingWaits => "publication_nothing_waits",
            Self::Own => "own_publication",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;

    /// In each state, with what the state demands.
    fn standing(status: Status) -> Vec<Publication> {
        let with =
            |shown, waiting, approved| Publication { status, edition: 3, shown, waiting, approved };
        match status {
            Status::Draft | Status::SentBack => vec![with(None, None, None)],
            Status::InReview => vec![with(None, Some(3), None)],
            Status::Published => vec![
                with(Some(3), None, Some(3)),
                with(Some(3), Some(3), None),
                with(Some(3), Some(3), Some(2)),
                with(Some(2), None, Some(2)),
                with(Some(2), Some(3), Some(2)),
                with(Some(2), Some(2), None),
                with(Some(2), Some(2), Some(1)),
            ],
            Status::Ended => vec![with(Some(3), None, Some(3)), with(Some(2), None, Some(2))],
            Status::Withdrawn => {
                vec![
                    with(None, None, None),
                    with(Some(3), None, None),
                    with(Some(3), None, Some(2)),
                ]
            }
        }
    }

    fn take(step: Step, one: &Publication) -> Vec<Result<Publication, Refused>> {
        match step {
            Step::Revise => vec![one.revise()],
            Step::Submit => {
                // What is read before the look at it cannot wait, whichever its edition.
                let urgent = one.shown.is_some() && one.shown == one.waiting;
                let before = (!urgent).then_some(Review::Before);
                let reviews = before.into_iter().chain([Review::After, Review::Nobody]);
                reviews.map(|review| one.submit(review)).collect()
            }
            Step::Approve => vec![one.review(true, false)],
            Step::SendBack => vec![one.review(false, false)],
            Step::Withdraw => vec![one.withdraw()],
            Step::End => vec![one.end()],
        }
    }

    #[test]
    fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
        let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        let mut all = listed.clone();
        all.sort();
        all.dedup();
        assert_eq!((listed.len(), all.len()), (Step::ALL.len(), Step::ALL.len()));
        for (step, sources, targets) in TRANSITIONS {
            let mut reached = Vec::new();
            for status in Status::ALL {
                for before in standing(*status) {
                    for taken in take(*step, &before) {
                        let case = format!("{step} from {before:?}");
                        match taken {
                            Ok(after) => {
                                assert!(sources.contains(status), "{case}");
                                assert!(targets.contains(&after.status), "{case}: {after:?}");
                                assert!(sound(&after), "{case}: {after:?}");
                                reached.push(after.status);
                            }
                            Err(Refused::Step { .. }) => {
                                assert!(!sources.contains(status), "{case}");
                            }
                            Err(other) => {
                                assert!(sources.contains(status), "{case}: {}", other.code());
                            }
                        }
                    }
                }
            }
            assert!(targets.iter().all(|target| reached.contains(target)), "{step}: {reached:?}");
        }
    }

    /// What the database's constraints say, too.
    fn sound(one: &Publication) -> bool {
        let shown = match one.status {
            Status::Published | Status::Ended => one.shown.is_some(),
            Status::Withdrawn => true,
            _ => one.shown.is_none(),
        };
        let waiting = match one.status {
            Status::InReview => one.waiting.is_some(),
            Status::Published => true,
            _ => one.waiting.is_none(),
        };
        // What people read was let through, or is still to be looked at.
        let read = one.status != Status::Published
            || one.shown == one.approved
            || one.shown == one.waiting;
        let known = [one.shown, one.waiting, one.approved];
        shown && waiting && read && known.iter().all(|number| *number <= Some(one.edition))
    }

    #[test]
    fn what_people_read_changes_only_when_it_is_let_through() {
        let draft = Publication::draft();
        let first = draft.submit(Review::Before).unwrap();
        assert_eq!((first.status, first.shown), (Status::InReview, None));
        assert_eq!(first.submit(Review::Before).unwrap_err().code(), "publication_step_refused");
        assert_eq!(first.review(true, true), Err(Refused::Own));
        let first = first.review(true, false).unwrap();
        assert_eq!((first.status, first.shown), (Status::Published, Some(1)));
        assert_eq!(first.submit(Review::Before), Err(Refused::NothingNew));
        assert_eq!(first.review(true, false), Err(Refused::NothingWaits));

        let second = first.revise().unwrap();
        assert_eq!((second.edition, second.shown), (2, Some(1)), "people still read the first");
        let waiting = second.submit(Review::Before).unwrap();
        assert_eq!((waiting.status, waiting.shown), (Status::Published, Some(1)));
        assert_eq!(waiting.submit(Review::Before), Err(Refused::Waits));
        let refused = waiting.review(false, false).unwrap();
        assert_eq!((refused.status, refused.shown), (Status::Published, Some(1)));
        let taken_back = waiting.revise().unwrap();
        assert_eq!((taken_back.edition, taken_back.waiting), (3, None));
    }

    #[test]
    fn what_cannot_wait_is_looked_at_after() {
        let shown = Publication::draft().submit(Review::After).unwrap();
        assert_eq!((shown.shown, shown.waiting), (Some(1), Some(1)));
        assert_eq!(shown.review(false, false).unwrap().status, Status::Withdrawn);
        // A later edition that nobody handed in is not let through by the look at the first.
        let revised = shown.revise().unwrap();
        let looked = revised.review(true, false).unwrap();
        assert_eq!((looked.edition, looked.shown, looked.waiting), (2, Some(1), None));
    }

    #[test]
    fn an_edition_that_is_not_let_through_leaves_the_one_before_standing() {
        let first = Publication::draft().submit(Review::After).unwrap();
        let first = first.review(true, false).unwrap();
        let second = first.revise().unwrap().submit(Review::After).unwrap();
        assert_eq!((second.shown, second.approved), (Some(2), Some(1)), "read before the look");
        let back = second.review(false, false).unwrap();
        assert_eq!((back.status, back.shown, back.waiting), (Status::Published, Some(1), None));
        // Also when another one came before the look at it.
        let third = second.revise().unwrap().submit(Review::After).unwrap();
        let back = third.review(false, false).unwrap();
        assert_eq!((back.status, back.shown, back.edition), (Status::Published, Some(1), 3));
        // What nobody had to look at counts as let through.
        let alone = Publication::draft().submit(Review::Nobody).unwrap();
        let later = alone.revise().unwrap().submit(Review::After).unwrap();
        assert_eq!(later.review(false, false).unwrap().shown, Some(1));
    }

    #[test]
    fn whoever_signs_looks_at_it_and_what_cannot_wait_is_shown_before() {
        for (signs, others, urgent, expected) in [
            (true, false, false, Review::Nobody),
            (true, false, true, Review::Nobody),
            (true, true, false, Review::Before),
            (true, true, true, Review::After),
            // It waits for one who signs.
            (false, false, false, Review::Before),
            (false, true, false, Review::Before),
        ] {
            assert_eq!(Review::of(signs, others, urgent), expected, "{signs} {others} {urgent}");
        }
    }

    #[test]
    fn records_call_a_step_by_its_word() {
        let subjects =
            [Subject::from(AnnouncementId(Uuid::nil())), Subject::from(GuideId(Uuid::nil()))];
        for subject in subjects {
            for step in Step::ALL {
                let word = subject.action(*step).split_once('.').map(|(word, _)| word);
                assert_eq!(word, Some(subject.word().name), "{step}");
            }
        }
    }

    #[test]
    fn a_no_says_why() {
        assert!(Verdict::parse(false, None).is_err());
        assert!(Verdict::parse(false, Some(" 无 ")).is_err());
        assert!(Verdict::parse(false, Some("停水时间写错了")).is_ok());
        assert_eq!(Verdict::parse(true, Some(" ")).unwrap().note, None);
        assert!(reason("x").is_err() && reason("已恢复供水").is_ok());
    }
}
