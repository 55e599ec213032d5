//! Import (导入): past work orders of another hotline, taken in as history. What is over elsewhere
//! is over here: no task, no deadline, nobody to notify, and no rate counts it.

use serde_json::json;

use crate::{
    complaint::{Channel, ClosedAs, Complaint, Kind, Status, Submission, Submitter},
    event::{EventKind, NewEvent, Visibility},
    id::ComplaintId,
    org::NodeCode,
    refusal::{Faults, FieldError, Invalid},
    sla::Terms,
    text,
    time::Timestamp,
};

mod moment;
#[cfg(test)]
mod tests;

pub use moment::{day, moment};

codes! {
    /// What a column of the file holds.
    pub enum Field {
        /// The number in the other system; required.
        Number = "number", "编号";
        /// The title; required.
        Title = "title", "标题";
        /// What happened; required.
        Content = "content", "内容";
        /// When it came in; required, unless one time is given for rows without it.
        PostedAt = "posted_at", "提交时间";
        /// The answer.
        Reply = "reply", "答复";
        /// When it was answered.
        RepliedAt = "replied_at", "答复时间";
        /// A category, in the other system's words.
        Category = "category", "类别";
        /// The kind, by code or by name: help or 求助.
        Kind = "kind", "诉求类型";
        /// The community, by code or by name.
        Community = "community", "社区";
    }
}

impl Field {
    /// Whether every file must have it.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Number | Self::Title | Self::Content)
    }
}

/// A community or village that rows may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: NodeCode,
    /// Its name.
    pub name: String,
}

/// What holds for every row of a file.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The community of rows that name none.
    pub community: Option<NodeCode>,
    /// The kind of rows that name none.
    pub kind: Kind,
    /// When rows without a time came in.
    pub posted_at: Option<Timestamp>,
    /// The communities and villages of the district.
    pub places: Vec<Place>,
}

impl Defaults {
    fn community(&self, given: &str) -> Result<NodeCode, FieldError> {
        let refuse = |reason: String| Err(FieldError::new(Field::Community.code(), reason));
        if given.is_empty() {
            return self
                .community
                .clone()
                .map_or_else(|| refuse("没有写社区，也没有用 --community 指定".to_owned()), Ok);
        }
        let mut fits =
            self.places.iter().filter(|place| place.code.as_str() == given || place.name == given);
        match (fits.next(), fits.next()) {
            (Some(place), None) => Ok(place.code.clone()),
            (None, _) => refuse(format!("没有“{}”这个社区或村", shortened(given))),
            (Some(_), Some(_)) => {
                refuse(format!("叫“{}”的社区不止一个，请改写代码", shortened(given)))
            }
        }
    }

    fn kind(&self, given: &str) -> Result<Kind, FieldError> {
        if given.is_empty() {
            return Ok(self.kind);
        }
        let known = Kind::ALL.iter().find(|kind| kind.code() == given || kind.label() == given);
        known.copied().ok_or_else(|| {
            let labels: Vec<&str> = Kind::ALL.iter().map(|kind| kind.label()).collect();
            let reason = format!("没有“{}”这种类型，可用：{}", shortened(given), labels.join("、"));
            FieldError::new(Field::Kind.code(), reason)
        })
    }
}

/// A work order that may be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct PastOrder {
    /// Its number in the other system.
    pub number: String,
    /// What was reported.
    pub submission: Submission,
    /// Its category there.
    pub category: Option<String>,
    /// When it came in.
    pub posted_at: Timestamp,
    /// The answer, if it is on record.
    pub reply: Option<String>,
    /// When it was answered, if it is on record.
    pub replied_at: Option<Timestamp>,
}

