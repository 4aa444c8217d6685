//! The prescription as those who receive it see it: through PDF readers and a QR scanner.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod samples;
mod tools;

use consilium_documents::{PrescriptionDocument, prescription_pdf};
use tools::{poppler, qr_codes, squeezed, text};

fn three_scripts() -> [PrescriptionDocument; 3] {
    [samples::latin(), samples::bangla(), samples::arabic()]
}

fn assert_says(text: &str, expected: &str) {
    assert!(text.contains(&squeezed(expected)), "{expected} is not in {text}");
}

#[test]
fn readers_find_names_medicines_and_advice_in_every_script() {
    for document in three_scripts() {
        let text = text(&prescription_pdf(&document).unwrap());
        assert_says(&text, &document.patient.name);
        assert_says(&text, &document.verification.code);
        assert_says(&text, &document.verification.url);
        assert_says(&text, &document.verification.signature);
        if document.language == "ar" {
            // pdftotext swaps the two letters of the lam-alef ligature and orders mixed lines by
            // its own guess, so only lines of one direction can be compared.
            assert_says(&text, "مستشفى النور التخصصي");
            assert_says(&text, "وصفة طبية");
            assert_says(&text, "بالفم");
            assert_says(&text, "120 mg/5 mL");
            continue;
        }
        assert_says(&text, &document.facility.name);
        assert_says(&text, &document.doctor.name);
        assert_says(&text, &document.doctor.licence_number);
        assert_says(&text, document.patient.allergies.as_deref().unwrap());
        for line in document.advice.as_deref().unwrap().lines() {
            assert_says(&text, line);
        }
        for medicine in &document.medicines {
            assert_says(&text, &medicine.name);
            assert_says(&text, &medicine.dose);
            assert_says(&text, medicine.quantity.as_deref().unwrap());
        }
    }
}

#[test]
fn dates_age_and_time_zone_are_printed() {
    let english = text(&prescription_pdf(&samples::latin()).unwrap());
    for expected in [
        "21 November 2026, 09:30",
        "Europe/Paris, UTC+01:00",
        "29 February 1992",
        "34 years",
        "28 November 2026",
        "21 December 2026",
        "7 days",
        "1 day",
        "Medicines prescribed: 4",
    ] {
        assert_says(&english, expected);
    }
    // Born on 22 November 1978: the birthday is tomorrow.
    assert_says(&text(&prescription_pdf(&samples::bangla()).unwrap()), "47 বছর");

    let mut infant = samples::latin();
    infant.patient.birth_date = Some(jiff::civil::date(2025, 9, 22));
    assert_says(&text(&prescription_pdf(&infant).unwrap()), "13 months");
    infant.patient.birth_date = Some(jiff::civil::date(2027, 1, 1));
    let unborn = text(&prescription_pdf(&infant).unwrap());
    assert!(!unborn.contains("Age"), "{unborn}");
}

#[test]
fn no_recorded_allergy_is_not_called_no_allergy() {
    let mut document = samples::latin();
    for nothing in [None, Some(String::new()), Some(" \n".to_owned())] {
        document.patient.allergies = nothing;
        assert_says(&text(&prescription_pdf(&document).unwrap()), "Allergies None recorded");
    }
}

#[test]
fn a_long_list_breaks_over_pages_and_loses_nothing() {
    let pdf = prescription_pdf(&samples::several_pages(60)).unwrap();
    let pages: Vec<String> =
        poppler("pdftotext", &["-enc", "UTF-8"], &pdf).split_terminator('\u{C}').map(squeezed).collect();
    assert!(pages.len() > 2, "{} pages", pages.len());
    let whole = pages.concat();
    for n in 1..=60 {
        assert_eq!(whole.matches(&format!("Medicine-{n:03}10mg")).count(), 1, "medicine {n}");
    }
    for (n, page) in pages.iter().enumerate() {
        assert_says(page, &format!("{} / {}", n + 1, pages.len()));
        assert_says(page, "Þórdís Ångström Ğüneş");
        if page.contains("Medicine-") {
            assert_says(page, "Frequency");
        }
    }
    assert_says(&whole, "Medicines prescribed: 60");
}

#[test]
fn long_instructions_flow_on_and_lose_nothing() {
    let mut document = samples::latin();
    let words: Vec<String> = (0..1000).map(|n| format!("word{n}")).collect();
    document.medicines[1].instructions = Some(words.join(" "));
    document.advice = Some(words.join("\n"));
    let text = text(&prescription_pdf(&document).unwrap());
    for n in 0..1000 {
        assert!(text.matches(&format!("word{n}")).count() >= 2, "word{n}");
    }
}

