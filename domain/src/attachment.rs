//! Attachments (附件): photos and voice that people add to complaints, replies, reports of arrival,
//! offers and services.
//!
//! A file is known by its first bytes, never by its name or by what its sender calls it
//! ([`Format::sniff`]). It belongs to whoever uploaded it until it is attached, once, to one thing;
//! from then on whoever may read the thing may see it, unless it is hidden ([`TRANSITIONS`]).

use chrono::TimeDelta;

use crate::{
    id::{AccountId, AttachmentId},
    refusal::{FieldError, Invalid, Kind as RefusalKind, Refusal},
    text,
    time::Timestamp,
};

pub mod audio;
#[cfg(test)]
mod tests;

/// The largest file that is taken, in bytes.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// The longest side of a picture, in pixels.
pub const LONGEST_SIDE: u32 = 8192;
/// So many files one thing has at most.
pub const AT_MOST: usize = 9;
/// How long a link to a file is good.
pub const LINK: TimeDelta = TimeDelta::minutes(10);
/// A file that is attached to nothing by then is deleted.
pub const UNATTACHED: TimeDelta = TimeDelta::hours(24);

codes! {
    /// What sort of file it is.
    pub enum Kind {
        /// A photo or a screenshot.
        Image = "image", "照片";
        /// Something said.
        Audio = "audio", "语音";
    }
}

codes! {
    /// Where its check stands. Until it is checked, a file is shown to whoever reads the thing that
    /// it belongs to, and never to the public.
    pub enum Check {
        /// Not looked at yet.
        Pending = "pending", "待核验";
        /// Nothing is wrong with it.
        Passed = "passed", "正常";
        /// Nobody but those who judge it sees it.
        Hidden = "hidden", "已隐藏";
    }
}

codes! {
    /// What becomes of a file's visibility.
    pub enum Step {
        /// The automatic check found nothing.
        Pass = "pass", "核验通过";
        /// The automatic check found something.
        Flag = "flag", "核验不通过";
        /// A person hides it.
        Hide = "hide", "隐藏";
        /// A person looked at it, and it may be shown.
        Unhide = "unhide", "恢复";
    }
}

/// Every step that is allowed: from where, and to where it leads. What a person decided the
/// automatic check, which answers later, does not change.
pub const TRANSITIONS: &[(Step, &[Check], Check)] = &[
    (Step::Pass, &[Check::Pending], Check::Passed),
    (Step::Flag, &[Check::Pending], Check::Hidden),
    (Step::Hide, &[Check::Pending, Check::Passed], Check::Hidden),
    (Step::Unhide, &[Check::Pending, Check::Hidden], Check::Passed),
];

impl Check {
    /// Where a step leads.
    ///
    /// # Errors
    /// The table has no such step from here.
    pub fn step(self, step: Step) -> Result<Self, Refused> {
        TRANSITIONS
            .iter()
            .find(|(one, from, _)| *one == step && from.contains(&self))
            .map(|(_, _, to)| *to)
            .ok_or(Refused::Step { step, check: self })
    }

    /// Whether the file itself, and not only that there is one, is shown to a reader of the thing
    /// that it belongs to.
    pub const fn shows(self, judge: bool) -> bool {
        match self {
            Self::Pending | Self::Passed => true,
            Self::Hidden => judge,
        }
    }
}

codes! {
    /// What a file is attached to.
    pub enum Place {
        /// A complaint, as it was submitted.
        Complaint = "complaint", "诉求";
        /// A unit's report of its arrival.
        ReportIn = "report_in", "报到";
        /// A unit's reply.
        Reply = "reply", "答复";
        /// An offer: what it looks like.
        Offer = "offer", "优惠";
        /// A claim: what was done.
        Claim = "claim", "认领";
        /// An opinion on the application: what is wrong.
        Feedback = "feedback", "意见";
        /// An announcement: what it looks like. Which edition shows which, the edition says.
        Announcement = "announcement", "公告";
    }
}

