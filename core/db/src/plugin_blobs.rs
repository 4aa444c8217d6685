//! The blobs of plugins: whose they are, how long, and the key of each file, sealed. The files themselves are
//! kept by whoever embeds this.

use consilium_kernel::Timestamp;
use diesel::{prelude::*, sql_query, sql_types as sql};

use crate::{
    error::Result,
    plugin_values,
    session::{Session, Tx},
    types::{Instant, Uuid, at, key},
    vault::{Cell, Encrypted},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    plugin_blob (id) {
        id -> Uuid,
        plugin -> Text,
        size_bytes -> BigInt,
        stored_bytes -> BigInt,
        sha256 -> Nullable<Binary>,
        file_key -> Binary,
        created_at -> Instant,
    }
}

consilium_kernel::refusals! {
    /// Why a blob is not changed. The codes are those of the plugin contract.
    pub enum PluginBlobRefusal {
        Unknown: NotFound, "blob_unknown", "There is no such blob.";
        Offset: Conflict, "blob_offset", "The blob ends elsewhere.";
        Finished: Conflict, "blob_finished", "The blob is finished already.";
        Quota: TooLarge, "blob_quota", "The plugin has no room for this.";
    }
}

/// Room that every blob takes besides its bytes.
const OVERHEAD: i64 = 512;

/// A blob without its bytes.
#[derive(Clone)]
pub struct PluginBlob {
    /// Names its file.
    pub id: uuid::Uuid,
    /// Bytes of the plugin in it.
    pub size_bytes: i64,
    /// Bytes of the file that count.
    pub stored_bytes: i64,
    /// Present once it is finished.
    pub sha256: Option<Vec<u8>>,
    /// Under which the file is encrypted.
    pub file_key: Vec<u8>,
}

/// Begins a blob. All blobs of a plugin together take at most `quota`.
pub fn create(tx: &mut Tx<'_>, plugin: &str, file_key: &[u8], quota: u64) -> Result<uuid::Uuid> {
    let id = tx.new_id::<()>().uuid();
    let sealed = tx.seal(plugin_values::entity(plugin).id, cell(id), &file_key.to_vec())?;
    diesel::insert_into(plugin_blob::table)
        .values((
            plugin_blob::id.eq(key(id)),
            plugin_blob::plugin.eq(plugin),
            plugin_blob::size_bytes.eq(0),
            plugin_blob::stored_bytes.eq(0),
            plugin_blob::file_key.eq(sealed),
            plugin_blob::created_at.eq(at(tx.now())),
        ))
        .execute(tx.connection())?;
    check_room(tx, plugin, quota)?;
    Ok(id)
}

/// A blob of this plugin.
pub fn find(session: &mut Session<'_>, plugin: &str, id: uuid::Uuid) -> Result<PluginBlob> {
    type Row = (i64, i64, Option<Vec<u8>>, Encrypted<Vec<u8>>);
    let row: Option<Row> = plugin_blob::table
        .find(key(id))
        .filter(plugin_blob::plugin.eq(plugin))
        .select((plugin_blob::size_bytes, plugin_blob::stored_bytes, plugin_blob::sha256, plugin_blob::file_key))
        .first(session.connection())
        .optional()?;
    let (size_bytes, stored_bytes, sha256, sealed) = row.ok_or_else(|| PluginBlobRefusal::Unknown.refusal())?;
    let file_key = session.open(cell(id), &sealed)?;
    Ok(PluginBlob { id, size_bytes, stored_bytes, sha256, file_key })
}

/// The blob is longer: from what it was to what it is, if nobody else changed it meanwhile.
pub fn grow(tx: &mut Tx<'_>, plugin: &str, before: &PluginBlob, size: i64, stored: i64, quota: u64) -> Result<()> {
    let row = plugin_blob::table
        .find(key(before.id))
        .filter(plugin_blob::size_bytes.eq(before.size_bytes))
        .filter(plugin_blob::sha256.is_null());
    let changed = diesel::update(row)
        .set((plugin_blob::size_bytes.eq(size), plugin_blob::stored_bytes.eq(stored)))
        .execute(tx.connection())?;
    if changed != 1 {
        return Err(PluginBlobRefusal::Offset.refusal().into());
    }
    check_room(tx, plugin, quota)
}

/// Nothing is appended any more.
pub fn finish(tx: &mut Tx<'_>, blob: &PluginBlob, sha256: &[u8]) -> Result<()> {
    let row = plugin_blob::table.find(key(blob.id)).filter(plugin_blob::size_bytes.eq(blob.size_bytes));
    match diesel::update(row).set(plugin_blob::sha256.eq(sha256)).execute(tx.connection())? {
        1 => Ok(()),
        _ => Err(PluginBlobRefusal::Offset.refusal().into()),
    }
}

/// False when there was none. The file is for the caller to delete, afterwards.
pub fn delete(tx: &mut Tx<'_>, plugin: &str, id: uuid::Uuid) -> Result<bool> {
    let row = plugin_blob::table.find(key(id)).filter(plugin_blob::plugin.eq(plugin));
    Ok(diesel::delete(row).execute(tx.connection())? == 1)
}

#[derive(QueryableByName)]
struct Forgotten {
    #[diesel(sql_type = Uuid)]
    id: uuid::Uuid,
}

/// Deletes what was begun before `before` and never finished; answers whose files can go.
pub fn forget_unfinished(tx: &mut Tx<'_>, before: Timestamp) -> Result<Vec<uuid::Uuid>> {
    let statement = "DELETE FROM plugin_blob WHERE sha256 IS NULL AND created_at < $1 RETURNING id";
    let gone: Vec<Forgotten> = sql_query(statement).bind::<Instant, _>(before).load(tx.connection())?;
    Ok(gone.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = sql::BigInt)]
    blobs: i64,
    #[diesel(sql_type = sql::BigInt)]
    bytes: i64,
}

fn check_room(tx: &mut Tx<'_>, plugin: &str, quota: u64) -> Result<()> {
    let statement = "SELECT COUNT(*) AS blobs, CAST(COALESCE(SUM(stored_bytes), 0) AS BIGINT) AS bytes \
                     FROM plugin_blob WHERE plugin = $1";
    let used: Used = sql_query(statement).bind::<sql::Text, _>(plugin).get_result(tx.connection())?;
    if u64::try_from(used.bytes + used.blobs * OVERHEAD).unwrap_or(u64::MAX) > quota {
        return Err(PluginBlobRefusal::Quota.refusal().into());
    }
    Ok(())
}

fn cell(id: uuid::Uuid) -> Cell {
    Cell::new("plugin_blob", "file_key", id)
}
