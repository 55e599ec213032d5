//! Submitting: what a person or an officer hands in, checked into a value that cannot be wrong.

use super::{Channel, Complaint, Kind, Status};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ComplaintId},
    identity::{Actor, Role},
    org::NodeCode,
    personal::{PersonName, Phone},
    refusal::{Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};

/// A place in GCJ-02, as WeChat's maps give it, within mainland China.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// Degrees east.
    pub lng: f64,
    /// Degrees north.
    pub lat: f64,
}

impl Location {
    /// # Errors
    /// Not a place in mainland China; swapped coordinates are named as such.
    pub fn new(lng: f64, lat: f64) -> Result<Self, FieldError> {
        let inside =
            |lng: f64, lat: f64| (73.0..=136.0).contains(&lng) && (3.0..=54.0).contains(&lat);
        if inside(lng, lat) {
            Ok(Self { lng, lat })
        } else if inside(lat, lng) {
            Err(FieldError::new("location", "经度和纬度写反了：lng 是经度，lat 是纬度"))
        } else {
            Err(FieldError::new("location", "位置不在国内；请用微信地图给出的坐标（GCJ-02）"))
        }
    }

    /// How far another place is, in metres. Over a few kilometres the earth is flat enough.
    pub fn metres(self, other: Self) -> f64 {
        const METRES_A_DEGREE: f64 = 111_195.0;
        let north = other.lat - self.lat;
        let east = (other.lng - self.lng) * self.lat.to_radians().cos();
        north.hypot(east) * METRES_A_DEGREE
    }

    /// The same, to the nearest whole metre.
    pub fn whole_metres(self, other: Self) -> i64 {
        #[expect(clippy::as_conversions, reason = "a distance on earth has eight digits")]
        let whole = self.metres(other).round() as i64;
        whole
    }
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// How to address them.
    pub name: Option<PersonName>,
    /// Their number.
    pub phone: Phone,
}

/// The fields as they came.
#[derive(Debug, Clone, Default)]
pub struct SubmissionForm<'a> {
    /// 2–200 characters.
    pub title: &'a str,
    /// 5–10,000 characters.
    pub content: &'a str,
    /// The community it is about.
    pub community_code: &'a str,
    /// Where exactly, in words; up to 200 characters.
    pub address: Option<&'a str>,
    /// Where exactly, on the map: (lng, lat).
    pub location: Option<(f64, f64)>,
    /// Asked for by the reporter.
    pub confidential: bool,
    /// By which way; by role when left out.
    pub channel: Option<Channel>,
    /// Name and phone.
    pub contact: Option<(Option<&'a str>, &'a str)>,
    /// For another person.
    pub on_behalf: bool,
}

/// A complaint that may be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// What it is about.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// What happened.
    pub content: String,
    /// The community.
    pub community: NodeCode,
    /// Where exactly, in words.
    pub address: Option<String>,
    /// Where exactly, on the map.
    pub location: Option<Location>,
    /// Nobody outside the centre may learn who reported.
    pub confidential: bool,
    /// By which way.
    pub channel: Channel,
    /// Whom to call.
    pub contact: Option<Contact>,
    /// For another person.
    pub on_behalf: bool,
}

/// Who hands it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitter<'a> {
    /// Nobody is logged in.
    Anonymous,
    /// A resident, for themselves or on behalf of another.
    Resident(AccountId),
    /// An officer who takes in what a person said.
    Officer(&'a Actor),
}

impl<'a> Submitter<'a> {
    /// Who submits, from who is logged in.
    pub fn of(actor: Option<&'a Actor>) -> Self {
        match actor {
            None => Self::Anonymous,
            Some(actor) if actor.has(Role::Resident) => Self::Resident(actor.account),
            Some(actor) => Self::Officer(actor),
        }
    }

    /// The account that reported: the resident's own, never the officer's.
    pub const fn reporter(self) -> Option<AccountId> {
        match self {
            Self::Resident(account) => Some(account),
            Self::Anonymous | Self::Officer(_) => None,
        }
    }

    /// The officer who took it in.
    pub const fn taken_in_by(self) -> Option<AccountId> {
        match self {
            Self::Officer(actor) => Some(actor.account),
            Self::Anonymous | Self::Resident(_) => None,
        }
    }

    const fn default_channel(self) -> Channel {
        match self {
            Self::Anonymous | Self::Resident(_) => Channel::MiniProgram,
            Self::Officer(_) => Channel::Phone,
        }
    }

