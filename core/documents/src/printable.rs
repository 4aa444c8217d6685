//! Makes text that people typed safe to set: nothing is lost, nothing turns into an empty box,
//! and nobody can reorder a dose with invisible characters.

use std::fmt::Write;

use typst::text::is_default_ignorable;
use unicode_bidi::{BidiClass, bidi_class};
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::FONTS;

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
pub(crate) fn line(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(word).collect();
    anchor_quantities(&words.join(" "))
}

/// The text as its non-empty lines.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.split(['\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}'])
        .map(line)
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
        for piece in pieces(cluster) {
            if let Piece::Spelled(c) = piece
                && !found.contains(&c)
            {
                found.push(c);
            }
        }
    }
    found
}

enum Piece<'a> {
    Shown(&'a str),
    /// To be written as its code point.
    Spelled(char),
}

/// What becomes of one grapheme cluster: shown as a whole, or else its base if that can be shown,
/// and its other characters spelled out.
fn pieces(cluster: &str) -> Vec<Piece<'_>> {
    let showable = |part: &str| !part.chars().any(must_not_be_set) && FONTS.cover(part);
    if showable(cluster) {
        return vec![Piece::Shown(cluster)];
    }
    let base_ends = cluster.chars().next().map_or(0, char::len_utf8);
    let (base, marks) = cluster.split_at(base_ends);
    let (shown, spelled) = if showable(base) { (base, marks) } else { ("", cluster) };
    let spelled = spelled.chars().filter(|&c| must_not_be_set(c) || !is_default_ignorable(c));
    std::iter::once(Piece::Shown(shown)).chain(spelled.map(Piece::Spelled)).collect()
}

fn must_not_be_set(c: char) -> bool {
    let overrides_direction = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let private_use = matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}');
    overrides_direction || private_use || c.is_control()
}

fn word(word: &str) -> String {
    // Byte order marks and word joiners come along when text is pasted. They show nothing; the one
    // is banned from PDF/A, the other keeps lines from breaking.
    let word = word.replace(['\u{FEFF}', '\u{2060}'], "");
    let mut shown = String::with_capacity(word.len());
    for piece in word.graphemes(true).flat_map(pieces) {
        match piece {
            Piece::Shown(part) => shown.push_str(part),
            Piece::Spelled(c) => {
                // Writing into a String cannot fail.
                let _ = write!(shown, "[U+{:04X}]", u32::from(c));
            }
        }
    }
    shown
}
