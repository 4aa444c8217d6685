//! Commands: to the actor, and after its commit whatever follows outside the database.

use std::time::Duration;

use consilium_kernel::{CommandMeta, ConsultationId, Refusal, UserId};
use consilium_runtime::{LiveEvent, Signal};
use serde_json::json;

use crate::{
    actor::{Action, Command, Reply},
    line,
    model::{Consultation, Joined, Message, NewMessage, Part, ReadMark, Status, VisitType},
    refusal::ConsultationRefusal::VideoUnavailable,
    service::Consultations,
    store, topic,
    video::{VideoGrant, VideoParticipant, VideoRoom},
};

/// How long a provider may take.
const VIDEO_TIME_LIMIT: Duration = Duration::from_secs(8);

impl Consultations {
    /// Comes in. A patient gets a place in the line until admitted, everybody else the way into the video room.
    /// 409 `too_early`, `invalid_transition`; 503 `video_unavailable` leaves the caller joined.
    pub async fn join(&self, meta: CommandMeta, id: ConsultationId) -> Result<Joined, Refusal> {
        let caller = meta.clone();
        let user = meta.principal.user_id().ok_or(Refusal::not_found())?;
        self.consultation_after(meta, id, Action::Join).await?;
        // What a repeated request is answered with must be as of now: the patient may have been admitted since.
        let consultation = self.visible(&caller, id).await?;
        let role = consultation.part_of(&caller.principal).ok_or(Refusal::not_found())?;
        let waiting = if role == Part::Patient && consultation.status == Status::Waiting {
            self.line_of(&consultation).await?.into_iter().find(|place| place.consultation_id == id)
        } else {
            None
        };
        let video = match consultation.is_admitted(role) {
            true => self.video(&consultation, role, user).await?,
            false => None,
        };
        Ok(Joined {
            status: consultation.status,
            topic: topic(id),
            role,
            video,
            waiting: waiting.map(|waiting| waiting.place),
        })
    }

    /// Goes. Going twice is fine.
    pub async fn leave(&self, meta: CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        self.consultation_after(meta, id, Action::Leave).await
    }

    /// The doctor lets the waiting patient in. The patient is sent the way into the room.
    pub async fn admit(&self, meta: CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let consultation = self.consultation_after(meta, id, Action::Admit).await?;
        self.call_in(&consultation);
        Ok(consultation)
    }

    /// The doctor begins, whether or not the patient waits.
    pub async fn start(&self, meta: CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        let consultation = self.consultation_after(meta, id, Action::Start).await?;
        self.call_in(&consultation);
        Ok(consultation)
    }

    /// The doctor ends it; the appointment is completed in the same transaction.
    pub async fn end(&self, meta: CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        self.consultation_after(meta, id, Action::End).await
    }

    /// Writes in the chat. Answers once the message is stored; the same `client_message_id` again is answered
    /// with the stored message.
    pub async fn send_message(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        message: NewMessage,
    ) -> Result<Message, Refusal> {
        match self.once(meta, id, Action::SendMessage(message)).await? {
            Reply::Message(message) => Ok(message),
            _ => Err(Refusal::internal()),
        }
    }

    /// Notes how far the caller has read.
    pub async fn mark_read(&self, meta: CommandMeta, id: ConsultationId, seq: i64) -> Result<ReadMark, Refusal> {
        match self.once(meta, id, Action::MarkRead { seq }).await? {
            Reply::ReadMark(mark) => Ok(mark),
            _ => Err(Refusal::internal()),
        }
    }

    /// Notes that somebody's connection is gone for good. For the platform itself.
    pub async fn drop_participant(&self, meta: CommandMeta, id: ConsultationId, user: UserId) -> Result<(), Refusal> {
        self.perform(meta, id, Action::Drop { user_id: user }).await.map(|_| ())
    }

    async fn consultation_after(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        action: Action,
    ) -> Result<Consultation, Refusal> {
        match self.once(meta, id, action).await? {
            Reply::Consultation(consultation) => Ok(consultation),
            _ => Err(Refusal::internal()),
        }
    }

    /// `perform`, once per Idempotency-Key.
    async fn once(&self, meta: CommandMeta, id: ConsultationId, action: Action) -> Result<Reply, Refusal> {
        let (this, command) = (self.clone(), meta.clone());
        self.db.once(&meta, async move { this.perform(command, id, action).await }).await
    }

