//! Input at its limits, templates of one's own, and sameness of output.

use super::everywhere;
use crate::{
    DocumentError, PRESCRIPTION_TEMPLATE, check_prescription_template, prescription_pdf, prescription_pdf_with, samples,
};

#[test]
fn empty_text_gives_a_document() {
    let mut document = everywhere("");
    document.medicines.clear();
    document.follow_up_on = None;
    document.valid_until = None;
    assert!(prescription_pdf(&document).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn too_much_text_is_refused_before_it_costs_anything() {
    let mut document = samples::latin();
    document.advice = Some("x".repeat(30_000));
    let refused = prescription_pdf(&document).unwrap_err();
    assert!(matches!(refused, DocumentError::TooLong { limit: 20_000, actual } if actual > 30_000));
    let many = samples::several_pages(1_000);
    assert!(matches!(prescription_pdf(&many), Err(DocumentError::TooLong { .. })));
}

#[test]
fn a_url_must_fit_into_a_qr_code() {
    for url in [String::new(), "x".repeat(3_000)] {
        let mut document = samples::latin();
        document.verification.url = url;
        assert_eq!(prescription_pdf(&document), Err(DocumentError::VerificationUrl));
    }
}

#[test]
fn equal_input_gives_equal_bytes_on_every_thread() {
    let first = prescription_pdf(&samples::bangla()).unwrap();
    let threads: Vec<_> =
        (0..4).map(|_| std::thread::spawn(|| prescription_pdf(&samples::bangla()).unwrap())).collect();
    for thread in threads {
        assert!(thread.join().unwrap() == first);
    }
    let mut other = samples::bangla();
    other.medicines[0].dose.push('!');
    assert!(prescription_pdf(&other).unwrap() != first);
}

#[test]
fn the_built_in_template_passes_its_own_check() {
    assert_eq!(check_prescription_template(PRESCRIPTION_TEMPLATE), Ok(()));
}

#[test]
fn a_faulty_template_is_refused_with_its_place() {
    let missing = check_prescription_template("First line\n#sys.inputs.no-such-field");
    let Err(DocumentError::Template { line, column, message }) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!((line, column), (2, 13), "{message}");
    assert!(message.contains("no-such-field"), "{message}");
    for template in [
        "#(",
        "#read(\"/etc/passwd\")",
        "#read(\"template.typ\")",
        "#include \"other.typ\"",
        "#import \"@preview/example:0.1.0\"",
        "#while true {}",
        "#let f() = f(); #f()",
        "#sys.inputs.patient.allergies.first()",
    ] {
        let refused = check_prescription_template(&format!("#set document(title: \"x\")\n{template}"));
        assert!(matches!(refused, Err(DocumentError::Template { .. })), "{template}: {refused:?}");
    }
}

#[test]
fn what_a_check_refuses_still_gives_a_patient_a_document() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    let title = "#set document(title: \"x\")\n";
    let untitled = "Hello".to_owned();
    let mute = format!("{title}#image(bytes(\"{svg}\"))");
    let fontless = format!("{title}#set text(font: \"Comic Sans MS\")\nHello");
    for template in [&untitled, &mute, &fontless] {
        let refused = check_prescription_template(template);
        assert!(refused.is_err(), "{template}");
        let pdf = prescription_pdf_with(template, &samples::latin());
        assert!(pdf.is_ok(), "{template}: {pdf:?}");
    }
    let Err(DocumentError::Template { line: 2, message, .. }) = check_prescription_template(&fontless) else {
        panic!("no word of the font");
    };
    assert!(message.contains("comic sans ms"), "{message}");
    let described = format!("{title}#image(bytes(\"{svg}\"), alt: \"logo\")");
    assert_eq!(check_prescription_template(&described), Ok(()));
}

#[test]
fn today_is_the_day_of_issue() {
    let template = "#set document(title: \"x\")\n\
        #assert.eq(datetime.today(), datetime(year: 2026, month: 11, day: 21, hour: 9, minute: 30, second: 0))";
    let pdf = prescription_pdf_with(template, &samples::latin());
    assert!(pdf.is_ok(), "{pdf:?}");
}
