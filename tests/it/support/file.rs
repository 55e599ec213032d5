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
