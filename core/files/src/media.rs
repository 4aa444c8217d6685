//! What a file is, by its content: names and declared types are what anybody says. Pure.

use infer::MatcherType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use strum::{Display, EnumString, IntoStaticStr};

use crate::refusal::FileRefusal;

/// Bytes from the beginning that are enough to tell. In an office document the entry that says what it is may come after
/// a small picture of its first page.
pub const PREFIX: u64 = 64 * 1024;

/// What sort of thing a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A picture.
    Image,
    /// PDF or an office document.
    Document,
    /// A medical image with its data.
    Dicom,
    /// Plain text.
    Text,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// A media type that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType(&'static str, Kind);

const TEXT: &str = "text/plain";

const ACCEPTED: &[(&str, Kind)] = &[
    ("image/jpeg", Kind::Image),
    ("image/png", Kind::Image),
    ("image/webp", Kind::Image),
    ("image/heif", Kind::Image),
    ("image/gif", Kind::Image),
    ("application/pdf", Kind::Document),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", Kind::Document),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Kind::Document),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", Kind::Document),
    ("application/vnd.oasis.opendocument.text", Kind::Document),
    ("application/vnd.oasis.opendocument.spreadsheet", Kind::Document),
    ("application/vnd.oasis.opendocument.presentation", Kind::Document),
    ("application/dicom", Kind::Dicom),
    (TEXT, Kind::Text),
    ("audio/mpeg", Kind::Audio),
    ("audio/m4a", Kind::Audio),
    ("audio/opus", Kind::Audio),
    ("audio/ogg", Kind::Audio),
    ("audio/x-flac", Kind::Audio),
    ("audio/x-wav", Kind::Audio),
    ("audio/aac", Kind::Audio),
    ("video/mp4", Kind::Video),
    ("video/x-m4v", Kind::Video),
    ("video/quicktime", Kind::Video),
    ("video/webm", Kind::Video),
    ("video/x-matroska", Kind::Video),
];

impl MediaType {
    /// As it stands in `Content-Type`.
    pub fn essence(self) -> &'static str {
        self.0
    }

    /// What sort of thing it is.
    pub fn kind(self) -> Kind {
        self.1
    }

    /// Whether a part of it says nothing about the rest, so that all of it must be looked at.
    pub(crate) fn is_text(self) -> bool {
        self.0 == TEXT
    }

    /// The accepted type of this name.
    pub fn named(name: &str) -> Option<Self> {
        ACCEPTED.iter().find(|(known, _)| *known == name).map(|(known, kind)| Self(known, *kind))
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::custom("is no media type that is accepted"))
    }
}

/// What begins like this, or why it is not accepted. `whole` when there is no more of it.
pub fn recognise(prefix: &[u8], whole: bool) -> Result<MediaType, FileRefusal> {
    if is_markup(prefix) || prefix.starts_with(b"#!") {
        return Err(FileRefusal::Active);
    }
    // Text first: signatures of two letters would take "BMI 24" for a bitmap. A program is never text.
    let mut text = TextCheck::default();
    if text.take(prefix) && (!whole || text.is_whole()) {
        return match prefix {
            [b'%', b'P', b'D', b'F', b'-', ..] => MediaType::named("application/pdf").ok_or(FileRefusal::Unsupported),
            [b'{', b'\\', b'r', b't', b'f', ..] | [b'%', b'!', ..] => Err(FileRefusal::Unsupported),
            _ => Ok(MediaType(TEXT, Kind::Text)),
        };
    }
    // A program can hide in the 128 bytes before the mark of a DICOM file, which no reader looks at.
    if is_program(prefix) {
        return Err(FileRefusal::Active);
    }
    if let Some(document) = office(prefix) {
        return Ok(document);
    }
    match infer::get(prefix) {
        Some(found) if found.mime_type() == "application/dicom" => MediaType::named(found.mime_type()),
        Some(found) if matches!(found.matcher_type(), MatcherType::App | MatcherType::Text) => {
            return Err(FileRefusal::Active);
        }
        found => found.and_then(|found| MediaType::named(found.mime_type())),
    }
    .ok_or(FileRefusal::Unsupported)
}

/// An archive of OOXML (ECMA-376, part 2): infer wants its entries in the order in which some programs write them.
fn office(prefix: &[u8]) -> Option<MediaType> {
    const ENTRY: &[u8] = b"PK\x03\x04";
    const NAME: usize = 30;
    let begins = prefix.windows(ENTRY.len()).enumerate().filter(|(_, window)| *window == ENTRY);
    let names: Vec<&[u8]> = begins.filter_map(|(place, _)| prefix.get(place + NAME..)).collect();
    let known: &[&[u8]] = &[b"[Content_Types].xml", b"_rels/", b"docProps/", b"word/", b"xl/", b"ppt/"];
    let first = names.first().filter(|_| prefix.starts_with(ENTRY))?;
    known.iter().find(|name| first.starts_with(name))?;
    let has = |folder: &[u8]| names.iter().any(|name| name.starts_with(folder));
    let kind = match () {
        () if has(b"word/") => "wordprocessingml.document",
        () if has(b"xl/") => "spreadsheetml.sheet",
        () if has(b"ppt/") => "presentationml.presentation",
        () => return None,
    };
    MediaType::named(&format!("application/vnd.openxmlformats-officedocument.{kind}"))
}

fn is_program(prefix: &[u8]) -> bool {
    const MARKS: &[&[u8]] = &[
        b"MZ",
        b"\x7fELF",
        b"\xca\xfe\xba\xbe",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\0asm",
        b"dex\n",
    ];
    MARKS.iter().any(|mark| prefix.starts_with(mark))
}

/// Anything whose first visible character opens a tag: HTML, SVG, XML. No text that somebody would send begins so.
fn is_markup(prefix: &[u8]) -> bool {
    let marks: &[&[u8]] = &[b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let rest = marks.iter().find_map(|mark| prefix.strip_prefix(*mark)).unwrap_or(prefix);
    // Zeros are passed over for the sake of UTF-16.
    rest.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != 0) == Some(&b'<')
}

/// Looks at text in parts: UTF-8 throughout, without the control characters that no text has.
#[derive(Default)]
pub struct TextCheck {
    /// The beginning of a character whose rest comes with the next part.
    rest: Vec<u8>,
}

impl TextCheck {
    /// Whether this part, too, is text.
    pub fn take(&mut self, part: &[u8]) -> bool {
        let bytes = [&self.rest, part].concat();
        let valid = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return false,
        };
        let (text, rest) = bytes.split_at(valid);
        self.rest = rest.to_vec();
        !text.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
    }

    /// Whether it did not end within a character.
    pub fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}
