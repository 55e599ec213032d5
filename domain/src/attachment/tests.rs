use super::{audio::Coding, *};
use crate::id::Id;

fn account(byte: u8) -> AccountId {
    AccountId::from_parts(chrono::DateTime::UNIX_EPOCH, &[byte; 10])
}

fn file(byte: u8) -> AttachmentId {
    AttachmentId::from_parts(chrono::DateTime::UNIX_EPOCH, &[byte; 10])
}

#[test]
fn every_step_from_every_state() {
    use Check::{Hidden, Passed, Pending};
    let expected = |step, check| match (step, check) {
        (Step::Pass, Pending) | (Step::Unhide, Pending | Hidden) => Some(Passed),
        (Step::Flag | Step::Hide, Pending) | (Step::Hide, Passed) => Some(Hidden),
        _ => None,
    };
    for step in Step::ALL {
        for check in Check::ALL {
            let result = check.step(*step);
            assert_eq!(result.ok(), expected(*step, *check), "{step} from {check}");
            if let Err(refused) = result {
                assert_eq!(refused.code(), "attachment_step_refused");
                assert!(refused.to_string().contains(check.label()), "{refused}");
            }
        }
    }
}

#[test]
fn what_is_hidden_is_shown_to_its_judges_alone() {
    for check in Check::ALL {
        assert!(check.shows(true), "{check}");
        assert_eq!(check.shows(false), *check != Check::Hidden, "{check}");
    }
}

#[test]
fn a_format_is_known_by_its_first_bytes() {
    let webp = b"RIFF\x10\0\0\0WEBPVP8 ";
    let wav = b"RIFF\x10\0\0\0WAVEfmt ";
    for (head, format) in [
        (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], Some(Format::Jpeg)),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(Format::Png)),
        (webp, Some(Format::Webp)),
        (wav, Some(Format::Audio(Coding::Wav))),
        (b"#!AMR\n\x3c", Some(Format::Audio(Coding::Amr))),
        (b"#!AMR-WB\n\x04", Some(Format::Audio(Coding::AmrWide))),
        (b"\xff\xf1\x50\x80", Some(Format::Audio(Coding::Aac))),
        (b"\xff\xfb\x90\x64", Some(Format::Audio(Coding::Mp3))),
        (b"ID3\x04\0\0", Some(Format::Audio(Coding::Mp3))),
        (b"GIF89a", None),
        (b"<svg xmlns=", None),
        (b"<!DOCTYPE html>", None),
        (b"%PDF-1.7", None),
        (b"PK\x03\x04", None),
        (b"BM\x36\0\0\0", None),
        (b"\0\0\0\x18ftypheic", None),
        (b"RIFF\x10\0\0\0AVI LIST", None),
        (b"\xff\xd8", None),
        (b"", None),
    ] {
        assert_eq!(Format::sniff(head), format, "{head:?}");
    }
}

#[test]
fn the_quota_counts_files_and_bytes() {
    let quota = Quota { files: 2, bytes: 100 };
    let used = |files, bytes| Quota { files, bytes };
    assert_eq!(quota.admit(used(0, 0), 100), Ok(()));
    assert_eq!(quota.admit(used(1, 60), 40), Ok(()));
    for (files, bytes, more) in [(1, 60, 41), (2, 0, 1), (0, 0, 101), (1, 1, i64::MAX)] {
        let refused = quota.admit(used(files, bytes), more).unwrap_err();
        assert_eq!(refused.code(), "attachment_quota_reached");
    }
}

#[test]
fn a_body_names_each_file_once() {
    let ids: Vec<AttachmentId> = (0..10).map(file).collect();
    assert!(Chosen::parse(&[]).unwrap().is_empty());
    assert_eq!(Chosen::parse(&ids[..9]).unwrap().ids(), &ids[..9]);
    for bad in [&ids[..], &[ids[0], ids[1], ids[0]]] {
        assert_eq!(Chosen::parse(bad).unwrap_err().0[0].field, "attachment_ids");
    }
}

#[test]
fn one_attaches_ones_own_files_once_and_anothers_looks_missing() {
    let (own, other) = (account(1), account(2));
    let reasons = |candidate: Option<Candidate>, by| {
        let said = Candidate::attach(candidate.as_ref(), by, Place::Reply);
        said.err().map(|invalid| invalid.0[0].reason.clone())
    };
    for attached in [false, true] {
        for here in [false, attached] {
            for by in [Some(own), Some(other), None] {
                let file = Candidate { owner: own, attached, here, kind: Kind::Image };
                let said = reasons(Some(file), by);
                if here || by == Some(own) && !attached {
                    assert_eq!(said, None, "{attached} {here} {by:?}");
                } else if by == Some(own) {
                    assert!(said.unwrap().contains("别处"));
                } else {
                    assert_eq!(said, reasons(None, by), "another's file is told from none");
                }
            }
        }
    }
}

#[test]
fn what_is_shown_to_everybody_is_a_picture() {
    for place in Place::ALL {
        let file = |kind| Candidate { owner: account(1), attached: false, here: false, kind };
        let said = |kind| Candidate::attach(Some(&file(kind)), Some(account(1)), *place);
        assert_eq!(said(Kind::Image), Ok(()));
        let spoken =
            matches!(place, Place::Complaint | Place::ReportIn | Place::Reply | Place::Feedback);
        assert_eq!(said(Kind::Audio).is_ok(), spoken, "{place:?}");
        let foreign = Candidate::attach(Some(&file(Kind::Audio)), Some(account(2)), *place);
        assert_eq!(foreign, Candidate::attach(None, Some(account(2)), *place));
    }
}

