//! Messages: of a consultation, and the shapes that threads share with it.

use actix_web::web::Path;
use consilium_chat::{Message, MessageHistory, MessagePage as Found, Needle, NewMessage, ReadMark, Reader};
use consilium_kernel::{ConsultationId, Id, Refusal, Timestamp, not_a_cursor, page_limit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Result},
    command::{Command, Nothing, Query, Shared, path_id},
};

/// A message.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageResponse {
    id: uuid::Uuid,
    /// Its place in the conversation, and the number of its first event on the topic.
    seq: i64,
    sender_id: uuid::Uuid,
    client_message_id: String,
    /// What it says now; null once it is deleted.
    body: Option<String>,
    /// Files that are shown with it; none any more once it is deleted.
    attachments: Vec<uuid::Uuid>,
    #[schema(value_type = String, format = "date-time")]
    sent_at: Timestamp,
    /// Null unless it was edited.
    #[schema(value_type = Option<String>, format = "date-time")]
    edited_at: Option<Timestamp>,
    /// Null unless it was deleted.
    #[schema(value_type = Option<String>, format = "date-time")]
    deleted_at: Option<Timestamp>,
}

impl From<Message> for MessageResponse {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.uuid(),
            seq: message.seq,
            sender_id: message.sender_id.uuid(),
            body: message.text().map(str::to_owned),
            attachments: message.attachments.iter().map(|file| file.uuid()).collect(),
            client_message_id: message.client_message_id,
            sent_at: message.sent_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
        }
    }
}

/// A part of a conversation.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    items: Vec<MessageResponse>,
    /// Pass it as `after_seq` (or as `cursor`) to go on; null at the end.
    next_cursor: Option<String>,
}

impl From<Found> for MessagePage {
    fn from(page: Found) -> Self {
        let items = page.items.into_iter().map(MessageResponse::from).collect();
        Self { items, next_cursor: page.next_after_seq.map(|seq| seq.to_string()) }
    }
}

/// Which part of a conversation.
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
    /// Only messages that contain this, whatever the case. A page of a search may be empty and still have a next one.
    #[param(min_length = 2, max_length = 100)]
    q: Option<String>,
}

impl MessageQuery {
    /// After which number, how many, and what to search for.
    pub(super) fn parse(&self) -> std::result::Result<(i64, i64, Option<Needle>), Refusal> {
        let after = match (self.after_seq, &self.cursor) {
            (Some(after), _) if after < 0 => {
                return Err(Refusal::field("?after_seq", "out_of_range", "is less than 0"));
            }
            (Some(after), _) => after,
            (None, Some(cursor)) => cursor.parse().map_err(|_| not_a_cursor())?,
            (None, None) => 0,
        };
        Ok((after, page_limit(self.limit)?, self.q.as_deref().map(Needle::parse).transpose()?))
    }
}

/// The chat, oldest first, for participants.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/messages", operation_id = "list_messages", tag = "consultations",
    params(("id" = uuid::Uuid, Path), MessageQuery),
    responses((status = 200, description = "Messages", body = MessagePage)))]
pub async fn messages(state: Shared, id: Path<String>, query: Query<MessageQuery>) -> Result<MessagePage> {
    let (id, (after, limit, needle)) = (path_id(&id)?, query.query.parse()?);
    let page = match needle {
        Some(needle) => state.consultations.search_messages(&query.meta, id, needle, after, limit).await?,
        None => state.consultations.messages(&query.meta, id, after, limit).await?,
    };
    Ok(Answer::ok(page.into()))
}

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessageRequest {
    /// May be empty where something is attached.
    #[schema(max_length = 8000)]
    body: String,
    /// Files of one's own to show with it: available, and about the patient of the conversation.
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<uuid::Uuid>,
    /// The client's own id of it: the same one again is answered with the message already stored.
    #[schema(min_length = 1, max_length = 64)]
    client_message_id: String,
}

impl From<SendMessageRequest> for NewMessage {
    fn from(request: SendMessageRequest) -> Self {
        let attachments = request.attachments.into_iter().map(Id::new).collect();
        Self { client_message_id: request.client_message_id, body: request.body, attachments }
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

/// What a message is to say instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditMessageRequest {
    #[schema(min_length = 1, max_length = 8000)]
    pub(super) body: String,
}

/// Edits a message of one's own, within the time that the setting `messages.edit_minutes` gives.
#[utoipa::path(patch, path = "/api/v1/consultations/{id}/messages/{message_id}", operation_id = "edit_message",
    tag = "consultations", params(("id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    request_body = EditMessageRequest,
    responses((status = 200, description = "The message as it stands now", body = MessageResponse)))]
pub async fn edit_message(
    state: Shared,
    path: Path<(String, String)>,
    command: Command<EditMessageRequest>,
) -> Result<MessageResponse> {
    let (id, message) = (path_id(&path.0)?, path_id(&path.1)?);
    Ok(Answer::ok(state.consultations.edit_message(&command.meta, id, message, command.body.body).await?.into()))
}

/// Deletes a message of one's own: nobody can read it any more. Deleting twice is fine.
#[utoipa::path(delete, path = "/api/v1/consultations/{id}/messages/{message_id}", operation_id = "delete_message",
    tag = "consultations", params(("id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What is left of the message", body = MessageResponse)))]
