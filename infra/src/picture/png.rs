//! A PNG without everything that its picture can do without: texts, colour profiles, EXIF and
//! further frames, some of which are packed and would unpack to anything.

/// The picture alone.
pub struct Bare {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Bytes of a pixel once it is unpacked.
    pub pixel_bytes: u64,
    /// The file.
    pub bytes: Vec<u8>,
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The chunks that make the picture, up to the end; none when a chunk is cut off or the end is missing.
pub fn bare(given: &[u8]) -> Option<Bare> {
    let mut rest = given.strip_prefix(SIGNATURE)?;
    let mut bytes = Vec::with_capacity(given.len());
    bytes.extend_from_slice(SIGNATURE);
    let mut head: Option<(u32, u32, u64)> = None;
    loop {
        let size = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        let whole = usize::try_from(size).ok()?.checked_add(12)?;
        let (chunk, after) = rest.split_at_checked(whole)?;
        rest = after;
        match (chunk.get(4..8)?, head) {
            (b"IHDR", None) => head = Some(read_head(chunk.get(8..21)?)?),
            (b"IHDR", Some(_)) | (_, None) => return None,
            (b"PLTE" | b"tRNS" | b"IDAT", Some(_)) => {}
            (b"IEND", Some((width, height, pixel_bytes))) => {
                bytes.extend_from_slice(chunk);
                return Some(Bare { width, height, pixel_bytes, bytes });
            }
            // A small letter first: the picture can do without.
            (kind, _) if kind.first().is_some_and(u8::is_ascii_lowercase) => continue,
            _ => return None,
        }
        bytes.extend_from_slice(chunk);
    }
}

fn read_head(head: &[u8]) -> Option<(u32, u32, u64)> {
    let number = |from: usize| Some(u32::from_be_bytes(head.get(from..from + 4)?.try_into().ok()?));
    let depth = u64::from(*head.get(8)?).div_ceil(8);
    // A palette unpacks to colours, and a transparent colour to a channel of its own.
    let channels = match head.get(9)? {
        0 | 4 => 2,
        2 | 3 | 6 => 4,
        _ => return None,
    };
    Some((number(0)?, number(4)?, depth * channels))
}
