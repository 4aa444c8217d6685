//! Follow-ups: a doctor's advice to come again becomes a slot that is kept for the patient, and an appointment once
//! the patient confirms it. The doctor asked for it, so nobody has to accept it any more.
//!
//! An event (`follow_up_advised`, from whoever prescribes) only notes what is wanted. A timer has the doctor's schedule
//! look for a slot and keep it, so that it is decided in the same place as every booking; another one gives it back.

mod actor;
mod decide;
mod model;

use std::time::Duration;

use consilium_db::{
    Error, Result, Tx, VERSION_CONFLICT,
    timers::{self, DueTimer, TimerRequest},
};
use consilium_kernel::{CommandMeta, EventEnvelope, Id, Refusal};
use consilium_runtime::{Subscriber, TimerHandler};
use jiff::civil::Date;

pub(crate) use decide::decide;
pub use model::{FollowUp, FollowUpCommand, FollowUpEvent, FollowUpId, FollowUpStatus, Hold};

use crate::{
    model::Appointment,
    schedule::{ScheduleCommand, ScheduleReply},
    service::Scheduling,
    store::{appointments, follow_ups},
};

/// Due when a slot is to be looked for.
pub(crate) const PLACE: &str = "follow_up_place";
/// Due when a kept slot is to be given back.
pub(crate) const RELEASE: &str = "follow_up_release";
/// Kept slots of one patient shown at most.
const MOST_SHOWN: i64 = 100;

impl Scheduling {
    /// The caller's own follow-ups as a patient, those that can be answered first, then the newest; at most 100.
    pub async fn follow_ups(&self, meta: &CommandMeta) -> Result<Vec<FollowUp>, Refusal> {
        let patient = meta.principal.user().and_then(|user| user.patient_id).ok_or_else(Refusal::forbidden)?;
        let scope = meta.scope;
        Ok(self.db.read(move |session| follow_ups::of_patient(session, scope, patient, MOST_SHOWN)).await?)
    }

    /// The patient comes: the kept slot is an accepted appointment from now on. 409 `hold_expired`,
    /// `invalid_transition`, `patient_busy`.
    pub async fn confirm_follow_up(&self, meta: CommandMeta, id: FollowUpId) -> Result<Appointment, Refusal> {
        let consultation_id = Id::new(self.db.ids().next());
        let no_show_minutes = self.settings.no_show_minutes;
        let command = FollowUpCommand::Confirm { id, consultation_id, no_show_minutes };
        match self.answer(meta, id, command).await? {
            ScheduleReply::Appointment(appointment) => Ok(*appointment),
            _ => Err(Refusal::internal()),
        }
    }

    /// The patient does not come: the slot is free again.
    pub async fn decline_follow_up(&self, meta: CommandMeta, id: FollowUpId) -> Result<FollowUp, Refusal> {
        match self.answer(meta, id, FollowUpCommand::Decline { id }).await? {
            ScheduleReply::FollowUp(follow_up) => Ok(*follow_up),
            _ => Err(Refusal::internal()),
        }
    }

    async fn answer(
        &self,
        meta: CommandMeta,
        id: FollowUpId,
        command: FollowUpCommand,
    ) -> Result<ScheduleReply, Refusal> {
        let (this, once) = (self.clone(), meta.clone());
        let work = async move {
            let scope = meta.scope;
            let found = this.db.read(move |session| follow_ups::find(session, scope, id)).await?;
            let patient = meta.principal.user().and_then(|user| user.patient_id);
            let found = found.filter(|found| patient == Some(found.patient_id)).ok_or_else(Refusal::not_found)?;
            this.ask(found.doctor_id, meta, ScheduleCommand::FollowUp(command)).await
        };
        self.db.once(&once, work).await
    }
}

/// Notes which follow-ups are wanted, and which are not any more.
pub struct FollowUpSubscriber;

impl Subscriber for FollowUpSubscriber {
    fn name(&self) -> &'static str {
        "follow_ups"
    }

    fn digest(&self, tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
        match event.event_type.as_str() {
            "follow_up_advised" => advised(tx, event),
            "prescription_withdrawn" => withdrawn(tx, event),
            _ => Ok(()),
        }
    }
}

