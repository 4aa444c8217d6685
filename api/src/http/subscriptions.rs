//! Webhook subscriptions: which systems are told of events, and how that went.

use actix_web::{HttpRequest, web::Path};
use consilium_kernel::Timestamp;
use consilium_webhooks::{
    Delivery, DeliveryId, NewSubscription, PageRequest, Subscription, SubscriptionId, SubscriptionPatch, WithSecret,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, if_match, path_id},
    parsed::parsed,
};

/// An endpoint and what it is told. Without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSubscription)]
pub struct SubscriptionResponse {
    id: uuid::Uuid,
    url: String,
    description: String,
    /// Types, or prefixes such as `appointment_*`.
    event_types: Vec<String>,
    /// Whether it is served.
    enabled: bool,
    /// Why it is not: `asked`, `gone` (it answered 410) or `failing` (for days).
    disabled_because: Option<String>,
    /// The first failure after the last success.
    #[schema(value_type = Option<String>, format = "date-time")]
    failing_since: Option<Timestamp>,
    /// Whether past events are being sent again.
    replaying: bool,
    /// Until then the replaced secret signs too.
    #[schema(value_type = Option<String>, format = "date-time")]
    previous_secret_until: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
}

impl From<Subscription> for SubscriptionResponse {
    fn from(from: Subscription) -> Self {
        Self {
            id: from.id.uuid(),
            url: from.url,
            description: from.description,
            event_types: from.event_types.iter().map(|filter| filter.as_str().to_owned()).collect(),
            enabled: from.disabled_because.is_none(),
            disabled_because: from.disabled_because.map(|because| because.to_string()),
            failing_since: from.failing_since,
            replaying: from.replaying,
            previous_secret_until: from.previous_secret_until,
            created_at: from.created_at,
            updated_at: from.updated_at,
        }
    }
}

/// A subscription with its secret, which is not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSubscriptionWithSecret)]
pub struct SecretResponse {
    #[serde(flatten)]
    subscription: SubscriptionResponse,
    /// `whsec_…`
    secret: String,
}

impl From<WithSecret> for SecretResponse {
    fn from(WithSecret { subscription, secret }: WithSecret) -> Self {
        Self { subscription: subscription.into(), secret: secret.expose().to_owned() }
    }
}

/// A part of the subscriptions, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSubscriptionPage)]
pub struct SubscriptionPage {
    items: Vec<SubscriptionResponse>,
    next_cursor: Option<String>,
}

/// Which part of the subscriptions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SubscriptionQuery {
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// What somebody wants to be told.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateWebhookSubscription)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// An https address.
    #[schema(max_length = 2000)]
    url: String,
    /// Types, prefixes such as `appointment_*`, or `*`.
    event_types: Vec<String>,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// True when not said.
    enabled: Option<bool>,
}

/// Subscribes an endpoint to events. The answer has the secret that signs them, once.
#[utoipa::path(post, path = "/api/v1/webhook-subscriptions", operation_id = "create_webhook_subscription",
    tag = "webhooks", request_body = CreateRequest,
    responses((status = 201, description = "The subscription with its secret", body = SecretResponse)))]
pub async fn create(state: Shared, command: Command<CreateRequest>) -> Result<SecretResponse> {
    let CreateRequest { url, event_types, description, enabled } = command.body;
    let new = NewSubscription { url, event_types, description, enabled: enabled.unwrap_or(true) };
    let created = state.webhooks.create(&command.meta, new).await?;
    let (id, version) = (created.subscription.id, created.subscription.version);
    Ok(Answer::created(format!("/api/v1/webhook-subscriptions/{id}"), created.into()).versioned(version))
}

/// The facility's subscriptions.
#[utoipa::path(get, path = "/api/v1/webhook-subscriptions", operation_id = "list_webhook_subscriptions",
    tag = "webhooks", params(SubscriptionQuery),
    responses((status = 200, description = "Subscriptions", body = SubscriptionPage)))]
