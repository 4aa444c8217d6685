//! Commands on the topic of a thread: those of a consultation's chat, meaning the same.

use consilium_consultations::SignalKind;
use consilium_kernel::{CommandMeta, Id, Refusal, ThreadId};
use serde_json::{Value, json};

use super::{
    commands::{CommandName, UNKNOWN, answer, body},
    context::WsContext,
    payloads::{DeleteMessage, EditMessage, MarkRead},
};
use crate::http::chat::{MessageResponse, SendMessageRequest};

/// Does what the client commands.
pub(super) async fn perform(
    context: &WsContext,
    meta: CommandMeta,
    id: ThreadId,
    command: CommandName,
    data: Value,
) -> Result<Value, Refusal> {
    let messaging = &context.messaging;
    match command {
        CommandName::SendMessage => {
            let message: SendMessageRequest = body(data)?;
            answer(MessageResponse::from(messaging.send_message(meta, id, message.into()).await?))
        }
        CommandName::EditMessage => {
            let EditMessage { message_id, body } = body(data)?;
            answer(MessageResponse::from(messaging.edit_message(&meta, id, Id::new(message_id), body).await?))
        }
        CommandName::DeleteMessage => {
            let DeleteMessage { message_id } = body(data)?;
            answer(MessageResponse::from(messaging.delete_message(&meta, id, Id::new(message_id)).await?))
        }
        CommandName::MarkRead => {
            let MarkRead { seq } = body(data)?;
            answer(messaging.mark_read(meta, id, seq).await?)
        }
        CommandName::Typing => {
            SignalKind::Typing.check(&data)?;
            messaging.signal_typing(&meta, id, data).await.map(|()| json!({}))
        }
        _ => Err(UNKNOWN),
    }
}
