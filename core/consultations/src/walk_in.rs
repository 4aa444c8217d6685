//! Patients who come without an appointment: they wait at once, in the same line as those who are booked.

use consilium_db::{Result, Tx};
use consilium_identity::IdentityRefusal;
use consilium_kernel::{AppointmentId, CommandMeta, ConsultationId, DoctorId, Id, PatientId, Refusal, Role, UserId};
use consilium_scheduling::{WalkIn, is_open_now};
use serde::{Deserialize, Serialize};

use crate::{
    appointments::not_yet_opened,
    decide,
    line::{Delay, WaitingPlace, WalkIns},
    model::{Consultation, VisitType},
    record::record_from_outside,
    refusal::ConsultationRefusal::WalkInsClosed,
    service::{Consultations, Policy},
    store,
};

/// A patient without an appointment.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewWalkIn {
    /// Whom they want to see.
    pub doctor_id: DoctorId,
    /// Who came; left out by patients who come themselves.
    pub patient_id: Option<PatientId>,
    /// Why, 1 to 2,000 characters.
    pub reason: String,
    /// How to meet.
    pub visit_type: VisitType,
    /// Whether it cannot wait.
    pub is_emergency: bool,
    /// How urgent staff finds it, 1 (at once) to 5 (not urgent).
    pub triage_level: Option<i32>,
}

/// Where a patient waits now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WalkedIn {
    /// Their consultation.
    pub consultation: Consultation,
    /// Their place in the line.
    pub waiting: Option<WaitingPlace>,
    /// That the doctor is late.
    pub delay: Option<Delay>,
}

/// Who came, and as whose account if they came themselves.
type Comer = (PatientId, Option<UserId>);

/// Levels up to this one are emergencies.
const EMERGENCY_LEVEL: i32 = 2;

impl Consultations {
    /// Takes a patient without an appointment into the waiting room: patients for themselves, nurses, support and the
    /// doctor for a patient of the facility. Refusals: `walk_ins_closed`, `waiting_room_full`, `already_waiting`,
    /// `patient_busy`, `doctor_not_found`, `email_not_verified`, `invalid`, `not_found`, `forbidden`.
    pub async fn walk_in(&self, meta: CommandMeta, new: NewWalkIn) -> std::result::Result<WalkedIn, Refusal> {
        let comer = comer(&meta, &new, &self.policy)?;
        let ids = (Id::new(self.db.ids().next()), Id::new(self.db.ids().next()));
        let (db, command, policy) = (self.db.clone(), meta.clone(), self.policy.clone());
        let doctor = new.doctor_id;
        let consultation: Consultation = self
            .db
            .once(&meta, async move {
                let came = db.command(&command, move |tx| take_in(tx, &new, comer, ids, &policy));
                Ok(came.await?)
            })
            .await?;
        self.lines.refresh(meta.scope, doctor);
        let (waiting, delay) = self.place_in_line(&consultation).await?;
        Ok(WalkedIn { consultation, waiting, delay })
    }
}

/// Who may bring whom.
fn comer(meta: &CommandMeta, new: &NewWalkIn, policy: &Policy) -> std::result::Result<Comer, Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    let user = user.ok_or(Refusal::forbidden())?;
    if let Some(level) = new.triage_level.filter(|level| !(1..=5).contains(level)) {
        return Err(Refusal::field("/triage_level", "out_of_range", format!("{level} is not within 1 to 5")));
    }
    match (user.role, new.patient_id) {
        (Role::Patient, _) if new.triage_level.is_some() => {
            Err(Refusal::field("/triage_level", "invalid", "is said by staff"))
        }
        (Role::Patient, wanted) => {
            let own = user.patient_id.ok_or(Refusal::forbidden())?;
            if wanted.is_some_and(|wanted| wanted != own) {
                return Err(Refusal::not_found());
            }
            if policy.require_verified_email && !user.email_verified {
                return Err(IdentityRefusal::EmailNotVerified.refusal());
            }
            Ok((own, Some(user.user_id)))
        }
        (Role::Doctor, _) if user.doctor_id != Some(new.doctor_id) => Err(Refusal::forbidden()),
        (Role::Doctor | Role::Nurse | Role::Support, Some(patient)) => Ok((patient, None)),
        (Role::Doctor | Role::Nurse | Role::Support, None) => {
            Err(Refusal::field("/patient_id", "required", "say who came"))
        }
        (Role::Pharmacist | Role::Admin, _) => Err(Refusal::forbidden()),
    }
}

/// Makes the appointment and the consultation that waits, while nobody else comes to this doctor.
fn take_in(
    tx: &mut Tx<'_>,
    new: &NewWalkIn,
    (patient_id, user): Comer,
    (appointment_id, consultation_id): (AppointmentId, ConsultationId),
    policy: &Policy,
) -> Result<Consultation> {
    let facility = tx.meta().scope.facility_id;
    let known = consilium_people::patient(tx, patient_id)?;
    if known.is_none_or(|patient| patient.facility_id != facility) {
        return Err(Refusal::not_found().into());
    }
    let room = store::lock_room(tx, new.doctor_id)?;
    let is_emergency = new.is_emergency || new.triage_level.is_some_and(|level| level <= EMERGENCY_LEVEL);
    let walk_in = WalkIn {
        appointment_id,
        consultation_id,
        doctor_id: new.doctor_id,
        patient_id,
        reason: new.reason.clone(),
        visit_type: new.visit_type,
        is_emergency,
        most_waiting: policy.most_walk_ins,
        require_verified_email: policy.require_verified_email,
    };
    // Also finds out that there is no such doctor.
    let appointment = consilium_scheduling::walk_in(tx, &walk_in)?;
    let open = match room.walk_ins {
        WalkIns::Always => true,
        WalkIns::InHours => is_open_now(tx, new.doctor_id)?,
        WalkIns::Never => false,
    };
    if !open {
        return Err(WalkInsClosed.refusal().into());
    }
    let mut consultation = not_yet_opened(consultation_id, appointment);
    consultation.triage = new.triage_level;
    let events = decide::walk_in(&consultation, user, policy, tx.now());
    record_from_outside(tx, &consultation, &events, policy)
}
