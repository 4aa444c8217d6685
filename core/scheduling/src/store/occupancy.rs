//! The `occupancy` table: what is held of every doctor's time. Its constraint refuses whatever overlaps.

use std::collections::HashMap;

use consilium_db::{
    Result, Session, Tx,
    types::{at, key, keys, maybe_key},
};
use consilium_kernel::{AppointmentId, DoctorId, Scope, Timestamp};
use diesel::prelude::*;

use super::{meaning, one_row, schema::occupancy};
use crate::{follow_ups::FollowUpId, slots::Interval};

/// Held by an appointment.
const APPOINTMENT: &str = "appointment";
/// Held for a patient to confirm: the row has the id of the follow-up, which the appointment will have too.
const FOLLOW_UP: &str = "follow_up";

/// Holds time for an appointment.
pub(crate) fn hold(tx: &mut Tx<'_>, doctor_id: DoctorId, appointment_id: AppointmentId, held: Interval) -> Result<()> {
    let (id, scope) = (tx.new_id::<()>(), tx.meta().scope);
    diesel::insert_into(occupancy::table)
        .values((
            occupancy::id.eq(key(id)),
            occupancy::facility_id.eq(key(scope.facility_id)),
            occupancy::doctor_id.eq(key(doctor_id)),
            occupancy::source.eq(APPOINTMENT),
            occupancy::appointment_id.eq(maybe_key(Some(appointment_id))),
            occupancy::starts_at.eq(at(held.starts_at)),
            occupancy::ends_at.eq(at(held.ends_at)),
        ))
        .execute(tx.connection())
        .map_err(meaning)?;
    Ok(())
}

/// Keeps time for a follow-up.
pub(crate) fn hold_for_follow_up(
    tx: &mut Tx<'_>,
    doctor_id: DoctorId,
    follow_up: FollowUpId,
    held: Interval,
) -> Result<()> {
    let scope = tx.meta().scope;
    diesel::insert_into(occupancy::table)
        .values((
            occupancy::id.eq(key(follow_up)),
            occupancy::facility_id.eq(key(scope.facility_id)),
            occupancy::doctor_id.eq(key(doctor_id)),
            occupancy::source.eq(FOLLOW_UP),
            occupancy::starts_at.eq(at(held.starts_at)),
            occupancy::ends_at.eq(at(held.ends_at)),
        ))
        .execute(tx.connection())
        .map_err(meaning)?;
    Ok(())
}

/// Gives a follow-up's time back; `VersionConflict` when it is not kept any more.
pub(crate) fn release_follow_up(tx: &mut Tx<'_>, follow_up: FollowUpId) -> Result<()> {
    let row = occupancy::table.find(key(follow_up)).filter(occupancy::source.eq(FOLLOW_UP));
    one_row(diesel::delete(row).execute(tx.connection())?)
}

/// Holds other time for an appointment than before.
pub(crate) fn move_to(tx: &mut Tx<'_>, appointment_id: AppointmentId, held: Interval) -> Result<()> {
    let changed =
        diesel::update(occupancy::table.filter(occupancy::appointment_id.eq(maybe_key(Some(appointment_id)))))
            .set((occupancy::starts_at.eq(at(held.starts_at)), occupancy::ends_at.eq(at(held.ends_at))))
            .execute(tx.connection())
            .map_err(meaning)?;
    one_row(changed)
}

/// Gives an appointment's time back.
pub(crate) fn release(tx: &mut Tx<'_>, appointment_id: AppointmentId) -> Result<()> {
    diesel::delete(occupancy::table.filter(occupancy::appointment_id.eq(maybe_key(Some(appointment_id)))))
        .execute(tx.connection())?;
    Ok(())
}

