//! Commands: to the actor, and after its commit whatever follows outside the database.

use consilium_kernel::{CommandMeta, ConsultationId, Refusal, UserId};

use crate::{
    actor::{Action, Command, Reply},
    line::{self, Delay, WaitingPlace},
    model::{Client, Consultation, DeviceCheck, Joined, Message, NewMessage, Part, ReadMark, Status},
    service::Consultations,
    store, topic,
    video::Capabilities,
};

impl Consultations {
    /// `join_with` a client of which nothing is known.
    pub async fn join(&self, meta: CommandMeta, id: ConsultationId) -> Result<Joined, Refusal> {
        self.join_with(meta, id, None, Client::default()).await
    }

    /// Comes in, with a client that can do this much (`None`: everything) and says this of itself. A patient gets a
    /// place in the line until admitted, everybody else the way into the video room.
    /// 409 `too_early`, `invalid_transition`; 503 `video_unavailable` leaves the caller joined.
    pub async fn join_with(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        capabilities: Option<Capabilities>,
        client: Client,
    ) -> Result<Joined, Refusal> {
        let caller = meta.clone();
        let user = meta.principal.user_id().ok_or(Refusal::not_found())?;
        self.consultation_after(meta, id, Action::Join { capabilities, client }).await?;
        // What a repeated request is answered with must be as of now: the patient may have been admitted since.
        let consultation = self.visible(&caller, id).await?;
        let role = consultation.part_of(&caller.principal).ok_or(Refusal::not_found())?;
        let (waiting, delay) = if role == Part::Patient && consultation.status == Status::Waiting {
            self.place_in_line(&consultation).await?
        } else {
            (None, None)
        };
        let video = match consultation.is_admitted(role) {
            true => self.way_in(&consultation, role, user).await?,
            false => None,
        };
        Ok(Joined { status: consultation.status, topic: topic(id), role, video, waiting, delay })
    }

    /// Goes. Going twice is fine.
    pub async fn leave(&self, meta: CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        self.consultation_after(meta, id, Action::Leave).await
    }

    /// A waiting patient cannot wait any longer: they come to the front, and the doctor is told.
    pub async fn raise_emergency(&self, meta: CommandMeta, id: ConsultationId) -> Result<Consultation, Refusal> {
        self.consultation_after(meta, id, Action::RaiseEmergency).await
    }

    /// Keeps what a participant's check of camera, microphone and network found.
    pub async fn check_device(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        check: DeviceCheck,
    ) -> Result<Consultation, Refusal> {
        self.consultation_after(meta, id, Action::CheckDevice(check)).await
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

    pub(crate) async fn consultation_after(
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

    /// Sends an action to the actor; after its commit the waiting line is told.
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
        }
        Ok(reply)
    }

    /// Sends a patient who has just been admitted the way into the room. It goes to them alone and is not stored:
    /// whoever misses it joins again.
    fn call_in(&self, consultation: &Consultation) {
        let waiting = consultation.participants.iter().find(|participant| participant.role == Part::Patient);
        let Some(patient) = waiting.filter(|patient| patient.present).map(|patient| patient.user_id) else { return };
        let (this, consultation) = (self.clone(), consultation.clone());
        tokio::spawn(async move {
            if let Ok(Some(video)) = this.way_in(&consultation, Part::Patient, patient).await {
                this.send_way_in("admitted", &consultation, patient, &video);
            }
        });
    }

    /// The patient's place, and that the doctor is late.
    pub(crate) async fn place_in_line(
        &self,
        consultation: &Consultation,
    ) -> Result<(Option<WaitingPlace>, Option<Delay>), Refusal> {
        let scope = consilium_kernel::Scope::of(consultation.facility_id);
        let (id, doctor) = (consultation.id, consultation.doctor_id);
        let read = self.db.read(move |session| {
            let line = line::line(session, scope, doctor)?;
            let place = line.into_iter().find(|entry| entry.consultation_id == id).map(|entry| entry.place);
            let now = session.now();
            Ok((place, store::room(session, scope, doctor)?.at(now).delay))
        });
        Ok(read.await?)
    }
}

/// Everybody marked as present, for whoever watches over connections after a restart.
impl Consultations {
    /// Consultations and the accounts marked as present in them, with their facility's scope.
    pub async fn left_open(&self) -> Result<Vec<(consilium_kernel::FacilityId, ConsultationId, UserId)>, Refusal> {
        Ok(self.db.read(store::left_open).await?)
    }
}
