//! The content of files, whole or in ranges (RFC 9110, section 14). A browser never runs any of it.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{
        StatusCode,
        header::{
            self, ByteRangeSpec, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
            Header as _,
        },
    },
    web::Path,
};
use consilium_files::{FileId, FileRefusal, StoredFile};
use consilium_kernel::{CommandMeta, Principal, Refusal, Scope};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::{
    command::{Query, Shared, path_id},
    permissions::Permission,
    problem::{Problem, ProblemDocument},
};

/// The link.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// As `POST /files/{id}/links` gave it.
    token: Option<String>,
}

/// The content, for whoever has the link, which is good for the session that asked for it.
#[utoipa::path(get, path = "/api/v1/files/{id}/content", operation_id = "get_file_content", tag = "files",
    params(("id" = uuid::Uuid, Path), ContentQuery, ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "The content", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A range of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "It is what If-None-Match says")))]
pub async fn get(
    state: Shared,
    request: HttpRequest,
    id: Path<String>,
    query: Query<ContentQuery>,
) -> Result<HttpResponse, Problem> {
    let id: FileId = path_id(&id)?;
    let meta = reader(&state, query.meta, id, query.query.token.as_deref().unwrap_or_default()).await?;
    let opened = state.files.open(&meta, id).await?;
    let file = opened.file.clone();
    let etag = format!("\"{}\"", hex::encode(file.sha256.as_deref().unwrap_or_default()));
    let seen = request.headers().get(header::IF_NONE_MATCH).and_then(|seen| seen.to_str().ok());
    if seen.is_some_and(|seen| seen.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == etag)) {
        return Ok(safely(StatusCode::NOT_MODIFIED, &file, &etag).finish());
    }
    let (status, range) = match wanted(&request, &etag, file.length) {
        Wanted::Whole => (StatusCode::OK, 0..file.length),
        Wanted::Part(from, to) => (StatusCode::PARTIAL_CONTENT, from..to + 1),
        Wanted::Nothing => return Ok(not_satisfiable(file.length)),
    };
    let size = range.end - range.start;
    let mut response = safely(status, &file, &etag);
    if status == StatusCode::PARTIAL_CONTENT {
        let place = format!("bytes {}-{}/{}", range.start, range.end - 1, file.length);
        response.insert_header((header::CONTENT_RANGE, place));
    }
    Ok(response.body(SizedStream::new(size, state.files.read(&meta, opened, range).await?)))
}

/// Whoever the link was given to, as they stand now.
async fn reader(state: &Shared, asking: CommandMeta, id: FileId, token: &str) -> Result<CommandMeta, Refusal> {
    let link = state.files.check_link(id, token)?;
    let user = state.identity.standing(link.session).await?.ok_or(FileRefusal::LinkExpired)?;
    let other = asking.principal.user_id().is_some_and(|asking| asking != link.user);
    if other || user.user_id != link.user || !Permission::KeepFiles.roles().contains(&user.role) {
        return Err(FileRefusal::LinkInvalid.refusal());
    }
    Ok(CommandMeta { scope: Scope::of(user.facility_id), principal: Principal::User(user), ..asking })
}

/// What keeps a browser from taking the content for a page of this server, whatever is in it.
fn safely(status: StatusCode, file: &StoredFile, etag: &str) -> HttpResponseBuilder {
    let plain: String = file.name.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    let name = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: file.name.clone().into_bytes(),
    };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(plain), DispositionParam::FilenameExt(name)],
    };
    let mut response = HttpResponse::build(status);
    response
        .content_type(file.media_type.map_or("application/octet-stream", |media| media.essence()))
        .insert_header(disposition)
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        // Ranges are of the content as it is: it is not to be compressed on its way.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::ETAG, etag.to_owned()));
    response
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