pub async fn list(state: Shared, query: Query<SubscriptionQuery>) -> Result<SubscriptionPage> {
    let Query { meta, query } = query;
    let page = PageRequest { limit: query.limit, cursor: query.cursor };
    let page = state.webhooks.list(&meta, page).await?;
    let items = page.items.into_iter().map(SubscriptionResponse::from).collect();
    Ok(Answer::ok(SubscriptionPage { items, next_cursor: page.next_cursor }))
}

/// One subscription.
#[utoipa::path(get, path = "/api/v1/webhook-subscriptions/{id}", operation_id = "get_webhook_subscription",
    tag = "webhooks", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The subscription", body = SubscriptionResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<SubscriptionResponse> {
    let found = state.webhooks.get(&query.meta, path_id::<SubscriptionId>(&id)?).await?;
    let version = found.version;
    Ok(Answer::ok(found.into()).versioned(version))
}

/// What changes; a field that is absent stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = PatchWebhookSubscription)]
#[serde(deny_unknown_fields)]
pub struct PatchRequest {
    #[schema(max_length = 2000)]
    url: Option<String>,
    event_types: Option<Vec<String>>,
    #[schema(max_length = 200)]
    description: Option<String>,
    /// True serves it, and forgets past failures.
    enabled: Option<bool>,
}

/// Changes a subscription, or enables or disables it.
#[utoipa::path(patch, path = "/api/v1/webhook-subscriptions/{id}", operation_id = "patch_webhook_subscription",
    tag = "webhooks", request_body = PatchRequest,
    params(("id" = uuid::Uuid, Path),
        ("If-Match" = String, Header, description = "ETag of the subscription that was seen")),
    responses((status = 200, description = "The subscription", body = SubscriptionResponse)))]
pub async fn patch(
    state: Shared,
    id: Path<String>,
    request: HttpRequest,
    command: Command<PatchRequest>,
) -> Result<SubscriptionResponse> {
    let (id, version) = (path_id::<SubscriptionId>(&id)?, if_match(&request)?);
    let PatchRequest { url, event_types, description, enabled } = command.body;
    let patch = SubscriptionPatch { url, event_types, description, enabled };
    let changed = state.webhooks.patch(&command.meta, id, version, patch).await?;
    let version = changed.version;
    Ok(Answer::ok(changed.into()).versioned(version))
}

/// Deletes a subscription with its log. What waits is not sent any more.
#[utoipa::path(delete, path = "/api/v1/webhook-subscriptions/{id}", operation_id = "delete_webhook_subscription",
    tag = "webhooks", params(("id" = uuid::Uuid, Path)), responses((status = 204, description = "It is gone")))]
pub async fn delete(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<()> {
    state.webhooks.delete(&command.meta, path_id(&id)?).await?;
    Ok(Answer::nothing())
}

/// How long the replaced secret goes on signing.
#[derive(Deserialize, ToSchema)]
#[schema(as = RotateWebhookSecret)]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// 24 when not said; 0 ends it at once.
    #[schema(minimum = 0, maximum = 168)]
    grace_hours: Option<i64>,
}

/// Gives a subscription a new secret. Until the grace ends, messages are signed with both.
#[utoipa::path(post, path = "/api/v1/webhook-subscriptions/{id}/rotate-secret", operation_id = "rotate_webhook_secret",
    tag = "webhooks", request_body = RotateRequest, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The subscription with its new secret", body = SecretResponse)))]
pub async fn rotate(state: Shared, id: Path<String>, command: Command<RotateRequest>) -> Result<SecretResponse> {
    let rotated = state.webhooks.rotate_secret(&command.meta, path_id(&id)?, command.body.grace_hours).await?;
    let version = rotated.subscription.version;
    Ok(Answer::ok(rotated.into()).versioned(version))
}

