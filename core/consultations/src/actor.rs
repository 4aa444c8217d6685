//! The consultation's actor: one action at a time, decided, recorded, then applied.

use consilium_db::{Db, Result, Tx};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal, TimerId, Timestamp, UserId};
use consilium_runtime::{Decision, Entity};
use serde::{Deserialize, Serialize};

use crate::{
    decide::{Event, decide},
    model::{Client, Consultation, DeviceCheck, Invitation, InvitationId, Message, NewMessage, ReadMark},
    record,
    service::Policy,
    store,
    video::Capabilities,
};

/// What can be asked of a consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Comes to the waiting room or the room, with a client that can do this much and says this of itself.
    Join { capabilities: Option<Capabilities>, client: Client },
    /// Goes.
    Leave,
    /// Is gone without having said so. Asked by the platform only.
    Drop { user_id: UserId },
    /// Cannot wait any longer.
    RaiseEmergency,
    /// Has looked whether camera, microphone and network work.
    CheckDevice(DeviceCheck),
    /// Asks somebody else to join.
    Invite(Invitation),
    /// Does so no longer.
    WithdrawInvitation { id: InvitationId },
    /// Lets the waiting patient in.
    Admit,
    /// Begins, whether or not the patient waits.
    Start,
    /// Ends it.
    End,
    /// Writes in the chat.
    SendMessage(NewMessage),
    /// Has read the chat up to here.
    MarkRead { seq: i64 },
    /// Is served by this provider from now on, unless the newest choice is another than `after`. Asked by the platform
    /// only.
    UseVideo { after: i64, provider: String, room: String, reason: String },
    /// Has no video for now, unless the newest choice is another than `number`. Asked by the platform only.
    LoseVideo { number: i64, reason: String },
    /// Gives it up if nobody is there any more. Asked by a timer only.
    Abandon { timer: TimerId },
}

impl Action {
    /// Whether nobody but the platform may ask for it.
    pub(crate) fn is_platforms(&self) -> bool {
        matches!(self, Self::Drop { .. } | Self::Abandon { .. } | Self::UseVideo { .. } | Self::LoseVideo { .. })
    }
}

/// An action with the settings that it is decided by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What to do.
    pub action: Action,
    /// By which rules.
    pub policy: Policy,
}

/// What an action is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", content = "data", rename_all = "snake_case")]
pub enum Reply {
    /// The consultation afterwards.
    Consultation(Consultation),
    /// The stored message.
    Message(Message),
    /// How far the caller has read.
    ReadMark(ReadMark),
}

impl Entity for Consultation {
    const KIND: &'static str = "consultation";
    type Id = ConsultationId;
    type Command = Command;
    type Event = Event;
    type Reply = Reply;

    async fn load(db: &Db, id: ConsultationId) -> Result<Self> {
        db.read(move |session| store::find(session, id)?.ok_or_else(|| Refusal::not_found().into())).await
    }

    fn decide(&self, command: &Command, meta: &CommandMeta, now: Timestamp) -> Decision<Event> {
        decide(self, &command.action, &command.policy, meta, now)
    }

    fn commit(&self, tx: &mut Tx<'_>, command: &Command, events: &[Event]) -> Result<Reply> {
        record::record(tx, self, command, events)
    }

    fn apply(&mut self, event: &Event) {
        self.take(event);
    }
}
