//! What others are told of a prescription: ids and where it stands, nothing medical.

use consilium_consultations::topic;
use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{ConsultationId, DoctorId, EntityRef, FacilityId, PatientId, PrescriptionId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    model::{DispatchId, Status},
    store::PrescriptionRow,
};

/// Data of every `prescription_…` event (schema 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrescriptionEvent {
    /// Which one.
    pub prescription_id: PrescriptionId,
    /// In which consultation it was issued.
    pub consultation_id: ConsultationId,
    /// By whom.
    pub doctor_id: DoctorId,
    /// For whom.
    pub patient_id: PatientId,
    /// Where.
    pub facility_id: FacilityId,
    /// Where it stands now: see [`Status`].
    pub status: String,
    /// Which dispatch it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch_id: Option<uuid::Uuid>,
}

/// An event that was emitted and has yet to be published on its consultation's topic, as the last thing that a
/// transaction does.
#[must_use]
pub(crate) struct Told {
    event_type: &'static str,
    data: PrescriptionEvent,
}

/// How events, timers and the audit log name a prescription.
pub(crate) fn entity(id: PrescriptionId) -> EntityRef {
    EntityRef::new("prescription", id.uuid())
}

/// Emits what happened to `prescription`, whose version is the one afterwards.
pub(crate) fn emit(
    tx: &mut Tx<'_>,
    event_type: &'static str,
    prescription: &PrescriptionRow,
    status: Status,
    dispatch: Option<DispatchId>,
) -> Result<Told> {
    let data = PrescriptionEvent {
        prescription_id: prescription.id,
        consultation_id: prescription.consultation_id,
        doctor_id: prescription.doctor_id,
        patient_id: prescription.patient_id,
        facility_id: prescription.facility_id,
        status: status.to_string(),
        dispatch_id: dispatch.map(DispatchId::uuid),
    };
    tx.emit(Fact {
        entity: entity(prescription.id),
        version: prescription.version,
        event_type,
        schema: 1,
        subject: prescription.patient_id.uuid(),
        data: &data,
    })?;
    Ok(Told { event_type, data })
}

/// Tells whoever arranges appointments that the doctor wants to see the patient again, on the day that stands on the
/// prescription: the day alone, in the doctor's zone.
pub(crate) fn advise_follow_up(tx: &mut Tx<'_>, prescription: &PrescriptionRow, day: Option<Date>) -> Result<()> {
    let Some(day) = day else { return Ok(()) };
    tx.emit(Fact {
        entity: entity(prescription.id),
        version: prescription.version,
        event_type: "follow_up_advised",
        schema: 1,
        subject: prescription.patient_id.uuid(),
        data: &json!({
            "prescription_id": prescription.id,
            "consultation_id": prescription.consultation_id,
            "doctor_id": prescription.doctor_id,
            "patient_id": prescription.patient_id,
            "facility_id": prescription.facility_id,
            "follow_up_on": day.to_string(),
        }),
    })
}

impl Told {
    /// Tells whoever watches the consultation. Holds its topic until commit.
    pub fn publish(self, tx: &mut Tx<'_>) -> Result<()> {
        let topic = topic(self.data.consultation_id);
        tx.publish(&topic, self.event_type, self.data.patient_id.uuid(), &self.data).map(|_| ())
    }
}
