//! Stored content over HTTP, whole or in one range (RFC 9110, section 14). A browser never runs any of it.

use std::ops::Range;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{
            self, ByteRangeSpec, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
            Header as _,
        },
    },
};
use consilium_kernel::Refusal;

use super::problem::ProblemDocument;

/// What is to be given.
pub struct Stored<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Of its content.
    pub media_type: &'a str,
    /// Of its content.
    pub sha256: &'a [u8],
    /// Its bytes.
    pub length: u64,
}

/// How a request is to be answered.
pub enum Asked {
    /// With this range; the answer lacks only its body.
    For(HttpResponseBuilder, Range<u64>),
    /// With this, of which nothing lacks.
    Answered(HttpResponse),
}

impl Stored<'_> {
    /// What a request asks for.
    pub fn asked(&self, request: &HttpRequest) -> Asked {
        let etag = format!("\"{}\"", hex::encode(self.sha256));
        let seen = request.headers().get(header::IF_NONE_MATCH).and_then(|seen| seen.to_str().ok());
        if seen.is_some_and(|seen| seen.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == etag)) {
            return Asked::Answered(self.safely(StatusCode::NOT_MODIFIED, &etag).finish());
        }
        match wanted(request, &etag, self.length) {
            Wanted::Whole => Asked::For(self.safely(StatusCode::OK, &etag), 0..self.length),
            Wanted::Part(from, to) => {
                let mut response = self.safely(StatusCode::PARTIAL_CONTENT, &etag);
                response.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{to}/{}", self.length)));
                Asked::For(response, from..to + 1)
            }
            Wanted::Nothing => Asked::Answered(not_satisfiable(self.length)),
        }
    }

    /// What keeps a browser from taking the content for a page of this server, whatever is in it.
    fn safely(&self, status: StatusCode, etag: &str) -> HttpResponseBuilder {
        let plain: String = self.name.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
        let name = ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: self.name.as_bytes().to_vec(),
        };
        let disposition = ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(plain), DispositionParam::FilenameExt(name)],
        };
        let mut response = HttpResponse::build(status);
        response
            .content_type(self.media_type)
            .insert_header(disposition)
            .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header((header::ACCEPT_RANGES, "bytes"))
            // Ranges are of the content as it is: it is not to be compressed on its way.
            .insert_header((header::CONTENT_ENCODING, "identity"))
            .insert_header((header::ETAG, etag.to_owned()));
        response
    }
}

enum Wanted {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    Nothing,
}

/// One range that `If-Range` does not speak against. Several ranges, and what is no range of bytes, are passed over.
fn wanted(request: &HttpRequest, etag: &str, length: u64) -> Wanted {
    let unchanged = request.headers().get(header::IF_RANGE).is_none_or(|seen| seen.as_bytes() == etag.as_bytes());
    match header::Range::parse(request) {
        Ok(header::Range::Bytes(ranges)) if unchanged => match ranges.as_slice() {
            [one] => satisfiable(one, length),
            _ => Wanted::Whole,
        },
        _ => Wanted::Whole,
    }
}

fn satisfiable(range: &ByteRangeSpec, length: u64) -> Wanted {
    range.to_satisfiable_range(length).map_or(Wanted::Nothing, |(from, to)| Wanted::Part(from, to))
}

fn not_satisfiable(length: u64) -> HttpResponse {
    let refusal = Refusal::new(
        consilium_kernel::RefusalKind::Invalid,
        "range_not_satisfiable",
        "The file has no bytes in this range.",
    );
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let mut response = ProblemDocument::new(&refusal, status).respond(&refusal, status);
    if let Ok(value) = header::HeaderValue::from_str(&format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}
