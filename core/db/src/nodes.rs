//! The nodes of a cluster. Each renews its row; one that does not is gone when its row expires. All times here are the
//! database's, because the clocks of nodes may differ.

use std::time::Duration;

use consilium_kernel::Timestamp;
use diesel::{prelude::*, sql_query};

use crate::{
    connection::AnyConnection,
    error::Result,
    session::{Session, Tx},
    types::{Instant, at, key},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    node (id) {
        id -> Uuid,
        name -> Text,
        address -> Text,
        version -> Text,
        joined_at -> Instant,
        owns_from -> Instant,
        expires_at -> Instant,
    }
}

/// Who joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// One per process.
    pub id: uuid::Uuid,
    /// For people: the host's name.
    pub name: String,
    /// Where it serves HTTP.
    pub address: String,
    /// Of the program.
    pub version: String,
}

/// A node that has not expired.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Node {
    /// One per process.
    pub id: uuid::Uuid,
    /// For people: the host's name.
    pub name: String,
    /// Where it serves HTTP.
    pub address: String,
    /// Of the program.
    pub version: String,
    /// When it joined.
    pub joined_at: Timestamp,
    /// When it begins to own entities.
    pub owns_from: Timestamp,
    /// When it is gone, unless it renews.
    pub expires_at: Timestamp,
}

/// The nodes at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// The database's time.
    pub now: Timestamp,
    /// By id.
    pub nodes: Vec<Node>,
}

/// Joins for the time `lease`, also once more after it had expired. The newcomer owns nothing until every other node has had time to notice it or has
/// expired, which is after one lease; with nobody else there it owns everything at once.
pub fn join(tx: &mut Tx<'_>, new: &NewNode, lease: Duration) -> Result<Members> {
    if let AnyConnection::Postgres(postgres) = tx.connection() {
        // Of two that come first, one is.
        sql_query("LOCK TABLE node IN SHARE ROW EXCLUSIVE MODE").execute(postgres)?;
    }
    let now = database_now(tx)?;
    let gone = node::expires_at.le(at(now)).or(node::id.eq(key(new.id)));
    diesel::delete(node::table.filter(gone)).execute(tx.connection())?;
    let others: i64 = node::table.count().get_result(tx.connection())?;
    let owns_from = if others == 0 { now } else { now + lease };
    diesel::insert_into(node::table)
        .values((
            node::id.eq(key(new.id)),
            node::name.eq(&new.name),
            node::address.eq(&new.address),
            node::version.eq(&new.version),
            node::joined_at.eq(at(now)),
            node::owns_from.eq(at(owns_from)),
            node::expires_at.eq(at(now + lease)),
        ))
        .execute(tx.connection())?;
    members_at(tx, now)
}

/// Stays for the time `lease` from now; `None` when the node has expired: it must join anew.
pub fn renew(tx: &mut Tx<'_>, id: uuid::Uuid, lease: Duration) -> Result<Option<Members>> {
    let now = database_now(tx)?;
    let renewed = diesel::update(node::table.find(key(id)).filter(node::expires_at.gt(at(now))))
        .set(node::expires_at.eq(at(now + lease)))
        .execute(tx.connection())?;
    if renewed == 0 { Ok(None) } else { members_at(tx, now).map(Some) }
}

/// Goes; whether it was there.
pub fn leave(tx: &mut Tx<'_>, id: uuid::Uuid) -> Result<bool> {
    Ok(diesel::delete(node::table.find(key(id))).execute(tx.connection())? > 0)
}

/// Who is there.
pub fn members(session: &mut Session<'_>) -> Result<Members> {
    let now = database_now(session)?;
    members_at(session, now)
}

fn members_at(session: &mut Session<'_>, now: Timestamp) -> Result<Members> {
    let nodes = node::table.filter(node::expires_at.gt(at(now))).order(node::id).load(session.connection())?;
    Ok(Members { now, nodes })
}

/// A SQLite database is used by one node: its clock is the only one.
fn database_now(session: &mut Session<'_>) -> Result<Timestamp> {
    #[derive(QueryableByName)]
    struct Now {
        #[diesel(sql_type = Instant)]
        now: Timestamp,
    }
    let own = session.now();
    match session.connection() {
        AnyConnection::Postgres(postgres) => {
            Ok(sql_query("SELECT clock_timestamp() AS now").get_result::<Now>(postgres)?.now)
        }
        AnyConnection::Sqlite(_) => Ok(own),
    }
}
