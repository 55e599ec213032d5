//! Hostile files: each is refused, or what is kept of it is safe.

use image::{DynamicImage, ImageFormat, RgbImage};

use super::{fetched, key, memory::Rise, stored};
use crate::support::{Answer, App, form, jpeg, photo};

mod bombs;

/// What may be left of a file nowhere.
const MARK: &[u8] = b"GPS 40.0911N 113.3402E <script>alert(document.cookie)</script>";

enum Fate {
    Refused(u16, &'static str),
    /// Kept, and nothing of [`MARK`] with it.
    Safe,
}
use Fate::{Refused, Safe};

const UNREADABLE: Fate = Refused(422, "attachment_unreadable");
const TOO_LARGE: Fate = Refused(413, "attachment_too_large");
const TYPE: Fate = Refused(415, "attachment_type_refused");

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A picture as a file of a format.
fn picture(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(48, 32, |x, y| {
        let value = u8::try_from((x * 5 + y * 3) % 256).unwrap();
        image::Rgb([value, 255 - value, value / 2])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG with a segment after its first marker.
fn with_segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let plain = photo(48, 32);
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    joined(&[&plain[..2], &[0xFF, marker], &length, data, &plain[2..]])
}

/// A JPEG whose frame is changed: its marker, height and width.
fn with_frame(marker: u8, height: u16, width: u16) -> Vec<u8> {
    let mut file = photo(48, 32);
    let at = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    file[at + 1] = marker;
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 }
        })
    })
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let named = joined(&[kind, data]);
    joined(&[&length, &named, &crc(&named).to_be_bytes()])
}

/// A PNG with a chunk after its header.
fn with_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let plain = picture(ImageFormat::Png);
    joined(&[&plain[..33], &chunk(kind, data), &plain[33..]])
}

/// A PNG that claims another size, in colours with or without transparency.
fn claiming(width: u32, height: u32, color: u8) -> Vec<u8> {
    let plain = picture(ImageFormat::Png);
    let head = joined(&[&width.to_be_bytes(), &height.to_be_bytes(), &[8, color, 0, 0, 0]]);
    joined(&[&plain[..8], &chunk(b"IHDR", &head), &plain[33..]])
}

fn riff(form: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 4).unwrap().to_le_bytes();
    joined(&[b"RIFF", &length, form, data])
}

fn mp3(frames: usize) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xFB, 0x90, 0x64];
    frame.resize(417, 0x55);
    frame.repeat(frames)
}

fn wav(chunks: &[u8]) -> Vec<u8> {
    let format = b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0";
    riff(b"WAVE", &joined(&[format, chunks, b"data\x40\0\0\0", &[9; 64]]))
}

/// What is none of the formats that are taken, whatever it is called.
fn strangers() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let page = joined(&[b"<!DOCTYPE html><body>", MARK]);
    let svg = joined(&[b"<svg xmlns=\"http://www.w3.org/2000/svg\">", MARK, b"</svg>"]);
    [
        ("a page", page.clone()),
        ("a page behind a byte order mark", joined(&[b"\xef\xbb\xbf", &page])),
        ("SVG", svg),
        ("GIF", picture(ImageFormat::Png).split_off(8).into_iter().rev().chain(*b"x").collect()),
        ("GIF by its magic", joined(&[b"GIF89a\x01\0\x01\0", MARK])),
        ("a GIF that is a JPEG as well", joined(&[b"GIF89a/*", &photo(9, 9)])),
        ("PDF", joined(&[b"%PDF-1.7\n", MARK])),
        ("ZIP", joined(&[b"PK\x03\x04", MARK])),
        ("ELF", joined(&[b"\x7fELF\x02\x01\x01", MARK])),
        ("a Windows program", joined(&[b"MZ\x90\0", MARK])),
        ("PHP", b"<?php system($_GET['c']); ?>".to_vec()),
        ("a script", b"#!/bin/sh\nrm -rf /\n".to_vec()),
        ("BMP", joined(&[b"BM\x36\0\0\0\0\0\0\0", MARK])),
        ("TIFF", joined(&[b"II*\0\x08\0\0\0", MARK])),
        ("HEIC", joined(&[b"\0\0\0\x18ftypheic\0\0\0\0", MARK])),
        ("AVIF", joined(&[b"\0\0\0\x1cftypavif\0\0\0\0", MARK])),
        ("MP4", joined(&[b"\0\0\0\x18ftypmp42\0\0\0\0", MARK])),
        ("ICO", joined(&[b"\0\0\x01\0\x01\0\x10\x10", MARK])),
        ("AVI", riff(b"AVI ", MARK)),
        ("Ogg", joined(&[b"OggS\0\x02", MARK])),
        ("text", "文兴路口路灯不亮".as_bytes().to_vec()),
        ("zeros", vec![0; 10_000]),
    ]
    .into_iter()
    .map(|(name, file)| (name, file, TYPE))
    .collect()
}

