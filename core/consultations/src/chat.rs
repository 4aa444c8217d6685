//! The chat, beside what the actor orders: editing, deleting, reading, searching.

use consilium_chat::{Conversation, ConversationKind, MessageHistory, MessagePage, Needle, Reader};
use consilium_db::{Error, Result, Session, Tx};
use consilium_kernel::{CommandMeta, ConsultationId, MessageId, Refusal, UserId};
use serde_json::{Map, Value};

use crate::{
    decide::chat_is_open,
    facts,
    model::{Consultation, Message, Part, Participant},
    refusal::ConsultationRefusal::ChatClosed,
    service::{Consultations, Policy},
    store,
};

/// Messages of a page at most.
const LARGEST_PAGE: i64 = 100;

/// The consultation as its messages know it.
pub(crate) fn conversation(consultation: &Consultation) -> Conversation {
    let context = match facts::with_context(consultation, Value::Null) {
        Value::Object(context) => context,
        _ => Map::new(),
    };
    Conversation {
        kind: ConversationKind::Consultation,
        id: consultation.id.uuid(),
        facility_id: consultation.facility_id,
        subject: consultation.patient_id.uuid(),
        version: consultation.version,
        context,
    }
}

/// For whom messages are meant: doctor and patient even if they never came, and whoever came by an invitation for as
/// long as it stands.
pub(crate) fn readers(session: &mut Session<'_>, consultation: &Consultation) -> Result<Vec<UserId>> {
    let known = |part| consultation.participants.iter().any(|participant| participant.role == part);
    let own = |participant: &&Participant| matches!(participant.role, Part::Doctor | Part::Patient);
    let takes_part = |one: &&Participant| own(one) || consultation.invitation_of(one.user_id).is_some();
    let mut readers: Vec<UserId> = consultation.participants.iter().filter(takes_part).map(|one| one.user_id).collect();
    if !known(Part::Doctor) {
        readers.extend(consilium_people::doctor(session, consultation.doctor_id)?.map(|doctor| doctor.user_id));
    }
    if !known(Part::Patient) {
        let patient = consilium_people::patient(session, consultation.patient_id)?;
        readers.extend(patient.and_then(|patient| patient.user_id));
    }
    Ok(readers)
}

impl Consultations {
    /// Replaces what one of the caller's messages says, while the chat is open and for as long as the policy lets.
    /// 403 `not_the_sender`; 409 `chat_closed`, `too_late_to_edit`, `message_deleted`.
    pub async fn edit_message(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        message: MessageId,
        body: String,
    ) -> Result<Message, Refusal> {
        let (caller, policy) = (meta.clone(), self.policy.clone());
        let edited = self.db.write(meta, move |tx| {
            let (conversation, user) = writable(tx, &caller, id, &policy)?;
            consilium_chat::edit(tx, &conversation, user, message, &body, &policy.chat)
        });
        Ok(edited.await?)
    }

    /// Takes back one of the caller's messages, while the chat is open. 403 `not_the_sender`; 409 `chat_closed`.
    pub async fn delete_message(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        message: MessageId,
    ) -> Result<Message, Refusal> {
        let (caller, policy) = (meta.clone(), self.policy.clone());
        let deleted = self.db.write(meta, move |tx| {
            let (conversation, user) = writable(tx, &caller, id, &policy)?;
            consilium_chat::delete(tx, &conversation, user, message)
        });
        Ok(deleted.await?)
    }

    /// Messages after `after_seq`, for participants only.
    pub async fn messages(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        after_seq: i64,
        limit: i64,
    ) -> Result<MessagePage, Refusal> {
        let id = self.as_participant(meta, id, "read_messages").await?.id.uuid();
        let limit = limit.clamp(1, LARGEST_PAGE);
        Ok(self.db.read(move |session| consilium_chat::messages_after(session, id, after_seq, limit)).await?)
    }

    /// Messages after `after_seq` that contain `needle`, for participants only.
    pub async fn search_messages(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        needle: Needle,
        after_seq: i64,
        limit: i64,
    ) -> Result<MessagePage, Refusal> {
        let id = self.as_participant(meta, id, "search_messages").await?.id.uuid();
        let limit = limit.clamp(1, LARGEST_PAGE);
        Ok(self.db.read(move |session| consilium_chat::search(session, id, &needle, after_seq, limit)).await?)
    }

    /// A message and what it said before, for participants only.
    pub async fn message_history(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        message: MessageId,
    ) -> Result<MessageHistory, Refusal> {
        let conversation = conversation(&self.as_participant(meta, id, "read_message_history").await?);
        let found = self.db.read(move |session| consilium_chat::history(session, &conversation, message));
        found.await?.ok_or(Refusal::not_found())
    }

    /// How far each participant has read, for participants only.
    pub async fn read_marks(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Vec<Reader>, Refusal> {
        let consultation = self.visible(meta, id).await?;
        consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        let reader = |participant: &Participant| Reader {
            user_id: participant.user_id,
            role: participant.role.to_string(),
            seq: participant.read_seq,
        };
        Ok(consultation.participants.iter().map(reader).collect())
    }
}

/// The conversation, if the caller takes part in it and it is open, and the caller.
fn writable(
    tx: &mut Tx<'_>,
    meta: &CommandMeta,
    id: ConsultationId,
    policy: &Policy,
) -> Result<(Conversation, UserId)> {
    let found = store::find(tx, id)?.filter(|found| found.facility_id == meta.scope.facility_id);
    let consultation = found.ok_or_else(Refusal::not_found)?;
    consultation.part_of(&meta.principal).ok_or_else(Refusal::not_found)?;
    let user = meta.principal.user_id().ok_or_else(Refusal::not_found)?;
    if !chat_is_open(&consultation, policy, tx.now()) {
        return Err(Error::from(ChatClosed.refusal()));
    }
    Ok((conversation(&consultation), user))
}