#[test]
fn every_font_is_embedded() {
    for (document, family) in three_scripts().iter().zip(["NotoSans-", "NotoSansBengali-", "NotoSansArabic-"]) {
        let said = poppler("pdffonts", &[], &prescription_pdf(document).unwrap());
        let fonts: Vec<&str> = said.lines().skip(2).collect();
        assert!(fonts.iter().any(|font| font.contains(family)), "{family} is not in {said}");
        for font in fonts {
            // The last columns: embedded, subset, has a map to Unicode, object number, generation.
            let flags: Vec<&str> = font.split_whitespace().rev().skip(2).take(3).collect();
            assert_eq!(flags, ["yes", "yes", "yes"], "{font}");
        }
    }
}

#[test]
fn the_qr_code_leads_to_the_verification_page() {
    for document in three_scripts() {
        let pdf = prescription_pdf(&document).unwrap();
        assert_eq!(qr_codes(&pdf, 1), [document.verification.url]);
    }
    let long = samples::several_pages(60);
    let pdf = prescription_pdf(&long).unwrap();
    assert_eq!(qr_codes(&pdf, 4), [long.verification.url]);
    assert_eq!(qr_codes(&pdf, 1), Vec::<String>::new());
}

#[test]
fn the_pdf_says_what_it_is() {
    let pdf = prescription_pdf(&samples::bangla()).unwrap();
    let facts = poppler("pdfinfo", &["-isodates"], &pdf);
    let fact = |name: &str| {
        let line = facts.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is not in {facts}")).trim().to_owned()
    };
    assert_eq!(fact("Title:"), "ব্যবস্থাপত্র CSL-7F3K-92QD");
    assert_eq!(fact("Author:"), "ডা. শ্রীমতী কৃষ্ণা চট্টোপাধ্যায়");
    assert_eq!(fact("Creator:"), "Consilium");
    assert_eq!(fact("Tagged:"), "yes");
    assert!(fact("CreationDate:").starts_with("2026-11-21T14:05:09+06"), "{facts}");
    assert!(fact("Page size:").contains("A4"));
    assert!(!facts.contains("রাবেয়া"), "the patient's name is not for the file's properties");
}

#[test]
fn a_screen_reader_finds_headings_and_tables() {
    let document = samples::latin();
    let structure = poppler("pdfinfo", &["-struct"], &prescription_pdf(&document).unwrap());
    for tag in ["H1", "Table", "THead", "TH ", "TD", "Figure"] {
        assert!(structure.contains(tag), "{tag} is not in {structure}");
    }
    let raw = prescription_pdf(&document).unwrap();
    let metadata = String::from_utf8_lossy(&raw);
    assert!(metadata.contains("pdfaid:part") && metadata.contains("pdfuaid:part"));
}

#[test]
fn text_is_never_run() {
    let attacks = [
        "#panic(1)",
        "#read(\"/etc/passwd\")",
        "#sys.inputs",
        "*bold* _it_",
        "$x^2$",
        "a\\b\\\\ \\u{41}",
        "= Heading",
        "`raw` // no",
        "<label> @ref",
        "]#panic()[",
        "\"); panic(\"",
        "{{7*7}} ~ --- ...",
        "https://x.example/",
    ];
    for attack in attacks {
        let mut document = samples::latin();
        document.facility.name = format!("f1 {attack}");
        document.facility.address = format!("f2 {attack}");
        document.doctor.name = format!("f3 {attack}");
        document.doctor.licence_number = format!("f4 {attack}");
        document.doctor.specialty = format!("f5 {attack}");
        document.patient.name = format!("f6 {attack}");
        document.patient.allergies = Some(format!("f7 {attack}"));
        document.diagnosis = format!("f8 {attack}");
        document.advice = Some(format!("f9 {attack}"));
        document.verification.code = format!("g1 {attack}");
        document.verification.signature = format!("g2 {attack}");
        document.medicines = vec![samples::medicine(
            &format!("g3 {attack}"),
            &format!("g4 {attack}"),
            &format!("g5 {attack}"),
            &format!("g6 {attack}"),
            1,
            Some(&format!("g7 {attack}")),
            Some(&format!("g8 {attack}")),
        )];
        document.language = attack.to_owned();
        // Cells stand beside each other, so the reading order of their lines is not pdftotext's;
        // the raw order is that of the content.
        let pdf = prescription_pdf(&document).unwrap();
        let text = squeezed(&poppler("pdftotext", &["-enc", "UTF-8", "-raw"], &pdf));
        for field in ["f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "g1", "g2", "g3", "g8"] {
            assert_says(&text, &format!("{field} {attack}"));
        }
        for column in ["g4", "g5", "g6", "g7"] {
            assert!(text.contains(column), "{column} {attack} is not in {text}");
        }
    }
}
