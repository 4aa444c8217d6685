//! What is told to whoever is there now, and kept nowhere.

use consilium_kernel::{CommandMeta, ConsultationId, Refusal};
use consilium_runtime::{LiveEvent, Signal};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::{model::Part, refusal::ConsultationRefusal::NotAdmitted, service::Consultations, topic};

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
    /// Wants to say something.
    RaiseHand,
    /// Turned microphone or camera on or off.
    SetMedia,
}

impl SignalKind {
    /// Typing belongs to the chat, which is open outside the room; the rest belongs into the room.
    fn needs_room(self) -> bool {
        self != Self::Typing
    }
}

impl Consultations {
    /// Passes a signal on to the other participants who are there. Those that belong into the room pass only
    /// while doctor and patient are both in it: 409 `not_admitted` otherwise.
    pub async fn signal(
        &self,
        meta: &CommandMeta,
        id: ConsultationId,
        kind: SignalKind,
        data: serde_json::Value,
    ) -> Result<(), Refusal> {
        let consultation = self.visible(meta, id).await?;
        consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        if kind.needs_room() && !(consultation.is_admitted(Part::Doctor) && consultation.is_admitted(Part::Patient)) {
            return Err(NotAdmitted.refusal());
        }
        self.bus.publish(LiveEvent::Signal(Signal {
            topic: topic(id),
            signal: kind.to_string(),
            to: None,
            from: meta.principal.user_id().map(|user| user.uuid()),
            data,
        }));
        Ok(())
    }
}
