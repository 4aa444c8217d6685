//! Looks inside the set pages, which the PDF no longer tells apart: which glyph stands for which
//! character, from which font, and where.

mod templates;

use proptest::prelude::*;
use typst::foundations::{Datetime, Dict};
use typst::layout::{Frame, FrameItem, Point};
use typst::text::is_default_ignorable;
use typst_layout::PagedDocument;

use crate::printable::{self, Direction};
use crate::typesetter::{self, Purpose};
use crate::{
    Doctor, Facility, PRESCRIPTION_TEMPLATE, Patient, PrescriptionDocument, prescription, samples,
    unsupported_characters,
};

#[derive(Debug, Clone)]
struct Placed {
    /// Glyph index in its font; 0 is the empty box.
    id: u16,
    font: String,
    /// First character that it stands for.
    character: char,
    /// Points from the left edge of the page.
    left: f64,
    right: f64,
    top: f64,
}

fn glyphs(pages: &PagedDocument) -> Vec<Placed> {
    let mut found = Vec::new();
    for page in pages.pages() {
        collect(&page.frame, Point::zero(), &mut found);
    }
    found
}

fn collect(frame: &Frame, origin: Point, found: &mut Vec<Placed>) {
    for (at, item) in frame.items() {
        let at = origin + *at;
        match item {
            FrameItem::Group(group) => {
                let moved = Point::new(group.transform.tx, group.transform.ty);
                collect(&group.frame, at + moved, found);
            }
            FrameItem::Text(text) => {
                let mut left = at.x.to_pt();
                for glyph in &text.glyphs {
                    let width = glyph.x_advance.at(text.size).to_pt();
                    found.push(Placed {
                        id: glyph.id,
                        font: text.font.info().family.clone(),
                        character: text.text[glyph.range()].chars().find(|c| !is_default_ignorable(*c)).unwrap_or('\0'),
                        left,
                        right: left + width,
                        top: at.y.to_pt(),
                    });
                    left += width;
                }
            }
            _ => {}
        }
    }
}

fn set(document: &PrescriptionDocument) -> Vec<Placed> {
    glyphs(&prescription::prescription_pages(PRESCRIPTION_TEMPLATE, document, Purpose::Check).unwrap())
}

fn empty_boxes(glyphs: &[Placed]) -> String {
    let boxes = glyphs.iter().filter(|glyph| glyph.id == 0);
    boxes.map(|glyph| glyph.character).collect()
}

/// A4 is 595.28 pt wide, the margins 16 mm.
fn assert_within_page(glyphs: &[Placed]) {
    for glyph in glyphs {
        assert!(glyph.left > 40.0 && glyph.right < 556.0, "runs off the page: {glyph:?}");
    }
}

/// The same text in every free field.
fn everywhere(text: &str) -> PrescriptionDocument {
    let text = text.to_owned();
    let mut document = PrescriptionDocument {
        facility: Facility { name: text.clone(), address: text.clone() },
        doctor: Doctor { name: text.clone(), licence_number: text.clone(), specialty: text.clone() },
        patient: Patient { name: text.clone(), allergies: Some(text.clone()), birth_date: None },
        diagnosis: text.clone(),
        advice: Some(text.clone()),
        language: text.clone(),
        ..samples::latin()
    };
    document.verification.code = text.clone();
    document.verification.signature = text.clone();
    document.verification.url = format!("https://example.org/{text}");
    document.medicines.truncate(1);
    for medicine in &mut document.medicines {
        medicine.name = text.clone();
        medicine.dose = text.clone();
        medicine.route = text.clone();
        medicine.frequency = text.clone();
        medicine.quantity = Some(text.clone());
        medicine.instructions = Some(text.clone());
    }
    document
}

#[test]
fn samples_use_no_empty_box_and_the_font_of_their_script() {
    for (document, script, family) in [
        (samples::latin(), 'ů', "Noto Sans"),
        (samples::bangla(), 'খ', "Noto Sans Bengali"),
        (samples::arabic(), 'م', "Noto Sans Arabic"),
    ] {
        let glyphs = set(&document);
        assert_eq!(empty_boxes(&glyphs), "", "in {family}");
        let found = glyphs.iter().find(|glyph| glyph.character == script).unwrap();
        assert_eq!(found.font, family);
        assert_within_page(&glyphs);
    }
}

#[test]
fn an_empty_box_would_be_noticed() {
    let today = Datetime::from_ymd(2026, 11, 21).unwrap();
    let raw = typesetter::pages("#set text(font: \"Noto Sans\")\n漢", Dict::new(), today, Purpose::Issue).unwrap();
    assert_eq!(empty_boxes(&glyphs(&raw)), "漢");
}

