//! Subscriptions as their administrators see them.

use consilium_db::{
    Cell, Encrypted, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{FacilityId, Scope, Timestamp};
use diesel::prelude::*;

use super::{Endpoint, known, webhook_subscription as table};
use crate::{
    filter::EventFilter,
    model::{DisabledBecause, Subscription, SubscriptionId},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct SubscriptionRow {
    id: SubscriptionId,
    endpoint: Encrypted<Endpoint>,
    description: String,
    event_types: String,
    disabled_because: Option<String>,
    failing_since: Option<Timestamp>,
    replay_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

/// Where an endpoint is sealed.
pub fn cell(id: SubscriptionId) -> Cell {
    Cell::new("webhook_subscription", "endpoint", id.uuid())
}

impl SubscriptionRow {
    fn subscription(self, session: &mut Session<'_>) -> Result<Subscription> {
        let endpoint = session.open(cell(self.id), &self.endpoint)?;
        let now = session.now();
        Ok(Subscription {
            id: self.id,
            url: endpoint.url,
            description: self.description,
            event_types: serde_json::from_str(&self.event_types)?,
            disabled_because: self.disabled_because.as_deref().map(known).transpose()?,
            failing_since: self.failing_since,
            replaying: self.replay_at.is_some(),
            previous_secret_until: endpoint.previous.iter().map(|old| old.until).filter(|until| *until > now).max(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

/// How many a facility has.
pub fn count(session: &mut Session<'_>, scope: Scope) -> Result<i64> {
    Ok(table::table.filter(table::facility_id.eq(key(scope.facility_id))).count().get_result(session.connection())?)
}

/// Writes a new one for the facility of the command.
pub fn insert(tx: &mut Tx<'_>, new: &Subscription, endpoint: &Endpoint) -> Result<()> {
    let facility = tx.meta().scope.facility_id;
    let sealed = tx.seal(facility.uuid(), cell(new.id), endpoint)?;
    let now = tx.now();
    diesel::insert_into(table::table)
        .values((
            table::id.eq(key(new.id)),
            table::facility_id.eq(key(facility)),
            table::endpoint.eq(sealed),
            table::description.eq(&new.description),
            table::event_types.eq(serde_json::to_string(&new.event_types)?),
            table::disabled_because.eq(new.disabled_because.map(<&str>::from)),
            table::paused_until.eq(at(now)),
            table::claimed_until.eq(at(now)),
            table::claim.eq(0_i64),
            table::served_at.eq(at(now)),
            table::created_at.eq(at(now)),
            table::updated_at.eq(at(now)),
            table::version.eq(new.version),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Subscriptions of a facility, newest first, at most `limit`, older than `before`.
pub fn list(
    session: &mut Session<'_>,
    scope: Scope,
    before: Option<SubscriptionId>,
    limit: i64,
) -> Result<Vec<Subscription>> {
    let mut query = table::table
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .order(table::id.desc())
        .limit(limit)
        .select(SubscriptionRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(table::id.lt(key(before)));
    }
    let rows: Vec<SubscriptionRow> = query.load(session.connection())?;
    rows.into_iter().map(|row| row.subscription(session)).collect()
}

/// One of a facility.
pub fn find(session: &mut Session<'_>, scope: Scope, id: SubscriptionId) -> Result<Option<Subscription>> {
    let row = table::table
        .find(key(id))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select(SubscriptionRow::as_select())
        .first(session.connection())
        .optional()?;
    row.map(|row| row.subscription(session)).transpose()
}

/// Address and secrets of one of a facility.
pub fn secrets(session: &mut Session<'_>, scope: Scope, id: SubscriptionId) -> Result<Option<Endpoint>> {
    let sealed: Option<Encrypted<Endpoint>> = table::table
        .find(key(id))
        .filter(table::facility_id.eq(key(scope.facility_id)))
        .select(table::endpoint)
        .first(session.connection())
        .optional()?;
    sealed.map(|sealed| session.open(cell(id), &sealed)).transpose()
}

/// The present version.
pub fn version(session: &mut Session<'_>, id: SubscriptionId) -> Result<i64> {
    Ok(table::table.find(key(id)).select(table::version).first(session.connection())?)
}

/// Writes what an administrator changed. Enabling, or changing the address, forgets failures and pauses. False when
/// the row has another version than `after` came from.
pub fn change(tx: &mut Tx<'_>, before: &Subscription, after: &Subscription, endpoint: &Endpoint) -> Result<bool> {
    let facility = tx.meta().scope.facility_id;
    let sealed = tx.seal(facility.uuid(), cell(after.id), endpoint)?;
    let now = tx.now();
    let row = table::table.find(key(after.id)).filter(table::version.eq(before.version));
    let changed = diesel::update(row)
        .set((
            table::endpoint.eq(sealed),
            table::description.eq(&after.description),
            table::event_types.eq(serde_json::to_string(&after.event_types)?),
            table::disabled_because.eq(after.disabled_because.map(<&str>::from)),
            table::failing_since.eq(maybe_at(after.failing_since)),
            table::updated_at.eq(at(now)),
            table::version.eq(before.version + 1),
        ))
        .execute(tx.connection())?;
    if before.failing_since != after.failing_since || before.disabled_because != after.disabled_because {
        diesel::update(table::table.find(key(after.id)))
            .set(table::paused_until.eq(at(now)))
            .execute(tx.connection())?;
    }
    Ok(changed == 1)
}

/// Deletes one with its deliveries.
pub fn delete(tx: &mut Tx<'_>, scope: Scope, id: SubscriptionId) -> Result<()> {
    diesel::delete(table::table.find(key(id)).filter(table::facility_id.eq(key(scope.facility_id))))
        .execute(tx.connection())?;
    Ok(())
}

/// Subscriptions of a facility that are served and were there at `since`, with what they want.
pub fn told(
    session: &mut Session<'_>,
    facility: FacilityId,
    since: Timestamp,
) -> Result<Vec<(SubscriptionId, Vec<EventFilter>)>> {
    let rows: Vec<(SubscriptionId, String)> = table::table
        .filter(table::facility_id.eq(key(facility)))
        .filter(table::disabled_because.is_null())
        .filter(table::created_at.le(at(since)))
        .order(table::id)
        .select((table::id, table::event_types))
        .load(session.connection())?;
    rows.into_iter().map(|(id, types)| Ok((id, serde_json::from_str(&types)?))).collect()
}

impl DisabledBecause {
    pub(super) fn word(self) -> &'static str {
        self.into()
    }
}
