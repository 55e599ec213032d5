use super::*;

/// A picture with a dark corner at the top left.
fn corner(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let dark = x < width / 2 && y < height / 2;
        if dark { Rgb([10, 20, 30]) } else { Rgb([200, 210, 220]) }
    })
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    jpeg_of(&Upright { image: &image.clone().into(), orientation: Orientation::NoTransforms }, 90)
        .unwrap()
}

/// With an EXIF that says how the camera was held, and where it was.
fn tagged(plain: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend(b"GPS 40.0911 113.3402");
    let length = u16::try_from(exif.len() + 2).unwrap();
    [&plain[..2], &[0xFF, 0xE1], &length.to_be_bytes(), &exif, &plain[2..]].concat()
}

fn dark_corner(bytes: &[u8]) -> (bool, bool) {
    let image = image::load_from_memory(bytes).unwrap().into_rgb8();
    let (width, height) = image.dimensions();
    let dark = |x: u32, y: u32| image.get_pixel(x, y).0[0] < 100;
    let (left, right, top, bottom) =
        (width / 8, width - width / 8, height / 8, height - height / 8);
    let found: Vec<_> = [(left, top), (right, top), (left, bottom), (right, bottom)]
        .into_iter()
        .enumerate()
        .filter(|(_, (x, y))| dark(*x, *y))
        .map(|(at, _)| (at % 2 == 1, at / 2 == 1))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

#[test]
fn a_photo_is_turned_upright_and_tells_nothing_of_its_place() {
    let plain = jpeg(&corner(64, 32));
    // Where the dark corner comes to lie: (right, bottom), and whether the sides change places.
    for (orientation, corner, turned) in [
        (1, (false, false), false),
        (2, (true, false), false),
        (3, (true, true), false),
        (4, (false, true), false),
        (5, (false, false), true),
        (6, (true, false), true),
        (7, (true, true), true),
        (8, (false, true), true),
    ] {
        let made = remake(tagged(&plain, orientation), Format::Jpeg).unwrap();
        let size = if turned { (32, 64) } else { (64, 32) };
        assert_eq!((made.width, made.height), size, "{orientation}");
        for bytes in [&made.bytes, &made.thumbnail] {
            assert_eq!(dark_corner(bytes), corner, "{orientation}");
            let text = String::from_utf8_lossy(bytes);
            assert!(!text.contains("Exif") && !text.contains("GPS"), "{orientation}");
        }
    }
}

#[test]
fn what_is_cut_off_is_refused_wherever() {
    let noise = RgbImage::from_fn(64, 64, |x, y| {
        let value = u8::try_from((x * 31 + y * 17) % 251).unwrap();
        Rgb([value, value ^ 0x55, 255 - value])
    });
    let whole = jpeg(&noise);
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(noise.as_raw(), 64, 64, image::ExtendedColorType::Rgb8)
        .unwrap();
    for (format, whole) in [(Format::Jpeg, whole), (Format::Png, png)] {
        assert!(remake(whole.clone(), format).is_ok());
        for length in 0..whole.len() {
            let made = remake(whole[..length].to_vec(), format);
            assert_eq!(made.err(), Some(Refused::Unreadable), "{format:?} of {length} bytes");
        }
    }
    // With an end marker behind what is left it is a picture again, even where it was cut off.
    let mut forged = jpeg(&noise);
    forged.truncate(forged.len() / 2);
    forged.extend([0xFF, 0xD9]);
    let made = remake(forged, Format::Jpeg).unwrap();
    let made = image::load_from_memory(&made.bytes).unwrap().into_rgb8();
    let away = |row: u32| {
        let red = |of: &RgbImage, x| of.get_pixel(x, row)[0];
        (0..64).map(|x| u32::from(red(&made, x).abs_diff(red(&noise, x)))).sum::<u32>()
    };
    assert_eq!(made.dimensions(), (64, 64));
    assert!(away(0) * 2 < away(63), "{} and {}", away(0), away(63));
}

#[test]
fn a_size_is_refused_before_it_is_unpacked() {
    let big = |width, height| measured(width, height, 3, 0);
    assert_eq!(big(8192, 5461), Ok(()));
    assert_eq!(big(8192, 5462), Err(Refused::TooLarge(Excess::Pixels)));
    assert_eq!(big(8193, 1), Err(Refused::TooLarge(Excess::Side)));
    assert_eq!(big(1, 8193), Err(Refused::TooLarge(Excess::Side)));
    assert_eq!(big(0, 7), Err(Refused::Unreadable));
    assert_eq!(measured(6000, 5000, 3, 90_000_000), Ok(()), "30 megapixels, progressive");
}

#[test]
fn a_transparent_picture_stands_on_white() {
    assert_eq!(on_white(Rgba([1, 2, 3, 0])), Rgb([255; 3]));
    assert_eq!(on_white(Rgba([1, 2, 3, 255])), Rgb([1, 2, 3]));
    assert_eq!(on_white(Rgba([0, 0, 0, 51])), Rgb([204; 3]));
}
