//! Pictures made anew: decoded under limits, turned upright, and written again from their pixels
//! alone. Nothing else of what was sent is kept: no EXIF and GPS, no comments, no trailing data, no
//! further pictures.
//!
//! [`remake`] takes up to about 200 MiB and seconds of a processor: call it on a blocking thread,
//! one at a time.

use std::io::Cursor;

use domain::attachment::{Excess, Format, LONGEST_SIDE, MOST_BYTES, MediaType, Refused};
use image::{
    DynamicImage, GenericImageView, ImageDecoder, ImageEncoder, Limits, Rgb, RgbImage, Rgba,
    codecs::{
        jpeg::JpegEncoder,
        png::{PngDecoder, PngEncoder},
        webp::WebPDecoder,
    },
    metadata::Orientation,
};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

/// The largest picture, unpacked, in bytes.
const DECODED: u64 = 128 * 1024 * 1024;
/// The same with what a progressive JPEG needs beside it.
const WORKING: u64 = 192 * 1024 * 1024;
/// More passes than any camera writes; each one costs as much as the whole picture.
const SCANS: usize = 32;
/// The largest picture that may stay a PNG, unpacked, in bytes: a screenshot of 10 megapixels with
/// transparency.
const SHARP: usize = 40 * 1024 * 1024;
/// JPEG's quality; the lower ones where a picture would come out too large.
const QUALITIES: [u8; 4] = [88, 75, 60, 40];
/// The longest side of a thumbnail, in pixels, and its quality.
const THUMBNAIL: (u32, u8) = (360, 78);

/// A picture that was made anew.
#[derive(Debug, Clone)]
pub struct Picture {
    /// JPEG; a PNG stays one, so that the letters of a screenshot stay sharp.
    pub media_type: MediaType,
    /// The file.
    pub bytes: Vec<u8>,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// A small JPEG of it.
    pub thumbnail: Vec<u8>,
}

/// Makes a picture anew.
///
/// # Errors
/// `attachment_unreadable`, `attachment_too_large`; `attachment_type_refused` for what is no picture.
pub fn remake(given: Vec<u8>, format: Format) -> Result<Picture, Refused> {
    let (image, orientation) = match format {
        Format::Jpeg => decode_jpeg(&given)?,
        Format::Png => (decode_png(&given)?, Orientation::NoTransforms),
        Format::Webp => decode_webp(&given)?,
        Format::Audio(_) => return Err(Refused::Type),
    };
    drop(given);
    let (side, quality) = THUMBNAIL;
    let mut small = match image.width().max(image.height()) > side {
        true => image.thumbnail(side, side),
        false => image.clone(),
    };
    small.apply_orientation(orientation);
    let thumbnail =
        jpeg_of(&Upright { image: &small, orientation: Orientation::NoTransforms }, quality)?;
    let upright = Upright { image: &image, orientation };
    let (width, height) = upright.dimensions();
    if format == Format::Png
        && let Some(bytes) = png_of(&image)
    {
        return Ok(Picture { media_type: MediaType::Png, bytes, width, height, thumbnail });
    }
    for quality in QUALITIES {
        let bytes = jpeg_of(&upright, quality)?;
        if bytes.len() <= MOST_BYTES {
            return Ok(Picture { media_type: MediaType::Jpeg, bytes, width, height, thumbnail });
        }
    }
    Err(Refused::TooLarge(Excess::Pixels))
}

/// Refuses a size before anything is unpacked; `bytes` a pixel unpacked, `beside` it in all.
fn measured(width: u32, height: u32, bytes: u64, beside: u64) -> Result<(), Refused> {
    if width == 0 || height == 0 {
        return Err(Refused::Unreadable);
    }
    if width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(Refused::TooLarge(Excess::Side));
    }
    let unpacked = u64::from(width) * u64::from(height) * bytes;
    if unpacked > DECODED || unpacked.saturating_add(beside) > WORKING {
        return Err(Refused::TooLarge(Excess::Pixels));
    }
    Ok(())
}

