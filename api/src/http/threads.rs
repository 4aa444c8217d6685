//! Threads outside visits: a patient with the care team, and clinicians among themselves.

use actix_web::web::Path;
use consilium_kernel::{DoctorId, PatientId, Refusal, ThreadId, Timestamp, UserId};
use consilium_messaging::{
    Invited, OpenThread, PageRequest, Thread, ThreadKind, ThreadParticipant, ThreadState, ThreadSummary,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::{Answer, Page, Result},
    chat::{
        EditMessageRequest, HistoryResponse, MarkReadRequest, MessagePage, MessageQuery, MessageResponse,
        OwnReadMarkResponse, ReadMarksResponse, SendMessageRequest,
    },
    command::{Command, Nothing, Query, Shared, path_id},
};

/// Somebody in a thread.
#[derive(Serialize, ToSchema)]
#[schema(as = ThreadParticipant)]
pub struct ThreadParticipantResponse {
    user_id: uuid::Uuid,
    /// What to call them.
    name: String,
    /// `patient`, `doctor`, `nurse` or `pharmacist`.
    role: String,
    #[schema(value_type = String, format = "date-time")]
    added_at: Timestamp,
    /// Up to which `seq` they have read.
    read_seq: i64,
}

impl From<ThreadParticipant> for ThreadParticipantResponse {
    fn from(participant: ThreadParticipant) -> Self {
        Self {
            user_id: participant.user_id.uuid(),
            name: participant.name,
            role: participant.role.to_string(),
            added_at: participant.added_at,
            read_seq: participant.read_seq,
        }
    }
}

/// A thread.
#[derive(Serialize, ToSchema)]
#[schema(as = Thread)]
pub struct ThreadResponse {
    id: uuid::Uuid,
    /// `care` or `clinicians`.
    kind: String,
    /// Whose care it is about; null among clinicians.
    patient_id: Option<uuid::Uuid>,
    subject: String,
    /// `open` or `closed`.
    status: String,
    opened_by: uuid::Uuid,
    #[schema(value_type = String, format = "date-time")]
    opened_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    closed_at: Option<Timestamp>,
    /// When somebody last wrote, or it was opened.
    #[schema(value_type = String, format = "date-time")]
    active_at: Timestamp,
    participants: Vec<ThreadParticipantResponse>,
    /// Messages of others that the reader has not read; only where threads are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<i64>,
    /// The live topic of the WebSocket.
    topic: String,
}

impl From<Thread> for ThreadResponse {
    fn from(thread: Thread) -> Self {
        let state = if thread.closed_at.is_some() { ThreadState::Closed } else { ThreadState::Open };
        Self {
            id: thread.id.uuid(),
            kind: thread.kind.to_string(),
            patient_id: thread.patient_id.map(consilium_kernel::Id::uuid),
            subject: thread.subject,
            status: state.to_string(),
            opened_by: thread.opened_by.uuid(),
            opened_at: thread.opened_at,
            closed_at: thread.closed_at,
            active_at: thread.active_at,
            participants: thread.participants.into_iter().map(ThreadParticipantResponse::from).collect(),
            unread: None,
            topic: consilium_messaging::topic(thread.id),
        }
    }
}

impl From<ThreadSummary> for ThreadResponse {
    fn from(summary: ThreadSummary) -> Self {
        Self { unread: Some(summary.unread), ..summary.thread.into() }
    }
}

/// Somebody to have in a thread: a doctor by `doctor_id`, anybody by `user_id`. One of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Invited)]
pub struct InvitedRequest {
    doctor_id: Option<uuid::Uuid>,
    user_id: Option<uuid::Uuid>,
}

impl InvitedRequest {
    fn parse(&self, pointer: &str) -> std::result::Result<Invited, Refusal> {
        match (self.doctor_id, self.user_id) {
            (Some(doctor), None) => Ok(Invited::DoctorId(DoctorId::new(doctor))),
            (None, Some(user)) => Ok(Invited::UserId(UserId::new(user))),
            _ => Err(Refusal::field(pointer, "invalid", "must have either doctor_id or user_id")),
        }
    }
}

/// A thread to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenThread)]
pub struct OpenThreadRequest {
    /// `care` or `clinicians`.
    kind: String,
    /// For `care`; patients may leave out their own.
    patient_id: Option<uuid::Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// Who else is in it.
    #[serde(default)]
    #[schema(max_items = 30)]
    participants: Vec<InvitedRequest>,
}

