//! What a JPEG says of itself, read marker by marker to its end.

/// The frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// The coefficients of every pass are kept until the last one.
    progressive: bool,
    /// Samples of all components in a unit of `unit` pixels.
    samples: u64,
    unit: u64,
    /// Bytes of its scans.
    scanned: u64,
}

impl Header {
    /// Whether there can be as much of it as it claims: each block of 64 samples takes two bits, or
    /// one in a progressive picture.
    pub fn is_filled(&self) -> bool {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let blocks = pixels * self.samples / self.unit.max(1) / 64;
        self.scanned.saturating_mul(if self.progressive { 8 } else { 4 }) >= blocks
    }

    /// Bytes that the coefficients take beside the picture.
    pub fn coefficients(&self) -> u64 {
        if !self.progressive {
            return 0;
        }
        let pixels = u64::from(self.width) * u64::from(self.height);
        2 * pixels * self.samples / self.unit.max(1)
    }
}

/// The frame of a JPEG that reaches its end marker; none for one that is cut off, or that has two
/// frames, or one of a kind that no camera writes.
pub fn header(given: &[u8]) -> Option<Header> {
    let mut rest = given.strip_prefix(&[0xFF, 0xD8])?;
    let (mut frame, mut scanned) = (None::<Header>, 0_usize);
    loop {
        rest = rest.strip_prefix(&[0xFF])?;
        let (marker, after) = rest.split_first()?;
        // Fill bytes may stand before a marker.
        if *marker == 0xFF {
            continue;
        }
        rest = after;
        match marker {
            0xD9 => {
                let scanned = u64::try_from(scanned).ok().filter(|bytes| *bytes > 0)?;
                return frame.map(|frame| Header { scanned, ..frame });
            }
            0x01 | 0xD0..=0xD7 => {}
            0xC0..=0xC2 => {
                let (segment, after) = segment(rest)?;
                if frame.replace(read_frame(segment, *marker == 0xC2)?).is_some() {
                    return None;
                }
                rest = after;
            }
            // Lossless, hierarchical and arithmetic frames; a picture within a picture.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xD8 => return None,
            0xDA => {
                let (_, after) = segment(rest)?;
                rest = behind_scan(after)?;
                scanned += after.len() - rest.len();
            }
            _ => rest = segment(rest)?.1,
        }
    }
}

/// A segment, and what follows it. Its length counts itself.
fn segment(given: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes(given.get(..2)?.try_into().ok()?));
    Some((given.get(2..length)?, given.get(length..)?))
}

fn read_frame(segment: &[u8], progressive: bool) -> Option<Header> {
    let number =
        |from: usize| Some(u16::from_be_bytes(segment.get(from..from + 2)?.try_into().ok()?));
    let (height, width) = (u32::from(number(1)?), u32::from(number(3)?));
    let components = usize::from(*segment.get(5)?);
    let (mut samples, mut across, mut down) = (0, 1, 1);
    for component in segment.get(6..)?.chunks_exact(3).take(components) {
        let factors = u64::from(*component.get(1)?);
        let (h, v) = (factors >> 4, factors & 0xF);
        samples += h * v;
        (across, down) = (across.max(h), down.max(v));
    }
    let known = matches!(components, 1 | 3 | 4) && segment.len() == 6 + 3 * components;
    let unit = across * down;
    known.then_some(Header { width, height, progressive, samples, unit, scanned: 0 })
}

/// What follows the data of a scan: its next marker that is no restart.
fn behind_scan(given: &[u8]) -> Option<&[u8]> {
    let at = given.windows(2).position(
        |pair| matches!(pair, [0xFF, marker] if !matches!(marker, 0 | 0xD0..=0xD7 | 0xFF)),
    )?;
    given.get(at..)
}