/// Strictly: a picture that is cut off decodes to grey elsewhere. One that was given an end marker
/// where it is cut off is not told from a whole one, as long as [`jpeg::Header::is_filled`]: in the
/// place of what it lacks stands a pattern, and nothing but pixels is kept of it either.
fn decode_jpeg(given: &[u8]) -> Result<(DynamicImage, Orientation), Refused> {
    let header = jpeg::header(given).ok_or(Refused::Unreadable)?;
    measured(header.width, header.height, 3, header.coefficients())?;
    if !header.is_filled() {
        return Err(Refused::Unreadable);
    }
    let side = usize::try_from(LONGEST_SIDE).unwrap_or(usize::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_max_scans(SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(given), options);
    let pixels = decoder.decode().map_err(|_| Refused::Unreadable)?;
    let exif = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let image = RgbImage::from_raw(header.width, header.height, pixels);
    let image = image.ok_or(Refused::Unreadable)?;
    Ok((DynamicImage::ImageRgb8(image), exif.unwrap_or(Orientation::NoTransforms)))
}

/// The still picture alone: what else a PNG may carry is taken away before it is decoded.
fn decode_png(given: &[u8]) -> Result<DynamicImage, Refused> {
    let bare = png::bare(given).ok_or(Refused::Unreadable)?;
    measured(bare.width, bare.height, bare.pixel_bytes, 0)?;
    let decoder = PngDecoder::with_limits(Cursor::new(&bare.bytes), limits());
    unpacked(decoder.map_err(|_| Refused::Unreadable)?)
}

fn decode_webp(given: &[u8]) -> Result<(DynamicImage, Orientation), Refused> {
    let bare = webp::bare(given)?;
    // Beside the picture stands the same again in the colours of the format.
    let pixels = u64::from(bare.width) * u64::from(bare.height);
    measured(bare.width, bare.height, 3, pixels * 2)?;
    let mut decoder =
        WebPDecoder::new(Cursor::new(&bare.bytes)).map_err(|_| Refused::Unreadable)?;
    decoder.set_limits(limits()).map_err(|_| Refused::TooLarge(Excess::Pixels))?;
    Ok((unpacked(decoder)?, bare.orientation))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(DECODED);
    limits
}

/// Unpacked, with eight bits a channel.
fn unpacked(decoder: impl ImageDecoder) -> Result<DynamicImage, Refused> {
    if decoder.total_bytes() > DECODED {
        return Err(Refused::TooLarge(Excess::Pixels));
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|_| Refused::Unreadable)?;
    Ok(match image {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => image,
        deep if deep.color().has_alpha() => DynamicImage::ImageRgba8(deep.into_rgba8()),
        deep => DynamicImage::ImageRgb8(deep.into_rgb8()),
    })
}

fn jpeg_of(image: &Upright<'_>, quality: u8) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(image)
        .map_err(|_| Refused::Unreadable)?;
    Ok(bytes)
}

/// As a PNG, where that is not too large. The encoder keeps the packed picture in memory twice, and
/// what packs badly is as large as the picture: a large one is not even tried.
fn png_of(image: &DynamicImage) -> Option<Vec<u8>> {
    if image.as_bytes().len() > SHARP {
        return None;
    }
    let mut bytes = Vec::new();
    let color = image.color().into();
    let (width, height) = image.dimensions();
    PngEncoder::new(&mut bytes).write_image(image.as_bytes(), width, height, color).ok()?;
    (bytes.len() <= MOST_BYTES).then_some(bytes)
}

/// A picture as it is to be seen, without a second copy of it: turned as its camera was held, and
/// on white where it is transparent.
struct Upright<'i> {
    image: &'i DynamicImage,
    orientation: Orientation,
}

impl GenericImageView for Upright<'_> {
    type Pixel = Rgb<u8>;

    fn dimensions(&self) -> (u32, u32) {
        let (width, height) = self.image.dimensions();
        match self.orientation {
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (height, width),
            _ => (width, height),
        }
    }

    fn get_pixel(&self, x: u32, y: u32) -> Rgb<u8> {
        let (width, height) = self.image.dimensions();
        let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
        let (x, y) = match self.orientation {
            Orientation::NoTransforms => (x, y),
            Orientation::FlipHorizontal => (right.saturating_sub(x), y),
            Orientation::FlipVertical => (x, bottom.saturating_sub(y)),
            Orientation::Rotate180 => (right.saturating_sub(x), bottom.saturating_sub(y)),
            Orientation::Rotate90 => (y, bottom.saturating_sub(x)),
            Orientation::Rotate270 => (right.saturating_sub(y), x),
            Orientation::Rotate90FlipH => (y, x),
            Orientation::Rotate270FlipH => (right.saturating_sub(y), bottom.saturating_sub(x)),
        };
        match self.image {
            DynamicImage::ImageRgb8(image) => *image.get_pixel(x, y),
            other => on_white(other.get_pixel(x, y)),
        }
    }
}

fn on_white(Rgba([red, green, blue, alpha]): Rgba<u8>) -> Rgb<u8> {
    let mixed = |channel: u8| {
        let sum = u32::from(channel) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
        u8::try_from(sum / 255).unwrap_or(u8::MAX)
    };
    Rgb([mixed(red), mixed(green), mixed(blue)])
}
