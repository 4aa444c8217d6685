//! Who may see a prescription.

use consilium_kernel::{DoctorId, FacilityId, PatientId, Principal, Role};

/// As what somebody sees a prescription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// As the patient it is for.
    Patient,
    /// As the doctor who issued it.
    Doctor,
    /// As somebody who may have to dispense it.
    Pharmacist,
}

/// `None` for everybody to whom it does not exist.
pub(crate) fn access(
    principal: &Principal,
    facility: FacilityId,
    doctor: DoctorId,
    patient: PatientId,
) -> Option<Access> {
    let user = principal.user().filter(|user| user.facility_id == facility)?;
    match user.role {
        Role::Patient if user.patient_id == Some(patient) => Some(Access::Patient),
        Role::Doctor if user.doctor_id == Some(doctor) => Some(Access::Doctor),
        Role::Pharmacist => Some(Access::Pharmacist),
        _ => None,
    }
}
