//! The border to Typst: a world that holds one template and its data, and nothing else. No files,
//! no packages, no network, no clock.

use typst::comemo;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Smart};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::error::DocumentError;
use crate::fonts::FONTS;

/// Results of Typst's cache that went unused for this many documents are dropped: enough to keep
/// what all documents share (the template's fixed parts), little enough to keep memory flat and
/// not to hold patients' data for long.
const CACHE_AGE: usize = 4;

struct TemplateWorld {
    library: LazyHash<Library>,
    source: Source,
    today: Datetime,
}

impl World for TemplateWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        self.source.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() {
            return Ok(self.source.clone());
        }
        Err(FileError::AccessDenied)
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.all.get(index).cloned()
    }

    /// The day of issue, wherever the template asks for today: output depends on input alone.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        Some(self.today)
    }
}

/// What a document is set for, which decides how much is forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody needs it now: one in another font or without perfect tags is better than none.
    Issue,
    /// Somebody tries out a template: warnings count, and so do the standards.
    Check,
}

/// Sets `template` with `inputs` (its `sys.inputs`) into pages.
pub(crate) fn pages(
    template: &str,
    inputs: Dict,
    today: Datetime,
    purpose: Purpose,
) -> Result<PagedDocument, DocumentError> {
    let world = TemplateWorld {
        library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
        source: Source::detached(template),
        today,
    };
    let set = typst::compile::<PagedDocument>(&world);
    comemo::evict(CACHE_AGE);
    if purpose == Purpose::Check && !set.warnings.is_empty() && set.output.is_ok() {
        return Err(template_error(&world, &set.warnings));
    }
    set.output.map_err(|faults| template_error(&world, &faults))
}

/// Writes pages as an archivable and accessible PDF (PDF/A-2a and PDF/UA-1); an issued document that
/// cannot be that becomes a plain tagged PDF. `ident` must name the document uniquely and stably.
pub(crate) fn pdf(
    pages: &PagedDocument,
    ident: &str,
    issued_at: Timestamp,
    purpose: Purpose,
) -> Result<Vec<u8>, DocumentError> {
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
        .map_err(|fault| DocumentError::Export(fault.message().to_string()))?;
    let mut options = PdfOptions {
        ident: Smart::Custom(ident.to_owned()),
        creator: Smart::Custom(Some("Consilium".to_owned())),
        timestamp: Some(issued_at),
        standards,
        ..PdfOptions::default()
    };
    let mut pdf = typst_pdf::pdf(pages, &options);
    if pdf.is_err() && purpose == Purpose::Issue {
        options.standards = PdfStandards::default();
        pdf = typst_pdf::pdf(pages, &options);
    }
    comemo::evict(CACHE_AGE);
    pdf.map_err(|faults| DocumentError::Export(messages(&faults)))
}

fn template_error(world: &TemplateWorld, faults: &[SourceDiagnostic]) -> DocumentError {
    let (line, column) = faults
        .first()
        .and_then(|fault| world.range(fault.span))
        .and_then(|range| world.source.lines().byte_to_line_column(range.start))
        .map_or((0, 0), |(line, column)| (line + 1, column + 1));
    DocumentError::Template { line, column, message: messages(faults) }
}

fn messages(faults: &[SourceDiagnostic]) -> String {
    let messages: Vec<String> = faults
        .iter()
        .flat_map(|fault| {
            let hints = fault.hints.iter().map(|hint| format!("hint: {}", hint.v));
            std::iter::once(fault.message.to_string()).chain(hints)
        })
        .collect();
    messages.join("; ")
}
