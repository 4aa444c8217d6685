//! Commands: the same service methods as the HTTP routes call, with the same answers.

use consilium_consultations::{MediaChange, SignalKind};
use consilium_kernel::{CommandMeta, ConsultationId, Id, Refusal, RefusalKind, UserId};
use consilium_recordings::Recording;
use consilium_runtime::{LiveEvent, Signal};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use strum::{EnumIter, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::{
    catalogue::Shape,
    context::WsContext,
    limits::Paces,
    payloads::{
        Annotate, AnswerRecording, Cursor, DeleteMessage, EditMessage, MarkRead, RaiseHand, SetMedia, ShareScreen,
        StopRecording, Typing, WebRtc,
    },
    protocol::wrong_shape,
    threads,
    topic::Topic,
};
use crate::http::{
    chat::{MessageResponse, SendMessageRequest},
    consultations::ConsultationResponse,
    media::{AnnotationsResponse, MediaResponse, SaveAnnotationsRequest},
    quality::{QualityRequest, ReportedResponse as QualityReported},
    recordings::{RecordingRequest, RecordingResponse},
    shared_files::{ShareFileRequest, SharedFileResponse},
    support::{IssueRequest, ReportedResponse as IssueReported},
    waiting_room::DeviceCheckRequest,
};

/// What can be commanded on the topic of a consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, EnumString, IntoStaticStr)]
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
    /// `{kind: offer | answer | ice, to?, …}` → `{}`; a signal to the others in the room, or to one of them.
    Signal,
    /// `{raised?}` → the caller's media.
    RaiseHand,
    /// `{microphone?, camera?}` → the caller's media.
    SetMedia,
    /// `{camera?, microphone?, bandwidth_kbps?, browser?}` → `{}`; the doctor sees it in the waiting room.
    DeviceCheck,
    /// A waiting patient cannot wait any longer → the consultation.
    Emergency,
    /// `{sharing}` → the caller's media.
    ShareScreen,
    /// `{x, y, of?}` → `{}`; a signal to the others in the room.
    Cursor,
    /// `{stroke | clear, of?}` → `{}`; a signal to the others in the room.
    Annotate,
    /// `{client_annotation_id, strokes}` → the stored drawing.
    SaveAnnotations,
    /// `{measurements}` → `{accepted, advice}`.
    ReportQuality,
    /// `{category, severity, description, diagnostics?}` → the issue and another way to meet.
    ReportIssue,
    /// `{media}` → the recording that everybody is asked for.
    RequestRecording,
    /// `{recording_id, given, text_version}` → the recording.
    AnswerRecording,
    /// `{recording_id}` → the recording.
    StopRecording,
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

const TOO_OFTEN: Refusal =
    Refusal::new(RefusalKind::TooMany, "too_many_signals", "Too many of these at once. Please slow down.");

impl CommandName {
    /// Of its data and of its answer; `None` where there is nothing to say of them.
    pub(super) fn shapes(self) -> (Option<Shape>, Option<Shape>) {
        fn is<T: ToSchema>() -> Option<Shape> {
            Some(Shape::of::<T>())
        }
        match self {
            Self::SendMessage => (is::<SendMessageRequest>(), is::<MessageResponse>()),
            Self::EditMessage => (is::<EditMessage>(), is::<MessageResponse>()),
            Self::DeleteMessage => (is::<DeleteMessage>(), is::<MessageResponse>()),
            Self::ShareFile => (is::<ShareFileRequest>(), is::<SharedFileResponse>()),
            Self::ReportQuality => (is::<QualityRequest>(), is::<QualityReported>()),
            Self::ReportIssue => (is::<IssueRequest>(), is::<IssueReported>()),
            Self::MarkRead => (is::<MarkRead>(), is::<MarkRead>()),
            Self::Typing => (is::<Typing>(), None),
            Self::Signal => (is::<WebRtc>(), None),
            Self::Cursor => (is::<Cursor>(), None),
            Self::Annotate => (is::<Annotate>(), None),
            Self::RaiseHand => (is::<RaiseHand>(), is::<MediaResponse>()),
            Self::SetMedia => (is::<SetMedia>(), is::<MediaResponse>()),
            Self::ShareScreen => (is::<ShareScreen>(), is::<MediaResponse>()),
            Self::SaveAnnotations => (is::<SaveAnnotationsRequest>(), is::<AnnotationsResponse>()),
            Self::DeviceCheck => (is::<DeviceCheckRequest>(), None),
            Self::RequestRecording => (is::<RecordingRequest>(), is::<RecordingResponse>()),
            Self::AnswerRecording => (is::<AnswerRecording>(), is::<RecordingResponse>()),
            Self::StopRecording => (is::<StopRecording>(), is::<RecordingResponse>()),
            Self::Emergency | Self::Admit | Self::Start | Self::End | Self::Leave => {
                (None, is::<ConsultationResponse>())
            }
        }
    }

    /// How many of them a connection may send at once, and per second in the long run, where that is less than it may
    /// send of all frames.
    fn pace(self) -> Option<(u32, u32)> {
        match self {
            Self::Typing => Some((5, 2)),
            Self::Cursor => Some((20, 15)),
            Self::Annotate => Some((15, 10)),
            Self::RaiseHand | Self::SetMedia | Self::ShareScreen | Self::SaveAnnotations => Some((6, 1)),
            Self::RequestRecording | Self::AnswerRecording | Self::StopRecording => Some((6, 1)),
            _ => None,
        }
    }
}

/// Does what the client commands on a topic, which its connection may be `watching`.
pub async fn perform(
    context: &WsContext,
    paces: &mut Paces<CommandName>,
    meta: CommandMeta,
    (topic, watching): (&str, bool),
    command: &str,
    data: Value,
) -> Result<Value, Refusal> {
    let topic = Topic::parse(topic)?;
    let command: CommandName = command.parse().map_err(|_| UNKNOWN)?;
    if let Some(pace) = command.pace() {
        paces.keep(command, pace).map_err(|seconds| Refusal { retry_after: Some(seconds), ..TOO_OFTEN })?;
    }
    let id = match topic {
        Topic::Consultation(_) | Topic::Thread(_) if command == CommandName::Typing && watching => {
            return typing(context, &meta, topic, data);
        }
        Topic::Consultation(id) => id,
        Topic::Thread(id) => return threads::perform(context, meta, id, command, data).await,
        Topic::Me | Topic::WaitingRoom(_) => return Err(UNKNOWN),
    };
    let consultations = &context.consultations;
    match command {
        CommandName::SendMessage => {
            let message: SendMessageRequest = body(data)?;
            answer(MessageResponse::from(consultations.send_message(meta, id, message.into()).await?))
        }
        CommandName::EditMessage => {
            let EditMessage { message_id, body } = body(data)?;
            let edited = consultations.edit_message(&meta, id, Id::new(message_id), body).await?;
            answer(MessageResponse::from(edited))
        }
        CommandName::DeleteMessage => {
            let DeleteMessage { message_id } = body(data)?;
            answer(MessageResponse::from(consultations.delete_message(&meta, id, Id::new(message_id)).await?))
        }
        CommandName::MarkRead => {
            let MarkRead { seq } = body(data)?;
            answer(consultations.mark_read(meta, id, seq).await?)
        }
        CommandName::ShareFile => {
            let ShareFileRequest { file_id } = body(data)?;
            answer(SharedFileResponse::from(consultations.share_file(meta, id, Id::new(file_id)).await?))
        }
        CommandName::Typing => signal(context, &meta, id, SignalKind::Typing, None, data).await,
        CommandName::Signal => {
            let WebRtc { to, .. } = body(data.clone())?;
            signal(context, &meta, id, SignalKind::Signal, to.map(UserId::new), data).await
        }
        CommandName::Cursor => {
            let cursor: Cursor = body(data)?;
            cursor.check()?;
            signal(context, &meta, id, SignalKind::Cursor, None, cursor).await
        }
        CommandName::Annotate => {
            let annotate: Annotate = body(data)?;
            annotate.check()?;
            signal(context, &meta, id, SignalKind::Annotate, None, annotate).await
        }
        CommandName::RaiseHand => media(context, meta, id, body::<RaiseHand>(data)?).await,
        CommandName::SetMedia => media(context, meta, id, body::<SetMedia>(data)?).await,
        CommandName::ShareScreen => media(context, meta, id, body::<ShareScreen>(data)?).await,
        CommandName::SaveAnnotations => {
            let drawing: SaveAnnotationsRequest = body(data)?;
            answer(AnnotationsResponse::from(consultations.save_annotations(meta, id, drawing.into()).await?))
        }
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
        CommandName::RequestRecording => {
            let RecordingRequest { media } = body(data)?;
            recording(context, context.recordings.request(meta, id, media).await?)
        }
        CommandName::AnswerRecording => {
            let AnswerRecording { recording_id, given, text_version } = body(data)?;
            let answered = context.recordings.answer(meta, Id::new(recording_id), given, text_version);
            recording(context, answered.await?)
        }
        CommandName::StopRecording => {
            let StopRecording { recording_id } = body(data)?;
            recording(context, context.recordings.stop(meta, Id::new(recording_id)).await?)
        }
        CommandName::Admit => answer(ConsultationResponse::from(consultations.admit(meta, id).await?)),
        CommandName::Start => answer(ConsultationResponse::from(consultations.start(meta, id).await?)),
        CommandName::End => answer(ConsultationResponse::from(consultations.end(meta, id).await?)),
        CommandName::Leave => answer(ConsultationResponse::from(consultations.leave(meta, id).await?)),
    }
}

/// Passes typing on without asking the database, which it is by far too frequent for: only participants may watch these
/// topics, and no longer than they take part.
fn typing(context: &WsContext, meta: &CommandMeta, topic: Topic, data: Value) -> Result<Value, Refusal> {
    SignalKind::Typing.check(&data)?;
    let me = meta.principal.user_id().ok_or(Refusal::not_found())?;
    context.bus.publish(LiveEvent::Signal(Signal {
        topic: topic.stored(me),
        signal: SignalKind::Typing.to_string(),
        to: None,
        from: Some(me.uuid()),
        data,
    }));
    Ok(json!({}))
}

async fn signal(
    context: &WsContext,
    meta: &CommandMeta,
    id: ConsultationId,
    kind: SignalKind,
    to: Option<UserId>,
    data: impl Serialize,
) -> Result<Value, Refusal> {
    let data = serde_json::to_value(data).map_err(|_| Refusal::internal())?;
    context.consultations.signal(meta, id, kind, to, data).await.map(|()| json!({}))
}

fn recording(context: &WsContext, recording: Recording) -> Result<Value, Refusal> {
    answer(RecordingResponse::new(recording, context.recordings.settings()))
}

async fn media(
    context: &WsContext,
    meta: CommandMeta,
    id: ConsultationId,
    change: impl Into<MediaChange>,
) -> Result<Value, Refusal> {
    answer(MediaResponse::from(context.consultations.change_media(meta, id, change.into()).await?))
}

pub(super) fn body<T: DeserializeOwned>(data: Value) -> Result<T, Refusal> {
    serde_json::from_value(data).map_err(|error| wrong_shape("/data", &error))
}

pub(super) fn answer(value: impl Serialize) -> Result<Value, Refusal> {
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
                "share_screen",
                "cursor",
                "annotate",
                "save_annotations",
                "report_quality",
                "report_issue",
                "request_recording",
                "answer_recording",
                "stop_recording",
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
