//! Small files that unpack to much: each is refused, or made safe within the memory that a photo takes.

use image::RgbImage;

use super::{Fate, MARK, Safe, TOO_LARGE, TYPE, UNREADABLE, chunk, joined, webp, with_segment};
use crate::support::{jpeg, photo};

/// Bits as DEFLATE and WebP write them: each byte is filled from its lowest bit.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// So many bits of a number, the lowest first.
    fn number(&mut self, value: u32, bits: u32) {
        for place in 0..bits {
            let bit = u8::from(value >> place & 1 == 1);
            match self.bytes.last_mut() {
                Some(last) if !self.used.is_multiple_of(8) => *last |= bit << (self.used % 8),
                _ => self.bytes.push(bit),
            }
            self.used += 1;
        }
    }

    /// A code of so many bits, the highest first.
    fn code(&mut self, code: u32, bits: u32) {
        for place in (0..bits).rev() {
            self.number(code >> place & 1, 1);
        }
    }

    /// So many bytes that repeat those `distance` before (its code, further bits and their number).
    fn again(&mut self, bytes: usize, distance: (u32, u32, u32)) {
        for _ in 0..bytes / 258 {
            self.code(0b1100_0101, 8);
            self.code(distance.0, 5);
            self.number(distance.1, distance.2);
        }
        for _ in 0..bytes % 258 {
            self.code(0x30, 8);
        }
    }

    /// A block with the codes that the format itself knows begins; it is the last one.
    fn last_block(&mut self) {
        self.number(0b011, 3);
    }

    /// What was written in zlib's wrapping; the sum over its data is left out.
    fn zlib(mut self) -> Vec<u8> {
        self.code(0, 7);
        joined(&[b"\x78\x01", &self.bytes, &[0; 4]])
    }
}

/// So many zero bytes, packed a thousand times smaller.
fn zeros(count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.last_block();
    bits.code(0x30, 8);
    bits.again(count - 1, (0, 0, 0));
    bits.zlib()
}

/// Two lines of noise, again and again: what looks back 32 KiB packs it well, and what does not, as
/// the encoder of PNG, hardly at all.
fn noise(line: usize, lines: usize) -> Vec<u8> {
    let mut seed = 7_u32;
    let mut pair = Vec::new();
    for _ in 0..2 {
        pair.push(0);
        pair.extend((1..line).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from(seed >> 28).unwrap()
        }));
    }
    let length = u16::try_from(pair.len()).unwrap();
    let mut bits = Bits::default();
    bits.number(0, 8);
    bits.bytes.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    bits.bytes.extend(&pair);
    bits.last_block();
    let back = u32::from(length) - 24_577;
    bits.again(line * lines - pair.len(), (29, back, 13));
    bits.zlib()
}

/// A PNG with bits a channel and colours by the format's number.
fn png(width: u32, height: u32, (bits, colors): (u8, u8), extra: &[u8], data: &[u8]) -> Vec<u8> {
    let head = joined(&[&width.to_be_bytes(), &height.to_be_bytes(), &[bits, colors, 0, 0, 0]]);
    let (head, data) = (chunk(b"IHDR", &head), chunk(b"IDAT", data));
    joined(&[b"\x89PNG\r\n\x1a\n", &head, extra, &data, &chunk(b"IEND", b"")])
}

/// A WebP whose one block declares 16,384 groups of five code tables of 4 KiB, in a megabyte: its
/// decoder would keep them all.
pub fn tables() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(0x2F, 8);
    // 4 × 4 pixels; no transparency, version 0, nothing transformed, no cache of colours.
    bits.number(3, 14);
    bits.number(3, 14);
    bits.number(0, 1 + 3 + 1 + 1);
    // Which group a block uses is a picture of its own, here of one pixel: green 255, red 63.
    bits.number(1, 1);
    bits.number(0, 3);
    bits.number(0, 1);
    for symbol in [255, 63] {
        bits.number(0b101, 3);
        bits.number(symbol, 8);
    }
    for _ in 0..3 {
        bits.number(0b0001, 4);
    }
    for _ in 0..16_384 * 5 {
        code_table(&mut bits);
    }
    super::riff(b"WEBP", &super::part(b"VP8L", &bits.bytes))
}

