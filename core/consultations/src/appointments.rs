//! What consultations know of appointments: read them, notice that they changed, follow their events.

use std::sync::Arc;

use consilium_db::{Error, Result, Session, Tx};
use consilium_kernel::{ConsultationId, EventEnvelope};
use consilium_runtime::Subscriber;
use consilium_scheduling::Appointment;

use crate::{
    decide::Event,
    line,
    model::{Consultation, Status},
    record::record_from_outside,
    service::Policy,
    store,
};

/// The consultation that an appointment leads to, before anything happened in it.
pub(crate) fn not_yet_opened(id: ConsultationId, appointment: Appointment) -> Consultation {
    Consultation {
        id,
        appointment_id: appointment.id,
        appointment_status: appointment.status,
        facility_id: appointment.facility_id,
        doctor_id: appointment.doctor_id,
        patient_id: appointment.patient_id,
        status: Status::Scheduled,
        kind: appointment.kind,
        visit_type: appointment.visit_type,
        is_emergency: appointment.is_emergency,
        triage: None,
        starts_at: appointment.starts_at,
        ends_at: appointment.ends_at,
        waiting_since: None,
        place_at: None,
        away_since: None,
        started_at: None,
        ended_at: None,
        participants: Vec::new(),
        invitations: Vec::new(),
        videos: Vec::new(),
        version: 0,
    }
}

/// Fails with `VersionConflict` when the consultation or its appointment changed since it was loaded: then the actor
/// loads it again and decides once more. Without this an action that changes nothing could be decided on old state.
pub(crate) fn still_as_known(session: &mut Session<'_>, known: &Consultation) -> Result<()> {
    let found = consilium_scheduling::appointment_of_consultation(session, known.id)?;
    let same = found.is_some_and(|found| {
        (found.status, found.starts_at, found.ends_at) == (known.appointment_status, known.starts_at, known.ends_at)
    });
    if same && store::version(session, known.id)? == known.version { Ok(()) } else { Err(Error::VersionConflict) }
}

/// Carries what happens to appointments into consultations that were opened already: a patient whose
/// appointment was cancelled does not wait any longer.
pub struct AppointmentFollower {
    policy: Arc<Policy>,
}

impl AppointmentFollower {
    /// A follower that sets timers by `policy`.
    pub fn new(policy: Policy) -> Self {
        Self { policy: Arc::new(policy) }
    }
}

impl Subscriber for AppointmentFollower {
    fn name(&self) -> &'static str {
        "consultations"
    }

    fn digest(&self, tx: &mut Tx<'_>, event: &EventEnvelope) -> Result<()> {
        let withdrawn = match event.event_type.as_str() {
            "appointment_cancelled" | "appointment_rejected" | "appointment_no_show" => true,
            "appointment_rescheduled" => false,
            _ => return Ok(()),
        };
        let Some(id) = event.data.get("consultation_id").and_then(|id| id.as_str()?.parse().ok()) else {
            return Ok(());
        };
        let Some(consultation) = store::find(tx, id)? else { return Ok(()) };
        if consultation.version == 0 || !matches!(consultation.status, Status::Scheduled | Status::Waiting) {
            return Ok(());
        }
        let what = if withdrawn {
            Event::Ended { status: Status::Abandoned, at: tx.now() }
        } else {
            Event::Moved { starts_at: consultation.starts_at, ends_at: consultation.ends_at }
        };
        record_from_outside(tx, &consultation, &[what], &self.policy)?;
        line::project(tx, consultation.doctor_id)
    }
}