impl PastOrder {
    /// Checks a row; `cell` gives what stands in the column of a field, empty where there is none.
    ///
    /// # Errors
    /// Every field at fault, at once.
    pub fn parse<'a>(
        cell: impl Fn(Field) -> &'a str,
        defaults: &Defaults,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let number = faults.take(text::line(Field::Number.code(), cell(Field::Number), 1, 100));
        let title = faults.take(title(cell(Field::Title), cell(Field::Content)));
        let content =
            faults.take(text::text(Field::Content.code(), cell(Field::Content), 5, 10_000));
        let mut optional = |field: Field, max| {
            faults.take(text::optional(field.code(), Some(cell(field)), max)).flatten()
        };
        let reply = optional(Field::Reply, 10_000);
        let category = optional(Field::Category, 100);
        let kind = faults.take(defaults.kind(cell(Field::Kind).trim()));
        let community = faults.take(defaults.community(cell(Field::Community).trim()));
        let posted_at = faults.take(posted_at(cell(Field::PostedAt), defaults, now));
        let replied_at = faults.take(replied_at(cell(Field::RepliedAt), posted_at, now));
        faults.check()?;
        match (number, title, content, kind, community, posted_at) {
            (
                Some(number),
                Some(title),
                Some(content),
                Some(kind),
                Some(community),
                Some(posted_at),
            ) => {
                let submission = Submission {
                    kind,
                    title,
                    content,
                    community,
                    address: None,
                    location: None,
                    confidential: kind == Kind::Report,
                    channel: Channel::Phone,
                    contact: None,
                    on_behalf: false,
                };
                Ok(Self {
                    number,
                    submission,
                    category,
                    posted_at,
                    reply,
                    replied_at: replied_at.flatten(),
                })
            }
            _ => unreachable!("a missing part has noted its fault"),
        }
    }

    /// The case it makes, and what happened to it when. It is closed when it was answered (or came
    /// in, if that is not on record), and archived if the archive term has passed since.
    pub fn history(
        &self,
        id: ComplaintId,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> (Complaint, Vec<(Timestamp, NewEvent)>) {
        let submitted =
            Complaint::submit(id, &self.submission, Submitter::Anonymous, self.posted_at);
        let mut state = submitted.state;
        let mut told: Vec<_> =
            submitted.events.into_iter().map(|event| (self.posted_at, event)).collect();
        let closed_at = self.replied_at.unwrap_or(self.posted_at);
        if self.reply.is_some() || self.replied_at.is_some() {
            state.replied_at = Some(closed_at);
            let event = NewEvent::new(EventKind::Replied, Visibility::Everyone);
            told.push((closed_at, event.note(self.reply.clone())));
        }
        state.status = Status::Closed;
        state.category.clone_from(&self.category);
        state.closed_at = Some(closed_at);
        state.closed_as = Some(ClosedAs::Imported);
        state.clock_from = closed_at;
        let closed = NewEvent::new(EventKind::Closed, Visibility::Everyone);
        told.push((closed_at, closed.with(json!({ "as": ClosedAs::Imported }))));
        let archived_at = terms.rules.follow_up.archive.end(closed_at, terms.calendar);
        if archived_at <= now {
            state.status = Status::Archived;
            told.push((archived_at, NewEvent::new(EventKind::Archived, Visibility::Everyone)));
        }
        state.last_seq = i32::try_from(told.len()).unwrap_or(i32::MAX);
        (state, told)
    }
}

/// A title is one line: breaks and tabs that slipped in are spaces. One that says nothing (shorter
/// than two characters) is completed from the beginning of the content.
fn title(given: &str, content: &str) -> Result<String, FieldError> {
    /// As long as the titles that people give by themselves.
    const BORROWED: usize = 30;
    let name = Field::Title.code();
    let title = one_line(given);
    if title.chars().count() >= 2 {
        return text::line(name, &title, 2, 200);
    }
    let borrowed: String = one_line(content).chars().take(BORROWED).collect();
    text::line(name, &borrowed, 2, 200)
}

fn one_line(given: &str) -> String {
    given
        .trim()
        .split(['\t', '\r', '\n'])
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn posted_at(given: &str, defaults: &Defaults, now: Timestamp) -> Result<Timestamp, FieldError> {
    let name = Field::PostedAt.code();
    if given.trim().is_empty() {
        return defaults.posted_at.ok_or_else(|| {
            FieldError::new(name, "没有提交时间；可用 --default-posted-at 给这些行指定一个")
        });
    }
    let at = moment(name, given)?;
    if at > now {
        return Err(FieldError::new(name, format!("“{}”还没有到", shortened(given))));
    }
    Ok(at)
}

fn replied_at(
    given: &str,
    posted_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, FieldError> {
    let name = Field::RepliedAt.code();
    if given.trim().is_empty() {
        return Ok(None);
    }
    let at = moment(name, given)?;
    if at > now {
        return Err(FieldError::new(name, format!("“{}”还没有到", shortened(given))));
    }
    match posted_at {
        // A date without a time is the beginning of its day, which may lie before the hour at
        // which the order came in that same day.
        Some(posted) if at < posted && crate::time::date(at) == crate::time::date(posted) => {
            Ok(Some(posted))
        }
        Some(posted) if at < posted => Err(FieldError::new(name, "答复时间早于提交时间")),
        _ => Ok(Some(at)),
    }
}

/// What was given, short enough for a report.
fn shortened(given: &str) -> String {
    given.trim().chars().take(30).collect()
}
