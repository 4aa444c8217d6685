//! One's own inbox, and the delivery queue for administrators.

use actix_web::web::Path;
use consilium_kernel::Timestamp;
use consilium_notifications::{Delivery, InboxEntry, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
    parsed::parsed,
};

/// A message in one's inbox.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification)]
pub struct NotificationResponse {
    id: uuid::Uuid,
    /// `appointment_accepted`, `reminder_1h`, …
    kind: String,
    appointment_id: Option<uuid::Uuid>,
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    read_at: Option<Timestamp>,
    /// Names the words to show, in the reader's language.
    text_key: String,
    /// What the words mention.
    #[schema(value_type = Object)]
    params: serde_json::Map<String, serde_json::Value>,
}

impl From<InboxEntry> for NotificationResponse {
    fn from(entry: InboxEntry) -> Self {
        Self {
            id: entry.id.uuid(),
            kind: entry.kind.to_string(),
            appointment_id: entry.appointment_id.map(|id| id.uuid()),
            at: entry.at,
            read_at: entry.read_at,
            text_key: entry.text.key,
            params: entry.text.params,
        }
    }
}

/// A part of the inbox, newest first.
#[derive(Serialize, ToSchema)]
pub struct NotificationPage {
    items: Vec<NotificationResponse>,
    next_cursor: Option<String>,
}

/// Which part of the inbox.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// Only what was not read yet.
    unread: Option<bool>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// One's own messages.
#[utoipa::path(get, path = "/api/v1/me/notifications", operation_id = "list_my_notifications", tag = "me",
    params(InboxQuery), responses((status = 200, description = "Own messages", body = NotificationPage)))]
pub async fn inbox(state: Shared, query: Query<InboxQuery>) -> Result<NotificationPage> {
    let Query { meta, query } = query;
    let page = PageRequest { limit: query.limit, cursor: query.cursor };
    let page = state.notifications.inbox(&meta, query.unread.unwrap_or(false), page).await?;
    let items = page.items.into_iter().map(NotificationResponse::from).collect();
    Ok(Answer::ok(NotificationPage { items, next_cursor: page.next_cursor }))
}

/// Marks a message as read.
#[utoipa::path(post, path = "/api/v1/me/notifications/{id}/read", operation_id = "read_notification", tag = "me",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The message", body = NotificationResponse)))]
pub async fn read(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<NotificationResponse> {
    Ok(Answer::ok(state.notifications.mark_read(&command.meta, path_id(&id)?).await?.into()))
}

/// One message to one person over one channel: no address, no text.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryResponse {
    id: uuid::Uuid,
    kind: String,
    /// `email`, `in_app` or `push`.
    channel: String,
    /// `queued`, `sending`, `sent`, `failed`, `dead` or `withdrawn`.
    status: String,
    /// `appointment`, or `event` for what has no schedule.
    entity_kind: String,
    entity_id: uuid::Uuid,
    /// The schedule revision of an appointment.
    revision: i64,
    attempts: i64,
    /// Why the last attempt failed.
    last_error: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    sent_at: Option<Timestamp>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<Delivery> for DeliveryResponse {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.uuid(),
            kind: delivery.kind.to_string(),
            channel: delivery.channel.to_string(),
            status: delivery.status.to_string(),
            entity_kind: delivery.entity_kind,
            entity_id: delivery.entity_id,
            revision: delivery.revision,
            attempts: delivery.attempts.into(),
            last_error: delivery.last_error,
            sent_at: delivery.sent_at,
            created_at: delivery.created_at,
        }
    }
}

/// A part of the queue, newest first.
#[derive(Serialize, ToSchema)]
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

/// What was sent, waits, or was given up.
#[utoipa::path(get, path = "/api/v1/admin/notifications", operation_id = "list_deliveries", tag = "admin",
    params(DeliveryQuery), responses((status = 200, description = "Deliveries", body = DeliveryPage)))]
pub async fn deliveries(state: Shared, query: Query<DeliveryQuery>) -> Result<DeliveryPage> {
    let Query { meta, query } = query;
    let status = query.status.map(|text| parsed("?status", &text)).transpose()?;
    let page = PageRequest { limit: query.limit, cursor: query.cursor };
    let page = state.notifications.deliveries(&meta, status, page).await?;
    let items = page.items.into_iter().map(DeliveryResponse::from).collect();
    Ok(Answer::ok(DeliveryPage { items, next_cursor: page.next_cursor }))
}

/// Puts a delivery that was given up back into the queue.
#[utoipa::path(post, path = "/api/v1/admin/notifications/{id}/retry", operation_id = "retry_delivery", tag = "admin",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The delivery", body = DeliveryResponse)))]
pub async fn retry(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<DeliveryResponse> {
    Ok(Answer::ok(state.notifications.retry(&command.meta, path_id(&id)?).await?.into()))
}