pub async fn delete_message(
    state: Shared,
    path: Path<(String, String)>,
    command: Command<Nothing>,
) -> Result<MessageResponse> {
    let (id, message) = (path_id(&path.0)?, path_id(&path.1)?);
    Ok(Answer::ok(state.consultations.delete_message(&command.meta, id, message).await?.into()))
}

/// What a message said before.
#[derive(Serialize, ToSchema)]
#[schema(as = EarlierText)]
pub struct EarlierTextResponse {
    /// Null when the message was deleted.
    body: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    written_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    replaced_at: Timestamp,
}

/// A message and what it said before.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageHistory)]
pub struct HistoryResponse {
    message: MessageResponse,
    /// Oldest first.
    earlier: Vec<EarlierTextResponse>,
}

impl From<MessageHistory> for HistoryResponse {
    fn from(history: MessageHistory) -> Self {
        let earlier = history.earlier.into_iter().map(|text| EarlierTextResponse {
            body: text.body,
            written_at: text.written_at,
            replaced_at: text.replaced_at,
        });
        Self { earlier: earlier.collect(), message: history.message.into() }
    }
}

/// What a message said before it was edited, for participants.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/messages/{message_id}/history",
    operation_id = "get_message_history", tag = "consultations",
    params(("id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The message and its earlier texts", body = HistoryResponse)))]
pub async fn history(state: Shared, path: Path<(String, String)>, query: Query<Nothing>) -> Result<HistoryResponse> {
    let (id, message) = (path_id(&path.0)?, path_id(&path.1)?);
    Ok(Answer::ok(state.consultations.message_history(&query.meta, id, message).await?.into()))
}

/// How far somebody has read.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadMark)]
pub struct ReadMarkResponse {
    user_id: uuid::Uuid,
    /// What they are in the conversation.
    role: String,
    /// Up to and including this number; 0 before they read anything.
    seq: i64,
}

/// How far everybody has read.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadMarks)]
pub struct ReadMarksResponse {
    items: Vec<ReadMarkResponse>,
    next_cursor: Option<String>,
}

impl From<Vec<Reader>> for ReadMarksResponse {
    fn from(readers: Vec<Reader>) -> Self {
        let items = readers.into_iter().map(|reader| ReadMarkResponse {
            user_id: reader.user_id.uuid(),
            role: reader.role,
            seq: reader.seq,
        });
        Self { items: items.collect(), next_cursor: None }
    }
}

/// Who has read how far, for participants.
#[utoipa::path(get, path = "/api/v1/consultations/{id}/read-marks", operation_id = "list_read_marks",
    tag = "consultations", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Read marks", body = ReadMarksResponse)))]
pub async fn read_marks(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<ReadMarksResponse> {
    Ok(Answer::ok(state.consultations.read_marks(&query.meta, path_id(&id)?).await?.into()))
}

/// How far one has read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MarkRead)]
pub struct MarkReadRequest {
    /// Up to and including this number of the topic.
    #[schema(minimum = 0)]
    pub(super) seq: i64,
}

/// How far one has read now.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnReadMark)]
pub struct OwnReadMarkResponse {
    seq: i64,
}

impl From<ReadMark> for OwnReadMarkResponse {
    fn from(mark: ReadMark) -> Self {
        Self { seq: mark.seq }
    }
}

/// Notes how far one has read; never backwards.
#[utoipa::path(post, path = "/api/v1/consultations/{id}/read-marks", operation_id = "mark_read",
    tag = "consultations", params(("id" = uuid::Uuid, Path)), request_body = MarkReadRequest,
    responses((status = 200, description = "Noted", body = OwnReadMarkResponse)))]
pub async fn mark_read(
    state: Shared,
    id: Path<String>,
    command: Command<MarkReadRequest>,
) -> Result<OwnReadMarkResponse> {
    Ok(Answer::ok(state.consultations.mark_read(command.meta, path_id(&id)?, command.body.seq).await?.into()))
}
