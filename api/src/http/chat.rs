//! The chat of a consultation.

use actix_web::web::Path;
use consilium_consultations::{Message, NewMessage};
use consilium_kernel::{ConsultationId, Refusal, Timestamp, not_a_cursor, page_limit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Query, Shared, path_id},
};

/// A message of the chat.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageResponse {
    id: uuid::Uuid,
    /// Its place in the chat, and the number of its event on the topic.
    seq: i64,
    sender_id: uuid::Uuid,
    client_message_id: String,
    body: String,
    #[schema(value_type = String, format = "date-time")]
    sent_at: Timestamp,
}

impl From<Message> for MessageResponse {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.uuid(),
            seq: message.seq,
            sender_id: message.sender_id.uuid(),
            client_message_id: message.client_message_id,
            body: message.body,
            sent_at: message.sent_at,
        }
    }
}

/// A part of the chat.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    items: Vec<MessageResponse>,
    /// Pass it as `after_seq` (or as `cursor`) to go on; null at the end.
    next_cursor: Option<String>,
}

/// Which part of the chat.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// Messages after this one.
    #[param(minimum = 0)]
    after_seq: Option<i64>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// The chat, oldest first, for participants.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/messages", operation_id = "list_messages", tag = "consultations",
    params(("id" = uuid::Uuid, Path), MessageQuery),
    responses((status = 200, description = "Messages", body = MessagePage)))]
pub async fn messages(state: Shared, id: Path<String>, query: Query<MessageQuery>) -> Result<MessagePage> {
    let Query { meta, query } = query;
    let limit = page_limit(query.limit)?;
    let after = match (query.after_seq, &query.cursor) {
        (Some(after), _) if after < 0 => {
            return Err(Refusal::field("?after_seq", "out_of_range", "is less than 0").into());
        }
        (Some(after), _) => after,
        (None, Some(cursor)) => cursor.parse().map_err(|_| not_a_cursor())?,
        (None, None) => 0,
    };
    let page = state.consultations.messages(&meta, path_id(&id)?, after, limit).await?;
    let items = page.items.into_iter().map(MessageResponse::from).collect();
    Ok(Answer::ok(MessagePage { items, next_cursor: page.next_after_seq.map(|seq| seq.to_string()) }))
}

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessageRequest {
    #[schema(min_length = 1, max_length = 8000)]
    body: String,
    /// The client's own id of it: the same one again is answered with the message already stored.
    #[schema(min_length = 1, max_length = 64)]
    client_message_id: String,
}

impl From<SendMessageRequest> for NewMessage {
    fn from(request: SendMessageRequest) -> Self {
        Self { client_message_id: request.client_message_id, body: request.body }
    }
}

/// Writes in the chat. The answer means that the message is stored.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/messages", operation_id = "send_message", tag = "consultations",
    params(("id" = uuid::Uuid, Path)), request_body = SendMessageRequest,
    responses((status = 201, description = "Stored", body = MessageResponse)))]
pub async fn send_message(
    state: Shared,
    id: Path<String>,
    command: Command<SendMessageRequest>,
) -> Result<MessageResponse> {
    let id = path_id::<ConsultationId>(&id)?;
    let message = state.consultations.send_message(command.meta, id, command.body.into()).await?;
    let after = message.seq - 1;
    Ok(Answer::created(format!("/api/v1/consultations/{id}/messages?after_seq={after}&limit=1"), message.into()))
}
