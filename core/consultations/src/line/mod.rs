//! A doctor's waiting line: a projection of consultations, told to everybody in it when it changes.

mod estimate;
mod refresh;
mod room;

use std::collections::HashMap;

use consilium_db::{Error, Result, Session, Tx};
use consilium_kernel::{ConsultationId, DoctorId, PatientId, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use refresh::WaitingLines;
pub use room::{Delay, DelayReason, NewDelay, WaitingRoom, WalkIns};

use crate::{
    model::{AppointmentKind, DeviceCheck},
    store, topic, waiting_room_topic,
};

/// A place in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPlace {
    /// Counts from 1.
    pub position: i32,
    /// An estimate from the doctor's recent consultations.
    pub expected_wait_seconds: i64,
}

/// Somebody in the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPatient {
    /// The consultation waited for.
    pub consultation_id: ConsultationId,
    /// Who waits.
    pub patient_id: PatientId,
    /// The place.
    #[serde(flatten)]
    pub place: WaitingPlace,
    /// Whether they were booked or walked in.
    pub kind: AppointmentKind,
    /// Emergencies come first.
    pub is_emergency: bool,
    /// How urgent staff found it, 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triage_level: Option<i32>,
    /// The booked start; for walk-ins, when they came.
    pub starts_at: Timestamp,
    /// When they first came.
    pub waiting_since: Option<Timestamp>,
    /// What the last check of their devices found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_check: Option<DeviceCheck>,
}

/// Consultations whose lengths are averaged.
const RECENT: i64 = 20;

/// The line in front of a doctor, in its order.
pub(crate) fn line(session: &mut Session<'_>, scope: Scope, doctor: DoctorId) -> Result<Vec<WaitingPatient>> {
    let rows = store::waiting(session, scope, doctor)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let now = session.now();
    let recent = store::durations(session, scope, doctor, RECENT)?;
    let running = store::in_progress_since(session, scope, doctor)?;
    let late = store::room(session, scope, doctor)?.delay;
    let ids: Vec<ConsultationId> = rows.iter().map(|row| row.id).collect();
    let mut checks = store::device_checks(session, &ids)?;
    let slots = rows.iter().map(|row| (Some(row.starts_at), Some(row.ends_at))).collect();
    let usual = estimate::mean_seconds(if recent.is_empty() { slots } else { recent });
    let running = running.map_or(0, |since| estimate::remaining_seconds(usual, since, now));
    let remaining = late.map_or(running, |delay| running.max(delay.until.duration_since(now).as_secs()));
    let entry = |(index, row): (usize, store::WaitingRow)| {
        let early = if row.is_emergency { 0 } else { row.starts_at.duration_since(now).as_secs() };
        Ok(WaitingPatient {
            consultation_id: row.id,
            patient_id: row.patient_id,
            place: WaitingPlace {
                position: i32::try_from(index + 1).unwrap_or(i32::MAX),
                expected_wait_seconds: estimate::expected_wait(index, usual, remaining, early),
            },
            kind: row.kind.parse().map_err(|_| Error::Sealed("a consultation has an unknown kind"))?,
            is_emergency: row.is_emergency,
            triage_level: row.triage,
            starts_at: row.starts_at,
            waiting_since: row.waiting_since,
            device_check: checks.remove(&row.id),
        })
    };
    rows.into_iter().enumerate().map(entry).collect()
}

/// Tells everybody whose place changed, and the doctor, as the last statements of the transaction.
pub(crate) fn project(tx: &mut Tx<'_>, doctor: DoctorId) -> Result<()> {
    let scope = tx.meta().scope;
    let line = line(tx, scope, doctor)?;
    let told: HashMap<ConsultationId, i32> = store::places(tx, doctor)?.into_iter().collect();
    let mut moved: Vec<&WaitingPatient> =
        line.iter().filter(|entry| told.get(&entry.consultation_id) != Some(&entry.place.position)).collect();
    let mut gone: Vec<ConsultationId> =
        told.into_keys().filter(|id| !line.iter().any(|entry| entry.consultation_id == *id)).collect();
    if moved.is_empty() && gone.is_empty() {
        return Ok(());
    }
    moved.sort_by_key(|entry| entry.consultation_id);
    gone.sort();
    for id in gone {
        store::forget_place(tx, id)?;
    }
    for entry in &moved {
        store::save_place(tx, doctor, (entry.consultation_id, entry.place.position))?;
    }
    for entry in &moved {
        let topic = topic(entry.consultation_id);
        tx.publish(&topic, "waiting_position_changed", entry.patient_id.uuid(), &entry.place)?;
    }
    let data = json!({"doctor_id": doctor, "waiting": line});
    tx.publish(&waiting_room_topic(doctor), "waiting_line_changed", scope.facility_id.uuid(), &data)?;
    Ok(())
}
