//! Uploads by the tus protocol 1.0.0 (<https://tus.io/protocols/resumable-upload>): the core, and the extensions
//! creation, termination, checksum and expiration.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
    web::{Path, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use consilium_files::{Checksum, FileId, FileRefusal, NewUpload, Progress, Purpose};
use consilium_kernel::{CommandMeta, FieldError, Refusal, RefusalKind};
use futures_util::StreamExt as _;
use ring::digest;

use super::FileResponse;
use crate::http::{
    command::{Command, Nothing, Query, Shared, path_id},
    problem::{Problem, ProblemDocument},
    routes::BASE,
};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,termination,checksum,expiration";
/// RFC 9110 knows no such status; tus does.
const CHECKSUM_MISMATCH: u16 = 460;
/// Bytes of `Upload-Metadata` at most.
const LONGEST_METADATA: usize = 4096;

type Answered = std::result::Result<HttpResponse, Refusal>;

/// What this server can do.
#[utoipa::path(options, path = "/api/v1/files", operation_id = "upload_options", tag = "files",
    responses((status = 204, description = "Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm")))]
pub async fn options(state: Shared) -> HttpResponse {
    answer(StatusCode::NO_CONTENT)
        .insert_header(("Tus-Version", VERSION))
        .insert_header(("Tus-Extension", EXTENSIONS))
        .insert_header(("Tus-Max-Size", state.files.settings().max_file.to_string()))
        .insert_header(("Tus-Checksum-Algorithm", "sha1,sha256"))
        .finish()
}

/// Begins an upload. `Upload-Metadata` holds `filename`, `purpose` (`consultation`, `thread`, `record` or `credential`) and
/// `consultation_id` or `thread_id`, each as base64. A patient uploads to their own record; into a consultation who
/// takes part in it; credentials, which are PDF, JPEG or PNG of at most 20 MiB, a doctor.
#[utoipa::path(post, path = "/api/v1/files", operation_id = "create_upload", tag = "files",
    params(("Tus-Resumable" = String, Header, description = "1.0.0"), ("Upload-Length" = u64, Header),
        ("Upload-Metadata" = String, Header, description = "tus: pairs of key and base64, separated by commas")),
    responses((status = 201, description = "Begun; Location names the upload", body = FileResponse)))]
pub async fn create(state: Shared, request: HttpRequest, command: Command<Nothing>) -> HttpResponse {
    respond(create_upload(&state, &request, command.meta).await)
}

async fn create_upload(state: &Shared, request: &HttpRequest, mut meta: CommandMeta) -> Answered {
    resumable(request)?;
    let length = number(request, "Upload-Length")?.ok_or_else(|| bad("Upload-Length is missing."))?;
    let declared = text(request, "Upload-Metadata").unwrap_or_default().to_owned();
    let (name, purpose) = metadata(&declared)?;
    // The request is in its headers: what has the same key must have the same headers.
    if let Some(key) = &mut meta.idempotency {
        let parts = [&key.body_hash[..], &length.to_be_bytes(), declared.as_bytes()].concat();
        key.body_hash.copy_from_slice(digest::digest(&digest::SHA256, &parts).as_ref());
    }
    let file = state.files.create(&meta, NewUpload { length, name, declared, purpose }).await?;
    let (id, expires_at) = (file.id, file.expires_at);
    let mut response = answer(StatusCode::CREATED);
    response.insert_header((header::LOCATION, format!("{BASE}/files/{id}")));
    expires(&mut response, expires_at);
    Ok(response.json(FileResponse::from(file)))
}

/// How far an upload is. For its owner.
#[utoipa::path(head, path = "/api/v1/files/{id}", operation_id = "get_upload_offset", tag = "files",
    params(("id" = uuid::Uuid, Path), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses((status = 200, description = "Upload-Offset and Upload-Length")))]
pub async fn progress(state: Shared, request: HttpRequest, id: Path<String>, query: Query<Nothing>) -> HttpResponse {
    let found = async {
        resumable(&request)?;
        let progress = state.files.progress(&query.meta, path_id(&id)?).await?;
        let mut response = answer(StatusCode::OK);
        response.insert_header(("Upload-Length", progress.length.to_string()));
        response.insert_header(("Upload-Metadata", progress.declared.as_str()));
        Ok(offset(response, &progress).finish())
    };
    respond(found.await)
}

/// Adds the part that begins at `Upload-Offset`. The answer means that it is kept: it is on disk.
#[utoipa::path(patch, path = "/api/v1/files/{id}", operation_id = "append_to_upload", tag = "files",
    params(("id" = uuid::Uuid, Path), ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, base64 of the hash")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Kept; Upload-Offset says how far it is"),
        (status = 460, description = "`checksum_mismatch`: nothing was kept")))]
pub async fn append(
    state: Shared,
    request: HttpRequest,
    id: Path<String>,
    query: Query<Nothing>,
    mut body: Payload,
) -> HttpResponse {
    let appended = append_part(&state, &request, &id, &query.meta, &mut body).await;
    if appended.is_err() {
        discard(&mut body, state.files.settings().max_chunk).await;
    }
    respond(appended)
}

