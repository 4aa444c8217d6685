//! Webhooks of providers: verified by their plugin, kept before they are answered, understood afterwards.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use consilium_db::inbox::{self, WebhookDelivery};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Refusal, RefusalKind, Timestamp, not_a_cursor, page_limit};
use consilium_plugin_host::{
    CallError,
    contract::{
        Bytes,
        webhook::{Verified, Verify, WebhookReply},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result as Answered},
    command::{Command, Nothing, Query, Shared, path_id, unreadable},
    problem::Problem,
};

/// A delivery larger than this is none that a provider sends.
const LARGEST_BODY: usize = 512 * 1024;
/// Seconds after which a provider is to try again.
const COME_AGAIN: u32 = 10;
/// Bytes of a delivery's id at most.
const LONGEST_DELIVERY_ID: usize = 200;
/// Tries to keep a delivery whose twin arrives at the same time.
const TRIES: usize = 3;

const FORGED: Refusal = Refusal::new(RefusalKind::Unauthenticated, "webhook_refused", "This webhook is not genuine.");
const MALFORMED: Refusal =
    Refusal::new(RefusalKind::Malformed, "webhook_malformed", "This webhook is genuine, but cannot be read.");
const TOO_LARGE: Refusal =
    Refusal::new(RefusalKind::TooLarge, "too_large", "The body is larger than a webhook may be: 524288 bytes.");

/// Takes in what a provider posts. 204 once it is kept, also when it was kept before; a challenge is answered as the
/// provider wants it. 401 for what is not genuine; 503 when the plugin cannot say: then the provider tries again.
#[utoipa::path(post, path = "/api/v1/webhooks/{plugin_id}", operation_id = "receive_webhook", tag = "plugins",
    params(("plugin_id" = String, Path)), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "Kept"), (status = 200, description = "The answer to a challenge")))]
pub async fn receive(
    state: Shared,
    request: HttpRequest,
    plugin: web::Path<String>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let kinds = state.plugins.manifest(&plugin).map(|manifest| manifest.kinds.clone()).unwrap_or_default();
    if !kinds.iter().any(|contract| contract.kind == "webhook") {
        return Err(Problem(Refusal::not_found()));
    }
    let body = body.map_err(|error| Problem(unreadable(&error)))?;
    if body.len() > LARGEST_BODY {
        return Err(Problem(refused(&plugin, TOO_LARGE)));
    }
    let verify = Verify {
        headers: headers(&request),
        query: Some(request.query_string().to_owned()).filter(|query| !query.is_empty()),
        body: Bytes::from(body.to_vec()),
        received_at: state.db.clock().now(),
    };
    let verified = state.plugins.call(&plugin, verify.clone()).await;
    let Verified { delivery_id, reply } = verified.map_err(|error| Problem(refusal(&plugin, &error)))?;
    if let Some(reply) = reply {
        return Ok(answer(reply));
    }
    if !(1..=LONGEST_DELIVERY_ID).contains(&delivery_id.len()) {
        return Err(Problem(refused(&plugin, MALFORMED)));
    }
    keep(&state, &plugin, &delivery_id, &verify).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Names in lower case; repeated headers joined by a comma.
fn headers(request: &HttpRequest) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request.headers() {
        let Ok(value) = value.to_str() else { continue };
        let known = headers.entry(name.as_str().to_owned()).or_default();
        if !known.is_empty() {
            known.push(',');
        }
        known.push_str(value);
    }
    headers
}

async fn keep(state: &Shared, plugin: &str, delivery_id: &str, verify: &Verify) -> Result<(), Problem> {
    let meta = CommandMeta::system(DEFAULT_FACILITY, "webhook");
    let content = serde_json::to_value(verify).map_err(|_| Problem(Refusal::internal()))?;
    for _ in 0..TRIES {
        let (plugin, delivery_id, content) = (plugin.to_owned(), delivery_id.to_owned(), content.clone());
        let kept = state.db.write(&meta, move |tx| inbox::keep(tx, &plugin, &delivery_id, &content)).await;
        match kept {
            Ok(true) => {
                state.inbox_wake.notify_one();
                return Ok(());
            }
            Ok(false) => return Ok(()),
            Err(consilium_db::Error::VersionConflict) => {}
            Err(error) => return Err(Problem(Refusal::from(error))),
        }
    }
    Err(Problem(again()))
}

/// What the plugin wants the provider to hear. Only the type of the answer is its own to say.
fn answer(reply: WebhookReply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).ok().filter(StatusCode::is_success).unwrap_or(StatusCode::OK);
    let mut answer = HttpResponseBuilder::new(status);
    let content_type = reply.headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some((_, content_type)) = content_type {
        answer.insert_header((header::CONTENT_TYPE, content_type));
    }
    answer.body(reply.body.0)
}