#[test]
fn bangla_conjuncts_and_arabic_letters_are_shaped() {
    // Three code points form one conjunct; unshaped they would be three glyphs.
    let today = Datetime::from_ymd(2026, 11, 21).unwrap();
    let bangla = "#set text(font: \"Noto Sans Bengali\")\nক্ষ";
    let conjunct = glyphs(&typesetter::pages(bangla, Dict::new(), today, Purpose::Issue).unwrap());
    assert_eq!(conjunct.len(), 1, "{conjunct:?}");
    // The same letter at the start, in the middle and at the end of a word takes three shapes.
    let arabic = "#set text(font: \"Noto Sans Arabic\", dir: rtl)\nههه";
    let mut shapes: Vec<u16> = glyphs(&typesetter::pages(arabic, Dict::new(), today, Purpose::Issue).unwrap())
        .iter()
        .map(|glyph| glyph.id)
        .collect();
    shapes.dedup();
    assert_eq!(shapes.len(), 3);
}

#[test]
fn what_no_font_has_is_spelled_out() {
    let document = everywhere("Li 漢 🙂 \u{E000}");
    assert_eq!(empty_boxes(&set(&document)), "");
    assert_eq!(unsupported_characters("Li 漢字 漢 🙂"), ['漢', '字', '🙂']);
    assert_eq!(printable::line("Li 漢"), "Li [U+6F22]");
    // A Bangla vowel sign does not attach to a Latin letter.
    assert_eq!(printable::line("xা"), "x[U+09BE]");
    assert_eq!(printable::line("\u{FEFF}pasted"), "pasted");
    assert!(unsupported_characters("শ্রীমতী \u{200D}\u{200C} الخوارزمي Ğüneş ≤ ½ µg ℞ 39 °C").is_empty());
}

#[test]
fn invisible_characters_cannot_reorder_a_dose() {
    let spoofed = "1 \u{202E}gm 005\u{202C} x";
    assert_eq!(unsupported_characters(spoofed), ['\u{202E}', '\u{202C}']);
    assert_eq!(printable::line(spoofed), "1 [U+202E]gm 005[U+202C] x");
    assert_eq!(printable::line("a\u{0}b\u{7}"), "a[U+0000]b[U+0007]");
}

#[test]
fn each_field_reads_in_its_own_direction() {
    for (text, expected) in [
        ("500 mg", Direction::LeftToRight),
        ("كل 8 ساعات", Direction::RightToLeft),
        ("খাবারের পরে", Direction::LeftToRight),
        ("12", Direction::LeftToRight),
        ("", Direction::LeftToRight),
    ] {
        assert_eq!(printable::direction(text), expected, "{text}");
    }
}

/// In the line of the medicine's name, from left to right.
fn reading_order(name: &str) -> String {
    let mut document = samples::arabic();
    document.medicines = vec![samples::medicine(name, "X", "", "", 1, None, None)];
    let glyphs = set(&document);
    let dose = glyphs.iter().find(|glyph| glyph.character == 'X').unwrap();
    let mut line: Vec<&Placed> =
        glyphs.iter().filter(|glyph| (glyph.top - dose.top).abs() < 0.1 && glyph.left > dose.right).collect();
    line.sort_by(|a, b| a.left.total_cmp(&b.left));
    line.iter().map(|glyph| glyph.character).filter(char::is_ascii).collect()
}

#[test]
fn a_number_keeps_its_unit_among_arabic_letters() {
    for name in ["باراسيتامول 120 mg/5 mL", "شراب 39.5 °C"] {
        let quantity: String = name.chars().filter(char::is_ascii).collect();
        let shown = reading_order(name);
        assert!(shown.contains(quantity.trim()), "{shown:?} for {name}");
    }
}

#[test]
fn lines_are_kept_and_white_space_is_not() {
    assert_eq!(printable::lines("a\r\n\n  b \t c\u{2028}d"), ["a", "b c", "d"]);
    assert_eq!(printable::line("a\nb"), "a b");
}

#[test]
fn overlong_words_break_inside_their_column() {
    let document = everywhere(&"W".repeat(300));
    assert_within_page(&set(&document));
    let mut columns = samples::latin();
    columns.medicines = vec![samples::medicine("N", &"W".repeat(40), &"Ж".repeat(40), "f", 1, None, None)];
    let glyphs = set(&columns);
    let in_table = |c: char| glyphs.iter().filter(move |glyph| glyph.character == c && glyph.top > 250.0);
    let dose_ends = in_table('W').map(|glyph| glyph.right).fold(0.0, f64::max);
    let route_starts =
        in_table('Ж').filter(|glyph| glyph.left > 200.0).map(|glyph| glyph.left).fold(f64::MAX, f64::min);
    assert!(dose_ends < route_starts, "dose ends at {dose_ends}, route starts at {route_starts}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_set_without_empty_boxes(
        text in prop_oneof![
            "\\PC{0,40}",
            proptest::collection::vec(any::<char>(), 0..40).prop_map(|c| c.into_iter().collect::<String>()),
            "[ক-হা-্ ]{0,30}",
            "[ء-ي٠-٩0-9a-z .،]{0,30}",
            "[#$*_`\\\\@<>=\\[\\](){}\"'/-]{0,30}",
        ]
    ) {
        let document = everywhere(&text);
        let glyphs = set(&document);
        prop_assert_eq!(empty_boxes(&glyphs), "");
        assert_within_page(&glyphs);
        let pdf = prescription::typeset(PRESCRIPTION_TEMPLATE, &document, Purpose::Check);
        prop_assert!(pdf.is_ok(), "{:?}", pdf.err());
    }
}