    /// Sends an action to the actor; after its commit the waiting line is told and a finished room closed.
    pub(crate) async fn perform(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        action: Action,
    ) -> Result<Reply, Refusal> {
        let scope = meta.scope;
        let policy = (*self.policy).clone();
        let reply = self.directory.send(id, meta, Command { action, policy }).await?;
        if let Reply::Consultation(consultation) = &reply {
            self.lines.refresh(scope, consultation.doctor_id);
            if consultation.status.is_over() {
                self.close_room(consultation);
            }
        }
        Ok(reply)
    }

    /// The way into the room; `None` for visits that have none.
    async fn video(
        &self,
        consultation: &Consultation,
        role: Part,
        user_id: UserId,
    ) -> Result<Option<VideoGrant>, Refusal> {
        if !has_room(consultation) {
            return Ok(None);
        }
        let participant =
            VideoParticipant { user_id, role, display_name: self.display_name(consultation, role).await? };
        let room = VideoRoom::of(consultation);
        match tokio::time::timeout(VIDEO_TIME_LIMIT, self.video.access(&room, &participant)).await {
            Ok(Ok(grant)) => Ok(Some(grant)),
            Ok(Err(refusal)) => {
                tracing::warn!(consultation = %consultation.id, code = %refusal.code, "no video access");
                Err(unavailable())
            }
            Err(_) => {
                tracing::warn!(consultation = %consultation.id, "the video provider took too long");
                Err(unavailable())
            }
        }
    }

    /// Sends a patient who has just been admitted the way into the room. It goes to them alone and is not stored:
    /// whoever misses it joins again.
    fn call_in(&self, consultation: &Consultation) {
        let waiting = consultation.participants.iter().find(|participant| participant.role == Part::Patient);
        let Some(patient) = waiting.filter(|patient| patient.present).map(|patient| patient.user_id) else { return };
        let (this, consultation) = (self.clone(), consultation.clone());
        tokio::spawn(async move {
            if let Ok(video) = this.video(&consultation, Part::Patient, patient).await {
                this.bus.publish(LiveEvent::Signal(Signal {
                    topic: topic(consultation.id),
                    signal: "admitted".to_owned(),
                    to: Some(patient.uuid()),
                    from: None,
                    data: json!({"video": video}),
                }));
            }
        });
    }

    fn close_room(&self, consultation: &Consultation) {
        if !has_room(consultation) {
            return;
        }
        let (video, room) = (self.video.clone(), VideoRoom::of(consultation));
        tokio::spawn(async move {
            match tokio::time::timeout(VIDEO_TIME_LIMIT, video.end_room(&room)).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => tracing::warn!(code = %refusal.code, "a video room could not be closed"),
                Err(_) => tracing::warn!("the video provider took too long to close a room"),
            }
        });
    }

    async fn line_of(&self, consultation: &Consultation) -> Result<Vec<line::WaitingPatient>, Refusal> {
        let scope = consilium_kernel::Scope::of(consultation.facility_id);
        let doctor = consultation.doctor_id;
        Ok(self.db.read(move |session| line::line(session, scope, doctor)).await?)
    }

    async fn display_name(&self, consultation: &Consultation, role: Part) -> Result<String, Refusal> {
        let (doctor, patient) = (consultation.doctor_id, consultation.patient_id);
        let name = self.db.read(move |session| match role {
            Part::Doctor => Ok(consilium_people::doctor(session, doctor)?.map(|doctor| doctor.display_name)),
            Part::Patient => Ok(consilium_people::patient(session, patient)?
                .map(|patient| format!("{} {}", patient.given_name, patient.family_name))),
        });
        name.await?.ok_or(Refusal::not_found())
    }
}

fn has_room(consultation: &Consultation) -> bool {
    matches!(consultation.visit_type, VisitType::Video | VisitType::Audio)
}

fn unavailable() -> Refusal {
    Refusal { retry_after: Some(2), ..VideoUnavailable.refusal() }
}

/// Everybody marked as present, for whoever watches over connections after a restart.
impl Consultations {
    /// Consultations and the accounts marked as present in them, with their facility's scope.
    pub async fn left_open(&self) -> Result<Vec<(consilium_kernel::FacilityId, ConsultationId, UserId)>, Refusal> {
        Ok(self.db.read(store::left_open).await?)
    }
}
