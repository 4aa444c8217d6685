//! What a doctor's schedule knows, what can be asked of it, and what happens to it.

use std::collections::BTreeMap;

use consilium_kernel::{AppointmentId, ConsultationId, DoctorId, FacilityId, PatientId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    access::{Action, Belongs},
    availability::{Availability, VersionedAvailability},
    follow_ups::{FollowUp, FollowUpCommand, FollowUpEvent, FollowUpId, Hold},
    model::{Appointment, AppointmentKind, Party, Status, VisitType},
    slots::{self, Busy, Interval},
};

/// One doctor's schedule: the guard against double-booking.
#[derive(Debug, Clone)]
pub struct DoctorSchedule {
    pub(crate) doctor_id: DoctorId,
    /// `None` as long as it was never set.
    pub(crate) availability: Option<VersionedAvailability>,
    /// Held time, buffers included: everything that ends later than two days before it was loaded.
    pub(crate) held: BTreeMap<AppointmentId, Interval>,
    /// Pending and accepted appointments, however old.
    pub(crate) live: BTreeMap<AppointmentId, Entry>,
    /// Slots kept for patients to confirm; their time is in `held`.
    pub(crate) holds: BTreeMap<FollowUpId, Hold>,
}

/// What the rules need to know of an appointment: no words of the patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub(crate) facility_id: FacilityId,
    pub(crate) patient_id: PatientId,
    pub(crate) kind: AppointmentKind,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) status: Status,
    pub(crate) revision: i64,
    pub(crate) version: i64,
    pub(crate) is_emergency: bool,
    pub(crate) consultation_id: Option<ConsultationId>,
    pub(crate) started_at: Option<Timestamp>,
}

impl Entry {
    /// The facts of `appointment`.
    pub(crate) fn of(appointment: &Appointment) -> Self {
        Self {
            facility_id: appointment.facility_id,
            patient_id: appointment.patient_id,
            kind: appointment.kind,
            starts_at: appointment.starts_at,
            ends_at: appointment.ends_at,
            status: appointment.status,
            revision: appointment.revision,
            version: appointment.version,
            is_emergency: appointment.is_emergency,
            consultation_id: appointment.consultation_id,
            started_at: appointment.started_at,
        }
    }
}

/// What can be asked of a schedule. New ids come with the command, so that deciding needs no source of them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum ScheduleCommand {
    /// Sets the hours, if they still have `expected_version`.
    PutAvailability {
        /// Already checked.
        availability: Availability,
        /// What the client saw.
        expected_version: i64,
    },
    /// Takes a slot.
    Book(Booking),
    /// Changes an appointment.
    Change {
        /// Which one.
        appointment_id: AppointmentId,
        /// How.
        change: Change,
        /// The reason given.
        note: Option<String>,
        /// How long after its end it counts as missed: what the operator set travels with the command.
        no_show_minutes: u32,
    },
    /// Keeps a slot for a follow-up, or decides what becomes of it.
    FollowUp(FollowUpCommand),
}

/// A booking by a patient who may book, with a doctor who can be booked.
#[derive(Clone, Serialize, Deserialize)]
pub struct Booking {
    /// The new appointment's id.
    pub appointment_id: AppointmentId,
    /// For whom.
    pub patient_id: PatientId,
    /// The start of a slot.
    pub starts_at: Timestamp,
    /// How to meet.
    pub visit_type: VisitType,
    /// Bypasses the lead time.
    pub is_emergency: bool,
    /// Why.
    pub reason: String,
    /// What the patient feels.
    pub symptoms: Option<String>,
}

/// How an appointment is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Change {
    /// The doctor agrees.
    Accept {
        /// The consultation's id, unless it already has one.
        consultation_id: ConsultationId,
    },
    /// The doctor declines.
    Reject,
    /// Either side calls it off.
    Cancel,
    /// Either side moves it.
    Reschedule {
        /// The start of a free slot.
        starts_at: Timestamp,
    },
    /// The doctor says that the patient did not come.
    NoShow,
}

impl Change {
    /// What must be allowed for it.
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Accept { .. } => Action::Accept,
            Self::Reject => Action::Reject,
            Self::Cancel => Action::Cancel,
            Self::Reschedule { .. } => Action::Reschedule,
            Self::NoShow => Action::NoShow,
        }
    }
}

/// What happened to a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ScheduleEvent {
    /// The hours were set.
    AvailabilityPut(VersionedAvailability),
    /// A slot was taken.
    Booked {
        /// The new appointment.
        appointment_id: AppointmentId,
        /// Its facts.
        entry: Entry,
        /// Its time and the buffer.
        held: Interval,
    },
    /// An appointment was changed.
    Changed {
        /// Which one.
        appointment_id: AppointmentId,
        /// Its facts afterwards.
        entry: Entry,
        /// The time it holds now, if it was moved.
        moved: Option<Moved>,
        /// On whose behalf.
        by: Party,
    },
    /// A follow-up came to stand elsewhere.
    FollowUp(FollowUpEvent),
}

/// A reschedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Where it stood.
    pub previous_starts_at: Timestamp,
    /// Its new time and the buffer.
    pub held: Interval,
}

/// What a command is answered with.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum ScheduleReply {
    /// To `PutAvailability`.
    Availability(VersionedAvailability),
    /// To what leaves a follow-up without an appointment.
    FollowUp(Box<FollowUp>),
    /// To everything else.
    Appointment(Box<Appointment>),
}

impl DoctorSchedule {
    /// The held time, but for that of `except`.
    pub(crate) fn busy(&self, availability: &Availability, except: Option<AppointmentId>) -> Busy {
        let held = self.held.iter().filter(|(id, _)| Some(**id) != except).map(|(_, held)| *held);
        Busy::new(&availability.time_zone, held)
    }

    /// What an appointment would hold that starts at this slot.
    pub(crate) fn wanted(&self, starts_at: Timestamp) -> Option<Interval> {
        let availability = &self.availability.as_ref()?.availability;
        Some(slots::occupancy(availability, slots::slot_at(availability, starts_at)?))
    }

    /// Whose `entry` is.
    pub(crate) fn belongs(&self, entry: &Entry) -> Belongs {
        Belongs { facility_id: entry.facility_id, doctor_id: self.doctor_id, patient_id: entry.patient_id }
    }

    /// The version of the availability, 0 when never set.
    pub(crate) fn availability_version(&self) -> i64 {
        self.availability.as_ref().map_or(0, |set| set.version)
    }

    /// Takes a committed event in.
    pub(crate) fn take_in(&mut self, event: &ScheduleEvent) {
        match event {
            ScheduleEvent::AvailabilityPut(set) => self.availability = Some(set.clone()),
            ScheduleEvent::FollowUp(event) => self.take_in_follow_up(event),
            ScheduleEvent::Booked { appointment_id, entry, held } => {
                self.held.insert(*appointment_id, *held);
                self.live.insert(*appointment_id, entry.clone());
            }
            ScheduleEvent::Changed { appointment_id, entry, moved, .. } => {
                if let Some(moved) = moved {
                    self.held.insert(*appointment_id, moved.held);
                }
                if matches!(entry.status, Status::Rejected | Status::Cancelled) {
                    self.held.remove(appointment_id);
                }
                if entry.status.is_live() {
                    self.live.insert(*appointment_id, entry.clone());
                } else {
                    self.live.remove(appointment_id);
                }
            }
        }
    }
}
