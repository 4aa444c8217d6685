//! Who may see an appointment, and who may do what with it.

use consilium_kernel::{DoctorId, FacilityId, PatientId, Principal, Refusal, Role};

use crate::model::Party;

/// What can be done with an appointment that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    See,
    Accept,
    Reject,
    Cancel,
    Reschedule,
    NoShow,
}

/// Whose an appointment is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Belongs {
    pub(crate) facility_id: FacilityId,
    pub(crate) doctor_id: DoctorId,
    pub(crate) patient_id: PatientId,
}

/// As what `principal` may do `action`: what is foreign does not exist, what is known may be forbidden.
pub(crate) fn permit(principal: &Principal, of: Belongs, action: Action) -> Result<Party, Refusal> {
    let user = match principal {
        Principal::System => return Ok(Party::System),
        Principal::Anonymous => return Err(Refusal::not_found()),
        Principal::User(user) => user,
    };
    if user.facility_id != of.facility_id {
        return Err(Refusal::not_found());
    }
    let party = match user.role {
        Role::Patient if user.patient_id == Some(of.patient_id) => Party::Patient,
        Role::Doctor if user.doctor_id == Some(of.doctor_id) => Party::Doctor,
        Role::Doctor if user.patient_id == Some(of.patient_id) => Party::Patient,
        Role::Admin | Role::Nurse | Role::Support => Party::Staff,
        Role::Patient | Role::Doctor | Role::Pharmacist => return Err(Refusal::not_found()),
    };
    let allowed = match action {
        Action::See => true,
        Action::Cancel | Action::Reschedule => user.role != Role::Support,
        Action::Accept | Action::Reject | Action::NoShow => party == Party::Doctor,
    };
    if allowed { Ok(party) } else { Err(Refusal::forbidden()) }
}
