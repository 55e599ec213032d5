//! Files to upload, made here.

use image::{ExtendedColorType, RgbImage, codecs::jpeg::JpegEncoder};
use reqwest::Method;

use super::{Answer, Client};

/// A photo of so many pixels, with something to see on it.
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    jpeg(&RgbImage::from_fn(width, height, |x, y| {
        let wave = |value: u32| u8::try_from(value % 256).unwrap_or_default();
        image::Rgb([wave(x * 3), wave(y * 5), wave(x + y)])
    }))
}

/// A picture as a JPEG.
pub fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85)
        .encode(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgb8)
        .expect("a JPEG");
    bytes
}

/// A photo of 30 megapixels, with noise that a camera might see, so that the file is as large as one.
pub fn thirty_megapixels() -> Vec<u8> {
    jpeg(&RgbImage::from_fn(6000, 5000, |x, y| {
        let noise = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) >> 27;
        let base = u8::try_from((x / 32 + y / 32) % 200).expect("below 200");
        let noise = u8::try_from(noise % 32).expect("below 32");
        image::Rgb([base + noise, base, 255 - base])
    }))
}

/// 40° 5′ 27.96″, as EXIF writes it: three fractions.
const LATITUDE: [u32; 6] = [40, 1, 5, 1, 2796, 100];
/// 113° 20′ 24.72″.
const LONGITUDE: [u32; 6] = [113, 1, 20, 1, 2472, 100];

fn fractions(of: [u32; 6]) -> Vec<u8> {
    of.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A photo with the place where it was taken in its EXIF, as a phone writes it.
pub fn located(photo: &[u8]) -> Vec<u8> {
    let field = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    let at = |offset: u32| offset.to_be_bytes();
    let exif = [
        b"Exif\0\0MM\0\x2a\0\0\0\x08".to_vec(),
        [&[0, 1][..], &field(0x8825, 4, 1, at(26)), &[0; 4]].concat(),
        [0, 4].to_vec(),
        field(1, 2, 2, *b"N\0\0\0"),
        field(2, 5, 3, at(80)),
        field(3, 2, 2, *b"E\0\0\0"),
        field(4, 5, 3, at(104)),
        [0; 4].to_vec(),
        fractions(LATITUDE),
        fractions(LONGITUDE),
    ]
    .concat();
    let length = u16::try_from(exif.len() + 2).expect("a short EXIF").to_be_bytes();
    [&photo[..2], &[0xFF, 0xE1], &length, &exif, &photo[2..]].concat()
}

/// Whether a file says where it was taken, or anything else of a camera's.
pub fn tells_its_place(file: &[u8]) -> bool {
    let place = [b"Exif".to_vec(), fractions(LATITUDE), fractions(LONGITUDE)];
    place.iter().any(|told| file.windows(told.len()).any(|part| part == told.as_slice()))
}

impl Client {
    /// Uploads a file under a key, as a phone does.
    pub async fn upload(&self, key: &str, file: &[u8]) -> Answer {
        self.upload_form(key, &form("file", "../../../etc/IMG_0001.jpg", file)).await
    }

    /// Uploads a form as it is; its boundary is `x-boundary`.
    pub async fn upload_form(&self, key: &str, form: &[u8]) -> Answer {
        let request = self.request(Method::POST, "/attachments").key(key);
        request.raw("multipart/form-data; boundary=x-boundary", form.to_vec()).send().await
    }
}

/// A form with one part.
pub fn form(part: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--x-boundary\r\ncontent-disposition: form-data; name=\"{part}\"; filename=\"{name}\"\r\n\
         content-type: image/jpeg\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--x-boundary--\r\n"].concat()
}
