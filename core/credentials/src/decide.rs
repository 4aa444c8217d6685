//! Who sees documents, and when they may change. Pure.

use consilium_kernel::{CommandMeta, DoctorId, Refusal, Role};
use consilium_people::Verification;

use crate::refusal::CredentialRefusal;

/// Documents of one doctor at most.
pub(crate) const MOST: usize = 20;

/// The doctor and the facility's administrators; nobody else is told that there are any.
pub(crate) fn sees(meta: &CommandMeta, doctor: DoctorId) -> Result<(), Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    let sees = user.is_some_and(|user| user.doctor_id == Some(doctor) || user.role == Role::Admin);
    if sees { Ok(()) } else { Err(Refusal::not_found()) }
}

/// The doctor alone.
pub(crate) fn owns(meta: &CommandMeta, doctor: DoctorId) -> Result<(), Refusal> {
    let user = meta.principal.user().filter(|user| user.facility_id == meta.scope.facility_id);
    let owns = user.is_some_and(|user| user.doctor_id == Some(doctor));
    if owns { Ok(()) } else { Err(Refusal::not_found()) }
}

/// What a doctor was approved by stays as it was seen.
pub(crate) fn may_change(verification: Verification) -> Result<(), Refusal> {
    match verification {
        Verification::Pending | Verification::Rejected => Ok(()),
        Verification::Approved => Err(CredentialRefusal::Verified.refusal()),
    }
}

/// Whether one more may be submitted.
pub(crate) fn may_submit(there: usize) -> Result<(), Refusal> {
    if there < MOST { Ok(()) } else { Err(CredentialRefusal::TooMany.refusal()) }
}

/// Whether so many are enough.
pub(crate) fn suffices(there: usize, required: bool) -> Result<(), Refusal> {
    if required && there == 0 { Err(CredentialRefusal::Missing.refusal()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use consilium_kernel::{FacilityId, Id, Principal, Scope, User};

    use super::*;

    fn somebody(role: Role, doctor: Option<u128>, facility: u128) -> CommandMeta {
        let id = uuid::Uuid::from_u128;
        let user = User {
            user_id: Id::new(id(1)),
            session_id: Id::new(id(2)),
            role,
            facility_id: FacilityId::new(id(facility)),
            doctor_id: doctor.map(|n| Id::new(id(n))),
            patient_id: None,
            email_verified: true,
        };
        CommandMeta {
            principal: Principal::User(user),
            scope: Scope::of(FacilityId::new(id(3))),
            request_id: "test".to_owned(),
            trace: None,
            idempotency: None,
        }
    }

    #[test]
    fn only_the_doctor_and_administrators_of_the_facility_see_documents_and_only_the_doctor_changes_them() {
        let doctor = Id::new(uuid::Uuid::from_u128(5));
        let table = [
            (somebody(Role::Doctor, Some(5), 3), true, true),
            (somebody(Role::Doctor, Some(6), 3), false, false),
            (somebody(Role::Admin, None, 3), true, false),
            (somebody(Role::Admin, None, 4), false, false),
            (somebody(Role::Doctor, Some(5), 4), false, false),
            (somebody(Role::Nurse, None, 3), false, false),
            (somebody(Role::Patient, None, 3), false, false),
            (CommandMeta { principal: Principal::Anonymous, ..somebody(Role::Admin, None, 3) }, false, false),
        ];
        for (meta, sees_it, owns_it) in table {
            assert_eq!((sees(&meta, doctor).is_ok(), owns(&meta, doctor).is_ok()), (sees_it, owns_it), "{meta:?}");
        }
    }

    #[test]
    fn documents_change_until_the_approval_and_are_not_too_many() {
        assert_eq!(may_change(Verification::Approved).unwrap_err().code, "already_verified");
        assert!(may_change(Verification::Pending).is_ok() && may_change(Verification::Rejected).is_ok());
        assert!(may_submit(MOST - 1).is_ok());
        assert_eq!(may_submit(MOST).unwrap_err().code, "too_many_credentials");
        assert_eq!(suffices(0, true).unwrap_err().code, "credentials_missing");
        assert!(suffices(1, true).is_ok() && suffices(0, false).is_ok());
    }
}