fn advised(tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
    let text = |field: &str| event.data.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let prescription: Option<uuid::Uuid> = text("prescription_id").parse().ok();
    let (Some(prescription), Ok(consultation), Ok(wanted_on)) =
        (prescription, text("consultation_id").parse(), text("follow_up_on").parse::<Date>())
    else {
        return Ok(());
    };
    let Some(first) = appointments::of_consultation(tx, consultation)? else { return Ok(()) };
    if follow_ups::of_prescription(tx, prescription)?.is_some() {
        return Ok(());
    }
    let wanted = FollowUp {
        id: tx.new_id(),
        facility_id: first.facility_id,
        doctor_id: first.doctor_id,
        patient_id: first.patient_id,
        after_consultation_id: consultation,
        visit_type: first.visit_type,
        wanted_on,
        status: FollowUpStatus::Wanted,
        starts_at: None,
        ends_at: None,
        expires_at: None,
        appointment_id: None,
        version: 1,
        created_at: tx.now(),
    };
    follow_ups::insert(tx, &wanted, prescription)?;
    let due_at = tx.now();
    tx.set_timer(TimerRequest { kind: PLACE, entity: wanted.entity(), revision: 1, due_at })
}

fn withdrawn(tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
    let prescription = event.data.get("prescription_id").and_then(|id| id.as_str()?.parse().ok());
    let Some(prescription) = prescription else { return Ok(()) };
    let Some(before) = follow_ups::of_prescription(tx, prescription)? else { return Ok(()) };
    match before.status {
        FollowUpStatus::Wanted => {
            tx.withdraw_timers(before.id.uuid(), &[PLACE])?;
            let (status, version) = (FollowUpStatus::Withdrawn, before.version + 1);
            follow_ups::save(tx, &before, &FollowUp { status, version, ..before.clone() })
        }
        // The schedule knows of the slot: it gives it back itself.
        FollowUpStatus::Held => {
            let due_at = tx.now();
            tx.set_timer(TimerRequest { kind: RELEASE, entity: before.entity(), revision: before.version, due_at })
        }
        _ => Ok(()),
    }
}

/// Has schedules keep slots for follow-ups, and give them back.
pub struct FollowUpTimer(Scheduling);

impl FollowUpTimer {
    /// A handler that asks the schedules' actors.
    pub fn new(scheduling: Scheduling) -> Self {
        Self(scheduling)
    }

    async fn place(&self, timer: &DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        let (id, scope) = (FollowUpId::new(timer.entity.id), meta.scope);
        let read = move |session: &mut consilium_db::Session<'_>| {
            let Some(wanted) = follow_ups::find(session, scope, id)? else { return Ok(None) };
            let busy = follow_ups::patient_busy(session, wanted.patient_id)?;
            Ok(Some((wanted, busy)))
        };
        let found = self.0.db.read(read).await?.filter(|(found, _)| found.status == FollowUpStatus::Wanted);
        let Some((wanted, patient_busy)) = found else { return self.forget(timer).await };
        let hold_for = Duration::from_secs(u64::from(self.0.settings.follow_up_hold_hours) * 3600);
        let doctor = wanted.doctor_id;
        let place = FollowUpCommand::Place { wanted: Box::new(wanted), patient_busy, hold_for, timer: timer.id };
        self.asked(doctor, meta, place).await
    }

    async fn release(&self, timer: &DueTimer) -> Result<()> {
        let meta = CommandMeta::system(timer.facility_id, "timer");
        let (id, scope) = (FollowUpId::new(timer.entity.id), meta.scope);
        let found = self.0.db.read(move |session| follow_ups::find(session, scope, id)).await?;
        let Some(found) = found.filter(|found| found.status == FollowUpStatus::Held) else {
            return self.forget(timer).await;
        };
        self.asked(found.doctor_id, meta, FollowUpCommand::Release { id, timer: timer.id }).await
    }

    async fn asked(
        &self,
        doctor: consilium_kernel::DoctorId,
        meta: CommandMeta,
        command: FollowUpCommand,
    ) -> Result<()> {
        match self.0.ask(doctor, meta, ScheduleCommand::FollowUp(command)).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal == VERSION_CONFLICT => Err(Error::VersionConflict),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// There is nothing left to do.
    async fn forget(&self, timer: &DueTimer) -> Result<()> {
        let (meta, id) = (CommandMeta::system(timer.facility_id, "timer"), timer.id);
        self.0.db.write(&meta, move |tx| timers::take(tx, id)).await
    }
}

#[async_trait::async_trait]
impl TimerHandler for FollowUpTimer {
    fn kinds(&self) -> &'static [&'static str] {
        &[PLACE, RELEASE]
    }

    async fn fire(&self, timer: DueTimer) -> Result<()> {
        match timer.kind.as_str() {
            PLACE => self.place(&timer).await,
            _ => self.release(&timer).await,
        }
    }
}
