//! What was said about a recording, in rows that are never changed.

use consilium_db::{
    Cell, Result, Tx,
    types::{at, key},
};
use diesel::prelude::*;

use super::{recording_consent as consent, recording_hold as hold};
use crate::{
    holds::Hold,
    model::{Consent, Recording},
};

/// Adds what a participant said.
pub(crate) fn insert_consent(tx: &mut Tx<'_>, of: &Recording, said: &Consent) -> Result<()> {
    let id = tx.new_id::<()>();
    diesel::insert_into(consent::table)
        .values((
            consent::id.eq(key(id)),
            consent::recording_id.eq(key(of.id)),
            consent::facility_id.eq(key(of.facility_id)),
            consent::user_id.eq(key(said.user_id)),
            consent::role.eq(said.role.to_string()),
            consent::decision.eq(said.decision.to_string()),
            consent::text_version.eq(&said.text_version),
            consent::decided_at.eq(at(said.decided_at)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Adds that it was held back, or let go, and why.
pub(crate) fn insert_hold(tx: &mut Tx<'_>, of: &Recording, new: &Hold) -> Result<()> {
    let (id, now) = (tx.new_id::<()>(), tx.now());
    let reason = tx.seal(of.patient_id.uuid(), Cell::new("recording_hold", "reason", id.uuid()), &new.reason)?;
    diesel::insert_into(hold::table)
        .values((
            hold::id.eq(key(id)),
            hold::recording_id.eq(key(of.id)),
            hold::facility_id.eq(key(of.facility_id)),
            hold::set_by.eq(key(new.set_by)),
            hold::held.eq(new.held),
            hold::reason.eq(reason),
            hold::set_at.eq(at(now)),
        ))
        .execute(tx.connection())?;
    Ok(())
}
