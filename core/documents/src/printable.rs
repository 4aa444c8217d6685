//! Makes text that people typed safe to set: nothing is lost, nothing turns into an empty box,
//! nothing runs off the page, and nobody can reorder a dose with invisible characters.

use std::fmt::Write;

use typst::text::is_default_ignorable;
use unicode_bidi::{BidiClass, bidi_class};
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::FONTS;

/// How many clusters a word may have before it may break anywhere, by the room its field has.
/// Words within it stay whole, so that a search in the PDF finds them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Room {
    /// A narrow column of a table.
    Column = 14,
    /// About a third of the page's width, or a large font.
    Part = 24,
    /// The page's width.
    Page = 64,
}

/// Distance of the break opportunities within an overlong word, in clusters.
const BREAK_EVERY: usize = 7;
const ZERO_WIDTH_SPACE: &str = "\u{200B}";
const LEFT_TO_RIGHT_MARK: char = '\u{200E}';

/// Which way a paragraph reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    LeftToRight,
    RightToLeft,
}

/// The direction of the first letter that has one (rules P2 and P3 of the Unicode Bidirectional
/// Algorithm), left to right when there is none. Each field decides for itself: in a right-to-left
/// paragraph "500 mg" would come out as "mg 500".
pub(crate) fn direction(text: &str) -> Direction {
    text.chars()
        .find_map(|c| match bidi_class(c) {
            BidiClass::L => Some(Direction::LeftToRight),
            BidiClass::R | BidiClass::AL => Some(Direction::RightToLeft),
            _ => None,
        })
        .unwrap_or(Direction::LeftToRight)
}

/// The text on one line, with all white space runs made single spaces.
pub(crate) fn line(text: &str, room: Room) -> String {
    let words: Vec<String> = text.split_whitespace().map(|w| word(w, room)).collect();
    anchor_quantities(&words.join(" "))
}

/// The text as its non-empty lines.
pub(crate) fn lines(text: &str, room: Room) -> Vec<String> {
    text.split(['\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}'])
        .map(|text| line(text, room))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Puts a mark before each number that follows right-to-left letters and precedes left-to-right
/// ones. Without it the bidirectional algorithm gives the number to the former and shows
/// "mg/5 mL 120" where "120 mg/5 mL" was typed.
fn anchor_quantities(line: &str) -> String {
    let mut anchored = String::with_capacity(line.len());
    let mut after_right_to_left = false;
    for (at, c) in line.char_indices() {
        let class = bidi_class(c);
        let rest = line.get(at..).unwrap_or_default();
        if class == BidiClass::EN && after_right_to_left && leads_to_left_to_right(rest) {
            anchored.push(LEFT_TO_RIGHT_MARK);
            after_right_to_left = false;
        }
        match class {
            BidiClass::L => after_right_to_left = false,
            BidiClass::R | BidiClass::AL => after_right_to_left = true,
            _ => {}
        }
        anchored.push(c);
    }
    anchored
}

fn leads_to_left_to_right(rest: &str) -> bool {
    rest.chars()
        .find_map(|c| match bidi_class(c) {
            BidiClass::L => Some(true),
            BidiClass::R | BidiClass::AL | BidiClass::AN => Some(false),
            _ => None,
        })
        .unwrap_or(false)
}

/// The characters in `text` that a document can only show as their code point, such as
/// `[U+6F22]`: letters that no bundled font has, private-use and control characters, and the
/// invisible ones that override the direction of text. In order of appearance, without doubles.
/// For a form that wants to warn before something is signed.
pub fn unsupported_characters(text: &str) -> Vec<char> {
    let mut found = Vec::new();
    for cluster in text.split_whitespace().flat_map(|w| w.graphemes(true)) {
        if let Cluster::Spelled(characters) = classify(cluster) {
            for c in characters {
                if !found.contains(&c) {
                    found.push(c);
                }
            }
        }
    }
    found
}

enum Cluster<'a> {
    Shown(&'a str),
    /// Characters to be written as code points.
    Spelled(Vec<char>),
}

fn classify(cluster: &str) -> Cluster<'_> {
    if cluster.chars().any(must_not_be_set) || !FONTS.cover(cluster) {
        let visible = cluster.chars().filter(|&c| must_not_be_set(c) || !is_default_ignorable(c));
        return Cluster::Spelled(visible.collect());
    }
    Cluster::Shown(cluster)
}

fn must_not_be_set(c: char) -> bool {
    let overrides_direction = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let private_use = matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}');
    overrides_direction || private_use || c.is_control()
}

fn word(word: &str, room: Room) -> String {
    let mut shown = String::with_capacity(word.len());
    for cluster in word.graphemes(true) {
        match classify(cluster) {
            Cluster::Shown(cluster) => shown.push_str(cluster),
            Cluster::Spelled(characters) => {
                for c in characters {
                    // Writing into a String cannot fail.
                    let _ = write!(shown, "[U+{:04X}]", u32::from(c));
                }
            }
        }
    }
    breakable(shown, room)
}

fn breakable(word: String, room: Room) -> String {
    let clusters: Vec<&str> = word.graphemes(true).collect();
    if clusters.len() <= room as usize {
        return word;
    }
    let pieces: Vec<String> = clusters.chunks(BREAK_EVERY).map(<[_]>::concat).collect();
    pieces.join(ZERO_WIDTH_SPACE)
}