/// One event for one subscription: how telling it went.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryResponse {
    id: uuid::Uuid,
    /// The `webhook-id`, the same on every attempt and replay.
    event_id: uuid::Uuid,
    event_type: String,
    /// `queued`, `failed` (will be tried again), `delivered` or `dead`.
    status: String,
    /// Attempts since it was queued.
    attempts: i64,
    #[schema(value_type = Option<String>, format = "date-time")]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_attempt_at: Option<Timestamp>,
    /// HTTP status of the last answer.
    status_code: Option<i64>,
    /// How long the last attempt took.
    duration_ms: Option<i64>,
    /// Why the last attempt failed: `timeout`, `connection_failed`, `http_500`, …
    last_error: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Delivery> for DeliveryResponse {
    fn from(from: Delivery) -> Self {
        Self {
            id: from.id.uuid(),
            event_id: from.event_id.uuid(),
            event_type: from.event_type,
            status: from.status.to_string(),
            attempts: from.attempts.into(),
            next_attempt_at: from.next_attempt_at,
            last_attempt_at: from.last_attempt_at,
            status_code: from.status_code.map(i64::from),
            duration_ms: from.duration_ms,
            last_error: from.last_error,
            created_at: from.created_at,
        }
    }
}

/// Sends a `ping`, whatever the subscription wants to be told.
#[utoipa::path(post, path = "/api/v1/webhook-subscriptions/{id}/test", operation_id = "test_webhook_subscription",
    tag = "webhooks", params(("id" = uuid::Uuid, Path)),
    responses((status = 202, description = "The delivery, which the log follows", body = DeliveryResponse)))]
pub async fn test(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<DeliveryResponse> {
    Ok(Answer::accepted(state.webhooks.test(&command.meta, path_id(&id)?).await?.into()))
}

/// From when on.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReplayWebhooks)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    #[schema(format = "date-time")]
    from: String,
}

/// Sends all events since then once more, under their old ids; also those from before the subscription was made.
#[utoipa::path(post, path = "/api/v1/webhook-subscriptions/{id}/replay", operation_id = "replay_webhooks",
    tag = "webhooks", request_body = ReplayRequest, params(("id" = uuid::Uuid, Path)),
    responses((status = 202, description = "The subscription", body = SubscriptionResponse)))]
pub async fn replay(state: Shared, id: Path<String>, command: Command<ReplayRequest>) -> Result<SubscriptionResponse> {
    let from = parsed("/from", &command.body.from)?;
    let found = state.webhooks.replay(&command.meta, path_id(&id)?, from).await?;
    let version = found.version;
    Ok(Answer::accepted(found.into()).versioned(version))
}

/// A part of the log, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub struct DeliveryPage {
    items: Vec<DeliveryResponse>,
    next_cursor: Option<String>,
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// `dead` for dead letters.
    status: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// What was sent, waits, or was given up: no bodies, no secrets.
#[utoipa::path(get, path = "/api/v1/webhook-subscriptions/{id}/deliveries", operation_id = "list_webhook_deliveries",
    tag = "webhooks", params(("id" = uuid::Uuid, Path), DeliveryQuery),
    responses((status = 200, description = "Deliveries", body = DeliveryPage)))]
pub async fn deliveries(state: Shared, id: Path<String>, query: Query<DeliveryQuery>) -> Result<DeliveryPage> {
    let Query { meta, query } = query;
    let status = query.status.map(|text| parsed("?status", &text)).transpose()?;
    let page = PageRequest { limit: query.limit, cursor: query.cursor };
    let page = state.webhooks.deliveries(&meta, path_id(&id)?, status, page).await?;
    let items = page.items.into_iter().map(DeliveryResponse::from).collect();
    Ok(Answer::ok(DeliveryPage { items, next_cursor: page.next_cursor }))
}

/// Tries a delivery again that failed or was given up.
#[utoipa::path(post, path = "/api/v1/webhook-subscriptions/{id}/deliveries/{delivery_id}/retry",
    operation_id = "retry_webhook_delivery", tag = "webhooks",
    params(("id" = uuid::Uuid, Path), ("delivery_id" = uuid::Uuid, Path)),
    responses((status = 202, description = "The delivery", body = DeliveryResponse)))]
pub async fn retry(state: Shared, path: Path<(String, String)>, command: Command<Nothing>) -> Result<DeliveryResponse> {
    let (id, delivery) = (path_id(&path.0)?, path_id::<DeliveryId>(&path.1)?);
    Ok(Answer::accepted(state.webhooks.retry(&command.meta, id, delivery).await?.into()))
}
