//! Web push: the key by which browsers know this server, and one's own browsers that are told.

use actix_web::web::Path;
use consilium_kernel::Timestamp;
use consilium_notifications::{BrowserAddress, PushSubscription};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Page, Result},
    command::{Command, Nothing, Query, Shared, path_id},
};
use crate::push;

/// The key of this server (VAPID).
#[derive(Serialize, ToSchema)]
#[schema(as = PushKey)]
pub struct KeyResponse {
    /// For `applicationServerKey`: base64url of an uncompressed P-256 point.
    public_key: String,
}

/// The key that a browser subscribes with.
#[utoipa::path(get, path = "/api/v1/push/key", operation_id = "get_push_key", tag = "me",
    responses((status = 200, description = "The key", body = KeyResponse)))]
pub async fn key(state: Shared, _: Query<Nothing>) -> Result<KeyResponse> {
    Ok(Answer::ok(KeyResponse { public_key: state.notifications.push_key()? }))
}

/// A browser that is told by web push. Does not say where it is reached.
#[derive(Serialize, ToSchema)]
#[schema(as = PushSubscription)]
pub struct SubscriptionResponse {
    id: uuid::Uuid,
    /// The host of its push service.
    service: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<PushSubscription> for SubscriptionResponse {
    fn from(from: PushSubscription) -> Self {
        Self { id: from.id.uuid(), service: from.service, created_at: from.created_at }
    }
}

/// What `PushSubscription.toJSON()` of a browser tells.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreatePushSubscription)]
#[serde(deny_unknown_fields)]
pub struct SubscribeRequest {
    /// An https address of the browser's push service.
    #[schema(max_length = 2000)]
    endpoint: String,
    keys: SubscriptionKeys,
}

/// What messages are encrypted with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionKeys {
    /// base64url of an uncompressed P-256 point.
    p256dh: String,
    /// base64url of 16 bytes.
    auth: String,
}

/// Has this browser told, until its login ends. Again with the same endpoint changes nothing but the keys.
#[utoipa::path(post, path = "/api/v1/me/push-subscriptions", operation_id = "create_push_subscription", tag = "me",
    request_body = SubscribeRequest,
    responses((status = 201, description = "The subscription", body = SubscriptionResponse)))]
pub async fn subscribe(state: Shared, command: Command<SubscribeRequest>) -> Result<SubscriptionResponse> {
    let SubscribeRequest { endpoint, keys: SubscriptionKeys { p256dh, auth } } = command.body;
    let address = BrowserAddress { endpoint, p256dh, auth };
    let settings = push::settings(&state.config);
    let made = state.notifications.subscribe(&command.meta, address, &settings).await?;
    Ok(Answer::created(format!("/api/v1/me/push-subscriptions/{}", made.id), made.into()))
}

/// One's own browsers that are told, newest first.
#[utoipa::path(get, path = "/api/v1/me/push-subscriptions", operation_id = "list_push_subscriptions", tag = "me",
    responses((status = 200, description = "Subscriptions", body = Page<SubscriptionResponse>)))]
pub async fn subscriptions(state: Shared, query: Query<Nothing>) -> Result<Page<SubscriptionResponse>> {
    let found = state.notifications.subscriptions(&query.meta).await?;
    Ok(Answer::ok(Page { items: found.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Has one of one's own browsers told no longer.
#[utoipa::path(delete, path = "/api/v1/me/push-subscriptions/{id}", operation_id = "delete_push_subscription",
    tag = "me", params(("id" = uuid::Uuid, Path)), responses((status = 204, description = "It is gone")))]
pub async fn unsubscribe(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<()> {
    state.notifications.unsubscribe(&command.meta, path_id(&id)?).await?;
    Ok(Answer::nothing())
}
