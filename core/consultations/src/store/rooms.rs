//! Doctors' waiting rooms: whether walk-ins are taken, and how late the doctor is.

use consilium_db::{
    Cacheable, Cell, Encrypted, Error, Result, Session, Tx,
    types::{Uuid, key, maybe_at},
};
use consilium_kernel::{DoctorId, Scope, Timestamp};
use diesel::{prelude::*, sql_query, sql_types::Text};

use super::tables::waiting_room as room;
use crate::line::{Delay, WaitingRoom};

fn cell(doctor: DoctorId) -> Cell {
    Cell::new("waiting_room", "delay_text", doctor.uuid())
}

/// A doctor's waiting room; as it is in the beginning when nobody ever changed it.
pub(crate) fn room(session: &mut Session<'_>, scope: Scope, doctor: DoctorId) -> Result<WaitingRoom> {
    type Row = (String, Option<Timestamp>, Option<String>, Option<Encrypted<String>>);
    let row: Option<Row> = room::table
        .find(key(doctor))
        .filter(room::facility_id.eq(key(scope.facility_id)))
        .select((room::walk_ins, room::delayed_until, room::delay_reason, room::delay_text))
        .first(session.connection())
        .optional()?;
    let Some((walk_ins, until, reason, text)) = row else { return Ok(WaitingRoom::default()) };
    let unknown = |_| Error::Sealed("a waiting room has an unknown word");
    let walk_ins = walk_ins.parse().map_err(unknown)?;
    let text = text.map(|text| session.open(cell(doctor), &text)).transpose()?;
    let reason = reason.map(|word| word.parse()).transpose().map_err(unknown)?;
    let delay = until.zip(reason).map(|(until, reason)| Delay { until, reason, text });
    Ok(WaitingRoom { walk_ins, delay })
}

/// The waiting room, held until commit: what follows for one doctor is done one after the other.
pub(crate) fn lock_room(tx: &mut Tx<'_>, doctor: DoctorId) -> Result<WaitingRoom> {
    let scope = tx.meta().scope;
    // Both databases hold the row that is written.
    sql_query(
        "INSERT INTO waiting_room (doctor_id, facility_id, walk_ins, version) VALUES ($1, $2, $3, 1) \
         ON CONFLICT (doctor_id) DO UPDATE SET version = waiting_room.version + 1",
    )
    .bind::<Uuid, _>(doctor)
    .bind::<Uuid, _>(scope.facility_id)
    .bind::<Text, _>(WaitingRoom::default().walk_ins.to_string())
    .cached()
    .execute(tx.connection())?;
    room(tx, scope, doctor)
}

/// Writes a waiting room that is held.
pub(crate) fn save_room(tx: &mut Tx<'_>, doctor: DoctorId, new: &WaitingRoom) -> Result<()> {
    let facility = tx.meta().scope.facility_id.uuid();
    let delay = new.delay.as_ref();
    let text = delay.and_then(|delay| delay.text.as_ref());
    let text = text.map(|text| tx.seal(facility, cell(doctor), text)).transpose()?;
    diesel::update(room::table.find(key(doctor)))
        .set((
            room::walk_ins.eq(new.walk_ins.to_string()),
            room::delayed_until.eq(maybe_at(delay.map(|delay| delay.until))),
            room::delay_reason.eq(delay.map(|delay| delay.reason.to_string())),
            room::delay_text.eq(text),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Forgets that the doctor is late.
pub(crate) fn clear_delay(tx: &mut Tx<'_>, doctor: DoctorId) -> Result<()> {
    let none: Option<Encrypted<String>> = None;
    diesel::update(room::table.find(key(doctor)).filter(room::delayed_until.is_not_null()))
        .set((room::delayed_until.eq(maybe_at(None)), room::delay_reason.eq(None::<String>), room::delay_text.eq(none)))
        .execute(tx.connection())?;
    Ok(())
}
