//! A follow-up: the next meeting that a doctor asked for, kept for the patient to confirm.

use std::{fmt, time::Duration};

use consilium_kernel::{
    AppointmentId, ConsultationId, DoctorId, EntityRef, FacilityId, Id, PatientId, TimerId, Timestamp,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::{model::VisitType, schedule::Entry, slots::Interval};

/// Marks the id of a follow-up; has no values.
pub enum FollowUpMark {}
/// Names one follow-up. The appointment that comes of it has the same id.
pub type FollowUpId = Id<FollowUpMark>;

/// Where a follow-up stands. It is no appointment before it is confirmed: nobody has agreed to anything.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FollowUpStatus {
    /// Advised; a time is being looked for.
    Wanted,
    /// A slot is kept for the patient to confirm.
    Held,
    /// It became an appointment.
    Confirmed,
    /// The patient does not want it.
    Declined,
    /// The patient did not answer in time.
    Expired,
    /// The doctor has no free slot near the wanted day.
    Unplaced,
    /// Its prescription was withdrawn.
    Withdrawn,
}

impl FollowUpStatus {
    /// Every arrow of the state machine.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Wanted, Self::Held | Self::Unplaced | Self::Withdrawn)
                | (Self::Held, Self::Confirmed | Self::Declined | Self::Expired | Self::Withdrawn)
        )
    }
}

/// A follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Its id.
    pub id: FollowUpId,
    /// Where.
    pub facility_id: FacilityId,
    /// With whom.
    pub doctor_id: DoctorId,
    /// For whom.
    pub patient_id: PatientId,
    /// What it follows.
    pub after_consultation_id: ConsultationId,
    /// How to meet: as before.
    pub visit_type: VisitType,
    /// The day that the doctor asked for, in the doctor's zone.
    pub wanted_on: Date,
    /// Where it stands.
    pub status: FollowUpStatus,
    /// The slot that is, or was, kept.
    pub starts_at: Option<Timestamp>,
    /// Its end.
    pub ends_at: Option<Timestamp>,
    /// Until when it is kept.
    pub expires_at: Option<Timestamp>,
    /// What came of it.
    pub appointment_id: Option<AppointmentId>,
    /// Grows with every change.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
}

impl FollowUp {
    /// How events, timers and the audit log name it.
    pub fn entity(&self) -> EntityRef {
        EntityRef::new("follow_up", self.id.uuid())
    }
}

/// A kept slot as the doctor's schedule knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub(crate) facility_id: FacilityId,
    pub(crate) patient_id: PatientId,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What can be asked of a schedule about follow-ups.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "follow_up", rename_all = "snake_case")]
pub enum FollowUpCommand {
    /// Keeps the first slot that fits. Asked by a timer only.
    Place {
        /// As it stands.
        wanted: Box<FollowUp>,
        /// When the patient is elsewhere.
        patient_busy: Vec<Interval>,
        /// How long the patient may take to answer.
        hold_for: Duration,
        /// The timer that asks.
        timer: TimerId,
    },
    /// The patient comes.
    Confirm {
        /// Which one.
        id: FollowUpId,
        /// Of the appointment that it becomes.
        consultation_id: ConsultationId,
        /// See [`crate::SchedulingSettings`].
        no_show_minutes: u32,
    },
    /// The patient does not come.
    Decline {
        /// Which one.
        id: FollowUpId,
    },
    /// Gives the slot back, because nobody answered or the prescription was withdrawn. Asked by a timer only.
    Release {
        /// Which one.
        id: FollowUpId,
        /// The timer that asks.
        timer: TimerId,
    },
}

/// What happened to a follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "follow_up", rename_all = "snake_case")]
pub enum FollowUpEvent {
    /// A slot is kept.
    Placed {
        /// Which one.
        id: FollowUpId,
        /// What is kept.
        hold: Hold,
        /// Its time and the buffer.
        held: Interval,
    },
    /// There is no slot to keep.
    Unplaced {
        /// Which one.
        id: FollowUpId,
    },
    /// It is an appointment now.
    Confirmed {
        /// Which one.
        id: FollowUpId,
        /// The appointment's facts.
        entry: Entry,
        /// Its time and the buffer.
        held: Interval,
    },
    /// Its slot is free again.
    Released {
        /// Which one.
        id: FollowUpId,
        /// Why.
        status: FollowUpStatus,
    },
}

impl fmt::Debug for FollowUpCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Place { .. } => "Place",
            Self::Confirm { .. } => "Confirm",
            Self::Decline { .. } => "Decline",
            Self::Release { .. } => "Release",
        })
    }
}

/// The appointment that a follow-up becomes.
pub(crate) fn appointment_id(id: FollowUpId) -> AppointmentId {
    AppointmentId::new(id.uuid())
}
