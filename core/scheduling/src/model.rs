//! An appointment and what can be done with it.

use std::fmt;

use consilium_kernel::{
    AppointmentId, ConsultationId, DoctorId, EntityRef, FacilityId, PatientId, Role, TimeZone, Timestamp, User,
};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// The kind under which appointments stand in events, timers and the audit log.
pub const APPOINTMENT: &str = "appointment";

/// Where an appointment stands. The arrows are in [`Status::may_become`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Asked for; holds its time already.
    Pending,
    /// Agreed.
    Accepted,
    /// The doctor said no.
    Rejected,
    /// Called off by either side.
    Cancelled,
    /// Its consultation took place.
    Completed,
    /// Agreed, but it never began.
    NoShow,
}

impl Status {
    /// Every arrow of the state machine. A patient's reschedule takes an accepted appointment back to pending.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Accepted | Self::Rejected | Self::Cancelled)
                | (Self::Accepted, Self::Completed | Self::Cancelled | Self::NoShow | Self::Pending)
        )
    }

    /// Whether it is still going to take place, as far as anybody knows.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Accepted)
    }
}

/// How doctor and patient meet.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum VisitType {
    /// By video.
    Video,
    /// By voice.
    Audio,
    /// In writing.
    Chat,
    /// In the same room.
    InPerson,
}

/// How an appointment came about.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AppointmentKind {
    /// For a slot.
    #[default]
    Booked,
    /// The patient came and waits: it holds the doctor's time only from when it begins.
    WalkIn,
}

impl AppointmentKind {
    /// Events say nothing of the usual kind, as they did before there was another.
    fn is_booked(&self) -> bool {
        *self == Self::Booked
    }
}

/// On whose behalf something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Party {
    /// The patient.
    Patient,
    /// The doctor.
    Doctor,
    /// Somebody else of the facility.
    Staff,
    /// Consilium itself.
    System,
}

/// The agreement to meet: doctor, patient, time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
    /// With whom.
    pub doctor_id: DoctorId,
    /// For whom.
    pub patient_id: PatientId,
    /// Where it belongs.
    pub facility_id: FacilityId,
    /// How it came about.
    #[serde(default, skip_serializing_if = "AppointmentKind::is_booked")]
    pub kind: AppointmentKind,
    /// When it begins; for a walk-in, when the patient came.
    pub starts_at: Timestamp,
    /// When it ends; the doctor's buffer comes after this.
    pub ends_at: Timestamp,
    /// The zone in which the doctor's hours were given.
    pub time_zone: TimeZone,
    /// Where it stands.
    pub status: Status,
    /// Counts the times it has been given, from 0: grows with each reschedule.
    pub revision: i64,
    /// Counts every change, from 1.
    pub version: i64,
    /// How they meet.
    pub visit_type: VisitType,
    /// Whether the patient called it an emergency.
    pub is_emergency: bool,
    /// Why the patient comes. `None` only where the reader may not see medical text.
    pub reason: Option<String>,
    /// What the patient feels, if told; `None` also where the reader may not see medical text.
    pub symptoms: Option<String>,
    /// The meeting itself; set on acceptance and kept from then on.
    pub consultation_id: Option<ConsultationId>,
    /// When its consultation began.
    pub started_at: Option<Timestamp>,
    /// When it was booked.
    pub created_at: Timestamp,
}

impl fmt::Debug for Appointment {
    /// Without the patient's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appointment")
            .field("id", &self.id)
            .field("doctor_id", &self.doctor_id)
            .field("patient_id", &self.patient_id)
            .field("starts_at", &self.starts_at)
            .field("ends_at", &self.ends_at)
            .field("status", &self.status)
            .field("revision", &self.revision)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Appointment {
    /// How events, timers and the audit log name it.
    pub fn entity(&self) -> EntityRef {
        EntityRef::new(APPOINTMENT, self.id.uuid())
    }

    /// As `user` may see it: administrators and support see what is operational, not what is medical.
    pub fn seen_by(mut self, user: &User) -> Self {
        if matches!(user.role, Role::Admin | Role::Support) {
            self.reason = None;
            self.symptoms = None;
        }
        self
    }
}

/// The data of every `appointment_…` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentEvent {
    /// The appointment as it is afterwards, whole.
    #[serde(flatten)]
    pub appointment: Appointment,
    /// Who did it.
    pub by: Party,
    /// The reason given for a rejection, cancellation or reschedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it stood before a reschedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_starts_at: Option<Timestamp>,
}

/// What a patient asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookAppointment {
    /// With whom.
    pub doctor_id: DoctorId,
    /// The start of a free slot.
    pub starts_at: Timestamp,
    /// Why, 1 to 2,000 characters.
    pub reason: String,
    /// At most 4,000 characters.
    #[serde(default)]
    pub symptoms: Option<String>,
    /// How to meet.
    pub visit_type: VisitType,
    /// Bypasses the doctor's lead time, not the doctor's hours.
    #[serde(default)]
    pub is_emergency: bool,
}

/// Which appointments are listed. Whose they are follows from who asks.
#[derive(Debug, Clone, Default)]
pub struct AppointmentFilter {
    /// As what: for accounts that are both patient and doctor.
    pub role: Option<Role>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only this doctor's (staff).
    pub doctor_id: Option<DoctorId>,
    /// Only this patient's (staff and doctors).
    pub patient_id: Option<PatientId>,
    /// Starting then or later.
    pub from: Option<Timestamp>,
    /// Starting before then.
    pub to: Option<Timestamp>,
    /// How many, 1 to 100; 20 when not said.
    pub limit: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items, ordered by start.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}
