//! Patients who come without an appointment: what scheduling has to do with them. Who may, and how they wait, is decided
//! by whoever keeps the waiting room.

use consilium_db::{Result, Session, Tx};
use consilium_kernel::{AppointmentId, ConsultationId, DoctorId, PatientId};

use crate::{
    facts::{self, Told},
    meeting::party,
    model::{Appointment, AppointmentKind, Status, VisitType},
    refusal::SchedulingRefusal,
    schedule::{Booking, Entry},
    service::{bookable, check_words},
    slots,
    store::{appointments, availability},
};

/// A patient who has come and waits.
#[derive(Clone)]
pub struct WalkIn {
    /// The new appointment's id.
    pub appointment_id: AppointmentId,
    /// The new consultation's id.
    pub consultation_id: ConsultationId,
    /// For whom the patient waits.
    pub doctor_id: DoctorId,
    /// Who came.
    pub patient_id: PatientId,
    /// Why, 1 to 2,000 characters.
    pub reason: String,
    /// How to meet.
    pub visit_type: VisitType,
    /// Emergencies find room in a full waiting room.
    pub is_emergency: bool,
    /// How many may wait for a doctor without an appointment.
    pub most_waiting: u32,
    /// Whether the doctor must have confirmed the e-mail address.
    pub require_verified_email: bool,
}

/// Places in a full waiting room that are kept for emergencies.
const EMERGENCY_RESERVE: i64 = 5;
/// How long a visit takes, as long as the doctor has not said.
const USUAL_MINUTES: i64 = 15;

/// Makes the accepted appointment of a walk-in. It stands beside the doctor's bookings and holds no time until its
/// consultation begins. The caller sees to it that two walk-ins of one doctor do not come at once. Refusals:
/// `doctor_not_found`, `email_not_verified`, `waiting_room_full`, `already_waiting`, `patient_busy`, `invalid`.
pub fn walk_in(tx: &mut Tx<'_>, walk_in: &WalkIn) -> Result<Appointment> {
    let (reason, _) = check_words(&walk_in.reason, None)?;
    let (scope, now) = (tx.meta().scope, tx.now());
    let doctor = bookable(tx, scope, walk_in.doctor_id, walk_in.require_verified_email)?;
    if appointments::has_walked_in(tx, walk_in.patient_id)? {
        return Err(SchedulingRefusal::AlreadyWaiting.refusal().into());
    }
    let reserve = if walk_in.is_emergency { EMERGENCY_RESERVE } else { 0 };
    if appointments::walk_ins_waiting(tx, walk_in.doctor_id)? >= i64::from(walk_in.most_waiting) + reserve {
        return Err(SchedulingRefusal::WaitingRoomFull.refusal().into());
    }
    let set = availability::find(tx, walk_in.doctor_id)?.map(|set| set.availability);
    let minutes = set.as_ref().map_or(USUAL_MINUTES, |set| i64::from(set.slot_minutes));
    let booking = Booking {
        appointment_id: walk_in.appointment_id,
        patient_id: walk_in.patient_id,
        starts_at: now,
        visit_type: walk_in.visit_type,
        is_emergency: walk_in.is_emergency,
        reason,
        symptoms: None,
    };
    let entry = Entry {
        facility_id: scope.facility_id,
        patient_id: walk_in.patient_id,
        kind: AppointmentKind::WalkIn,
        starts_at: now,
        ends_at: slots::after(now, minutes),
        status: Status::Accepted,
        revision: 0,
        version: 1,
        is_emergency: walk_in.is_emergency,
        consultation_id: Some(walk_in.consultation_id),
        started_at: None,
    };
    let zone = set.map_or(doctor.time_zone, |set| set.time_zone);
    let appointment = appointments::insert(tx, walk_in.doctor_id, &booking, &entry, &zone)?;
    let by = party(&tx.meta().principal);
    facts::tell(tx, appointment, Told::WalkedIn, by, None, None)
}

/// Whether the doctor works at this moment, by the hours set.
pub fn is_open_now(session: &mut Session<'_>, doctor_id: DoctorId) -> Result<bool> {
    let now = session.now();
    let set = availability::find(session, doctor_id)?;
    Ok(set.is_some_and(|set| slots::is_open(&set.availability, now)))
}
