//! Writes sample prescriptions, for whoever edits a template:
//! `cargo run -p consilium-documents --example prescription -- <folder> [template.typ]`.
#![allow(clippy::unwrap_used, reason = "samples are correct or the example fails")]

use std::time::Instant;

use consilium_documents::{PRESCRIPTION_TEMPLATE, check_prescription_template, prescription_pdf_with};

#[path = "../tests/prescription/samples.rs"]
mod samples;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = std::path::PathBuf::from(arguments.next().ok_or("name a folder")?);
    let template = match arguments.next() {
        Some(file) => std::fs::read_to_string(file)?,
        None => PRESCRIPTION_TEMPLATE.to_owned(),
    };
    let documents = [
        ("latin", samples::latin()),
        ("bangla", samples::bangla()),
        ("arabic", samples::arabic()),
        ("several-pages", samples::several_pages(60)),
    ];
    for (name, document) in documents {
        let started = Instant::now();
        let pdf = prescription_pdf_with(&template, &document)?;
        println!("{name}.pdf: {} bytes in {:?}", pdf.len(), started.elapsed());
        std::fs::write(folder.join(name).with_extension("pdf"), pdf)?;
    }
    check_prescription_template(&template)?;
    Ok(())
}
