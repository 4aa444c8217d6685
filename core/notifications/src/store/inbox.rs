//! Somebody's own messages inside the product.

use consilium_db::{
    Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{DeliveryId, Timestamp, UserId};
use diesel::prelude::*;

use super::{Sealed, cell, delivery, known};
use crate::model::{Channel, InboxEntry, Kind};

type Row = (DeliveryId, String, Option<Timestamp>, Sealed);

fn entry(session: &mut Session<'_>, (id, kind, read_at, sealed): Row) -> Result<InboxEntry> {
    let kind: Kind = known(&kind)?;
    let payload = session.open(cell(id), &sealed)?;
    Ok(InboxEntry {
        id,
        kind,
        appointment_id: payload.content.appointment().map(|appointment| appointment.id),
        at: payload.at,
        read_at,
        text: payload.text(kind),
    })
}

/// The newest messages of `user`, at most `limit`, older than `before`; only unread ones if `unread`.
pub fn inbox(
    session: &mut Session<'_>,
    user: UserId,
    unread: bool,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<InboxEntry>> {
    let mut query = delivery::table
        .filter(delivery::recipient_id.eq(key(user)))
        .filter(delivery::channel.eq(<&str>::from(Channel::InApp)))
        .order(delivery::id.desc())
        .limit(limit)
        .select((delivery::id, delivery::kind, delivery::read_at, delivery::payload))
        .into_boxed();
    if unread {
        query = query.filter(delivery::read_at.is_null());
    }
    if let Some(before) = before {
        query = query.filter(delivery::id.lt(key(before)));
    }
    let rows: Vec<Row> = query.load(session.connection())?;
    rows.into_iter().map(|row| entry(session, row)).collect()
}

/// Marks one message of `user` as read and returns it; `None` when it is not theirs. Keeps the first time.
pub fn mark_read(tx: &mut Tx<'_>, user: UserId, id: DeliveryId) -> Result<Option<InboxEntry>> {
    let now = tx.now();
    let own = delivery::table
        .find(key(id))
        .filter(delivery::recipient_id.eq(key(user)))
        .filter(delivery::channel.eq(<&str>::from(Channel::InApp)));
    diesel::update(own.filter(delivery::read_at.is_null()))
        .set((delivery::read_at.eq(maybe_at(Some(now))), delivery::version.eq(delivery::version + 1)))
        .execute(tx.connection())?;
    let row: Option<Row> = own
        .select((delivery::id, delivery::kind, delivery::read_at, delivery::payload))
        .first(tx.connection())
        .optional()?;
    row.map(|row| entry(tx, row)).transpose()
}

/// Marks everything up to `now` as read and returns how much it was.
pub fn mark_all_read(tx: &mut Tx<'_>, user: UserId) -> Result<usize> {
    let now = tx.now();
    Ok(diesel::update(
        delivery::table
            .filter(delivery::recipient_id.eq(key(user)))
            .filter(delivery::channel.eq(<&str>::from(Channel::InApp)))
            .filter(delivery::read_at.is_null())
            .filter(delivery::created_at.le(at(now))),
    )
    .set((delivery::read_at.eq(maybe_at(Some(now))), delivery::version.eq(delivery::version + 1)))
    .execute(tx.connection())?)
}
