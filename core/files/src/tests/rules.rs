//! What files are by their content, and who may upload how much.

use consilium_kernel::RefusalKind;
use proptest::prelude::*;

use crate::{
    FileRefusal, FileSettings, Kind, MediaType, NewUpload, Purpose,
    decide::{self, Usage},
    media::{TextCheck, recognise},
};

fn kind(content: &[u8]) -> Result<Kind, FileRefusal> {
    recognise(content, true).map(MediaType::kind)
}

/// An archive whose entries have these names, as office programs write them.
fn archive(names: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend(b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0");
        bytes.extend([0; 4]);
        bytes.extend(64_u32.to_le_bytes());
        bytes.extend(64_u32.to_le_bytes());
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name.as_bytes());
        bytes.extend([7; 64]);
    }
    bytes
}

#[test]
fn what_is_accepted_is_known_by_its_content() {
    let dicom = [&[0; 128][..], b"DICM\x02\0\0\0UL"].concat();
    let word = archive(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]);
    let sheet = archive(&["_rels/.rels", "docProps/core.xml", "docProps/app.xml", "xl/workbook.xml"]);
    let open = [&archive(&["mimetype"])[..38], b"application/vnd.oasis.opendocument.text"].concat();
    let accepted: &[(&[u8], Kind)] = &[
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", Kind::Image),
        (super::stage::PNG, Kind::Image),
        (b"GIF89a\x01\0\x01\0\x80\0\0", Kind::Image),
        (b"RIFF\x24\0\0\0WEBPVP8 \0\0", Kind::Image),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind::Image),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Kind::Document),
        (b"%PDF-1.4\n1 0 obj\n", Kind::Document),
        (&word, Kind::Document),
        (&sheet, Kind::Document),
        (&open, Kind::Document),
        (&dicom, Kind::Dicom),
        ("Blood pressure: 120/80 – fine.\n".as_bytes(), Kind::Text),
        (b"BMI 24.3, and MZ twins\r\n\tID3 is a gene", Kind::Text),
        (b"ID3\x03\0\0\0\0\0\x0fTSSE\0\0\0", Kind::Audio),
        (b"OggS\0\x02\0\0\0\0\0\0\0\0", Kind::Audio),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0", Kind::Audio),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", Kind::Video),
        (
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm",
            Kind::Video,
        ),
    ];
    for (content, expected) in accepted {
        assert_eq!(kind(content), Ok(*expected), "{}", String::from_utf8_lossy(content));
    }
}

#[test]
fn what_can_be_run_is_refused_whatever_it_pretends() {
    let mut hidden = [&b"MZ\x90\0"[..], &[0; 124], b"DICM\x02\0\0\0UL"].concat();
    let run: &[&[u8]] = &[
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"  \r\n<!DOCTYPE html><html></html>",
        b"\xef\xbb\xbf<html>",
        b"\xff\xfe<\0h\0t\0m\0l\0>\0",
        b"<img src=x onerror=alert(1)>",
        b"#!/bin/sh\nrm -rf /\n",
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff",
        b"\x7fELF\x02\x01\x01\0",
        b"\xca\xfe\xba\xbe\0\0\0\x34",
        b"\0asm\x01\0\0\0",
        &hidden,
    ];
    for content in run {
        assert_eq!(kind(content), Err(FileRefusal::Active), "{}", String::from_utf8_lossy(content));
    }
    hidden.splice(0..4, *b"\x7fELF");
    assert_eq!(kind(&hidden), Err(FileRefusal::Active));
}

#[test]
fn everything_else_is_refused() {
    let (zip, hidden) = (archive(&["holiday.jpg"]), archive(&["run.exe", "word/document.xml"]));
    let other: &[&[u8]] = &[
        &zip,
        &hidden,
        b"{\\rtf1\\ansi hello}",
        b"%!PS-Adobe-3.0\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0",
        b"Rar!\x1a\x07\x01\0",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"caf\xe9 au lait",
        b"nearly text\0",
        b"cut off \xe2\x80",
    ];
    for content in other {
        assert_eq!(kind(content), Err(FileRefusal::Unsupported), "{}", String::from_utf8_lossy(content));
    }
    assert!(recognise(b"cut off \xe2\x80", false).is_ok(), "the rest of the character comes later");
    assert_eq!(MediaType::named("text/html"), None);
}

proptest! {
    #[test]
    fn text_is_text_however_it_is_cut(text in "[ -~äπ€😀\\n]{1,200}", cuts in proptest::collection::vec(0usize..800, 0..6)) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort();
        let mut check = TextCheck::default();
        for pair in cuts.windows(2) {
            prop_assert!(check.take(&bytes[pair[0]..pair[1]]));
        }
        prop_assert!(check.is_whole());
    }
}

fn wish(length: u64, name: &str) -> NewUpload {
    NewUpload { length, name: name.to_owned(), declared: String::new(), purpose: Purpose::Record }
}

#[test]
fn limits_hold() {
    let settings = FileSettings { max_file: 100, max_account_day: 250, ..FileSettings::in_folder("x".into()) };
    let used = |day| Usage { day, unfinished: 0 };
    let refused = |new: &NewUpload, used| decide::create(new, used, &settings).unwrap_err();
    assert_eq!(decide::create(&wish(100, "a"), used(150), &settings), Ok(()));
    assert_eq!(refused(&wish(0, "a"), used(0)).kind, RefusalKind::Invalid);
    assert_eq!(refused(&wish(101, "a"), used(0)), FileRefusal::TooLarge.refusal());
    assert_eq!(refused(&wish(100, "a"), used(151)).code, "file_quota");
    assert_eq!(refused(&wish(100, "a"), Usage { day: 0, unfinished: 50 }), FileRefusal::TooMany.refusal());
}

#[test]
fn a_name_is_one_that_can_be_shown() {
    let settings = FileSettings::in_folder("x".into());
    let check = |name: &str| decide::create(&wish(1, name), Usage::default(), &settings);
    for good in ["Befund.pdf", "রিপোর্ট ১.pdf", "تقرير.pdf", &"x".repeat(255)] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in ["", "../../etc/passwd", "a\\b", "a\nb", "a\0", "report\u{202e}fdp.exe", &"x".repeat(256)] {
        assert_eq!(check(bad).unwrap_err().errors[0].pointer, "/filename", "{bad}");
    }
}