/// A forged webhook is refused for good; a provider may repeat one that only met a plugin in trouble.
fn refusal(plugin: &str, error: &CallError) -> Refusal {
    tracing::warn!(plugin, code = error.code(), "a webhook was not taken in");
    match error {
        CallError::Plugin(said) if said.retryable => again(),
        CallError::Plugin(said) if said.code == "webhook_malformed" => refused(plugin, MALFORMED),
        CallError::Plugin(_) => refused(plugin, FORGED),
        _ => again(),
    }
}

fn refused(plugin: &str, refusal: Refusal) -> Refusal {
    let (plugin, code) = (plugin.to_owned(), refusal.code.clone().into_owned());
    metrics::counter!("consilium_webhooks_refused", "plugin" => plugin, "code" => code).increment(1);
    refusal
}

fn again() -> Refusal {
    Refusal { retry_after: Some(COME_AGAIN), ..Refusal::unavailable() }
}

/// A webhook in the inbox. What it says is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedWebhook)]
pub struct ReceivedWebhookResponse {
    id: uuid::Uuid,
    plugin: String,
    /// The provider's name for it.
    delivery_id: String,
    /// `pending`, `done` or `dead`: set aside, because it could not be understood.
    status: String,
    attempts: i32,
    /// A code of what went wrong last.
    problem: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    received_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    settled_at: Option<Timestamp>,
}

impl From<WebhookDelivery> for ReceivedWebhookResponse {
    fn from(webhook: WebhookDelivery) -> Self {
        Self {
            id: webhook.id.uuid(),
            next_attempt_at: (webhook.status == "pending").then_some(webhook.next_attempt_at),
            plugin: webhook.plugin,
            delivery_id: webhook.delivery_id,
            status: webhook.status,
            attempts: webhook.attempts,
            problem: webhook.problem,
            received_at: webhook.received_at,
            settled_at: webhook.settled_at,
        }
    }
}

/// Which webhooks are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReceivedWebhookQuery {
    /// `pending`, `done` or `dead`.
    status: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A part of the inbox.
#[derive(Serialize, ToSchema)]
pub struct ReceivedWebhookPage {
    items: Vec<ReceivedWebhookResponse>,
    next_cursor: Option<String>,
}

/// What providers posted, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/received-webhooks", operation_id = "list_received_webhooks", tag = "plugins",
    params(ReceivedWebhookQuery), responses((status = 200, description = "Webhooks", body = ReceivedWebhookPage)))]
pub async fn received(state: Shared, query: Query<ReceivedWebhookQuery>) -> Answered<ReceivedWebhookPage> {
    let ReceivedWebhookQuery { status, limit, cursor } = query.query;
    if status.as_ref().is_some_and(|status| !inbox::STATUSES.contains(&status.as_str())) {
        return Err(Refusal::field("?status", "invalid", "is pending, done or dead").into());
    }
    let limit = page_limit(limit)?;
    let before = cursor.as_deref().map(str::parse).transpose().map_err(|_| not_a_cursor())?;
    let read = state.db.read(move |session| inbox::list(session, status.as_deref(), before, limit + 1));
    let mut found = read.await.map_err(Refusal::from)?;
    let size = usize::try_from(limit).unwrap_or_default();
    let more = found.len() > size;
    found.truncate(size);
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    let items = found.into_iter().map(ReceivedWebhookResponse::from).collect();
    Ok(Answer::ok(ReceivedWebhookPage { items, next_cursor }))
}

/// Has a webhook that was set aside read again.
#[utoipa::path(post, path = "/api/v1/admin/received-webhooks/{id}/retry", operation_id = "retry_received_webhook", tag = "plugins",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "It waits again", body = RetriedResponse)))]
pub async fn retry(state: Shared, id: web::Path<String>, command: Command<Nothing>) -> Answered<RetriedResponse> {
    let id = path_id(&id)?;
    let known = state.db.command(&command.meta, move |tx| inbox::retry(tx, id)).await.map_err(Refusal::from)?;
    if !known {
        return Err(Refusal::not_found().into());
    }
    state.inbox_wake.notify_one();
    Ok(Answer::ok(RetriedResponse::new("pending")))
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct RetriedResponse {
    /// `pending`; of a provider's recording `waiting`.
    status: String,
}

impl RetriedResponse {
    /// It has this status again.
    pub fn new(status: &str) -> Self {
        Self { status: status.to_owned() }
    }
}
