//! The audit log: a line in the transaction of everything that happens, chained into signed blocks afterwards.
//!
//! Lines carry ids, never patient text. Chaining inside every transaction would make all writers wait for
//! one chain head; instead a sealer that holds a lease chains what was committed once a second.

mod seal;
mod search;
mod verify;

use consilium_kernel::{EntityRef, FacilityId, Timestamp};
use diesel::{prelude::*, sql_query, sql_types as sql};

pub use seal::{Head, head, seal};
pub use search::{Filter, Place, search};
pub use verify::{Finding, Mark, Report, verify, verify_from};

use crate::{
    cached::Cacheable,
    error::Result,
    outbox::{self, Position},
    session::{Session, Tx},
    types::{Instant, Uuid, at, key, maybe_key},
    vault::Vault,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    audit_entry (id) {
        tx -> BigInt,
        id -> BigInt,
        at -> Instant,
        facility_id -> Uuid,
        principal_kind -> Text,
        principal_id -> Nullable<Uuid>,
        action -> Text,
        entity_kind -> Text,
        entity_id -> Uuid,
        entity_version -> BigInt,
        request_id -> Text,
        mac -> Binary,
        detail -> Nullable<Text>,
        subject_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::Instant;
    audit_block (height) {
        height -> BigInt,
        to_tx -> BigInt,
        to_id -> BigInt,
        leaves -> Binary,
        root -> Binary,
        previous -> Binary,
        hash -> Binary,
        signature -> Binary,
        key_id -> Text,
        sealed_at -> Instant,
    }
}

/// One line.
#[derive(Debug, Clone, QueryableByName)]
pub struct Entry {
    #[diesel(sql_type = sql::BigInt)]
    tx: i64,
    /// Its number in the table.
    #[diesel(sql_type = sql::BigInt)]
    pub id: i64,
    /// When it was written.
    #[diesel(sql_type = Instant)]
    pub at: Timestamp,
    /// Whose rows were touched.
    #[diesel(sql_type = Uuid)]
    pub facility_id: FacilityId,
    /// `system`, `anonymous`, or the role.
    #[diesel(sql_type = sql::Text)]
    pub principal_kind: String,
    /// The account.
    #[diesel(sql_type = sql::Nullable<Uuid>)]
    pub principal_id: Option<uuid::Uuid>,
    /// The event's type, or `read_…`.
    #[diesel(sql_type = sql::Text)]
    pub action: String,
    /// What was touched.
    #[diesel(sql_type = sql::Text)]
    pub entity_kind: String,
    /// What was touched.
    #[diesel(sql_type = Uuid)]
    pub entity_id: uuid::Uuid,
    /// Its version afterwards.
    #[diesel(sql_type = sql::BigInt)]
    pub entity_version: i64,
    /// The request it came from.
    #[diesel(sql_type = sql::Text)]
    pub request_id: String,
    #[diesel(sql_type = sql::Binary)]
    mac: Vec<u8>,
    /// A JSON object of ids, names and numbers, where the action alone does not tell the story.
    #[diesel(sql_type = sql::Nullable<sql::Text>)]
    pub detail: Option<String>,
    /// Whom it is about: whose key the event is sealed with.
    #[diesel(sql_type = sql::Nullable<Uuid>)]
    subject_id: Option<uuid::Uuid>,
}

const COLUMNS: &str = "tx, id, at, facility_id, principal_kind, principal_id, action, entity_kind, entity_id, \
                       entity_version, request_id, mac, detail, subject_id";

impl Entry {
    fn position(&self) -> Position {
        Position { tx: self.tx, id: self.id }
    }

    /// The MAC that this line must have.
    fn expected_mac(&self, vault: &Vault) -> Vec<u8> {
        let (at, version) = (self.at.as_microsecond().to_le_bytes(), self.entity_version.to_le_bytes());
        let facility = self.facility_id.uuid();
        let mut fields: Vec<&[u8]> = vec![
            &at,
            facility.as_bytes(),
            self.principal_kind.as_bytes(),
            self.principal_id.as_ref().map_or(&[][..], |id| id.as_bytes()),
            self.action.as_bytes(),
            self.entity_kind.as_bytes(),
            self.entity_id.as_bytes(),
            &version,
            self.request_id.as_bytes(),
        ];
        fields.extend(self.detail.as_deref().map(str::as_bytes));
        if let Some(subject) = &self.subject_id {
            fields.extend([&b"subject"[..], subject.as_bytes()]);
        }
        vault.audit_mac(&fields)
    }

    /// The line's leaf in the Merkle tree: binds the MAC to its place in the order.
    fn leaf(&self) -> [u8; 32] {
        sha256(&[&[0], &self.tx.to_le_bytes(), &self.id.to_le_bytes(), &self.mac])
    }
}

pub(crate) fn append(
    tx: &mut Tx<'_>,
    action: &str,
    entity: &EntityRef,
    version: i64,
    subject: Option<uuid::Uuid>,
    detail: Option<String>,
) -> Result<()> {
    let meta = tx.meta();
    let mut entry = Entry {
        tx: 0,
        id: 0,
        at: tx.now(),
        facility_id: meta.scope.facility_id,
        principal_kind: meta.principal.kind().to_owned(),
        principal_id: meta.principal.user_id().map(|id| id.uuid()),
        action: action.to_owned(),
        entity_kind: entity.kind.clone(),
        entity_id: entity.id,
        entity_version: version,
        request_id: meta.request_id.clone(),
        mac: Vec::new(),
        detail,
        subject_id: subject,
    };
    entry.mac = entry.expected_mac(tx.vault());
    diesel::insert_into(audit_entry::table)
        .values((
            audit_entry::at.eq(at(entry.at)),
            audit_entry::facility_id.eq(key(entry.facility_id)),
            audit_entry::principal_kind.eq(entry.principal_kind),
            audit_entry::principal_id.eq(maybe_key(entry.principal_id)),
            audit_entry::action.eq(entry.action),
            audit_entry::entity_kind.eq(entry.entity_kind),
            audit_entry::entity_id.eq(key(entry.entity_id)),
            audit_entry::entity_version.eq(version),
            audit_entry::request_id.eq(entry.request_id),
            audit_entry::mac.eq(entry.mac),
            audit_entry::detail.eq(entry.detail),
            audit_entry::subject_id.eq(maybe_key(entry.subject_id)),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// Lines after `position` that no running transaction can still precede, in the order in which they are sealed.
fn entries_after(session: &mut Session<'_>, position: Position, limit: i64) -> Result<Vec<Entry>> {
    let settled = outbox::settled(session);
    let statement =
        format!("SELECT {COLUMNS} FROM audit_entry WHERE (tx, id) > ($1, $2) {settled}ORDER BY tx, id LIMIT $3");
    Ok(sql_query(statement)
        .bind::<sql::BigInt, _>(position.tx)
        .bind::<sql::BigInt, _>(position.id)
        .bind::<sql::BigInt, _>(limit)
        .cached()
        .load(session.connection())?)
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0u8; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The root of a Merkle tree (RFC 6962's shape: inner nodes are hashed with a prefix of their own).
fn merkle_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [only] => *only,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            sha256(&[&[1], &merkle_root(left), &merkle_root(right)])
        }
    }
}
