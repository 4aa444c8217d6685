//! What can go wrong between data and PDF.

/// Why no PDF came out. None of the variants carries patient data except, possibly,
/// [`DocumentError::Template`], whose message is written by Typst or by the template's author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The template does not compile or failed while running. Lines and columns count from 1 and
    /// are 0 where the fault has no place of its own.
    #[error("template, line {line}, column {column}: {message}")]
    Template {
        /// Line in the template.
        line: usize,
        /// Column in that line, in characters.
        column: usize,
        /// What is wrong, with Typst's hints.
        message: String,
    },
    /// More text than a document may hold, which bounds the time that typesetting takes.
    #[error("the document holds {actual} characters, and at most {limit} can be typeset")]
    TooLong {
        /// Characters given, over all fields.
        actual: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// The verification URL is empty or too long for a QR code (about 2,300 bytes).
    #[error("the verification URL does not fit into a QR code")]
    VerificationUrl,
    /// A date that a PDF cannot state (a year outside 0 to 9999, an offset of a day or more).
    #[error("the date of issue cannot be written into a PDF")]
    IssuedAt,
    /// The pages were set, but cannot be written as PDF.
    #[error("cannot be written as PDF: {0}")]
    Export(String),
}
