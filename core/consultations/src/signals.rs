//! What is told to whoever is there now, and kept nowhere.

use consilium_kernel::{CommandMeta, ConsultationId, Refusal, UserId};
use consilium_runtime::{LiveEvent, Signal};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::{
    model::{Consultation, Part},
    refusal::ConsultationRefusal::NotAdmitted,
    service::Consultations,
    topic,
};

/// A signal between participants.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SignalKind {
    /// Writes in the chat at this moment.
    Typing,
    /// A WebRTC offer, answer or ICE candidate.
    Signal,
    /// Points at a place of the shared screen.
    Cursor,
    /// Draws on the shared screen.
    Annotate,
}

impl SignalKind {
    /// Typing belongs to the chat, which is open outside the room; the rest belongs into the room.
    fn needs_room(self) -> bool {
        self != Self::Typing
    }

    /// Bytes of its data, as JSON, at most. An offer of a few hundred lines is what takes most.
    pub fn largest(self) -> usize {
        match self {
            Self::Typing | Self::Cursor => 256,
            Self::Annotate => 8 * 1024,
            Self::Signal => 48 * 1024,
        }
    }

    /// Whether its data is small enough: 422 `too_long` at `/data` otherwise.
    pub fn check(self, data: &serde_json::Value) -> Result<(), Refusal> {
        let bytes = data.to_string().len();
        if bytes <= self.largest() {
            return Ok(());
        }
        let detail = format!("has {bytes} bytes; at most {} are allowed", self.largest());
        Err(Refusal::field("/data", "too_long", detail))
    }
}

impl Consultation {
    /// Whether doctor and patient are both in the room itself: 409 `not_admitted` otherwise.
    pub(crate) fn room_is_open(&self) -> Result<(), Refusal> {
        if self.is_admitted(Part::Doctor) && self.is_admitted(Part::Patient) {
            Ok(())
        } else {
            Err(NotAdmitted.refusal())
        }
    }
}

impl Consultations {
    /// Passes a signal on to the other participants who are there, or to one of them. Those that belong into the room
    /// pass only while doctor and patient are both in it: 409 `not_admitted` otherwise.
    pub async fn signal(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        kind: SignalKind,
        to: Option<UserId>,
        data: serde_json::Value,
    ) -> Result<(), Refusal> {
        let consultation = self.visible(meta, id).await?;
        consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        if kind.needs_room() {
            consultation.room_is_open()?;
        }
        kind.check(&data)?;
        if to.is_some_and(|to| consultation.participant(to).is_none()) {
            return Err(Refusal::field("/data/to", "unknown", "is nobody in this consultation"));
        }
        self.bus.publish(LiveEvent::Signal(Signal {
            topic: topic(id),
            signal: kind.to_string(),
            to: to.map(|to| to.uuid()),
            from: meta.principal.user_id().map(|user| user.uuid()),
            data,
        }));
        Ok(())
    }
}
