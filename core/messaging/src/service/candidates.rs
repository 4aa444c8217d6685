//! Who somebody is who is to be in a thread, as the modules below know them.

use consilium_db::{Result, Session};
use consilium_kernel::{PatientId, Role, Scope, User, UserId};

use crate::model::{Candidate, Invited};

/// Whoever opens or changes a thread.
pub(super) fn of_user(
    session: &mut Session<'_>,
    scope: Scope,
    user: &User,
    patient: Option<PatientId>,
) -> Result<Candidate> {
    let (verified, treats) = match user.role {
        Role::Doctor => {
            let doctor = match user.doctor_id {
                Some(id) => consilium_people::doctor(session, id)?,
                None => None,
            };
            let treats = match patient {
                Some(patient) => consilium_scheduling::treats(session, scope, user.doctor_id, patient)?,
                None => false,
            };
            (doctor.is_some_and(|doctor| doctor.verified), treats && user.doctor_id.is_some())
        }
        // A nurse assists every doctor of the facility.
        Role::Nurse => {
            let treats = match patient {
                Some(patient) => consilium_scheduling::treats(session, scope, None, patient)?,
                None => false,
            };
            (false, treats)
        }
        _ => (false, false),
    };
    Ok(Candidate { user_id: user.user_id, role: user.role, treats, verified })
}

/// Somebody who was named; `None` when the facility has nobody like that.
pub(super) fn named(
    session: &mut Session<'_>,
    scope: Scope,
    invited: Invited,
    patient: Option<PatientId>,
) -> Result<Option<Candidate>> {
    let user: UserId = match invited {
        Invited::UserId(user) => user,
        Invited::DoctorId(doctor) => match consilium_people::doctor(session, doctor)? {
            Some(doctor) => doctor.user_id,
            None => return Ok(None),
        },
    };
    let account = consilium_identity::account(session, user)?;
    let Some(account) = account.filter(|account| account.facility_id == scope.facility_id) else { return Ok(None) };
    // No session of theirs is meant.
    let user = account.user(consilium_kernel::Id::new(uuid::Uuid::nil()));
    of_user(session, scope, &user, patient).map(Some)
}
