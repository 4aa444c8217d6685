//! The consultation and the people in it.

mod chat;
mod client;
mod people;

use consilium_kernel::{AppointmentId, ConsultationId, DoctorId, FacilityId, PatientId, Principal, Timestamp, UserId};
use consilium_scheduling::Status as AppointmentStatus;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

pub use chat::{Message, NewMessage, ReadMark};
pub use client::{Client, Connection, Device, DeviceCheck, DeviceState};
pub use consilium_scheduling::{AppointmentKind, VisitType};
pub use people::{Invitation, InvitationId, LeftBecause, Part, Participant};

use crate::{
    line::{Delay, WaitingPlace},
    video::{VideoChoice, VideoGrant},
};

/// Where a consultation stands. Moves only forwards: scheduled, waiting, in progress, then one of the two ends.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Agreed; nobody waits yet.
    Scheduled,
    /// The patient waits to be admitted.
    Waiting,
    /// Doctor and patient meet.
    InProgress,
    /// The doctor ended it.
    Completed,
    /// Nobody came, or everybody went.
    Abandoned,
}

impl Status {
    /// Whether nothing can happen any more except chat.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Abandoned)
    }
}

/// One consultation: what its actor decides on, and what a reader sees. Holds no medical text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// Its id, minted by scheduling when the appointment was accepted.
    pub id: ConsultationId,
    /// The appointment it belongs to.
    pub appointment_id: AppointmentId,
    /// The status of that appointment when it was read.
    pub appointment_status: AppointmentStatus,
    /// Whose rows it belongs to.
    pub facility_id: FacilityId,
    /// Who leads it.
    pub doctor_id: DoctorId,
    /// Who is treated.
    pub patient_id: PatientId,
    /// Where it stands.
    pub status: Status,
    /// Whether the patient was booked or walked in.
    pub kind: AppointmentKind,
    /// How doctor and patient meet.
    pub visit_type: VisitType,
    /// Emergencies come first in the waiting line.
    pub is_emergency: bool,
    /// How urgent staff found it, 1 (at once) to 5 (not urgent), as the Manchester and ESI scales count.
    pub triage: Option<i32>,
    /// The booked start.
    pub starts_at: Timestamp,
    /// The booked end.
    pub ends_at: Timestamp,
    /// When the patient first came to the waiting room.
    pub waiting_since: Option<Timestamp>,
    /// The time by which the patient stands in the line; kept for a while when they go.
    pub place_at: Option<Timestamp>,
    /// Since when the waiting patient is not there.
    pub away_since: Option<Timestamp>,
    /// When doctor and patient began.
    pub started_at: Option<Timestamp>,
    /// When it was completed or abandoned.
    pub ended_at: Option<Timestamp>,
    /// Who has been in it.
    pub participants: Vec<Participant>,
    /// Who was asked to join, oldest first.
    pub invitations: Vec<Invitation>,
    /// The video providers that served it, oldest first.
    pub videos: Vec<VideoChoice>,
    /// Grows with every change; 0 before the first command.
    pub version: i64,
}

impl Consultation {
    /// What this principal is in the consultation; `None` for everybody else. Whoever was invited takes part while it
    /// lasts.
    pub fn part_of(&self, principal: &Principal) -> Option<Part> {
        let user = principal.user().filter(|user| user.facility_id == self.facility_id)?;
        if user.doctor_id == Some(self.doctor_id) {
            Some(Part::Doctor)
        } else if user.patient_id == Some(self.patient_id) {
            Some(Part::Patient)
        } else {
            self.invitation_of(user.user_id).map(|invitation| invitation.role)
        }
    }

    /// The invitation by which an account takes part now.
    pub fn invitation_of(&self, user: UserId) -> Option<&Invitation> {
        let mut standing = self.invitations.iter().filter(|invitation| invitation.withdrawn_at.is_none());
        standing.find(|invitation| invitation.user_id == user && !self.status.is_over())
    }

    /// Whether the appointment still stands.
    pub fn is_agreed(&self) -> bool {
        self.appointment_status == AppointmentStatus::Accepted
    }

    /// Whether this part may be in the room itself, rather than in front of it.
    pub fn is_admitted(&self, part: Part) -> bool {
        match part {
            Part::Patient => self.status == Status::InProgress,
            Part::Doctor | Part::SecondDoctor | Part::Nurse | Part::Interpreter => !self.status.is_over(),
        }
    }

    /// Whether anybody is there.
    pub fn is_occupied(&self) -> bool {
        self.participants.iter().any(|participant| participant.present)
    }

    /// Whether somebody with this part is there.
    pub fn is_present(&self, part: Part) -> bool {
        self.participants.iter().any(|participant| participant.present && participant.role == part)
    }

    /// Whether somebody with this part has ever come.
    pub fn has_come(&self, part: Part) -> bool {
        self.participants.iter().any(|participant| participant.role == part && participant.joined_at.is_some())
    }

    /// What is known of an account in this consultation.
    pub fn participant(&self, user: UserId) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.user_id == user)
    }
}

/// What joining gives: the way into the room, or a place in the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// Where the consultation stands.
    pub status: Status,
    /// The live topic to subscribe to.
    pub topic: String,
    /// What the caller is in it.
    pub role: Part,
    /// The way into the video room; absent for a patient who waits, and for visits by chat or in person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoGrant>,
    /// The patient's place in the line; absent once admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingPlace>,
    /// That the doctor is late, for a patient who waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
}

/// What a finished consultation comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// From the beginning to the end; 0 when it never began.
    pub duration_seconds: i64,
    /// Accounts that have been there.
    pub participants: i64,
    /// Times that somebody's connection was lost for good.
    pub interruptions: i64,
    /// Messages in its chat.
    pub messages: i64,
}
