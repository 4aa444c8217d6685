//! What becomes of an appointment when its consultation begins, ends, or never begins. These changes come from
//! outside the schedule's actor, which notices by the version.

use consilium_db::{
    Db, Error, Result, Session, Tx,
    timers::{self, DueTimer},
};
use consilium_kernel::{
    AppointmentId, CommandMeta, ConsultationId, DoctorId, PatientId, Principal, Role, Scope, Timestamp,
};
use consilium_runtime::TimerHandler;

use crate::{
    actor::settle,
    facts::{self, NO_SHOW, Told},
    model::{Appointment, AppointmentKind, Party, Status},
    refusal::SchedulingRefusal,
    schedule::Entry,
    slots::Interval,
    store::{
        appointments::{self, Words},
        listing, occupancy,
    },
};

/// One appointment of the facility, with the patient's words: whoever calls answers for who reads them.
pub fn appointment(session: &mut Session<'_>, scope: Scope, id: AppointmentId) -> Result<Option<Appointment>> {
    appointments::find(session, scope, id, Words::Opened)
}

/// The appointment whose meeting `id` is.
pub fn appointment_of_consultation(session: &mut Session<'_>, id: ConsultationId) -> Result<Option<Appointment>> {
    appointments::of_consultation(session, id)
}

/// Whether this doctor, or with `None` any doctor of the facility, has agreed to meet the patient, or has met them.
pub fn treats(session: &mut Session<'_>, scope: Scope, doctor: Option<DoctorId>, patient: PatientId) -> Result<bool> {
    listing::treats(session, scope, doctor, patient)
}

/// The patient came to the waiting room: that the appointment passes does not make it missed any more.
pub fn arrived(tx: &mut Tx<'_>, id: AppointmentId) -> Result<()> {
    tx.withdraw_timers(id.uuid(), &[NO_SHOW])
}

/// The consultation of an accepted appointment has begun: it can only end from now on, and nobody missed it. A walk-in
/// takes the doctor's time from now on, as far as nobody has it. Emits nothing; repeated, it changes nothing.
/// `invalid_transition` when it is not accepted.
pub fn started(tx: &mut Tx<'_>, id: AppointmentId) -> Result<Appointment> {
    let appointment = accepted(tx, id)?;
    if appointment.started_at.is_some() {
        return Ok(appointment);
    }
    let now = tx.now();
    if appointment.kind == AppointmentKind::WalkIn {
        let usual = appointment.ends_at.duration_since(appointment.starts_at);
        let until = now.saturating_add(usual).unwrap_or(Timestamp::MAX);
        // Somebody who is booked for this time gave way: then it is held already.
        if let Some(ends_at) = occupancy::free_until(tx, appointment.doctor_id, now, until)? {
            occupancy::hold(tx, appointment.doctor_id, id, Interval { starts_at: now, ends_at })?;
        }
    }
    write(tx, appointment, Status::Accepted, Some(now))
}

/// The consultation has ended. `invalid_transition` unless the appointment is accepted.
pub fn complete(tx: &mut Tx<'_>, id: AppointmentId) -> Result<Appointment> {
    let appointment = accepted(tx, id)?;
    let started_at = appointment.started_at;
    let appointment = write(tx, appointment, Status::Completed, started_at)?;
    if appointment.kind == AppointmentKind::WalkIn {
        let now = tx.now();
        occupancy::end_at(tx, id, now)?;
    }
    let by = party(&tx.meta().principal);
    facts::tell(tx, appointment, Told::Completed, by, None, None)
}

/// The consultation never began. `invalid_transition` unless the appointment is accepted and did not begin.
pub fn no_show(tx: &mut Tx<'_>, id: AppointmentId) -> Result<Appointment> {
    let appointment = accepted(tx, id)?;
    if appointment.started_at.is_some() {
        return Err(SchedulingRefusal::InvalidTransition.refusal().into());
    }
    missed(tx, id)
}

/// The patient never came, whether or not the doctor began. `invalid_transition` unless the appointment is accepted.
pub fn missed(tx: &mut Tx<'_>, id: AppointmentId) -> Result<Appointment> {
    let appointment = accepted(tx, id)?;
    let started_at = appointment.started_at;
    let appointment = write(tx, appointment, Status::NoShow, started_at)?;
    let by = party(&tx.meta().principal);
    facts::tell(tx, appointment, Told::NoShow, by, None, None)
}

/// The patient waited in vain: the appointment is called off. `invalid_transition` unless it is accepted.
pub fn in_vain(tx: &mut Tx<'_>, id: AppointmentId) -> Result<Appointment> {
    let appointment = accepted(tx, id)?;
    let appointment = write(tx, appointment, Status::Cancelled, None)?;
    let by = party(&tx.meta().principal);
    facts::tell(tx, appointment, Told::Cancelled, by, None, None)
}

fn accepted(tx: &mut Tx<'_>, id: AppointmentId) -> Result<Appointment> {
    let scope = tx.meta().scope;
    let found = appointments::find(tx, scope, id, Words::Opened)?;
    let appointment = found.ok_or_else(consilium_kernel::Refusal::not_found)?;
    match appointment.status {
        Status::Accepted => Ok(appointment),
        _ => Err(SchedulingRefusal::InvalidTransition.refusal().into()),
    }
}

fn write(
    tx: &mut Tx<'_>,
    appointment: Appointment,
    status: Status,
    started_at: Option<Timestamp>,
) -> Result<Appointment> {
    let changed = Appointment { status, started_at, version: appointment.version + 1, ..appointment };
    settle(tx, changed.id, &Entry::of(&changed))?;
    facts::withdraw_timers(tx, changed.id)?;
    Ok(changed)
}

pub(crate) fn party(principal: &Principal) -> Party {
    match principal.user().map(|user| user.role) {
        Some(Role::Patient) => Party::Patient,
        Some(Role::Doctor) => Party::Doctor,
        Some(_) => Party::Staff,
        None => Party::System,
    }
}

/// Marks appointments as missed when they are over and never began.
pub struct NoShowTimer {
    db: Db,
}

impl NoShowTimer {
    /// Handles [`NO_SHOW`] timers of `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait::async_trait]
impl TimerHandler for NoShowTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[NO_SHOW]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        self.db
            .write(&meta, move |tx| {
                timers::take(tx, timer.id)?;
                match no_show(tx, AppointmentId::new(timer.entity.id)) {
                    // It took place, or was called off, in the very moment: nothing is left to do.
                    Ok(_) | Err(Error::Refused(_)) => Ok(()),
                    Err(error) => Err(error),
                }
            })
            .await
    }
}
