//! What plugins keep: a key-value store for each, its values sealed, with versions to compare and a quota.
//!
//! Keys are listed in byte order. A plugin's values are sealed under a key of its own, so that nothing a
//! plugin was shown stands readable in the database.

use consilium_kernel::EntityRef;
use diesel::{prelude::*, result::DatabaseErrorKind, result::Error as DieselError, sql_query, sql_types as sql};
use serde_json::Value;

use crate::{
    MultiBackend,
    cached::Cacheable,
    error::Result,
    session::{Session, Tx},
    vault::{Cell, Encrypted},
};

diesel::table! {
    use diesel::sql_types::*;
    plugin_value (plugin, key) {
        plugin -> Text,
        key -> Text,
        version -> BigInt,
        value -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    plugin_usage (plugin) {
        plugin -> Text,
        bytes -> BigInt,
    }
}

consilium_kernel::refusals! {
    /// Why a plugin's entry is not written. The codes are those of the plugin contract.
    pub enum PluginValueRefusal {
        Conflict: Conflict, "kv_conflict", "The entry has another version.";
        Quota: TooLarge, "kv_quota", "The plugin's store has no room for this.";
        Key: Invalid, "kv_key", "A key has 1 to 256 bytes and no NUL.";
        ValueTooLarge: TooLarge, "kv_too_large", "A value has at most 262144 bytes as JSON.";
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginValue {
    /// The key.
    pub key: String,
    /// Any JSON.
    pub value: Value,
    /// 1 when first written, one more with every write.
    pub version: i64,
}

/// A change of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginWrite {
    /// The key.
    pub key: String,
    /// The new value; none frees the key.
    pub value: Option<Value>,
    /// The version it must have now; 0: the key must be free; none: whatever it has.
    pub expected: Option<i64>,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluginWritten {
    /// Whether the key was taken before.
    pub existed: bool,
    /// The version now; 0 after a deletion.
    pub version: i64,
}

/// Bytes of a key at most.
const LONGEST_KEY: usize = 256;
/// Bytes of a value at most, as JSON.
const LARGEST_VALUE: usize = 256 * 1024;

/// A plugin as the audit log names it; plugins have names, not ids.
pub fn entity(plugin: &str) -> EntityRef {
    EntityRef::new("plugin", crate::hashed_row(&[b"plugin", plugin.as_bytes()]))
}

/// One entry.
pub fn get(session: &mut Session<'_>, plugin: &str, key: &str) -> Result<Option<PluginValue>> {
    if !is_key(key) {
        return Ok(None);
    }
    let row: Option<(i64, Encrypted<Value>)> = plugin_value::table
        .find((plugin, key))
        .select((plugin_value::version, plugin_value::value))
        .first(session.connection())
        .optional()?;
    let Some((version, sealed)) = row else { return Ok(None) };
    let value = session.open(cell(plugin, key), &sealed)?;
    Ok(Some(PluginValue { key: key.to_owned(), value, version }))
}

/// Entries whose keys begin with `prefix`, from the key `from` on, in byte order of their keys.
pub fn list(
    session: &mut Session<'_>,
    plugin: &str,
    prefix: &str,
    from: Option<&str>,
    limit: i64,
) -> Result<Vec<PluginValue>> {
    if prefix.contains('\0') {
        return Ok(Vec::new());
    }
    let mut query = plugin_value::table
        .filter(plugin_value::plugin.eq(plugin))
        .filter(plugin_value::key.ge(prefix.to_owned()))
        .order(plugin_value::key)
        .limit(limit.max(0))
        .select((plugin_value::key, plugin_value::version, plugin_value::value))
        .into_boxed::<MultiBackend>();
    // No key holds a NUL, which PostgreSQL does not take as text: "from key\0 on" is "behind key".
    query = match from.map(|from| from.split_once('\0').ok_or(from)) {
        Some(Ok((before, _))) => query.filter(plugin_value::key.gt(before.to_owned())),
        Some(Err(from)) => query.filter(plugin_value::key.ge(from.to_owned())),
        None => query,
    };
    if let Some(end) = behind(prefix) {
        query = query.filter(plugin_value::key.lt(end));
    }
    let rows: Vec<(String, i64, Encrypted<Value>)> = query.load(session.connection())?;
    rows.into_iter()
        .map(|(key, version, sealed)| {
            let value = session.open(cell(plugin, &key), &sealed)?;
            Ok(PluginValue { key, value, version })
        })
        .collect()
}

/// Changes one entry, in the transaction of whatever it belongs to. Keys and values of a plugin together hold
/// at most `quota` bytes. Refuses as [`PluginValueRefusal`] says.
pub fn write(tx: &mut Tx<'_>, plugin: &str, write: &PluginWrite, quota: u64) -> Result<PluginWritten> {
    if !is_key(&write.key) {
        return Err(PluginValueRefusal::Key.refusal().into());
    }
    let before = get(tx, plugin, &write.key)?;
    let current = before.as_ref().map_or(0, |entry| entry.version);
    if write.expected.is_some_and(|expected| expected != current) {
        return Err(PluginValueRefusal::Conflict.refusal().into());
    }
    let mut grown = -before.as_ref().map_or(0, |entry| size(&entry.key, &entry.value));
    let version = match &write.value {
        None if before.is_none() => 0,
        None => delete(tx, plugin, &write.key, current)?,
        Some(value) => {
            if value.to_string().len() > LARGEST_VALUE {
                return Err(PluginValueRefusal::ValueTooLarge.refusal().into());
            }
            grown += size(&write.key, value);
            store(tx, plugin, &write.key, value, current)?
        }
    };
    if grown != 0 {
        use_room(tx, plugin, grown, quota)?;
    }
    Ok(PluginWritten { existed: before.is_some(), version })
}

fn delete(tx: &mut Tx<'_>, plugin: &str, key: &str, current: i64) -> Result<i64> {
    let row = plugin_value::table.find((plugin, key)).filter(plugin_value::version.eq(current));
    match diesel::delete(row).execute(tx.connection())? {
        1 => Ok(0),
        _ => Err(PluginValueRefusal::Conflict.refusal().into()),
    }
}

fn store(tx: &mut Tx<'_>, plugin: &str, key: &str, value: &Value, current: i64) -> Result<i64> {
    let sealed = tx.seal(entity(plugin).id, cell(plugin, key), value)?;
    let next = current + 1;
    let changed = if current == 0 {
        let inserted = diesel::insert_into(plugin_value::table)
            .values((
                plugin_value::plugin.eq(plugin),
                plugin_value::key.eq(key),
                plugin_value::version.eq(next),
                plugin_value::value.eq(sealed),
            ))
            .execute(tx.connection());
        match inserted {
            // Somebody else wrote it since it was read.
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => 0,
            other => other?,
        }
    } else {
        diesel::update(plugin_value::table.find((plugin, key)).filter(plugin_value::version.eq(current)))
            .set((plugin_value::version.eq(next), plugin_value::value.eq(sealed)))
            .execute(tx.connection())?
    };
    if changed == 1 { Ok(next) } else { Err(PluginValueRefusal::Conflict.refusal().into()) }
}

#[derive(QueryableByName)]
struct Usage {
    #[diesel(sql_type = sql::BigInt)]
    bytes: i64,
}

fn use_room(tx: &mut Tx<'_>, plugin: &str, grown: i64, quota: u64) -> Result<()> {
    let usage: Usage = sql_query(
        "INSERT INTO plugin_usage (plugin, bytes) VALUES ($1, $2) \
         ON CONFLICT (plugin) DO UPDATE SET bytes = plugin_usage.bytes + excluded.bytes RETURNING bytes",
    )
    .bind::<sql::Text, _>(plugin)
    .bind::<sql::BigInt, _>(grown)
    .cached()
    .get_result(tx.connection())?;
    if grown > 0 && u64::try_from(usage.bytes).unwrap_or(0) > quota {
        return Err(PluginValueRefusal::Quota.refusal().into());
    }
    Ok(())
}

fn size(key: &str, value: &Value) -> i64 {
    i64::try_from(key.len() + value.to_string().len()).unwrap_or(i64::MAX)
}

fn is_key(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && !key.contains('\0')
}

/// The smallest text that is greater than everything beginning with `prefix`; none when there is no such text.
fn behind(prefix: &str) -> Option<String> {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            letters.push(next);
            return Some(letters.into_iter().collect());
        }
    }
    None
}

fn cell(plugin: &str, key: &str) -> Cell {
    Cell::new("plugin_value", "value", crate::hashed_row(&[plugin.as_bytes(), key.as_bytes()]))
}