impl OpenThreadRequest {
    fn parse(self) -> std::result::Result<OpenThread, Refusal> {
        let kind: ThreadKind =
            self.kind.parse().map_err(|_| Refusal::field("/kind", "invalid", "must be care or clinicians"))?;
        let named = self.participants.iter().enumerate();
        let participants = named
            .map(|(place, invited)| invited.parse(&format!("/participants/{place}")))
            .collect::<std::result::Result<_, _>>()?;
        Ok(OpenThread { kind, patient_id: self.patient_id.map(PatientId::new), subject: self.subject, participants })
    }
}

/// Opens a thread. In one about care are the patient, doctors who have or had an appointment with the patient, and
/// nurses of the facility; among clinicians, doctors, nurses and pharmacists of the facility.
#[utoipa::path(post, path = "/api/v1/threads", operation_id = "open_thread", tag = "threads",
    request_body = OpenThreadRequest, responses((status = 201, description = "Opened", body = ThreadResponse)))]
pub async fn open(state: Shared, command: Command<OpenThreadRequest>) -> Result<ThreadResponse> {
    let thread = state.messaging.open(command.meta, command.body.parse()?).await?;
    Ok(Answer::created(format!("/api/v1/threads/{}", thread.id), thread.into()))
}

/// Which threads.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ThreadQuery {
    /// `open` or `closed`; both when left out.
    status: Option<String>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// One's own threads, the most recently active first.
#[utoipa::path(get, path = "/api/v1/threads", operation_id = "list_threads", tag = "threads", params(ThreadQuery),
    responses((status = 200, description = "Threads", body = Page<ThreadResponse>)))]
pub async fn list(state: Shared, query: Query<ThreadQuery>) -> Result<Page<ThreadResponse>> {
    let Query { meta, query: ThreadQuery { status, cursor, limit } } = query;
    let wrong = |_| Refusal::field("?status", "invalid", "must be open or closed");
    let status = status.as_deref().map(str::parse).transpose().map_err(wrong)?;
    let page = state.messaging.threads(&meta, status, PageRequest { limit, cursor }).await?;
    let items = page.items.into_iter().map(ThreadResponse::from).collect();
    Ok(Answer::ok(Page { items, next_cursor: page.next_cursor }))
}

/// A thread, for those who are in it.
#[utoipa::path(get, path = "/api/v1/threads/{id}", operation_id = "get_thread", tag = "threads",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "The thread", body = ThreadResponse)))]
pub async fn get(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<ThreadResponse> {
    Ok(Answer::ok(state.messaging.thread(&query.meta, path_id(&id)?).await?.into()))
}

/// Closes it: it can be read, and nothing can be written. For clinicians who are in it.
#[utoipa::path(post, path = "/api/v1/threads/{id}/close", operation_id = "close_thread", tag = "threads",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "Closed", body = ThreadResponse)))]
pub async fn close(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<ThreadResponse> {
    Ok(Answer::ok(state.messaging.close(command.meta, path_id(&id)?).await?.into()))
}

/// Opens it again. For clinicians who are in it.
#[utoipa::path(post, path = "/api/v1/threads/{id}/reopen", operation_id = "reopen_thread", tag = "threads",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, description = "Open again", body = ThreadResponse)))]
pub async fn reopen(state: Shared, id: Path<String>, command: Command<Nothing>) -> Result<ThreadResponse> {
    Ok(Answer::ok(state.messaging.reopen(command.meta, path_id(&id)?).await?.into()))
}

/// Has somebody else in it, who then reads everything. For clinicians who are in it.
#[utoipa::path(post, path = "/api/v1/threads/{id}/participants", operation_id = "add_thread_participant",
    tag = "threads", params(("id" = uuid::Uuid, Path)), request_body = InvitedRequest,
    responses((status = 200, description = "The thread", body = ThreadResponse)))]
pub async fn add(state: Shared, id: Path<String>, command: Command<InvitedRequest>) -> Result<ThreadResponse> {
    let invited = command.body.parse("")?;
    Ok(Answer::ok(state.messaging.add(command.meta, path_id(&id)?, invited).await?.into()))
}

/// Takes somebody out of it, or goes. For clinicians who are in it; the patient stays.
#[utoipa::path(delete, path = "/api/v1/threads/{id}/participants/{user_id}", operation_id = "remove_thread_participant",
    tag = "threads", params(("id" = uuid::Uuid, Path), ("user_id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Out of it")))]
pub async fn remove(state: Shared, path: Path<(String, String)>, command: Command<Nothing>) -> Result<()> {
    state.messaging.remove(command.meta, path_id(&path.0)?, path_id(&path.1)?).await?;
    Ok(Answer::nothing())
}

