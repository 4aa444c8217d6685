//! The table of browsers that are told by web push. Where they are reached is sealed under their reader's key.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key},
};
use consilium_kernel::{SessionId, Timestamp, UserId};
use diesel::prelude::*;

use crate::{
    model::{PushSubscription, PushSubscriptionId},
    push::{Browser, BrowserAddress},
};

diesel::table! {
    use diesel::sql_types::*;
    use consilium_db::types::{Instant, Uuid};
    push_subscription (id) {
        id -> Uuid,
        facility_id -> Uuid,
        user_id -> Uuid,
        session_id -> Uuid,
        endpoint_index -> Binary,
        address -> Binary,
        created_at -> Instant,
    }
}

type Row = (PushSubscriptionId, Encrypted<BrowserAddress>, Timestamp);

fn cell(id: PushSubscriptionId) -> Cell {
    Cell::new("push_subscription", "address", id.uuid())
}

/// Subscribes a browser. One that somebody else used before is theirs no longer; of more than `most` of `user` the
/// oldest go.
pub fn subscribe(
    tx: &mut Tx<'_>,
    user: UserId,
    login: SessionId,
    address: &BrowserAddress,
    most: usize,
) -> Result<PushSubscription> {
    let index = tx.vault().index("push_endpoint", &address.endpoint);
    let same = push_subscription::table.filter(push_subscription::endpoint_index.eq(&index));
    diesel::delete(same.filter(push_subscription::user_id.ne(key(user)))).execute(tx.connection())?;
    let known: Option<PushSubscriptionId> = same.select(push_subscription::id).first(tx.connection()).optional()?;
    let id = known.unwrap_or_else(|| tx.new_id());
    let (sealed, now) = (tx.seal(user.uuid(), cell(id), address)?, tx.now());
    if known.is_some() {
        diesel::update(push_subscription::table.find(key(id)))
            .set((push_subscription::session_id.eq(key(login)), push_subscription::address.eq(sealed)))
            .execute(tx.connection())?;
    } else {
        diesel::insert_into(push_subscription::table)
            .values((
                push_subscription::id.eq(key(id)),
                push_subscription::facility_id.eq(key(tx.meta().scope.facility_id)),
                push_subscription::user_id.eq(key(user)),
                push_subscription::session_id.eq(key(login)),
                push_subscription::endpoint_index.eq(&index),
                push_subscription::address.eq(sealed),
                push_subscription::created_at.eq(at(now)),
            ))
            .execute(tx.connection())?;
    }
    for old in browsers(tx, user)?.into_iter().rev().skip(most) {
        forget_browser(tx, old)?;
    }
    let created_at =
        push_subscription::table.find(key(id)).select(push_subscription::created_at).first(tx.connection())?;
    Ok(PushSubscription { id, service: address.service(), created_at })
}

/// The browsers of `user`, oldest first.
pub fn browsers(session: &mut Session<'_>, user: UserId) -> Result<Vec<PushSubscriptionId>> {
    Ok(push_subscription::table
        .filter(push_subscription::user_id.eq(key(user)))
        .order(push_subscription::id)
        .select(push_subscription::id)
        .load(session.connection())?)
}

/// The subscriptions of `user`, newest first.
pub fn subscriptions(session: &mut Session<'_>, user: UserId) -> Result<Vec<PushSubscription>> {
    let rows: Vec<Row> = push_subscription::table
        .filter(push_subscription::user_id.eq(key(user)))
        .order(push_subscription::id.desc())
        .select((push_subscription::id, push_subscription::address, push_subscription::created_at))
        .load(session.connection())?;
    rows.into_iter()
        .map(|(id, sealed, created_at)| {
            let service = session.open(cell(id), &sealed)?.service();
            Ok(PushSubscription { id, service, created_at })
        })
        .collect()
}

/// Where a browser is reached; `None` when it is subscribed no longer.
pub fn browser(session: &mut Session<'_>, id: PushSubscriptionId) -> Result<Option<Browser>> {
    let sealed: Option<Encrypted<BrowserAddress>> = push_subscription::table
        .find(key(id))
        .select(push_subscription::address)
        .first(session.connection())
        .optional()?;
    sealed.map(|sealed| Ok(Browser { id, address: session.open(cell(id), &sealed)? })).transpose()
}

/// Forgets a browser. What waits for it is withdrawn when its turn comes.
pub fn forget_browser(tx: &mut Tx<'_>, id: PushSubscriptionId) -> Result<()> {
    diesel::delete(push_subscription::table.find(key(id))).execute(tx.connection())?;
    Ok(())
}

/// Forgets one of the browsers of `user`; `false` when it is none.
pub fn unsubscribe_one(tx: &mut Tx<'_>, user: UserId, id: PushSubscriptionId) -> Result<bool> {
    let own = push_subscription::table.find(key(id)).filter(push_subscription::user_id.eq(key(user)));
    Ok(diesel::delete(own).execute(tx.connection())? == 1)
}

/// Forgets the browsers of `user`: that of one login, or all.
pub fn unsubscribe(tx: &mut Tx<'_>, user: UserId, login: Option<SessionId>) -> Result<()> {
    let own = push_subscription::table.filter(push_subscription::user_id.eq(key(user)));
    match login {
        Some(login) => {
            diesel::delete(own.filter(push_subscription::session_id.eq(key(login)))).execute(tx.connection())?
        }
        None => diesel::delete(own).execute(tx.connection())?,
    };
    Ok(())
}
