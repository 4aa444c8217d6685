//! What the API and other modules call.

mod appointments;
mod hours;

pub(crate) use appointments::check_words;

use consilium_db::{Db, Session, VERSION_CONFLICT};
use consilium_identity::{self as identity, IdentityRefusal};
use consilium_kernel::{CommandMeta, DoctorId, Refusal, Scope};
use consilium_people::{self as people, Doctor};
use consilium_runtime::Directory;

use crate::{
    refusal::SchedulingRefusal,
    schedule::{DoctorSchedule, ScheduleCommand, ScheduleReply},
};

/// How often a schedule is asked before the client is told to come back.
const TRIES: usize = 3;

/// How scheduling is run.
#[derive(Debug, Clone)]
pub struct SchedulingSettings {
    /// Whether patients and doctors must have confirmed their e-mail address before they book or are booked.
    pub require_verified_email: bool,
    /// How long after its end an appointment that never began counts as missed.
    pub no_show_minutes: u32,
    /// How long a follow-up's slot is kept for the patient to confirm.
    pub follow_up_hold_hours: u32,
}

/// Hours, slots and appointments; cheap to clone.
#[derive(Clone)]
pub struct Scheduling {
    pub(crate) db: Db,
    schedules: Directory<DoctorSchedule>,
    pub(crate) settings: SchedulingSettings,
}

impl Scheduling {
    /// Over `db`, with the schedules' actors in `schedules`.
    pub fn new(db: Db, schedules: Directory<DoctorSchedule>, settings: SchedulingSettings) -> Self {
        Self { db, schedules, settings }
    }

    /// Has the doctor's schedule decide. Two nodes that both believe they own it may get into each other's way;
    /// then nothing was done, and it is asked again.
    pub(crate) async fn ask(
        &self,
        id: DoctorId,
        meta: CommandMeta,
        command: ScheduleCommand,
    ) -> Result<ScheduleReply, Refusal> {
        for _ in 0..TRIES {
            match self.schedules.send(id, meta.clone(), command.clone()).await {
                Err(refusal) if refusal.code == VERSION_CONFLICT.code => {}
                answer => return answer,
            }
        }
        Err(Refusal::unavailable())
    }

    /// A doctor of the facility, verified or not.
    async fn doctor(&self, scope: Scope, id: DoctorId) -> Result<Doctor, Refusal> {
        let found = self.db.read(move |session| people::doctor(session, id)).await?;
        found
            .filter(|doctor| doctor.facility_id == scope.facility_id)
            .ok_or(SchedulingRefusal::DoctorNotFound.refusal())
    }

    /// A doctor who can be booked: verified, and with a confirmed address where that is asked for.
    async fn bookable_doctor(&self, scope: Scope, id: DoctorId) -> Result<DoctorId, Refusal> {
        let must_confirm = self.settings.require_verified_email;
        Ok(self.db.read(move |session| bookable(session, scope, id, must_confirm)).await?.id)
    }
}

/// A doctor whom patients may come to: verified, and with a confirmed address where that is asked for.
pub(crate) fn bookable(
    session: &mut Session<'_>,
    scope: Scope,
    id: DoctorId,
    must_confirm: bool,
) -> consilium_db::Result<Doctor> {
    let found = people::doctor(session, id)?;
    let Some(doctor) = found.filter(|doctor| doctor.facility_id == scope.facility_id && doctor.verified) else {
        return Err(SchedulingRefusal::DoctorNotFound.refusal().into());
    };
    let confirmed = |contact: identity::Contact| contact.email_verified;
    if must_confirm && !identity::contact(session, doctor.user_id)?.is_some_and(confirmed) {
        let refusal = IdentityRefusal::EmailNotVerified.refusal();
        return Err(refusal.because("The doctor has not confirmed the e-mail address yet.").into());
    }
    Ok(doctor)
}