/// Its messages, oldest first.
#[utoipa::path(get, path = "/api/v1/threads/{id}/messages", operation_id = "list_thread_messages", tag = "threads",
    params(("id" = uuid::Uuid, Path), MessageQuery),
    responses((status = 200, description = "Messages", body = MessagePage)))]
pub async fn messages(state: Shared, id: Path<String>, query: Query<MessageQuery>) -> Result<MessagePage> {
    let (id, (after, limit, needle)) = (path_id(&id)?, query.query.parse()?);
    let page = match needle {
        Some(needle) => state.messaging.search_messages(&query.meta, id, needle, after, limit).await?,
        None => state.messaging.messages(&query.meta, id, after, limit).await?,
    };
    Ok(Answer::ok(page.into()))
}

/// Writes in it. The answer means that the message is stored.
#[utoipa::path(post, path = "/api/v1/threads/{id}/messages", operation_id = "send_thread_message", tag = "threads",
    params(("id" = uuid::Uuid, Path)), request_body = SendMessageRequest,
    responses((status = 201, description = "Stored", body = MessageResponse)))]
pub async fn send_message(
    state: Shared,
    id: Path<String>,
    command: Command<SendMessageRequest>,
) -> Result<MessageResponse> {
    let id = path_id::<ThreadId>(&id)?;
    let message = state.messaging.send_message(command.meta, id, command.body.into()).await?;
    let after = message.seq - 1;
    Ok(Answer::created(format!("/api/v1/threads/{id}/messages?after_seq={after}&limit=1"), message.into()))
}

/// Edits a message of one's own, within the time that the setting `messages.edit_minutes` gives.
#[utoipa::path(patch, path = "/api/v1/threads/{id}/messages/{message_id}", operation_id = "edit_thread_message",
    tag = "threads", params(("id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    request_body = EditMessageRequest,
    responses((status = 200, description = "The message as it stands now", body = MessageResponse)))]
pub async fn edit_message(
    state: Shared,
    path: Path<(String, String)>,
    command: Command<EditMessageRequest>,
) -> Result<MessageResponse> {
    let (id, message) = (path_id(&path.0)?, path_id(&path.1)?);
    Ok(Answer::ok(state.messaging.edit_message(&command.meta, id, message, command.body.body).await?.into()))
}

/// Deletes a message of one's own: nobody can read it any more. Deleting twice is fine.
#[utoipa::path(delete, path = "/api/v1/threads/{id}/messages/{message_id}", operation_id = "delete_thread_message",
    tag = "threads", params(("id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What is left of the message", body = MessageResponse)))]
pub async fn delete_message(
    state: Shared,
    path: Path<(String, String)>,
    command: Command<Nothing>,
) -> Result<MessageResponse> {
    let (id, message) = (path_id(&path.0)?, path_id(&path.1)?);
    Ok(Answer::ok(state.messaging.delete_message(&command.meta, id, message).await?.into()))
}

/// What a message said before it was edited.
#[utoipa::path(get, path = "/api/v1/threads/{id}/messages/{message_id}/history",
    operation_id = "get_thread_message_history", tag = "threads",
    params(("id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The message and its earlier texts", body = HistoryResponse)))]
pub async fn history(state: Shared, path: Path<(String, String)>, query: Query<Nothing>) -> Result<HistoryResponse> {
    let (id, message) = (path_id(&path.0)?, path_id(&path.1)?);
    Ok(Answer::ok(state.messaging.message_history(&query.meta, id, message).await?.into()))
}

/// Who has read how far.
#[utoipa::path(get, path = "/api/v1/threads/{id}/read-marks", operation_id = "list_thread_read_marks",
    tag = "threads", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Read marks", body = ReadMarksResponse)))]
pub async fn read_marks(state: Shared, id: Path<String>, query: Query<Nothing>) -> Result<ReadMarksResponse> {
    Ok(Answer::ok(state.messaging.read_marks(&query.meta, path_id(&id)?).await?.into()))
}

/// Notes how far one has read; never backwards.
#[utoipa::path(post, path = "/api/v1/threads/{id}/read-marks", operation_id = "mark_thread_read",
    tag = "threads", params(("id" = uuid::Uuid, Path)), request_body = MarkReadRequest,
    responses((status = 200, description = "Noted", body = OwnReadMarkResponse)))]
pub async fn mark_read(
    state: Shared,
    id: Path<String>,
    command: Command<MarkReadRequest>,
) -> Result<OwnReadMarkResponse> {
    Ok(Answer::ok(state.messaging.mark_read(command.meta, path_id(&id)?, command.body.seq).await?.into()))
}
