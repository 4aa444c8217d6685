//! Requests, parsed: what the client wants, and who asks.

use std::pin::Pin;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use consilium_kernel::{
    CommandMeta, DEFAULT_FACILITY, FieldError, IdempotencyKey, Principal, Refusal, RefusalKind, Scope,
};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{problem::Problem, request_id};
use crate::state::State;

/// A changing request: its body as `T` and who sends it. An empty body is read as `{}`, so that verbs
/// whose fields are all optional need none.
#[derive(Debug)]
pub struct Command<T> {
    /// Who commands, with the Idempotency-Key if there is one.
    pub meta: CommandMeta,
    /// The body.
    pub body: T,
}

/// A reading request: its query parameters as `T` and who asks.
#[derive(Debug)]
pub struct Query<T> {
    /// Who asks.
    pub meta: CommandMeta,
    /// The query parameters.
    pub query: T,
}

/// No query parameters.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned + 'static> FromRequest for Command<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| Problem(unreadable(&error)))?;
            let mut meta = meta(&request)?;
            meta.idempotency = idempotency(&request, &bytes)?;
            Ok(Self { meta, body: parse(&request, &bytes)? })
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(
            meta(request).and_then(|meta| Ok(Self { meta, query: parse_query(request.query_string())? })),
        )
    }
}

/// A path parameter that is an id; anything else names nothing that exists.
pub fn path_id<I: std::str::FromStr>(text: &str) -> Result<I, Refusal> {
    text.parse().map_err(|_| Refusal::not_found())
}

/// The version that `If-Match` names. Missing: 428; not one of ours: 412, since it matches nothing.
pub fn if_match(request: &HttpRequest) -> Result<i64, Refusal> {
    let header = request.headers().get("If-Match").ok_or_else(|| {
        Refusal::new(
            RefusalKind::PreconditionRequired,
            "if_match_required",
            "Several people edit this. Send the ETag you saw as If-Match.",
        )
    })?;
    let version = header.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse().ok());
    version.ok_or_else(|| Refusal::new(RefusalKind::Stale, "stale", "If-Match names no version of this resource."))
}

fn meta(request: &HttpRequest) -> Result<CommandMeta, Problem> {
    let principal = request.extensions().get::<Principal>().cloned().unwrap_or(Principal::Anonymous);
    let facility = principal.user().map_or(DEFAULT_FACILITY, |user| user.facility_id);
    Ok(CommandMeta {
        principal,
        scope: Scope::of(facility),
        request_id: request_id::current(),
        trace: consilium_plugin_host::trace::current().map(|trace| trace.to_string()),
        idempotency: None,
    })
}

/// The key with a hash over method, path and body. Calls below `/auth` are never answered from the store:
/// their answers are secrets.
fn idempotency(request: &HttpRequest, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(header) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    if request.method() != actix_web::http::Method::POST || request.path().contains("/auth/") {
        return Ok(None);
    }
    let key = header.to_str().ok().filter(|key| (1..=255).contains(&key.len())).ok_or_else(|| {
        Problem(Refusal::new(
            RefusalKind::Malformed,
            "bad_idempotency_key",
            "An Idempotency-Key is 1 to 255 visible ASCII characters.",
        ))
    })?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [request.method().as_str().as_bytes(), request.path().as_bytes(), body] {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut body_hash = [0; 32];
    body_hash.copy_from_slice(context.finish().as_ref());
    Ok(Some(IdempotencyKey { key: key.to_owned(), body_hash }))
}

fn parse<T: DeserializeOwned>(request: &HttpRequest, bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return from_json(b"{}").map_err(Problem);
    }
    let json = request.mime_type().ok().flatten().is_some_and(|mime| {
        mime.essence_str() == "application/json" && mime.get_param("charset").is_none_or(|set| set == "utf-8")
    });
    if !json {
        return Err(Problem(Refusal::new(
            RefusalKind::Unsupported,
            "unsupported_media_type",
            "Send the body as application/json.",
        )));
    }
    from_json(bytes).map_err(Problem)
}

/// JSON that cannot be read is 400; JSON that is not a `T` is 422 with a pointer to the place.
fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.inner();
        // What is wrong with a field is told only of a body that is JSON to its end.
        if inner.is_data() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
            Refusal::field(&pointer(error.path()), "invalid", without_position(&inner.to_string()))
        } else {
            malformed(&inner.to_string())
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error.to_string()))?;
    Ok(value)
}

fn malformed(reason: &str) -> Refusal {
    Refusal::new(RefusalKind::Malformed, "malformed_json", "").because(format!("The body is not JSON: {reason}."))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query).map_err(|error| {
        let fields = vec![FieldError { pointer: "?".to_owned(), code: "invalid".into(), detail: error.to_string() }];
        Problem(Refusal::invalid(fields))
    })
}

/// Why a body could not be read.
pub fn unreadable(error: &actix_web::Error) -> Refusal {
    match error.as_response_error().status_code().as_u16() {
        413 => Refusal::new(RefusalKind::TooLarge, "too_large", "The body is larger than this server accepts."),
        _ => Refusal::new(RefusalKind::Malformed, "unreadable_body", "The body could not be read to its end."),
    }
}

/// The server's state, as handlers take it.
pub type Shared = web::Data<State>;
