//! What is told, to whom, over which channel, and where each delivery stands.

use consilium_kernel::{DeliveryId, Id, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What a message is about. Names its templates and the text keys of clients.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// An appointment was asked for.
    AppointmentBooked,
    /// The doctor agreed.
    AppointmentAccepted,
    /// The doctor said no.
    AppointmentRejected,
    /// Called off.
    AppointmentCancelled,
    /// Moved to another time.
    AppointmentRescheduled,
    /// Agreed, but it never began.
    AppointmentNoShow,
    /// A day before.
    #[serde(rename = "reminder_24h")]
    #[strum(serialize = "reminder_24h")]
    Reminder24h,
    /// An hour before.
    #[serde(rename = "reminder_1h")]
    #[strum(serialize = "reminder_1h")]
    Reminder1h,
    /// Carries the token that proves an e-mail address.
    EmailVerification,
    /// Carries the token that sets a new password.
    PasswordReset,
    /// A password was changed.
    PasswordChanged,
    /// A refresh token was used twice: somebody may have stolen it.
    SecurityAlert,
    /// A doctor's credentials were accepted.
    DoctorApproved,
    /// They were not.
    DoctorRejected,
    /// A consultation is over.
    ConsultationEnded,
    /// There is a prescription.
    PrescriptionIssued,
    /// A pharmacy said how far it is.
    PrescriptionStatusChanged,
    /// A slot is kept for a follow-up that the doctor asked for.
    FollowUpHeld,
    /// Nobody confirmed it in time.
    FollowUpExpired,
    /// The patient does not want it.
    FollowUpDeclined,
    /// There is no free slot near the wanted day.
    FollowUpUnplaced,
    /// Something was written to somebody who was away.
    MessagesWaiting,
}

impl Kind {
    /// The reminders, which are withdrawn when an appointment changes.
    pub const REMINDERS: [Self; 2] = [Self::Reminder24h, Self::Reminder1h];

    /// Whether it is withdrawn when its appointment changes.
    pub fn is_reminder(self) -> bool {
        Self::REMINDERS.contains(&self)
    }

    /// Lower ones are sent first when many wait: what somebody needs this minute goes before what is good to know.
    pub fn priority(self) -> i32 {
        match self {
            Self::Reminder1h | Self::EmailVerification | Self::PasswordReset | Self::SecurityAlert => 0,
            _ => 1,
        }
    }
}

/// A way to reach somebody.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Channel {
    /// E-mail, sent by a notifier.
    Email,
    /// The inbox inside the product and the topic `user:<id>`; delivered by the transaction that writes it.
    InApp,
    /// Web push to each browser that subscribed, sent by a notifier.
    Push,
}

/// Where a delivery stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waits for its first attempt.
    Queued,
    /// A notifier is at it; another takes over when it does not report in time.
    Sending,
    /// Accepted by the channel.
    Sent,
    /// The last attempt failed and another will follow.
    Failed,
    /// Given up: a dead letter, until somebody retries it.
    Dead,
    /// No longer true, so it was never sent.
    Withdrawn,
}

/// In which role somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Audience {
    /// As the patient of an appointment.
    Patient,
    /// As its doctor.
    Doctor,
    /// As the holder of an account.
    Account,
}

/// One message to one person over one channel, as an administrator sees it: no address and no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// What it is about.
    pub kind: Kind,
    /// How it goes.
    pub channel: Channel,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// What must not be told twice: `appointment`, `consultation` or `thread` where messages wait, `event` elsewhere.
    pub entity_kind: String,
    /// Its id.
    pub entity_id: uuid::Uuid,
    /// The schedule revision of an appointment, or the message that waits; 0 elsewhere.
    pub revision: i64,
    /// To whom.
    pub recipient_id: UserId,
    /// The Message-ID under which every attempt goes out, without angle brackets.
    pub message_id: String,
    /// Attempts so far.
    pub attempts: i32,
    /// When the next attempt is due, while there is one.
    pub next_attempt_at: Timestamp,
    /// Why the last attempt failed: a code such as `smtp_451`, `push_413` or `timeout`.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the channel accepted it.
    pub sent_at: Option<Timestamp>,
    /// Counts changes, from 1.
    pub version: i64,
}

/// Names one push subscription.
pub type PushSubscriptionId = Id<PushSubscription>;

/// A browser that is told by web push. Does not say where it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushSubscription {
    /// Its id.
    pub id: PushSubscriptionId,
    /// Whose push service it is: the host of its address.
    pub service: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Text that clients put into words: a key and what it mentions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// `notification.<kind>.<audience>`.
    pub key: String,
    /// Names, times (RFC 3339) and ids that the words mention.
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// A message in somebody's inbox. Also the data of the topic event `notification`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Its id.
    pub id: DeliveryId,
    /// What it is about.
    pub kind: Kind,
    /// The appointment it is about, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_id: Option<consilium_kernel::AppointmentId>,
    /// When it happened.
    pub at: Timestamp,
    /// When its reader saw it.
    pub read_at: Option<Timestamp>,
    /// What to show.
    pub text: Text,
}

/// Which part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many, 1 to 100; 20 when not said.
    pub limit: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

consilium_kernel::refusals! {
    /// Why a delivery is not tried again.
    pub enum DeliveryRefusal {
        NotDead: Conflict, "invalid_transition", "Only a delivery that was given up can be retried.";
    }
}

consilium_kernel::refusals! {
    /// Why there is no web push.
    pub enum PushRefusal {
        NotSetUp: NotFound, "push_not_set_up", "This server sends no web push: it has no key for that.";
    }
}