/// Until when from `from` on, but not beyond `until`, the doctor's time is held by nobody; `None` when somebody holds it
/// at `from`.
pub(crate) fn free_until(
    session: &mut Session<'_>,
    doctor_id: DoctorId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Option<Timestamp>> {
    let next: Option<Timestamp> = occupancy::table
        .filter(occupancy::doctor_id.eq(key(doctor_id)).and(occupancy::ends_at.gt(at(from))))
        .filter(occupancy::starts_at.lt(at(until)))
        .order(occupancy::starts_at)
        .select(occupancy::starts_at)
        .first(session.connection())
        .optional()?;
    Ok(match next {
        None => Some(until),
        Some(next) => Some(next).filter(|next| *next > from),
    })
}

/// Whether anybody but `except` holds some of the doctor's time within `wanted`.
pub(crate) fn is_held(
    session: &mut Session<'_>,
    doctor_id: DoctorId,
    wanted: Interval,
    except: Option<AppointmentId>,
) -> Result<bool> {
    let holders: Vec<Option<AppointmentId>> = occupancy::table
        .filter(occupancy::doctor_id.eq(key(doctor_id)).and(occupancy::ends_at.gt(at(wanted.starts_at))))
        .filter(occupancy::starts_at.lt(at(wanted.ends_at)))
        .select(occupancy::appointment_id)
        .load(session.connection())?;
    Ok(holders.into_iter().any(|holder| holder.is_none() || holder != except))
}

/// Gives back what an appointment holds of the time after `end`.
pub(crate) fn end_at(tx: &mut Tx<'_>, appointment_id: AppointmentId, end: Timestamp) -> Result<()> {
    let held = || occupancy::table.filter(occupancy::appointment_id.eq(maybe_key(Some(appointment_id))));
    diesel::delete(held().filter(occupancy::starts_at.ge(at(end)))).execute(tx.connection())?;
    diesel::update(held().filter(occupancy::ends_at.gt(at(end))))
        .set(occupancy::ends_at.eq(at(end)))
        .execute(tx.connection())
        .map_err(meaning)?;
    Ok(())
}

/// What is held of a doctor's time and ends after `from`.
pub(crate) fn of_doctor(
    session: &mut Session<'_>,
    doctor_id: DoctorId,
    from: Timestamp,
) -> Result<Vec<(AppointmentId, Interval)>> {
    let rows: Vec<(AppointmentId, Option<AppointmentId>, Timestamp, Timestamp)> = occupancy::table
        .filter(occupancy::doctor_id.eq(key(doctor_id)).and(occupancy::ends_at.gt(at(from))))
        .select((occupancy::id, occupancy::appointment_id, occupancy::starts_at, occupancy::ends_at))
        .load(session.connection())?;
    let held =
        |(row, id, starts_at, ends_at): (_, Option<_>, _, _)| (id.unwrap_or(row), Interval { starts_at, ends_at });
    Ok(rows.into_iter().map(held).collect())
}

/// How many appointments of a doctor start in [from, to).
pub(crate) fn starts(
    session: &mut Session<'_>,
    doctor_id: DoctorId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Option<AppointmentId>, Timestamp)>> {
    Ok(occupancy::table
        .filter(occupancy::doctor_id.eq(key(doctor_id)).and(occupancy::ends_at.gt(at(from))))
        .filter(occupancy::starts_at.ge(at(from)).and(occupancy::starts_at.lt(at(to))))
        .select((occupancy::appointment_id, occupancy::starts_at))
        .load(session.connection())?)
}

/// What is held of these doctors' time within `span`.
pub(crate) fn of_doctors(
    session: &mut Session<'_>,
    doctors: &[DoctorId],
    span: Interval,
) -> Result<HashMap<DoctorId, Vec<Interval>>> {
    let all = occupancy::table
        .filter(occupancy::ends_at.gt(at(span.starts_at)).and(occupancy::starts_at.lt(at(span.ends_at))))
        .select((occupancy::doctor_id, occupancy::starts_at, occupancy::ends_at))
        .into_boxed();
    let wanted = match doctors {
        // The usual case, and without a list it is prepared only once.
        [one] => all.filter(occupancy::doctor_id.eq(key(*one))),
        several => all.filter(occupancy::doctor_id.eq_any(keys(several.iter().copied()))),
    };
    Ok(grouped(wanted.load(session.connection())?))
}

/// What is held of the time of all doctors of the facility within `span`.
pub(crate) fn of_facility(
    session: &mut Session<'_>,
    scope: Scope,
    span: Interval,
) -> Result<HashMap<DoctorId, Vec<Interval>>> {
    let rows = occupancy::table
        .filter(occupancy::facility_id.eq(key(scope.facility_id)))
        .filter(occupancy::ends_at.gt(at(span.starts_at)).and(occupancy::starts_at.lt(at(span.ends_at))))
        .select((occupancy::doctor_id, occupancy::starts_at, occupancy::ends_at))
        .load(session.connection())?;
    Ok(grouped(rows))
}

fn grouped(rows: Vec<(DoctorId, Timestamp, Timestamp)>) -> HashMap<DoctorId, Vec<Interval>> {
    let mut held: HashMap<DoctorId, Vec<Interval>> = HashMap::new();
    for (doctor_id, starts_at, ends_at) in rows {
        held.entry(doctor_id).or_default().push(Interval { starts_at, ends_at });
    }
    held
}
