//! The still picture of a WebP alone, and only one that is packed with losses, as cameras write it.
//!
//! What is packed without losses (`VP8L`, and transparency packed so) is left aside: a few bytes of
//! it may declare tens of thousands of code tables, for which the decoder has no limit. A picture
//! within a larger file is taken out of it, so that the size that was measured is the size that is
//! unpacked.

use domain::attachment::Refused;
use image::metadata::Orientation;

/// The picture alone.
pub struct Bare {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How the camera was held.
    pub orientation: Orientation,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What stands before the picture of a frame: where it is, how large, for how long.
const FRAME_HEAD: usize = 16;

/// The picture of a WebP; of an animated one the first. Transparency is not kept.
///
/// # Errors
/// Cut off, or no picture in it; `attachment_type_refused` for one that is packed without losses.
pub fn bare(given: &[u8]) -> Result<Bare, Refused> {
    let declared = given.get(4..8).and_then(number).ok_or(Refused::Unreadable)?;
    let whole = declared.checked_add(8).ok_or(Refused::Unreadable)?;
    let mut rest = given.get(12..whole).ok_or(Refused::Unreadable)?;
    let (mut found, mut orientation) = (None::<&[u8]>, Orientation::NoTransforms);
    while !rest.is_empty() {
        let (kind, data, after) = chunk(rest).ok_or(Refused::Unreadable)?;
        rest = after;
        match kind {
            b"VP8L" if found.is_none() => return Err(Refused::Type),
            b"VP8 " if found.is_none() => found = Some(data),
            // The chunks of the first frame are read in the place of those that follow.
            b"ANMF" if found.is_none() => {
                rest = data.get(FRAME_HEAD..).ok_or(Refused::Unreadable)?;
            }
            b"EXIF" => orientation = Orientation::from_exif_chunk(data).unwrap_or(orientation),
            _ => {}
        }
    }
    let picture = found.ok_or(Refused::Unreadable)?;
    let (width, height) = size(picture).ok_or(Refused::Unreadable)?;
    let bytes = alone(picture).ok_or(Refused::Unreadable)?;
    Ok(Bare { width, height, orientation, bytes })
}

fn number(four: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

/// A chunk: its kind, its data, and what follows. Chunks stand at even places.
fn chunk(given: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (kind, rest) = given.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_at_checked(4)?;
    let (data, rest) = rest.split_at_checked(number(length)?)?;
    Some((kind, data, rest.get(data.len() % 2..).unwrap_or_default()))
}

/// The size that the picture itself declares: three bytes of what sort of frame, three that are
/// always the same, and fourteen bits a side.
fn size(picture: &[u8]) -> Option<(u32, u32)> {
    let side = |from: usize| {
        let side = picture.get(from..from + 2)?.try_into().ok()?;
        Some(u32::from(u16::from_le_bytes(side) & 0x3FFF))
    };
    (picture.get(3..6)? == [0x9D, 0x01, 0x2A]).then_some((side(6)?, side(8)?))
}

/// A file of one picture.
fn alone(picture: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(picture.len()).ok()?;
    let padding = length % 2;
    let mut bytes = Vec::with_capacity(picture.len() + 21);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&length.checked_add(12 + padding)?.to_le_bytes());
    bytes.extend_from_slice(b"WEBPVP8 ");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(picture);
    bytes.extend(std::iter::repeat_n(0, usize::try_from(padding).ok()?));
    Some(bytes)
}