fn jpegs() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let whole = photo(48, 32);
    let half = &whole[..whole.len() / 2];
    let frame = whole.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let frame = &whole[frame..frame + 19];
    vec![
        ("nothing", Vec::new(), UNREADABLE),
        ("a JPEG's magic and a page", joined(&[b"\xff\xd8\xff\xe0", MARK]), UNREADABLE),
        ("half a JPEG", half.to_vec(), UNREADABLE),
        ("a JPEG without its end", whole[..whole.len() - 2].to_vec(), UNREADABLE),
        ("half of a JPEG's tables with a forged end", joined(&[half, b"\xff\xd9"]), UNREADABLE),
        ("a JPEG with two frames", joined(&[&whole[..2], frame, &whole[2..]]), UNREADABLE),
        ("a JPEG of no size", with_frame(0xC0, 0, 0), UNREADABLE),
        ("an arithmetic JPEG", with_frame(0xC9, 32, 48), UNREADABLE),
        ("a JPEG of 65,535 pixels a side", with_frame(0xC0, 65_535, 65_535), TOO_LARGE),
        ("a progressive JPEG of 41 megapixels", with_frame(0xC2, 5000, 8192), TOO_LARGE),
        ("a JPEG that claims to be progressive", with_frame(0xC2, 32, 48), UNREADABLE),
        ("a JPEG that claims to be larger", with_frame(0xC0, 3200, 4800), UNREADABLE),
        ("a photo with its place in EXIF", with_segment(0xE1, &joined(&[b"Exif\0\0", MARK])), Safe),
        ("a photo with a page in a comment", with_segment(0xFE, MARK), Safe),
        ("a photo with a page behind it", joined(&[&whole, MARK]), Safe),
        ("a photo with a ZIP behind it", joined(&[&whole, b"PK\x03\x04", MARK]), Safe),
        (
            "a photo with XMP",
            with_segment(0xE1, &joined(&[b"http://ns.adobe.com/xap/1.0/\0", MARK])),
            Safe,
        ),
        (
            "a photo with a broken EXIF",
            with_segment(0xE1, b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"),
            Safe,
        ),
    ]
}

fn pngs() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let whole = picture(ImageFormat::Png);
    let mut flipped = whole.clone();
    flipped[60] ^= 0xFF;
    let animation = joined(&[
        &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        &chunk(b"fcTL", &[0; 26]),
        &chunk(b"fdAT", MARK),
    ]);
    vec![
        ("half a PNG", whole[..whole.len() / 2].to_vec(), UNREADABLE),
        ("a PNG without its end", whole[..whole.len() - 12].to_vec(), UNREADABLE),
        ("a PNG with a flipped bit", flipped, UNREADABLE),
        ("a PNG's magic and a page", joined(&[b"\x89PNG\r\n\x1a\n", MARK]), UNREADABLE),
        (
            "a PNG with two headers",
            with_chunk(b"IHDR", &[0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0]),
            UNREADABLE,
        ),
        ("a PNG with an unknown part", with_chunk(b"EVIL", MARK), UNREADABLE),
        ("a PNG of 60,000 pixels a side", claiming(60_000, 60_000, 2), TOO_LARGE),
        ("a PNG of four billion pixels a side", claiming(u32::MAX, u32::MAX, 6), TOO_LARGE),
        ("a PNG of 67 megapixels", claiming(8192, 8192, 6), TOO_LARGE),
        ("a PNG of one pixel too many", claiming(8193, 1, 2), TOO_LARGE),
        ("a PNG that claims to be larger", claiming(4000, 3000, 2), UNREADABLE),
        ("a PNG with a text", with_chunk(b"tEXt", &joined(&[b"Comment\0", MARK])), Safe),
        (
            "a PNG with a packed text",
            with_chunk(b"zTXt", &joined(&[b"Comment\0\0\x78\xda", &[0xFF; 5000]])),
            Safe,
        ),
        (
            "a PNG with a packed profile",
            with_chunk(b"iCCP", &joined(&[b"p\0\0\x78\xda", &[0xFF; 5000]])),
            Safe,
        ),
        ("a PNG with its place in EXIF", with_chunk(b"eXIf", MARK), Safe),
        ("a PNG with a page behind it", joined(&[&whole, MARK]), Safe),
        ("an animated PNG", joined(&[&whole[..33], &animation, &whole[33..]]), Safe),
    ]
}

