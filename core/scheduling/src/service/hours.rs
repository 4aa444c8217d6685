//! A doctor's hours, and the slots that follow from them.

use std::collections::{HashMap, HashSet};

use consilium_kernel::{CommandMeta, DoctorId, FieldError, Principal, Refusal, Role, Timestamp};
use jiff::civil::Date;

use super::Scheduling;
use crate::{
    availability::{Availability, AvailabilityDraft, VersionedAvailability},
    refusal::SchedulingRefusal,
    schedule::{ScheduleCommand, ScheduleReply},
    search::{self, MAX_RANGE_DAYS},
    slots::{self, Slot},
    store,
};

/// How far slots are listed when nobody says until when.
const DEFAULT_RANGE_DAYS: i64 = 7;
const DAY: i64 = 24 * 60;

impl Scheduling {
    /// A doctor's hours; version 0 and empty when never set. Unverified doctors are shown to themselves and staff.
    pub async fn availability(&self, meta: &CommandMeta, id: DoctorId) -> Result<VersionedAvailability, Refusal> {
        let doctor = self.doctor(meta.scope, id).await?;
        if !doctor.verified && !knows_unverified(&meta.principal, id) {
            return Err(SchedulingRefusal::DoctorNotFound.refusal());
        }
        let set = self.db.read(move |session| store::availability::find(session, id)).await?;
        Ok(set.unwrap_or_else(|| VersionedAvailability {
            version: 0,
            availability: Availability::never_set(doctor.time_zone),
        }))
    }

    /// Sets a doctor's hours, by the doctor or an administrator. `stale` unless they still have `expected_version`.
    /// Appointments made before stay as they are.
    pub async fn put_availability(
        &self,
        meta: CommandMeta,
        id: DoctorId,
        draft: AvailabilityDraft,
        expected_version: i64,
    ) -> Result<VersionedAvailability, Refusal> {
        let doctor = self.doctor(meta.scope, id).await?;
        let allowed = match &meta.principal {
            Principal::System => true,
            Principal::Anonymous => false,
            Principal::User(user) => match user.role {
                Role::Admin => true,
                Role::Doctor => user.doctor_id == Some(id),
                _ => false,
            },
        };
        match (allowed, doctor.verified || knows_unverified(&meta.principal, id)) {
            (true, _) => {}
            (false, true) => return Err(Refusal::forbidden()),
            (false, false) => return Err(SchedulingRefusal::DoctorNotFound.refusal()),
        }
        let command = ScheduleCommand::PutAvailability { availability: draft.check()?, expected_version };
        match self.ask(id, meta, command).await? {
            ScheduleReply::Availability(set) => Ok(set),
            _ => Err(Refusal::internal()),
        }
    }

    /// The free slots of a verified doctor that start in [from, to): from now and for a week when not said.
    /// A range over 62 days is 422.
    pub async fn slots(
        &self,
        meta: &CommandMeta,
        id: DoctorId,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Vec<Slot>, Refusal> {
        let from = from.unwrap_or_else(|| self.db.clock().now());
        let to = to.unwrap_or_else(|| slots::after(from, DEFAULT_RANGE_DAYS * DAY));
        check_range(from, to)?;
        let doctor = self.doctor(meta.scope, id).await?;
        if !doctor.verified && !knows_unverified(&meta.principal, id) {
            return Err(SchedulingRefusal::DoctorNotFound.refusal());
        }
        let scope = meta.scope;
        Ok(self.db.read(move |session| search::of_doctor(session, scope, id, from, to)).await?)
    }

    /// The doctors who have a free slot on `date`, each on their own calendar.
    pub async fn available_on(&self, meta: &CommandMeta, date: Date) -> Result<HashSet<DoctorId>, Refusal> {
        let scope = meta.scope;
        Ok(self.db.read(move |session| search::available_on(session, scope, date)).await?)
    }

    /// The next free slot of each of these doctors; those without one within 62 days are left out.
    pub async fn next_free(
        &self,
        meta: &CommandMeta,
        doctors: Vec<DoctorId>,
    ) -> Result<HashMap<DoctorId, Slot>, Refusal> {
        let scope = meta.scope;
        Ok(self.db.read(move |session| search::next_free(session, scope, &doctors)).await?)
    }
}

/// Whether this principal is told of the doctor before the doctor is verified.
fn knows_unverified(principal: &Principal, id: DoctorId) -> bool {
    match principal {
        Principal::System => true,
        Principal::Anonymous => false,
        Principal::User(user) => {
            user.doctor_id == Some(id) || matches!(user.role, Role::Admin | Role::Nurse | Role::Support)
        }
    }
}

fn check_range(from: Timestamp, to: Timestamp) -> Result<(), Refusal> {
    let wrong = |code: &'static str, detail: String| {
        Err(Refusal::invalid(vec![FieldError { pointer: "?to".to_owned(), code: code.into(), detail }]))
    };
    if to <= from {
        return wrong("not_after_from", "must be after from".to_owned());
    }
    if to > slots::after(from, MAX_RANGE_DAYS * DAY) {
        return wrong("out_of_range", format!("at most {MAX_RANGE_DAYS} days after from"));
    }
    Ok(())
}