/// Layer III, MPEG 1, 128 kbit/s, 44,100 Hz: 417 bytes, 26 ms.
fn mp3(frames: usize) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xFB, 0x90, 0x64];
    frame.resize(417, 0x55);
    frame.repeat(frames)
}

/// 44,100 Hz, 64 bytes a frame, 23 ms.
fn aac(frames: usize) -> Vec<u8> {
    let mut frame = vec![0xFF, 0xF1, 0x50, 0x80, 64 >> 3, 0x1F, 0xFC];
    frame.resize(64, 0x11);
    frame.repeat(frames)
}

/// 12.2 kbit/s: 32 bytes a frame.
fn amr(frames: usize) -> Vec<u8> {
    let mut frame = vec![0x3C];
    frame.resize(32, 0x22);
    [b"#!AMR\n".to_vec(), frame.repeat(frames)].concat()
}

/// 16 bits, one channel, 8,000 Hz, after a chunk that names a place.
fn wav(samples: usize) -> Vec<u8> {
    let tag = b"LIST\x08\0\0\0ICMT40.1";
    let length = u32::try_from(samples * 2).unwrap();
    let mut chunks =
        [&tag[..], b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0", b"data"]
            .concat();
    chunks.extend(length.to_le_bytes());
    chunks.extend(std::iter::repeat_n(7, samples * 2));
    let riff = u32::try_from(chunks.len() + 4).unwrap();
    [b"RIFF".to_vec(), riff.to_le_bytes().to_vec(), b"WAVE".to_vec(), chunks].concat()
}

#[test]
fn a_recording_is_measured_by_its_frames() {
    let length = |coding: Coding, bytes: &[u8]| coding.read(bytes, 5).unwrap().milliseconds;
    assert_eq!(length(Coding::Mp3, &mp3(100)), 2612);
    assert_eq!(length(Coding::Aac, &aac(100)), 2321);
    assert_eq!(length(Coding::Amr, &amr(100)), 2000);
    assert_eq!(length(Coding::Wav, &wav(16_000)), 2000);
    let wide = [b"#!AMR-WB\n".to_vec(), [vec![0x04], vec![1; 17]].concat().repeat(50)].concat();
    assert_eq!(length(Coding::AmrWide, &wide), 1000);
    let long = Coding::Amr.read(&amr(50 * 60 + 1), 1).unwrap_err();
    assert_eq!(long, Refused::TooLong { minutes: 1 });
    assert!(Coding::Amr.read(&amr(50 * 60), 1).is_ok());
}

#[test]
fn tags_are_left_out() {
    let place = b"GPS 40.0911 113.3402";
    let size = u8::try_from(place.len()).unwrap();
    let id3 = [b"ID3\x04\0\0\0\0\0", &[size][..], place].concat();
    let mut id3v1 = b"TAG".to_vec();
    id3v1.resize(128, b'x');
    let tagged = [id3.clone(), mp3(3), id3v1].concat();
    assert_eq!(Coding::Mp3.read(&tagged, 5).unwrap().bytes, mp3(3));
    let kept = Coding::Wav.read(&wav(100), 5).unwrap().bytes;
    assert_eq!(kept.len(), 44 + 200);
    assert!(!kept.windows(4).any(|part| part == b"40.1"), "the comment went along");
    assert_eq!(Coding::Wav.read(&kept, 5).unwrap().bytes, kept, "what is kept is read again");
}

#[test]
fn what_is_cut_off_or_hides_something_is_refused() {
    for (coding, good) in [
        (Coding::Mp3, mp3(5)),
        (Coding::Aac, aac(5)),
        (Coding::Amr, amr(5)),
        (Coding::Wav, wav(100)),
    ] {
        assert!(coding.read(&good, 5).is_ok());
        let cut = &good[..good.len() - 1];
        assert_eq!(coding.read(cut, 5), Err(Refused::Unreadable), "{coding:?} cut off");
        let page = [good.as_slice(), b"<script>alert(1)</script>"].concat();
        match coding.read(&page, 5) {
            // What stands behind a RIFF file is not part of it.
            Ok(kept) => assert!(coding == Coding::Wav && !kept.bytes.ends_with(b"</script>")),
            Err(refused) => assert_eq!(refused, Refused::Unreadable, "{coding:?} and a page"),
        }
        for empty in [&b""[..], &good[..4], &good[..9]] {
            assert_eq!(coding.read(empty, 5), Err(Refused::Unreadable), "{coding:?} {empty:?}");
        }
    }
    assert_eq!(Coding::Mp3.read(&mp3(1), 5), Err(Refused::Unreadable), "one header proves nothing");
    let endless = b"ID3\x04\0\0\x7f\x7f\x7f\x7f";
    assert_eq!(Coding::Mp3.read(endless, 5), Err(Refused::Unreadable));
    // Channels and bits whose product no number holds.
    let mut wide = wav(100);
    let format = wide.windows(4).position(|part| part == b"fmt ").unwrap();
    wide[format + 10..format + 12].fill(0xFF);
    wide[format + 22..format + 24].fill(0xFF);
    assert_eq!(Coding::Wav.read(&wide, 5), Err(Refused::Unreadable));
}

#[test]
fn every_refusal_says_what_to_do() {
    for refused in [
        Refused::TooLarge(Excess::Bytes),
        Refused::TooLarge(Excess::Side),
        Refused::TooLarge(Excess::Pixels),
        Refused::Type,
        Refused::Unreadable,
        Refused::TooLong { minutes: 5 },
        Refused::BrokenOff,
        Refused::Quota { files: 200, megabytes: 500 },
    ] {
        assert!(refused.code().starts_with("attachment_"));
        assert!(refused.to_string().contains('请') || refused == Refused::Type, "{refused}");
    }
}