/// A WebP of grey, packed with losses. Its bits are all 0, of which any number may follow: of each
/// block of 16 × 16 pixels they say that nothing differs from what stands beside it.
fn webp(width: u16, height: u16) -> Vec<u8> {
    riff(b"WEBP", &part(b"VP8 ", &vp8(width, height)))
}

/// A part of a RIFF file.
fn part(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    joined(&[kind, &length, data, &[0][..data.len() % 2]])
}

fn vp8(width: u16, height: u16) -> Vec<u8> {
    let blocks = u32::from(width.div_ceil(16)) * u32::from(height.div_ceil(16));
    // What is said of a block takes four bits, and what differs in it eight.
    let (modes, rest) = (128 + blocks, 128 + 2 * blocks);
    let head = (modes << 5 | 1 << 4).to_le_bytes();
    let bits = vec![0; usize::try_from(modes + rest).unwrap()];
    let (width, height) = (width.to_le_bytes(), height.to_le_bytes());
    joined(&[&head[..3], b"\x9d\x01\x2a", &width, &height, &bits])
}

fn webps() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let whole = webp(48, 32);
    let lossless = picture(ImageFormat::WebP);
    let canvas = joined(&[b"VP8X\x0a\0\0\0\0\0\0\0", &[0xFF; 6], &[0; 64]]);
    // Of 48 × 32 pixels, with EXIF and XMP.
    let extended = joined(&[b"VP8X\x0a\0\0\0\x0c\0\0\0", &[47, 0, 0, 31, 0, 0]]);
    let with = |parts: &[&[u8]]| riff(b"WEBP", &joined(&[&extended, &joined(parts)]));
    let picture = part(b"VP8 ", &vp8(48, 32));
    let frame = |inside: &[u8]| part(b"ANMF", &joined(&[&[0; 16], inside]));
    vec![
        ("a WebP as cameras write it", whole.clone(), Safe),
        ("half a WebP", whole[..whole.len() / 2].to_vec(), UNREADABLE),
        ("a WebP's magic and a page", riff(b"WEBP", MARK), UNREADABLE),
        ("a WebP of 16 million pixels a side", riff(b"WEBP", &canvas), UNREADABLE),
        ("a WebP of one pixel too many", webp(8193, 16), TOO_LARGE),
        ("a WebP of 67 megapixels", webp(8192, 8192), TOO_LARGE),
        ("a WebP of no size", webp(0, 0), UNREADABLE),
        ("a WebP with a page behind it", joined(&[&whole, MARK]), Safe),
        (
            "a WebP with its place",
            with(&[&picture, &part(b"EXIF", MARK), &part(b"XMP ", MARK)]),
            Safe,
        ),
        ("a WebP that is larger inside", with(&[&part(b"VP8 ", &vp8(8192, 8192))]), TOO_LARGE),
        ("an animated WebP", with(&[&frame(&picture), &frame(MARK)]), Safe),
        ("frames of a WebP in frames", with(&[&frame(&frame(&frame(MARK)))]), UNREADABLE),
        ("a WebP packed without losses", lossless, TYPE),
        ("a WebP of code tables", bombs::tables(), TYPE),
        ("a WebP of code tables in a frame", with(&[&frame(&bombs::tables()[12..])]), TYPE),
    ]
}

