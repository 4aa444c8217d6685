//! Any order of commands on one schedule: nothing held twice, and no status off its graph.

use std::collections::BTreeMap;

use consilium_kernel::{AppointmentId, CommandMeta, DEFAULT_FACILITY, DoctorId, PatientId, Role, Timestamp};
use proptest::prelude::*;

use super::support::{as_doctor, as_patient, as_staff, booking, draft, every_day, new_id, t};
use crate::{
    Availability, Change, DoctorSchedule, FollowUp, FollowUpCommand, FollowUpEvent, FollowUpId, FollowUpStatus,
    ScheduleCommand, ScheduleEvent, Status, VisitType, decide::decide, slots,
};

#[derive(Debug, Clone)]
enum Step {
    /// Patient, quarter of an hour, emergency.
    Book(usize, i64, bool),
    /// Who, which appointment, what, to which quarter of an hour.
    Change(Who, usize, What, i64),
    /// Which hours, with the right version or not.
    Put(usize, bool),
    /// The consultation of this one begins or ends, behind the schedule's back but loaded again.
    Meeting(usize, bool),
    /// Minutes go by.
    Wait(i64),
    /// A slot is kept for a patient from this day of the month.
    Keep(usize, i8),
    /// A kept slot is confirmed, declined or given back.
    Answer(usize, Answer),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Confirm,
    Decline,
    Release,
}

#[derive(Debug, Clone, Copy)]
enum Who {
    Doctor,
    Patient,
    OtherPatient,
    Nurse,
    Support,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Accept,
    Reject,
    Cancel,
    Reschedule,
    NoShow,
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![
        4 => Just(Who::Doctor), 3 => Just(Who::Patient), 1 => Just(Who::OtherPatient), 1 => Just(Who::Nurse),
        1 => Just(Who::Support)
    ];
    let what = prop_oneof![
        4 => Just(What::Accept), 1 => Just(What::Reject), 1 => Just(What::Cancel), 4 => Just(What::Reschedule),
        1 => Just(What::NoShow)
    ];
    prop_oneof![
        6 => (0usize..3, 0i64..192, any::<bool>()).prop_map(|(who, quarter, urgent)| Step::Book(who, quarter, urgent)),
        6 => (who, 0usize..20, what, 0i64..192).prop_map(|(who, which, what, to)| Step::Change(who, which, what, to)),
        1 => (0usize..3, any::<bool>()).prop_map(|(hours, right)| Step::Put(hours, right)),
        1 => (0usize..20, any::<bool>()).prop_map(|(which, ends)| Step::Meeting(which, ends)),
        1 => (0i64..240).prop_map(Step::Wait),
        2 => (0usize..3, 23i8..27).prop_map(|(who, day)| Step::Keep(who, day)),
        2 => (0usize..9, prop_oneof![Just(Answer::Confirm), Just(Answer::Decline), Just(Answer::Release)])
            .prop_map(|(which, answer)| Step::Answer(which, answer)),
    ]
}

fn hours() -> [Availability; 3] {
    let mut strict = draft("Europe/Berlin", &[("00:00", "12:00"), ("12:00", "24:00")], 30, 15);
    strict.max_per_day = Some(5);
    strict.lead_time_minutes = 90;
    [
        every_day("UTC", &[("00:00", "24:00")], 30, 0),
        every_day("UTC", &[("00:00", "11:00"), ("11:00", "24:00")], 45, 15),
        strict.check().unwrap(),
    ]
}

fn wanted(id: FollowUpId, patient_id: PatientId, doctor_id: DoctorId, day: i8, now: Timestamp) -> FollowUp {
    FollowUp {
        id,
        facility_id: DEFAULT_FACILITY,
        doctor_id,
        patient_id,
        after_consultation_id: new_id(),
        visit_type: VisitType::Video,
        wanted_on: jiff::civil::date(2026, 10, day),
        status: FollowUpStatus::Wanted,
        starts_at: None,
        ends_at: None,
        expires_at: None,
        appointment_id: None,
        version: 1,
        created_at: now,
    }
}

struct World {
    schedule: DoctorSchedule,
    statuses: BTreeMap<AppointmentId, Status>,
    order: Vec<(AppointmentId, PatientId)>,
    kept: Vec<(FollowUpId, PatientId)>,
    now: Timestamp,
    patients: [PatientId; 3],
    doctor_id: DoctorId,
}

impl World {
    fn new() -> Self {
        let doctor_id = new_id();
        Self {
            schedule: DoctorSchedule {
                doctor_id,
                availability: None,
                held: BTreeMap::new(),
                live: BTreeMap::new(),
                holds: BTreeMap::new(),
            },
            statuses: BTreeMap::new(),
            order: Vec::new(),
            kept: Vec::new(),
            now: t("2026-10-24T00:00:00Z"),
            patients: [new_id(), new_id(), new_id()],
            doctor_id,
        }
    }

