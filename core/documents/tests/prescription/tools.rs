//! Other people's eyes on a PDF: poppler's programs and a QR reader. A missing program fails the
//! test; it is never skipped.

use std::path::Path;
use std::process::Command;

/// What a poppler program says about a PDF.
pub fn poppler(program: &str, options: &[&str], pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    std::fs::write(&file, pdf).unwrap();
    run(program, options, &[&file])
}

fn run(program: &str, options: &[&str], files: &[&Path]) -> String {
    let mut command = Command::new(program);
    command.args(options).args(files);
    if program == "pdftotext" {
        command.arg("-");
    }
    let output = command
        .output()
        .unwrap_or_else(|fault| panic!("cannot run {program} ({fault}); install the package poppler-utils"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    said
}

/// The text of a PDF without white space and without the marks by which pdftotext shows direction:
/// it guesses spaces from distances, wrongly after Bangla vowel signs.
pub fn text(pdf: &[u8]) -> String {
    squeezed(&poppler("pdftotext", &["-enc", "UTF-8"], pdf))
}

/// `text` without white space and invisible marks.
pub fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\u{200B}' | '\u{200E}' | '\u{202A}'..='\u{202E}'))
        .collect()
}

/// The contents of all QR codes on one page, read from a picture of it at print resolution.
pub fn qr_codes(pdf: &[u8], page: usize) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    let picture = folder.path().join("page");
    std::fs::write(&file, pdf).unwrap();
    let page = page.to_string();
    run("pdftoppm", &["-r", "150", "-gray", "-png", "-singlefile", "-f", &page, "-l", &page], &[&file, &picture]);
    let picture = image::open(picture.with_extension("png")).unwrap().to_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.get_pixel(x as u32, y as u32).0[0]);
    prepared.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}