/// Codes of 1 to 10 bits, for which a decoder makes a table of 1,024 places.
fn code_table(bits: &mut Bits) {
    bits.number(0, 1);
    // How long the codes are that say how long the codes are: of 1–6 three bits, of 7–10 four.
    bits.number(14 - 4, 4);
    for length in [0, 0, 0, 3, 3, 3, 3, 3, 0, 3, 4, 4, 4, 4] {
        bits.number(length, 3);
    }
    // Eleven are said, which takes four bits to say.
    bits.number(1, 1);
    bits.number(1, 3);
    bits.number(11 - 2, 4);
    for length in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10_u32] {
        match length {
            1..=6 => bits.code(length - 1, 3),
            _ => bits.code(0b1100 + length - 7, 4),
        }
    }
}

/// A progressive JPEG in grey of so many passes over the whole of it.
fn passes(side: u16, count: usize) -> Vec<u8> {
    let blocks = usize::from(side / 8).pow(2);
    let size = side.to_be_bytes();
    let frame = joined(&[b"\xff\xc2\x00\x0b\x08", &size, &size, b"\x01\x01\x11\x00"]);
    let quantities = joined(&[b"\xff\xdb\x00\x43\x00", &[1; 64]]);
    // One code of one bit, for a difference of nothing.
    let codes = joined(&[b"\xff\xc4\x00\x14\x00\x01", &[0; 15], &[0]]);
    let pass = |from: u8, to: u8| {
        let head = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, from << 4 | to];
        joined(&[&head, &vec![0; blocks.div_ceil(8)]])
    };
    let (first, next) = (pass(0, 1), pass(1, 0).repeat(count - 1));
    joined(&[b"\xff\xd8", &quantities, &frame, &codes, &first, &next, b"\xff\xd9"])
}

/// A JPEG with profiles of 64 KiB each.
fn profiles(count: u8) -> Vec<u8> {
    let plain = photo(48, 32);
    let mut segments = Vec::new();
    for number in 1..=count {
        let head = joined(&[b"\xff\xe2\xff\xff", b"ICC_PROFILE\0", &[number, count]]);
        segments.extend(joined(&[&head, &vec![number; 65_535 - 2 - 14]]));
    }
    joined(&[&plain[..2], &segments, &plain[2..]])
}

/// An EXIF of as many entries as can be, the last of which leads back to the first.
fn endless() -> Vec<u8> {
    let entry = b"\x87\x69\0\x04\0\0\0\x01\0\0\0\x08";
    let entries = entry.repeat(5_000);
    with_segment(0xE1, &joined(&[b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff", &entries, b"\0\0\0\x08"]))
}

pub fn all() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let (large, small) = (zeros(101_000_000), zeros(32 * (1 + 48 * 4)));
    let with = |kind: &[u8; 4], head: &[u8]| {
        let packed = chunk(kind, &joined(&[head, &large]));
        png(48, 32, (8, 6), &packed, &small)
    };
    let frames = joined(&[b"GIF89a\x01\0\x01\0\0\0\0", &b"!\xf9\x04\0\0\0\0\0".repeat(100_000)]);
    vec![
        ("a PNG that unpacks a thousandfold", png(4096, 2048, (8, 2), b"", &large), Safe),
        (
            "a PNG of colours of sixteen bits",
            png(4096, 2048, (16, 6), b"", &zeros(2048 * (1 + 4096 * 8))),
            Safe,
        ),
        (
            "a PNG of noise that packs by repetition",
            png(4090, 8192, (8, 6), b"", &noise(1 + 4090 * 4, 8192)),
            Safe,
        ),
        ("a PNG that unpacks to more than it claims", png(48, 32, (8, 6), b"", &large), Safe),
        (
            "a PNG that unpacks to less than it claims",
            png(8192, 4000, (8, 2), b"", &small),
            UNREADABLE,
        ),
        ("a PNG with a text of a hundred megabytes", with(b"zTXt", b"Comment\0\0"), Safe),
        ("a PNG with such a text of any language", with(b"iTXt", b"Comment\0\x01\0\0\0"), Safe),
        ("a PNG with such a profile", with(b"iCCP", b"profile\0\0"), Safe),
        ("a WebP of twenty megapixels", webp(8192, 2448), Safe),
        ("a JPEG with profiles of six megabytes", profiles(100), Safe),
        ("a JPEG with an endless EXIF", endless(), Safe),
        ("a JPEG of a hundred passes", passes(2048, 100), UNREADABLE),
        ("a JPEG of one pixel too many", jpeg(&RgbImage::new(8193, 8)), TOO_LARGE),
        ("a JPEG as long as may be", jpeg(&RgbImage::new(8192, 8)), Safe),
        ("a GIF of a hundred thousand frames", joined(&[&frames, MARK]), TYPE),
    ]
}
