//! Voice, read frame by frame: every byte of what is kept belongs to a frame, or to a header that
//! is known. So nothing else can hide in a file, and its length is counted, not claimed. Tags (ID3,
//! APE, RIFF chunks), which may hold names, places and pictures, are left out.

use super::{MediaType, Refused};

/// A coding that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// AAC in ADTS frames.
    Aac,
    /// MPEG audio, layer III.
    Mp3,
    /// AMR, narrow band.
    Amr,
    /// AMR, wide band.
    AmrWide,
    /// PCM samples in RIFF.
    Wav,
}

/// A recording that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// How it is kept.
    pub media_type: MediaType,
    /// The frames, without tags.
    pub bytes: Vec<u8>,
    /// How long it is, in milliseconds.
    pub milliseconds: u64,
}

const AMR: &[u8] = b"#!AMR\n";
const AMR_WIDE: &[u8] = b"#!AMR-WB\n";
/// Bytes of speech in an AMR frame, by its type; the others hold none or are not used.
const AMR_BYTES: [usize; 9] = [12, 13, 15, 17, 19, 20, 26, 31, 5];
const AMR_WIDE_BYTES: [usize; 10] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5];
/// AMR frames are 20 ms long.
const AMR_MILLISECONDS: u64 = 20;
/// kbit/s of layer III, by the header's index: MPEG 1, then MPEG 2 and 2.5.
const MP3_RATES: [[usize; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const MP3_SAMPLES: [usize; 3] = [44_100, 48_000, 32_000];
const AAC_SAMPLES: [u64; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// One frame: its bytes, and its samples at so many a second.
struct Frame {
    bytes: usize,
    samples: u64,
    rate: u64,
}

impl Coding {
    /// The coding by a file's first bytes; WAV is told by [`super::Format::sniff`].
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let sync = |mask: u8, bits: u8| match head {
            [0xFF, second, ..] => second & mask == bits,
            _ => false,
        };
        if head.starts_with(AMR_WIDE) {
            Some(Self::AmrWide)
        } else if head.starts_with(AMR) {
            Some(Self::Amr)
        } else if sync(0b1111_0110, 0b1111_0000) {
            Some(Self::Aac)
        } else if head.starts_with(b"ID3") || sync(0b1110_0110, 0b1110_0010) {
            Some(Self::Mp3)
        } else {
            None
        }
    }

    /// Reads a recording from end to end.
    ///
    /// # Errors
    /// `attachment_unreadable`: cut off, or something is no frame; `attachment_too_long`.
    pub fn read(self, given: &[u8], longest_minutes: u32) -> Result<Recording, Refused> {
        let (media_type, bytes, milliseconds) = match self {
            Self::Wav => wav(given).map(|(bytes, length)| (MediaType::Wav, bytes, length)),
            Self::Amr => amr(given, AMR, &AMR_BYTES),
            Self::AmrWide => amr(given, AMR_WIDE, &AMR_WIDE_BYTES),
            Self::Aac => framed(given, aac).map(|(bytes, length)| (MediaType::Aac, bytes, length)),
            Self::Mp3 => framed(given, mp3).map(|(bytes, length)| (MediaType::Mp3, bytes, length)),
        }
        .ok_or(Refused::Unreadable)?;
        if milliseconds > u64::from(longest_minutes) * 60_000 {
            return Err(Refused::TooLong { minutes: longest_minutes });
        }
        Ok(Recording { media_type, bytes, milliseconds })
    }
}

/// Frames with a header each, between an ID3 tag of version 2 and one of version 1.
fn framed(given: &[u8], frame: fn(&[u8]) -> Option<Frame>) -> Option<(Vec<u8>, u64)> {
    let mut rest = without_tags(given)?;
    let kept = rest.to_vec();
    let (mut frames, mut microseconds) = (0_u64, 0_u64);
    while !rest.is_empty() {
        let one = frame(rest)?;
        rest = rest.get(one.bytes..)?;
        microseconds += one.samples * 1_000_000 / one.rate;
        frames += 1;
    }
    // A single header may be an accident of other data.
    (frames >= 2).then_some((kept, microseconds / 1000))
}

/// What stands between the tags.
fn without_tags(given: &[u8]) -> Option<&[u8]> {
    let mut rest = given;
    while rest.starts_with(b"ID3") {
        let size = rest.get(6..10)?;
        // Seven bits of each byte count.
        let size = size.iter().try_fold(0_usize, |sum, byte| {
            (byte & 0x80 == 0).then_some(sum << 7 | usize::from(*byte))
        })?;
        let footer = if rest.get(5)? & 0x10 == 0 { 0 } else { 10 };
        rest = rest.get(10 + size + footer..)?;
    }
    if let Some(start) = rest.len().checked_sub(128)
        && rest.get(start..)?.starts_with(b"TAG")
    {
        rest = rest.get(..start)?;
    }
    Some(rest)
}

fn mp3(head: &[u8]) -> Option<Frame> {
    let &[first, second, third, _, ..] = head else { return None };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if first != 0xFF || second & 0xE0 != 0xE0 || version == 1 || layer != 1 {
        return None;
    }
    let first_version = version == 3;
    let rates = MP3_RATES.get(usize::from(!first_version))?;
    let kilobits = *rates.get(usize::from(third >> 4)).filter(|rate| **rate > 0)?;
    let rate = *MP3_SAMPLES.get(usize::from(third >> 2 & 3))?;
    let rate = match version {
        3 => rate,
        2 => rate / 2,
        _ => rate / 4,
    };
    let (slots, samples) = if first_version { (144, 1152) } else { (72, 576) };
    let padding = usize::from(third >> 1 & 1);
    let bytes = slots * kilobits * 1000 / rate + padding;
    Some(Frame { bytes, samples, rate: u64::try_from(rate).ok()? })
}

fn aac(head: &[u8]) -> Option<Frame> {
    let &[first, second, third, fourth, fifth, sixth, seventh, ..] = head else { return None };
    if first != 0xFF || second & 0xF6 != 0xF0 {
        return None;
    }
    let rate = *AAC_SAMPLES.get(usize::from(third >> 2 & 0xF))?;
    let bytes = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    let header = if second & 1 == 0 { 9 } else { 7 };
    if bytes < header {
        return None;
    }
    Some(Frame { bytes, samples: 1024 * (u64::from(seventh & 3) + 1), rate })
}

fn amr(given: &[u8], magic: &[u8], sizes: &[usize]) -> Option<(MediaType, Vec<u8>, u64)> {
    let mut rest = given.strip_prefix(magic)?;
    let mut frames = 0_u64;
    while let Some((head, after)) = rest.split_first() {
        let kind = usize::from(head >> 3 & 0xF);
        // The bit before the type and the two last ones are always 0; 14 and 15 hold no speech.
        let bytes = match sizes.get(kind) {
            Some(bytes) => *bytes,
            None if kind >= 14 => 0,
            None => return None,
        };
        if head & 0x83 != 0 {
            return None;
        }
        rest = after.get(bytes..)?;
        frames += 1;
    }
    (frames > 0).then(|| (MediaType::Amr, given.to_vec(), frames * AMR_MILLISECONDS))
}

/// Rebuilt from its format and its samples; every other chunk is left out.
fn wav(given: &[u8]) -> Option<(Vec<u8>, u64)> {
    let declared = usize::try_from(u32::from_le_bytes(given.get(4..8)?.try_into().ok()?)).ok()?;
    let mut rest = given.get(12..declared.checked_add(8)?)?;
    let (mut format, mut samples) = (None, None);
    while !rest.is_empty() {
        let size = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?);
        let size = usize::try_from(size).ok()?;
        let chunk = rest.get(8..8_usize.checked_add(size)?)?;
        match rest.get(..4)? {
            b"fmt " if format.is_none() => format = Some(chunk.get(..16)?),
            b"data" if samples.is_none() => samples = Some(chunk),
            b"fmt " | b"data" => return None,
            _ => {}
        }
        // Chunks stand at even places; the last one may do without its padding.
        rest = rest.get(8 + size + size % 2..).unwrap_or_default();
    }
    let (format, samples) = (format?, samples?);
    let number =
        |from: usize| Some(u16::from_le_bytes(format.get(from..from + 2)?.try_into().ok()?));
    let (coding, channels, bits) = (number(0)?, number(2)?, number(14)?);
    let rate = u32::from_le_bytes(format.get(4..8)?.try_into().ok()?);
    let width = channels.checked_mul(bits / 8)?;
    let sound = coding == 1
        && matches!(channels, 1 | 2)
        && matches!(bits, 8 | 16 | 24)
        && (8_000..=96_000).contains(&rate);
    if !sound || samples.is_empty() || number(12)? != width {
        return None;
    }
    let frames = u64::try_from(samples.len()).ok()? / u64::from(width);
    let length = u32::try_from(samples.len()).ok()?;
    let mut kept = Vec::with_capacity(44 + samples.len());
    kept.extend_from_slice(b"RIFF");
    kept.extend_from_slice(&length.checked_add(36)?.to_le_bytes());
    kept.extend_from_slice(b"WAVEfmt \x10\0\0\0");
    kept.extend_from_slice(format);
    kept.extend_from_slice(b"data");
    kept.extend_from_slice(&length.to_le_bytes());
    kept.extend_from_slice(samples);
    Some((kept, frames * 1000 / u64::from(rate)))
}
