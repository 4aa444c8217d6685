//! Leases: work that one node at a time may do, taken over when the holder stops renewing.

use std::time::Duration;

use consilium_kernel::Timestamp;
use diesel::prelude::*;

use crate::{
    error::Result,
    session::Tx,
    types::{at, key},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    lease (name) {
        name -> Text,
        holder -> Uuid,
        epoch -> BigInt,
        expires_at -> Instant,
    }
}

/// Takes or renews the lease `name` for `holder`; `None` while somebody else holds it. The epoch grows with
/// every change of holder, so that work begun under an older one can be told apart.
pub fn acquire(tx: &mut Tx<'_>, name: &str, holder: uuid::Uuid, length: Duration) -> Result<Option<i64>> {
    let now = tx.now();
    let expires_at = now + length;
    let row: Option<(uuid::Uuid, i64, Timestamp)> = lease::table
        .find(name)
        .select((lease::holder, lease::epoch, lease::expires_at))
        .first(tx.connection())
        .optional()?;
    let Some((held_by, epoch, until)) = row else {
        diesel::insert_into(lease::table)
            .values((
                lease::name.eq(name),
                lease::holder.eq(key(holder)),
                lease::epoch.eq(1_i64),
                lease::expires_at.eq(at(expires_at)),
            ))
            .execute(tx.connection())?;
        return Ok(Some(1));
    };
    if held_by != holder && until > now {
        return Ok(None);
    }
    let next = if held_by == holder { epoch } else { epoch + 1 };
    // The old epoch and expiry in the filter make sure that of two takers one changes nothing.
    let changed =
        diesel::update(lease::table.find(name).filter(lease::epoch.eq(epoch)).filter(lease::holder.eq(key(held_by))))
            .set((lease::holder.eq(key(holder)), lease::epoch.eq(next), lease::expires_at.eq(at(expires_at))))
            .execute(tx.connection())?;
    Ok((changed == 1).then_some(next))
}