    fn quarter(&self, quarter: i64) -> Timestamp {
        slots::after(t("2026-10-24T00:00:00Z"), quarter * 15)
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Wait(minutes) => self.now = slots::after(self.now, *minutes),
            Step::Keep(who, day) => {
                let (id, patient) = (new_id(), self.patients[*who]);
                let wanted = Box::new(wanted(id, patient, self.doctor_id, *day, self.now));
                let (hold_for, timer) = (std::time::Duration::from_secs(3_600), new_id());
                let place = FollowUpCommand::Place { wanted, patient_busy: Vec::new(), hold_for, timer };
                let system = CommandMeta::system(DEFAULT_FACILITY, "timer");
                assert!(!self.run(as_patient(patient), &ScheduleCommand::FollowUp(place.clone())));
                assert!(self.run(system, &ScheduleCommand::FollowUp(place)));
                self.kept.push((id, patient));
            }
            Step::Answer(which, answer) => {
                let Some((id, patient)) = self.kept.get(*which).copied() else { return };
                let (consultation_id, timer) = (new_id(), new_id());
                let command = match answer {
                    Answer::Confirm => FollowUpCommand::Confirm { id, consultation_id, no_show_minutes: 15 },
                    Answer::Decline => FollowUpCommand::Decline { id },
                    Answer::Release => FollowUpCommand::Release { id, timer },
                };
                let stranger = self.patients.iter().copied().find(|other| *other != patient).unwrap();
                assert!(!self.run(as_patient(stranger), &ScheduleCommand::FollowUp(command.clone())));
                let meta = match answer {
                    Answer::Release => CommandMeta::system(DEFAULT_FACILITY, "timer"),
                    _ => as_patient(patient),
                };
                let before = self.schedule.holds.get(&id).map(|hold| hold.expires_at);
                let done = self.run(meta, &ScheduleCommand::FollowUp(command));
                let in_time = before.is_some_and(|end| self.now < end || !matches!(answer, Answer::Confirm));
                assert_eq!(done, in_time, "{answer:?} of what expires {before:?} at {}", self.now);
            }
            Step::Put(which, right) => {
                let version = self.schedule.availability_version();
                let expected_version = if *right { version } else { version + 7 };
                let availability = hours()[*which].clone();
                let done = self.run(
                    as_doctor(self.doctor_id),
                    &ScheduleCommand::PutAvailability { availability, expected_version },
                );
                assert_eq!(done, *right);
            }
            Step::Book(who, quarter, is_emergency) => {
                let patient_id = self.patients[*who];
                let mut booking = booking(patient_id, self.quarter(*quarter));
                booking.is_emergency = *is_emergency;
                let id = booking.appointment_id;
                if self.run(as_patient(patient_id), &ScheduleCommand::Book(booking)) {
                    self.order.push((id, patient_id));
                }
            }
            Step::Change(who, which, what, quarter) => {
                let Some((appointment_id, patient_id)) = self.order.get(*which).copied() else { return };
                let other = self.patients.iter().copied().find(|id| *id != patient_id).unwrap();
                let meta = match who {
                    Who::Doctor => as_doctor(self.doctor_id),
                    Who::Patient => as_patient(patient_id),
                    Who::OtherPatient => as_patient(other),
                    Who::Nurse => as_staff(Role::Nurse),
                    Who::Support => as_staff(Role::Support),
                };
                let change = match what {
                    What::Accept => Change::Accept { consultation_id: new_id() },
                    What::Reject => Change::Reject,
                    What::Cancel => Change::Cancel,
                    What::Reschedule => Change::Reschedule { starts_at: self.quarter(*quarter) },
                    What::NoShow => Change::NoShow,
                };
                let done = self
                    .run(meta, &ScheduleCommand::Change { appointment_id, change, note: None, no_show_minutes: 15 });
                let permitted = match (who, what) {
                    (Who::OtherPatient | Who::Support, _) => false,
                    (Who::Doctor, _) => true,
                    (Who::Patient | Who::Nurse, What::Cancel | What::Reschedule) => true,
                    (Who::Patient | Who::Nurse, _) => false,
                };
                assert!(permitted || !done, "{who:?} must not {what:?}");
            }
            Step::Meeting(which, ends) => {
                let Some((id, _)) = self.order.get(*which).copied() else { return };
                let Some(entry) = self.schedule.live.get_mut(&id) else { return };
                if entry.status != Status::Accepted {
                    return;
                }
                entry.version += 1;
                if *ends {
                    self.schedule.live.remove(&id);
                    self.statuses.insert(id, Status::Completed);
                } else {
                    entry.started_at = Some(self.now);
                }
            }
        }
    }

    /// Whether the command did something. What it leads to must follow from what was.
    fn run(&mut self, meta: CommandMeta, command: &ScheduleCommand) -> bool {
        let Ok(events) = decide(&self.schedule, command, &meta, self.now) else { return false };
        for event in &events {
            self.follows(event);
            self.schedule.take_in(event);
        }
        // Without an event the commit refuses.
        !events.is_empty()
    }

    fn follows(&mut self, event: &ScheduleEvent) {
        match event {
            ScheduleEvent::FollowUp(FollowUpEvent::Placed { hold, .. }) => {
                assert!(hold.starts_at > self.now && hold.expires_at <= hold.starts_at);
            }
            ScheduleEvent::FollowUp(FollowUpEvent::Confirmed { id, entry, .. }) => {
                let id = AppointmentId::new(id.uuid());
                assert_eq!((entry.status, entry.version), (Status::Accepted, 1));
                assert_eq!(self.statuses.insert(id, entry.status), None);
                self.order.push((id, entry.patient_id));
            }
            ScheduleEvent::FollowUp(FollowUpEvent::Unplaced { .. } | FollowUpEvent::Released { .. }) => {}
            ScheduleEvent::AvailabilityPut(set) => {
                assert_eq!(set.version, self.schedule.availability_version() + 1);
            }
            ScheduleEvent::Booked { appointment_id, entry, .. } => {
                assert!(entry.starts_at > self.now);
                assert_eq!(self.statuses.insert(*appointment_id, Status::Pending), None);
                assert_eq!((entry.status, entry.version, entry.revision), (Status::Pending, 1, 0));
            }
            ScheduleEvent::Changed { appointment_id, entry, moved, .. } => {
                let before = &self.schedule.live[appointment_id];
                let was = self.statuses.insert(*appointment_id, entry.status).unwrap();
                assert_eq!(was, before.status);
                assert!(
                    was.may_become(entry.status) || (moved.is_some() && was == entry.status),
                    "{was} → {}",
                    entry.status
                );
                assert_eq!(entry.version, before.version + 1);
                assert_eq!(entry.revision, before.revision + i64::from(moved.is_some()));
                assert!(before.started_at.is_none() || entry.status == Status::Accepted);
                assert_eq!(
                    entry.status == Status::Accepted,
                    entry.status == Status::Accepted && entry.consultation_id.is_some()
                );
                assert!(before.consultation_id.is_none() || before.consultation_id == entry.consultation_id);
                if moved.is_some() {
                    assert!(entry.starts_at > self.now);
                }
            }
        }
    }

    fn nothing_is_held_twice(&self) {
        let mut held: Vec<_> = self.schedule.held.values().collect();
        held.sort();
        for pair in held.windows(2) {
            assert!(pair[0].ends_at <= pair[1].starts_at, "{pair:?}");
        }
        for (id, entry) in &self.schedule.live {
            let held = self.schedule.held[id];
            assert!(held.starts_at == entry.starts_at && held.ends_at >= entry.ends_at);
            assert!(entry.status.is_live() && self.statuses[id] == entry.status);
        }
        for (id, hold) in &self.schedule.holds {
            let held = self.schedule.held[&AppointmentId::new(id.uuid())];
            assert!(held.starts_at == hold.starts_at && held.ends_at >= hold.ends_at);
        }
        for (id, status) in &self.statuses {
            assert_eq!(self.schedule.live.contains_key(id), status.is_live());
            let gone = matches!(status, Status::Rejected | Status::Cancelled);
            assert_eq!(self.schedule.held.contains_key(id), !gone);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_order_of_commands(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        world.play(&Step::Put(0, true));
        for step in &steps {
            world.play(step);
            world.nothing_is_held_twice();
        }
    }
}

/// The proptest would prove nothing if hardly anything were ever accepted.
#[test]
fn the_graph_is_walked_to_its_ends() {
    let mut world = World::new();
    world.play(&Step::Put(0, true));
    for (n, what) in [What::Reject, What::Cancel, What::Accept].into_iter().enumerate() {
        world.play(&Step::Book(0, 8 + 2 * n as i64, false));
        world.play(&Step::Change(Who::Doctor, n, what, 0));
    }
    world.play(&Step::Change(Who::Patient, 2, What::Reschedule, 20));
    assert_eq!(world.statuses[&world.order[2].0], Status::Pending);
    world.play(&Step::Change(Who::Doctor, 2, What::Accept, 0));
    world.play(&Step::Change(Who::Doctor, 2, What::Reschedule, 22));
    assert_eq!(world.statuses[&world.order[2].0], Status::Accepted);
    world.play(&Step::Change(Who::Doctor, 2, What::NoShow, 0));
    assert_eq!(world.statuses[&world.order[2].0], Status::Accepted, "it has not begun");
    world.play(&Step::Wait(22 * 15));
    world.play(&Step::Change(Who::Doctor, 2, What::NoShow, 0));
    let found: Vec<Status> = world.order.iter().map(|(id, _)| world.statuses[id]).collect();
    assert_eq!(found, [Status::Rejected, Status::Cancelled, Status::NoShow]);
    world.nothing_is_held_twice();
}
