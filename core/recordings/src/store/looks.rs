//! Looks at what providers list, as rows. `number` counts them, from 1.

use std::time::Duration;

use consilium_consultations::Consultation;
use consilium_db::{
    Result, Session, Tx,
    types::{at, key, keys},
};
use consilium_kernel::{ConsultationId, FacilityId, Id};
use diesel::prelude::*;

use super::provider_look as look;

/// Names one room that is looked at.
pub type LookId = Id<Look>;

/// A room that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its row.
    pub id: LookId,
    /// Whose rows it touches.
    pub facility_id: FacilityId,
    /// What was held in the room.
    pub consultation_id: ConsultationId,
    /// The provider's plugin.
    pub provider: String,
    /// The provider's name for the room.
    pub room: String,
    /// Which look this is.
    pub number: i32,
}

/// Has a room looked at after a while.
pub(crate) fn insert_look(
    tx: &mut Tx<'_>,
    of: &Consultation,
    (provider, room): (&str, &str),
    after: Duration,
) -> Result<()> {
    let (id, due_at): (LookId, _) = (tx.new_id(), tx.now() + after);
    diesel::insert_into(look::table)
        .values((
            look::id.eq(key(id)),
            look::facility_id.eq(key(of.facility_id)),
            look::consultation_id.eq(key(of.id)),
            look::provider.eq(provider),
            look::room.eq(room),
            look::number.eq(1),
            look::due_at.eq(at(due_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// What is to be looked at now, the longest waiting first, without those in `busy`.
pub(crate) fn due_looks(session: &mut Session<'_>, busy: &[LookId], limit: i64) -> Result<Vec<Look>> {
    let now = session.now();
    type Row = (LookId, FacilityId, ConsultationId, String, String, i32);
    let rows: Vec<Row> = look::table
        .filter(look::due_at.le(at(now)))
        .filter(diesel::dsl::not(look::id.eq_any(keys(busy.iter().copied()))))
        .order(look::due_at)
        .limit(limit)
        .select((look::id, look::facility_id, look::consultation_id, look::provider, look::room, look::number))
        .load(session.connection())?;
    let read = |(id, facility_id, consultation_id, provider, room, number): Row| Look {
        id,
        facility_id,
        consultation_id,
        provider,
        room,
        number,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The next look comes after this pause, or there is none.
pub(crate) fn next_look(tx: &mut Tx<'_>, id: LookId, pause: Option<Duration>) -> Result<()> {
    let row = look::table.find(key(id));
    match pause {
        Some(pause) => {
            let due_at = tx.now() + pause;
            diesel::update(row)
                .set((look::number.eq(look::number + 1), look::due_at.eq(at(due_at))))
                .execute(tx.connection())?;
        }
        None => {
            diesel::delete(row).execute(tx.connection())?;
        }
    }
    Ok(())
}