impl Place {
    /// Whether its files may be chosen again: what is not named then any more is kept and not shown.
    pub const fn is_rewritten(self) -> bool {
        matches!(self, Self::Reply | Self::Offer | Self::Claim)
    }

    /// Whether a file of this sort belongs here.
    pub const fn takes(self, kind: Kind) -> bool {
        matches!(kind, Kind::Image)
            || !matches!(self, Self::Offer | Self::Claim | Self::Announcement)
    }
}

codes! {
    /// How a file is kept.
    pub enum MediaType {
        /// A photo.
        Jpeg = "image/jpeg", "JPEG 照片";
        /// A screenshot.
        Png = "image/png", "PNG 图片";
        /// AAC in ADTS frames.
        Aac = "audio/aac", "AAC 语音";
        /// MPEG audio, layer III.
        Mp3 = "audio/mpeg", "MP3 语音";
        /// AMR, narrow or wide band.
        Amr = "audio/amr", "AMR 语音";
        /// Plain samples.
        Wav = "audio/wav", "WAV 语音";
    }
}

impl MediaType {
    /// What a file's name ends with.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Aac => "aac",
            Self::Mp3 => "mp3",
            Self::Amr => "amr",
            Self::Wav => "wav",
        }
    }

    /// What sort of file it is.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Jpeg | Self::Png => Kind::Image,
            Self::Aac | Self::Mp3 | Self::Amr | Self::Wav => Kind::Audio,
        }
    }
}

/// A format that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG; of an animated one the still picture.
    Png,
    /// WebP packed with losses; of an animated one the first picture.
    Webp,
    /// Voice.
    Audio(audio::Coding),
}

impl Format {
    /// How many bytes [`Format::sniff`] wants to see.
    pub const HEAD: usize = 16;

    /// The format by a file's first bytes; none for every other.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let riff = |form: &[u8]| head.starts_with(b"RIFF") && head.get(8..12) == Some(form);
        if head.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(Self::Jpeg)
        } else if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if riff(b"WEBP") {
            Some(Self::Webp)
        } else if riff(b"WAVE") {
            Some(Self::Audio(audio::Coding::Wav))
        } else {
            audio::Coding::sniff(head).map(Self::Audio)
        }
    }
}

/// What one person may upload in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Files.
    pub files: i64,
    /// Bytes, as they were sent.
    pub bytes: i64,
}

impl Quota {
    /// Whether another file of `bytes` fits beside what was `used`.
    ///
    /// # Errors
    /// The quota is used up.
    pub fn admit(self, used: Self, bytes: i64) -> Result<(), Refused> {
        if used.files >= self.files || used.bytes.saturating_add(bytes) > self.bytes {
            return Err(Refused::Quota {
                files: self.files,
                megabytes: self.bytes / (1024 * 1024),
            });
        }
        Ok(())
    }
}

/// The files that a body names, each once, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Chosen(Vec<AttachmentId>);

impl Chosen {
    /// # Errors
    /// Too many; one stands twice.
    pub fn parse(ids: &[AttachmentId]) -> Result<Self, Invalid> {
        let field = |reason: String| Err(Invalid::field("attachment_ids", reason));
        if ids.len() > AT_MOST {
            return field(format!("最多 {AT_MOST} 个附件，现在是 {} 个", ids.len()));
        }
        let mut seen = std::collections::BTreeSet::new();
        if !ids.iter().all(|id| seen.insert(*id)) {
            return field("同一个附件写了两次，请去掉重复的".to_owned());
        }
        Ok(Self(ids.to_vec()))
    }

    /// The ids.
    pub fn ids(&self) -> &[AttachmentId] {
        &self.0
    }

    /// Whether none is named.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A file that somebody wants to attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Whose it is.
    pub owner: AccountId,
    /// Whether it belongs to something already.
    pub attached: bool,
    /// Whether that is the very thing it is wanted for: a reply that is written again keeps its
    /// photos.
    pub here: bool,
    /// What sort it is.
    pub kind: Kind,
}