async fn append_part(
    state: &Shared,
    request: &HttpRequest,
    id: &str,
    meta: &CommandMeta,
    body: &mut Payload,
) -> Answered {
    resumable(request)?;
    let id: FileId = path_id(id)?;
    if text(request, "Content-Type") != Some("application/offset+octet-stream") {
        let detail = "Send parts as application/offset+octet-stream.";
        return Err(Refusal::new(RefusalKind::Unsupported, "unsupported_media_type", detail));
    }
    let from = number(request, "Upload-Offset")?.ok_or_else(|| bad("Upload-Offset is missing."))?;
    let bytes = number(request, "Content-Length")?;
    let checksum = text(request, "Upload-Checksum").map(Checksum::parse).transpose()?;
    let progress = state.files.append(meta, id, from, bytes, checksum, body).await?;
    Ok(offset(answer(StatusCode::NO_CONTENT), &progress).finish())
}

/// Reads on for a while when a part is refused: a client who still sends would otherwise see a connection that breaks,
/// and not the answer.
pub async fn discard(body: &mut Payload, most: u64) {
    let read = async {
        let mut left = most;
        while let Some(Ok(piece)) = body.next().await {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), read).await;
}

/// Ends an upload, or deletes a file that is shared in no consultation. For its owner.
#[utoipa::path(delete, path = "/api/v1/files/{id}", operation_id = "delete_file", tag = "files", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Gone")))]
pub async fn delete(state: Shared, id: Path<String>, query: Query<Nothing>) -> HttpResponse {
    let gone = async {
        state.files.delete(&query.meta, path_id(&id)?).await?;
        Ok(answer(StatusCode::NO_CONTENT).finish())
    };
    respond(gone.await)
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header(("Tus-Resumable", VERSION)).insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

fn offset(mut response: HttpResponseBuilder, progress: &Progress) -> HttpResponseBuilder {
    response.insert_header(("Upload-Offset", progress.offset.to_string()));
    if let Some(expires_at) = progress.expires_at {
        expires(&mut response, expires_at);
    }
    response
}

fn expires(response: &mut HttpResponseBuilder, at: consilium_kernel::Timestamp) {
    if let Ok(date) = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at) {
        response.insert_header(("Upload-Expires", date));
    }
}

/// A refusal with what tus wants of every answer.
fn respond(answered: Answered) -> HttpResponse {
    let refusal = match answered {
        Ok(response) => return response,
        Err(refusal) => refusal,
    };
    let mut response = match StatusCode::from_u16(CHECKSUM_MISMATCH) {
        Ok(status) if refusal == FileRefusal::Checksum.refusal() => {
            ProblemDocument::new(&refusal, status).respond(&refusal, status)
        }
        _ => Problem(refusal).error_response(),
    };
    for (name, value) in [("tus-resumable", VERSION), ("tus-version", VERSION)] {
        response.headers_mut().insert(header::HeaderName::from_static(name), header::HeaderValue::from_static(value));
    }
    response
}

fn resumable(request: &HttpRequest) -> Result<(), Refusal> {
    match text(request, "Tus-Resumable") {
        Some(VERSION) => Ok(()),
        _ => Err(Refusal::new(
            RefusalKind::Stale,
            "tus_version",
            "Send Tus-Resumable: 1.0.0; there is no other version.",
        )),
    }
}

fn text<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn number(request: &HttpRequest, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(value) = request.headers().get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| bad(&format!("{name} is no number.")))
}

fn bad(detail: &str) -> Refusal {
    Refusal::new(RefusalKind::Malformed, "bad_upload_header", "").because(detail.to_owned())
}

/// What the file is called, and what it is for.
fn metadata(declared: &str) -> Result<(String, Purpose), Refusal> {
    if declared.len() > LONGEST_METADATA {
        return Err(bad("Upload-Metadata is too long."));
    }
    let (mut name, mut purpose, mut consultation, mut thread) = (None, None, None, None);
    for pair in declared.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = BASE64.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let value = value.ok_or_else(|| bad("Upload-Metadata is pairs of key and base64, separated by commas."))?;
        match key {
            "filename" => name = Some(value),
            "purpose" => purpose = Some(value),
            "consultation_id" => consultation = Some(value),
            "thread_id" => thread = Some(value),
            _ => {}
        }
    }
    let wrong = |pointer: &str, code: &'static str, detail: &str| FieldError {
        pointer: pointer.to_owned(),
        code: code.into(),
        detail: detail.to_owned(),
    };
    let mut errors = Vec::new();
    if name.is_none() {
        errors.push(wrong("/filename", "required", "names the file"));
    }
    let purpose = match (purpose.as_deref(), consultation) {
        (Some("record"), _) => Some(Purpose::Record),
        (Some("credential"), _) => Some(Purpose::Credential),
        (Some("consultation"), Some(id)) => {
            let id = id.parse().map(|consultation_id| Purpose::Consultation { consultation_id });
            id.map_err(|_| errors.push(wrong("/consultation_id", "invalid", "is no id"))).ok()
        }
        (Some("consultation"), None) => {
            errors.push(wrong("/consultation_id", "required", "says in which consultation"));
            None
        }
        (Some("thread"), _) => match thread.map(|id| id.parse()) {
            Some(Ok(thread_id)) => Some(Purpose::Thread { thread_id }),
            Some(Err(_)) => {
                errors.push(wrong("/thread_id", "invalid", "is no id"));
                None
            }
            None => {
                errors.push(wrong("/thread_id", "required", "says in which thread"));
                None
            }
        },
        _ => {
            errors.push(wrong("/purpose", "invalid", "must be `consultation`, `thread`, `record` or `credential`"));
            None
        }
    };
    match (name, purpose) {
        (Some(name), Some(purpose)) if errors.is_empty() => Ok((name, purpose)),
        _ => Err(Refusal::invalid(errors)),
    }
}