fn others() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let tag = joined(&[b"ID3\x04\0\0\0\0\0", &[u8::try_from(MARK.len()).unwrap()], MARK]);
    let info = joined(&[b"LIST", &u32::try_from(MARK.len()).unwrap().to_le_bytes(), MARK]);
    let amr = joined(&[b"#!AMR\n", &joined(&[&[0x3C], &[7; 31]]).repeat(50)]);
    vec![
        ("an MP3's magic and a page", joined(&[b"\xff\xfb\x90\x64", MARK]), UNREADABLE),
        ("an MP3 and a page", joined(&[&mp3(20), MARK]), UNREADABLE),
        ("half a frame of an MP3", mp3(3)[..1000].to_vec(), UNREADABLE),
        ("an MP3 with its place in a tag", joined(&[&tag, &mp3(20)]), Safe),
        ("an MP3 with an endless tag", joined(&[b"ID3\x04\0\0\x7f\x7f\x7f\x7f", MARK]), UNREADABLE),
        ("an MP3 of six minutes", mp3(14_000), Refused(422, "attachment_too_long")),
        ("AMR and a page", joined(&[&amr, MARK]), UNREADABLE),
        ("half a frame of AMR", amr[..amr.len() - 5].to_vec(), UNREADABLE),
        ("a WAV with its place", wav(&info), Safe),
        (
            "a WAV that claims to be larger",
            joined(&[b"RIFF\xff\xff\xff\x7fWAVEdata\xf0\xff\xff\x7f", MARK]),
            UNREADABLE,
        ),
        (
            "a WAV without a format",
            riff(b"WAVE", &joined(&[b"data\x04\0\0\0", &[1; 4]])),
            UNREADABLE,
        ),
        ("an AAC's magic and a page", joined(&[b"\xff\xf1\x50\x80", MARK]), UNREADABLE),
        ("an AAC whose frames are empty", [0xFF, 0xF1, 0x50, 0x80, 0, 0, 0].repeat(9), UNREADABLE),
        ("M4A", joined(&[b"\0\0\0\x20ftypM4A \0\0\0\0", MARK]), TYPE),
        ("a WAV in a WAV", wav(&part(b"RIFF", MARK)), Safe),
        (
            "a WAV of a thousand channels",
            riff(
                b"WAVE",
                &joined(&[
                    b"fmt \x10\0\0\0\x01\0\xe8\x03\x40\x1f\0\0\0\0\0\0\xd0\x07\x10\0",
                    b"data\x04\0\0\0abcd",
                ]),
            ),
            UNREADABLE,
        ),
        (
            "a WAV whose frames are of no size",
            riff(
                b"WAVE",
                &joined(&[
                    b"fmt \x10\0\0\0\x01\0\0\0\x40\x1f\0\0\0\0\0\0\0\0\0\0",
                    b"data\x04\0\0\0abcd",
                ]),
            ),
            UNREADABLE,
        ),
        (
            "AMR of six minutes",
            joined(&[b"#!AMR\n", &[0x7C].repeat(18_001)]),
            Refused(422, "attachment_too_long"),
        ),
        ("AMR of nothing", b"#!AMR\n".to_vec(), UNREADABLE),
        ("more than ten megabytes", jpeg_and(10 * 1024 * 1024), TOO_LARGE),
    ]
}

/// A good JPEG and so many bytes behind it.
fn jpeg_and(bytes: usize) -> Vec<u8> {
    joined(&[&jpeg(&RgbImage::new(9, 9)), &vec![b'x'; bytes]])
}

#[tokio::test]
async fn every_hostile_file_is_refused_or_made_safe() {
    let files = [strangers(), jpegs(), pngs(), webps(), others()];
    let files: Vec<_> = files.into_iter().flatten().collect();
    assert!(files.len() >= 90, "{}", files.len());
    meet(files).await;
}

#[tokio::test]
async fn what_unpacks_to_much_takes_no_more_memory_than_a_photo() {
    let files = bombs::all();
    assert!(files.len() >= 15, "{}", files.len());
    meet(files).await;
}