    const fn may_use(self, channel: Channel) -> bool {
        let staff_only = matches!(channel, Channel::Phone | Channel::Visit | Channel::Patrol);
        match self {
            Self::Officer(_) => staff_only || matches!(channel, Channel::Photo),
            Self::Anonymous | Self::Resident(_) => !staff_only,
        }
    }
}

impl Submission {
    /// Checks a form.
    ///
    /// # Errors
    /// Every field at fault, at once.
    pub fn parse(
        kind: Kind,
        form: &SubmissionForm<'_>,
        by: Submitter<'_>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let title = faults.take(text::line("title", form.title, 2, 200));
        let content = faults.take(text::text("content", form.content, 5, 10_000));
        let community = faults.take(NodeCode::parse("community_code", form.community_code));
        let address = faults.take(text::optional("address", form.address, 200));
        let location = match form.location {
            Some((lng, lat)) => faults.take(Location::new(lng, lat)).map(Some),
            None => Some(None),
        };
        let contact = match form.contact {
            Some((name, phone)) => {
                let name = name.filter(|name| !name.trim().is_empty());
                let name = match name {
                    Some(name) => faults.take(PersonName::parse("contact.name", name)).map(Some),
                    None => Some(None),
                };
                let phone = faults.take(Phone::parse("contact.phone", phone));
                name.zip(phone).map(|(name, phone)| Some(Contact { name, phone }))
            }
            None => Some(None),
        };
        let channel = form.channel.unwrap_or(by.default_channel());
        if !by.may_use(channel) {
            faults.add("channel", format!("您不能用“{}”渠道登记诉求", channel.label()));
        }
        if form.on_behalf && form.contact.is_none() {
            faults.add("contact", "代他人反映时，请填写当事人的联系电话");
        }
        faults.check()?;
        match (title, content, community, address, location, contact) {
            (
                Some(title),
                Some(content),
                Some(community),
                Some(address),
                Some(location),
                Some(contact),
            ) => {
                Ok(Self {
                    kind,
                    title,
                    content,
                    community,
                    address,
                    location,
                    // A report of a breach protects whoever made it, asked for or not.
                    confidential: form.confidential || kind == Kind::Report,
                    channel,
                    contact,
                    on_behalf: form.on_behalf,
                })
            }
            _ => unreachable!("a missing part has noted its fault"),
        }
    }
}

impl Submission {
    /// Everything that tells one submission from another, for the comparison under an idempotency
    /// key. It holds personal data: only a MAC of it may be kept.
    pub fn fingerprint(&self) -> serde_json::Value {
        let contact = self.contact.as_ref();
        serde_json::json!({
            "kind": self.kind,
            "title": self.title,
            "content": self.content,
            "community": self.community,
            "address": self.address,
            "location": self.location.map(|place| [place.lng, place.lat]),
            "confidential": self.confidential,
            "channel": self.channel,
            "name": contact.and_then(|contact| contact.name.as_ref()).map(PersonName::plain),
            "phone": contact.map(|contact| contact.phone.plain()),
            "on_behalf": self.on_behalf,
        })
    }
}

impl Complaint {
    /// A complaint as it comes in.
    pub fn submit(
        id: ComplaintId,
        submission: &Submission,
        by: Submitter<'_>,
        now: Timestamp,
    ) -> Decision<Self> {
        let state = Self {
            id,
            version: 1,
            last_seq: 0,
            status: Status::Submitted,
            kind: submission.kind,
            community: submission.community.clone(),
            confidential: submission.confidential,
            reachable: submission.contact.is_some() || by.reporter().is_some(),
            reporter: by.reporter(),
            submitted_at: now,
            urgency: None,
            duty_item: None,
            duty_list: None,
            category: None,
            reported_unit: None,
            accepted_at: None,
            dispatched_at: None,
            replied_at: None,
            closed_at: None,
            closed_as: None,
            clock_from: now,
            follow_up_round: 0,
            reworks: 0,
            appealed: false,
            reopened: 0,
            urges: 0,
            urged_at: None,
            suspension: None,
            merged_into: None,
            excluded_at: None,
            units: Vec::new(),
        };
        let data = serde_json::json!({ "channel": submission.channel });
        Decision::one(state, NewEvent::new(EventKind::Submitted, Visibility::Everyone).with(data))
    }
}
