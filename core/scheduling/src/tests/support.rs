//! Builders for what the tests talk about.

use consilium_db::testing::TestDb;
use consilium_kernel::{
    AppointmentId, CommandMeta, DEFAULT_FACILITY, DoctorId, Id, Ids, PatientId, Principal, RandomIds, Refusal, Role,
    Scope, Timestamp, User,
};
use consilium_runtime::{Directory, DirectorySettings, SingleNode};

use crate::{
    Appointment, Availability, AvailabilityDraft, Booking, Change, DoctorSchedule, ExceptionDraft, ScheduleCommand,
    ScheduleReply, VisitType, WeeklyDraft,
};

pub(super) const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

pub(super) fn new_id<T>() -> Id<T> {
    Id::new(RandomIds.next())
}

pub(super) fn t(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `hours` every day of the week.
pub(super) fn draft(zone: &str, hours: &[(&str, &str)], slot: i64, buffer: i64) -> AvailabilityDraft {
    let weekly = DAYS.iter().flat_map(|day| {
        hours.iter().map(|(start, end)| WeeklyDraft {
            day: (*day).to_owned(),
            start: (*start).to_owned(),
            end: (*end).to_owned(),
        })
    });
    AvailabilityDraft {
        time_zone: zone.to_owned(),
        weekly: weekly.collect(),
        exceptions: Vec::new(),
        slot_minutes: slot,
        buffer_minutes: buffer,
        lead_time_minutes: 0,
        max_per_day: None,
    }
}

pub(super) fn every_day(zone: &str, hours: &[(&str, &str)], slot: i64, buffer: i64) -> Availability {
    draft(zone, hours, slot, buffer).check().unwrap()
}

pub(super) fn exception(date: &str, hours: Option<(&str, &str)>) -> ExceptionDraft {
    ExceptionDraft {
        date: date.to_owned(),
        closed: hours.is_none().then_some(true),
        start: hours.map(|(start, _)| start.to_owned()),
        end: hours.map(|(_, end)| end.to_owned()),
    }
}

fn user(role: Role, doctor_id: Option<DoctorId>, patient_id: Option<PatientId>) -> CommandMeta {
    let user = User {
        user_id: new_id(),
        session_id: new_id(),
        role,
        facility_id: DEFAULT_FACILITY,
        doctor_id,
        patient_id,
        email_verified: true,
    };
    CommandMeta {
        principal: Principal::User(user),
        scope: Scope::of(DEFAULT_FACILITY),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

pub(super) fn as_patient(id: PatientId) -> CommandMeta {
    user(Role::Patient, None, Some(id))
}

pub(super) fn as_doctor(id: DoctorId) -> CommandMeta {
    user(Role::Doctor, Some(id), None)
}

pub(super) fn as_staff(role: Role) -> CommandMeta {
    user(role, None, None)
}

pub(super) fn booking(patient_id: PatientId, starts_at: Timestamp) -> Booking {
    Booking {
        appointment_id: new_id(),
        patient_id,
        starts_at,
        visit_type: VisitType::Video,
        is_emergency: false,
        reason: "canary-reason".to_owned(),
        symptoms: Some("canary-symptoms".to_owned()),
    }
}

/// One doctor's schedule over a database.
pub(super) struct Practice {
    pub(super) doctor_id: DoctorId,
    pub(super) schedules: Directory<DoctorSchedule>,
}

pub(super) fn directory(test: &TestDb) -> Directory<DoctorSchedule> {
    Directory::new(test.db.clone(), SingleNode::shared(), DirectorySettings::default())
}

impl Practice {
    /// A doctor with these hours.
    pub(super) async fn open(test: &TestDb, availability: Availability) -> Self {
        let practice = Self { doctor_id: new_id(), schedules: directory(test) };
        practice.put(availability, 0).await.unwrap();
        practice
    }

    pub(super) async fn put(&self, availability: Availability, expected_version: i64) -> Result<i64, Refusal> {
        let command = ScheduleCommand::PutAvailability { availability, expected_version };
        match self.schedules.send(self.doctor_id, as_doctor(self.doctor_id), command).await? {
            ScheduleReply::Availability(set) => Ok(set.version),
            _ => panic!("no hours"),
        }
    }

    pub(super) async fn book(&self, patient_id: PatientId, starts_at: &str) -> Result<Appointment, Refusal> {
        let command = ScheduleCommand::Book(booking(patient_id, t(starts_at)));
        self.send(as_patient(patient_id), command).await
    }

    pub(super) async fn change(
        &self,
        meta: CommandMeta,
        appointment_id: AppointmentId,
        change: Change,
    ) -> Result<Appointment, Refusal> {
        let note = Some("canary-note".to_owned());
        self.send(meta, ScheduleCommand::Change { appointment_id, change, note, no_show_minutes: 15 }).await
    }

    pub(super) async fn accept(&self, id: AppointmentId) -> Result<Appointment, Refusal> {
        self.change(as_doctor(self.doctor_id), id, Change::Accept { consultation_id: new_id() }).await
    }

    async fn send(&self, meta: CommandMeta, command: ScheduleCommand) -> Result<Appointment, Refusal> {
        match self.schedules.send(self.doctor_id, meta, command).await? {
            ScheduleReply::Appointment(appointment) => Ok(*appointment),
            _ => panic!("no appointment"),
        }
    }
}