/// Uploads each; whatever differs from its fate is said in the end, all together.
async fn meet(files: Vec<(&'static str, Vec<u8>, Fate)>) {
    let app = App::spawn().await;
    let li = app.resident("li");
    li.token().await;
    let (mut kept, mut faults) = (0, Vec::new());
    for (name, file, fate) in files {
        let rise = Rise::begin();
        let begun = std::time::Instant::now();
        let answer = li.upload(&key(), &file).await;
        faults.extend(rise.fault(name));
        if begun.elapsed() > std::time::Duration::from_secs(1) {
            eprintln!("{name}: {:?}", begun.elapsed());
        }
        let (status, code) = match fate {
            Refused(status, code) => (status, code),
            Safe => (201, ""),
        };
        if (answer.status, answer.code()) != (status, code) {
            faults.push(format!("{name} is not {status} {code}: {answer}"));
            kept = stored(&app);
            continue;
        }
        if answer.status == 201 {
            kept += is_safe(&app, name, &answer).await;
        }
        assert_eq!(stored(&app), kept, "{name}: what is refused leaves nothing behind");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Nothing of [`MARK`] is in what was kept of a file; how many files that is.
async fn is_safe(app: &App, name: &str, answer: &Answer) -> usize {
    let (status, headers, bytes) = fetched(app, &answer.body["url"]).await;
    assert_eq!(status, 200, "{name}");
    let text = String::from_utf8_lossy(&bytes);
    let kept = ["GPS 40", "113.3402E", "<script>", "cookie"].iter().any(|one| text.contains(one));
    assert!(!kept, "{name}: something of it was kept");
    assert_eq!(headers["x-content-type-options"], "nosniff", "{name}");
    let media_type = headers["content-type"].to_str().unwrap();
    if !media_type.starts_with("image/") {
        return 1;
    }
    image::load_from_memory(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
    2
}

/// What a file is called and said to be plays no part: it is named by us.
#[tokio::test]
async fn a_name_and_a_type_that_somebody_gave_lead_nowhere() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let file = photo(40, 30);
    let long = "长".repeat(3000);
    let names = [
        "../../../../../../../tmp/zhixiang-was-here.jpg",
        "..\\..\\windows\\system32\\x.exe",
        "/etc/cron.d/x",
        "a.php%00.jpg",
        "a.jpg\"; filename=\"b.svg",
        "CON",
        ".htaccess",
        "\u{202e}gpj.exe",
        "",
        &long,
    ];
    for (n, name) in names.iter().enumerate() {
        let form = String::from_utf8_lossy(&form("file", name, b"FILE")).into_owned();
        let form = form.replace("image/jpeg", ["text/html", "image/svg+xml"][n % 2]);
        let (before, after) = form.split_once("FILE").unwrap();
        let form = joined(&[before.as_bytes(), &file, after.as_bytes()]);
        let answer = li.upload_form(&key(), &form).await;
        // A head that is none at all is refused; nothing that it says is believed.
        if answer.status != 201 {
            assert!(matches!(answer.status, 400 | 413 | 422), "{name}: {answer}");
            continue;
        }
        let id = answer.body["id"].as_str().unwrap();
        let (status, headers, _) = fetched(&app, &answer.body["url"]).await;
        assert_eq!((status, headers["content-type"].as_bytes()), (200, &b"image/jpeg"[..]));
        let called = headers["content-disposition"].to_str().unwrap();
        assert_eq!(called, format!("attachment; filename=\"{id}.jpg\""), "{name}");
    }
    assert!(app.count("attachment").await >= 5, "most of them are files like any other");
    assert!(!std::path::Path::new("/tmp/zhixiang-was-here.jpg").exists());
    let directory = std::path::PathBuf::from(&app.state().config.files.directory).join("files");
    for day in std::fs::read_dir(&directory).unwrap() {
        for file in std::fs::read_dir(day.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let id = name.trim_end_matches(".thumbnail");
            assert!(id.parse::<uuid::Uuid>().is_ok(), "{name} is no name of ours");
        }
    }
}
