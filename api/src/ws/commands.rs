//! Commands: the same service methods as the HTTP routes call, with the same answers.

use consilium_consultations::{NewMessage, SignalKind};
use consilium_kernel::{CommandMeta, ConsultationId, Id, MessageId, Refusal, RefusalKind};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::{context::WsContext, protocol::wrong_shape, threads, topic::Topic};
use crate::http::{
    chat::MessageResponse,
    consultations::ConsultationResponse,
    quality::{QualityRequest, ReportedResponse as QualityReported},
    shared_files::{ShareFileRequest, SharedFileResponse},
    support::{IssueRequest, ReportedResponse as IssueReported},
    waiting_room::DeviceCheckRequest,
};

/// What can be commanded on the topic of a consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CommandName {
    /// `{client_message_id, body}` → the stored message.
    SendMessage,
    /// `{message_id, body}` → the message as it stands now.
    EditMessage,
    /// `{message_id}` → what is left of the message.
    DeleteMessage,
    /// `{seq}` → `{seq}`.
    MarkRead,
    /// `{file_id}` → the shared file.
    ShareFile,
    /// Anything → `{}`; a signal to the others.
    Typing,
    /// `{kind: offer | answer | ice, …}` → `{}`; a signal to the others in the room.
    Signal,
    /// Anything → `{}`; a signal to the others in the room.
    RaiseHand,
    /// Anything → `{}`; a signal to the others in the room.
    SetMedia,
    /// `{camera?, microphone?, bandwidth_kbps?, browser?}` → `{}`; the doctor sees it in the waiting room.
    DeviceCheck,
    /// A waiting patient cannot wait any longer → the consultation.
    Emergency,
    /// `{measurements}` → `{accepted, advice}`.
    ReportQuality,
    /// `{category, severity, description, diagnostics?}` → the issue and another way to meet.
    ReportIssue,
    /// The doctor lets the waiting patient in → the consultation.
    Admit,
    /// The doctor begins → the consultation.
    Start,
    /// The doctor ends it → the consultation.
    End,
    /// Goes → the consultation.
    Leave,
}

pub(super) const UNKNOWN: Refusal =
    Refusal::new(RefusalKind::NotFound, "unknown_command", "There is no such command on this topic.");

#[derive(Deserialize)]
pub(super) struct MarkRead {
    pub(super) seq: i64,
}

#[derive(Deserialize)]
pub(super) struct EditMessage {
    pub(super) message_id: MessageId,
    pub(super) body: String,
}

#[derive(Deserialize)]
pub(super) struct DeleteMessage {
    pub(super) message_id: MessageId,
}

/// Which part of setting up a WebRTC connection a signal is.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SignalPart {
    Offer,
    Answer,
    Ice,
}

#[derive(Deserialize)]
struct WebRtc {
    #[serde(rename = "kind")]
    _kind: SignalPart,
}

/// Does what the client commands.
pub async fn perform(
    context: &WsContext,
    meta: CommandMeta,
    topic: &str,
    command: &str,
    data: Value,
) -> Result<Value, Refusal> {
    let topic = Topic::parse(topic)?;
    let command: CommandName = command.parse().map_err(|_| UNKNOWN)?;
    let id = match topic {
        Topic::Consultation(id) => id,
        Topic::Thread(id) => return threads::perform(context, meta, id, command, data).await,
        Topic::Me | Topic::WaitingRoom(_) => return Err(UNKNOWN),
    };
    let consultations = &context.consultations;
    match command {
        CommandName::SendMessage => {
            let message: NewMessage = body(data)?;
            answer(MessageResponse::from(consultations.send_message(meta, id, message).await?))
        }
        CommandName::EditMessage => {
            let EditMessage { message_id, body } = body(data)?;
            answer(MessageResponse::from(consultations.edit_message(&meta, id, message_id, body).await?))
        }
        CommandName::DeleteMessage => {
            let DeleteMessage { message_id } = body(data)?;
            answer(MessageResponse::from(consultations.delete_message(&meta, id, message_id).await?))
        }
        CommandName::MarkRead => {
            let MarkRead { seq } = body(data)?;
            answer(consultations.mark_read(meta, id, seq).await?)
        }
        CommandName::ShareFile => {
            let ShareFileRequest { file_id } = body(data)?;
            answer(SharedFileResponse::from(consultations.share_file(meta, id, Id::new(file_id)).await?))
        }
        CommandName::Typing => signal(context, &meta, id, SignalKind::Typing, data).await,
        CommandName::Signal => {
            let WebRtc { .. } = body(data.clone())?;
            signal(context, &meta, id, SignalKind::Signal, data).await
        }
        CommandName::RaiseHand => signal(context, &meta, id, SignalKind::RaiseHand, data).await,
        CommandName::SetMedia => signal(context, &meta, id, SignalKind::SetMedia, data).await,
        CommandName::DeviceCheck => {
            let check: DeviceCheckRequest = body(data)?;
            let check = check.parse(context.db.clock().now())?;
            consultations.check_device(meta, id, check).await.map(|_| json!({}))
        }
        CommandName::Emergency => answer(ConsultationResponse::from(consultations.raise_emergency(meta, id).await?)),
        CommandName::ReportQuality => {
            let measured: QualityRequest = body(data)?;
            answer(QualityReported::from(consultations.report_quality(meta, id, measured.into()).await?))
        }
        CommandName::ReportIssue => {
            let issue: IssueRequest = body(data)?;
            answer(IssueReported::from(context.support.report(meta, id, issue.into()).await?))
        }
        CommandName::Admit => answer(ConsultationResponse::from(consultations.admit(meta, id).await?)),
        CommandName::Start => answer(ConsultationResponse::from(consultations.start(meta, id).await?)),
        CommandName::End => answer(ConsultationResponse::from(consultations.end(meta, id).await?)),
        CommandName::Leave => answer(ConsultationResponse::from(consultations.leave(meta, id).await?)),
    }
}

async fn signal(
    context: &WsContext,
    meta: &CommandMeta,
    id: ConsultationId,
    kind: SignalKind,
    data: Value,
) -> Result<Value, Refusal> {
    context.consultations.signal(meta, id, kind, data).await.map(|()| json!({}))
}

pub(super) fn body<T: DeserializeOwned>(data: Value) -> Result<T, Refusal> {
    serde_json::from_value(data).map_err(|error| wrong_shape("/data", &error))
}

pub(super) fn answer(value: impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|_| Refusal::internal())
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    /// The contract's names, written by hand.
    #[test]
    fn commands_have_their_names() {
        let names: Vec<&str> = CommandName::iter().map(<&str>::from).collect();
        assert_eq!(
            names,
            [
                "send_message",
                "edit_message",
                "delete_message",
                "mark_read",
                "share_file",
                "typing",
                "signal",
                "raise_hand",
                "set_media",
                "device_check",
                "emergency",
                "report_quality",
                "report_issue",
                "admit",
                "start",
                "end",
                "leave"
            ]
        );
    }

    #[test]
    fn a_signal_is_an_offer_an_answer_or_a_candidate() {
        for good in [json!({"kind": "offer", "sdp": "…"}), json!({"kind": "answer"}), json!({"kind": "ice", "x": 1})]
        {
            assert!(body::<WebRtc>(good).is_ok());
        }
        for bad in [json!({"kind": "cursor"}), json!({}), json!("offer"), Value::Null] {
            assert_eq!(body::<WebRtc>(bad).err().map(|refusal| refusal.code.into_owned()), Some("invalid".to_owned()));
        }
    }
}