impl Candidate {
    /// Whether `by` may attach it to such a thing. Another's file looks like one that does not exist.
    ///
    /// # Errors
    /// It is another's, belongs to something else, or is of a sort that has no place there.
    pub fn attach(
        candidate: Option<&Self>,
        by: Option<AccountId>,
        place: Place,
    ) -> Result<(), Invalid> {
        let refuse = |reason| Err(Invalid::field("attachment_ids", reason));
        match candidate {
            Some(file) if file.here => Ok(()),
            Some(file) if Some(file.owner) == by && !file.attached && !place.takes(file.kind) => {
                refuse("这里只能放照片，不能放语音")
            }
            Some(file) if Some(file.owner) == by && !file.attached => Ok(()),
            Some(file) if Some(file.owner) == by => refuse("这个附件已经用在别处，请重新上传一份"),
            _ if by.is_none() => refuse("登录以后才能附照片，请先登录，或去掉这一项"),
            _ => refuse("没有找到这个附件，请重新上传"),
        }
    }
}

/// Why a file is hidden, or shown again: 2–200 characters.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn reason(given: &str) -> Result<String, FieldError> {
    text::text("reason", given, 2, 200)
}

/// Until when a link that is handed out now is good.
pub fn link_until(now: Timestamp) -> Timestamp {
    now + LINK
}

/// What of a file is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// Its bytes.
    #[error("文件超过 10 MB，请压缩或裁剪后再上传")]
    Bytes,
    /// A side of the picture.
    #[error("图片的边长超过 8192 像素，请缩小后再上传")]
    Side,
    /// The picture, unpacked.
    #[error("图片的像素太多，请缩小到 3000 万像素以内再上传")]
    Pixels,
}

/// Why a file is not taken, not hidden or not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too large.
    #[error("{0}")]
    TooLarge(Excess),
    /// None of the formats that are taken.
    #[error(
        "只能上传照片（JPEG、PNG、WebP；无损压缩的 WebP 请先另存为 PNG）或语音（MP3、AAC、AMR、WAV）"
    )]
    Type,
    /// Broken, cut off, or not what its first bytes say.
    #[error("文件不完整或已损坏，无法打开，请重新拍摄或录制后上传")]
    Unreadable,
    /// A voice that is too long.
    #[error("语音超过 {minutes} 分钟，请分段录制")]
    TooLong {
        /// The longest.
        minutes: u32,
    },
    /// The client hung up, or took too long.
    #[error("文件没有传完，请用同一个 Idempotency-Key 重新上传")]
    BrokenOff,
    /// Enough for a day.
    #[error("您 24 小时内上传的文件已达上限（{files} 个、{megabytes} MB），请稍后再传")]
    Quota {
        /// Files in 24 hours.
        files: i64,
        /// Megabytes in 24 hours.
        megabytes: i64,
    },
    /// Hidden already, or shown.
    #[error("这个附件现在是“{}”，不能办理“{}”", .check.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        check: Check,
    },
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "attachment_too_large",
            Self::Type => "attachment_type_refused",
            Self::Unreadable => "attachment_unreadable",
            Self::TooLong { .. } => "attachment_too_long",
            Self::BrokenOff => "attachment_broken_off",
            Self::Quota { .. } => "attachment_quota_reached",
            Self::Step { .. } => "attachment_step_refused",
        }
    }

    fn kind(&self) -> RefusalKind {
        match self {
            Self::TooLarge(_) => RefusalKind::TooLarge,
            Self::Type => RefusalKind::UnsupportedType,
            Self::Unreadable | Self::TooLong { .. } => RefusalKind::Invalid,
            Self::BrokenOff => RefusalKind::Malformed,
            Self::Quota { .. } => RefusalKind::TooMany,
            Self::Step { .. } => RefusalKind::Conflict,
        }
    }
}
