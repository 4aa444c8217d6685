//! Encryption of stored patient text, and keyed indexes over it.
//!
//! Every subject (a patient, an account, a facility) has a data key of its own, wrapped by the deployment's
//! master key. Deleting the data key erases everything sealed with it.

use std::{collections::HashMap, marker::PhantomData, sync::Arc, sync::Mutex};

use consilium_kernel::{Email, Id, Timestamp};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, Queryable},
    expression::AsExpression,
    internal::derives::as_expression::Bound,
    prelude::*,
    serialize::{self, Output, ToSql},
    sql_query,
    sql_types::{Binary, Text},
};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    connection::AnyConnection,
    error::{Error, Result},
    keys::{Keys, SecretKey},
    types::{self, key as sql_key},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{Instant, Uuid};
    data_key (id) {
        id -> Uuid,
        subject -> Uuid,
        master_key -> Text,
        wrapped -> Binary,
        created_at -> Instant,
    }
}

/// Where a sealed value stands. Bound into the ciphertext, so that moving it elsewhere makes it unreadable.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// Table name.
    pub table: &'static str,
    /// Column name.
    pub column: &'static str,
    /// The row's id.
    pub row: uuid::Uuid,
}

impl Cell {
    /// The cell of `column` in the row `row` of `table`.
    pub fn new(table: &'static str, column: &'static str, row: uuid::Uuid) -> Self {
        Self { table, column, row }
    }

    fn associated_data(&self) -> Vec<u8> {
        [self.table.as_bytes(), b"\0", self.column.as_bytes(), b"\0", self.row.as_bytes()].concat()
    }
}

/// A `T` as sealed JSON: version 1, data key id (16 bytes), nonce (12), AES-256-GCM ciphertext with tag.
#[derive(Clone)]
pub struct Encrypted<T>(Vec<u8>, PhantomData<fn() -> T>);

impl<T> Encrypted<T> {
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes, PhantomData)
    }
}
impl<T> Encrypted<T> {
    /// The id of its data key, and nonce with ciphertext.
    fn parts(&self) -> Result<(uuid::Uuid, &[u8])> {
        let (head, body) = self.0.split_at_checked(17).ok_or(Error::Sealed("too short"))?;
        let (version, id) = head.split_first().ok_or(Error::Sealed("too short"))?;
        if *version != 1 {
            return Err(Error::Sealed("unknown version"));
        }
        Ok((uuid::Uuid::from_slice(id).map_err(|_| Error::Sealed("no key id"))?, body))
    }

    /// The id of its data key; nothing for damaged bytes, of which opening will tell.
    pub(crate) fn key_id(&self) -> Option<uuid::Uuid> {
        self.parts().ok().map(|(id, _)| id)
    }
}
impl<T> std::fmt::Debug for Encrypted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encrypted(…)")
    }
}
impl<T, DB: Backend> FromSql<Binary, DB> for Encrypted<T>
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Vec::<u8>::from_sql(raw).map(Self::from_bytes)
    }
}
impl<T, DB: Backend> ToSql<Binary, DB> for Encrypted<T>
where
    Vec<u8>: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        ToSql::<Binary, DB>::to_sql(&self.0, out)
    }
}
impl<T, DB: Backend> Queryable<Binary, DB> for Encrypted<T>
where
    Self: FromSql<Binary, DB>,
{
    type Row = Self;
    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}
impl<T> AsExpression<Binary> for Encrypted<T> {
    type Expression = Bound<Binary, Self>;
    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}
impl<T> AsExpression<Binary> for &Encrypted<T> {
    type Expression = Bound<Binary, Self>;
    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

/// An unwrapped data key.
pub(crate) struct DataKey {
    id: uuid::Uuid,
    key: LessSafeKey,
}

/// Data keys made by a transaction; they may be cached only once it is committed.
pub(crate) type FreshKeys = Vec<(uuid::Uuid, Arc<DataKey>)>;

/// Seals, opens and indexes; holds the deployment's keys.
pub struct Vault {
    keys: Keys,
    random: SystemRandom,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    by_subject: HashMap<uuid::Uuid, Arc<DataKey>>,
    by_id: HashMap<uuid::Uuid, Arc<DataKey>>,
}

/// Data keys held unwrapped at once; past this the cache starts anew.
const CACHED_KEYS: usize = 10_000;

impl Vault {
    /// A vault over these keys.
    pub fn new(keys: Keys) -> Self {
        Self { keys, random: SystemRandom::new(), cache: Mutex::default() }
    }

    /// The deployment's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What stands in a database column so that an e-mail address can be found without being readable.
    pub fn email_index(&self, email: &Email) -> Vec<u8> {
        self.index("email", email.as_str())
    }

    /// A keyed hash of `text` for equality search; `domain` keeps columns from being compared with each other.
    pub fn index(&self, domain: &str, text: &str) -> Vec<u8> {
        mac(&self.keys.index, &[domain.as_bytes(), text.as_bytes()])
    }

    /// Keyed hashes of the first 2 to 8 characters of every word of a name, for search by prefix.
    pub fn prefix_tokens(&self, name: &str) -> Vec<Vec<u8>> {
        let name = name.to_lowercase();
        let mut tokens: Vec<Vec<u8>> = name
            .split_whitespace()
            .flat_map(|word| {
                let letters: Vec<char> = word.chars().take(8).collect();
                (2..=letters.len()).map(move |n| letters.iter().take(n).collect::<String>())
            })
            .map(|prefix| self.index("name_prefix", &prefix))
            .collect();
        tokens.sort();
        tokens.dedup();
        tokens
    }

    pub(crate) fn audit_mac(&self, fields: &[&[u8]]) -> Vec<u8> {
        mac(&self.keys.audit, fields)
    }

    pub(crate) fn random(&self) -> &SystemRandom {
        &self.random
    }

    pub(crate) fn remember(&self, fresh: FreshKeys) {
        if fresh.is_empty() {
            return;
        }
        let mut cache = self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (subject, key) in fresh {
            cache.insert(subject, key);
        }
    }

    /// The key of `subject`, made and stored when it has none yet.
    pub(crate) fn key_of(
        &self,
        connection: &mut AnyConnection,
        fresh: &mut FreshKeys,
        subject: uuid::Uuid,
        new_id: uuid::Uuid,
        now: Timestamp,
    ) -> Result<Arc<DataKey>> {
        if let Some((_, key)) = fresh.iter().find(|(of, _)| *of == subject) {
            return Ok(key.clone());
        }
        if let Some(key) = self.cached(|cache| cache.by_subject.get(&subject).cloned()) {
            return Ok(key);
        }
        let key = match self.stored_key(connection, subject)? {
            Some(key) => key,
            None => {
                self.make_key(connection, subject, new_id, now)?;
                self.stored_key(connection, subject)?.ok_or(Error::Sealed("its key was erased"))?
            }
        };
        fresh.push((subject, key.clone()));
        Ok(key)
    }

    fn stored_key(&self, connection: &mut AnyConnection, subject: uuid::Uuid) -> Result<Option<Arc<DataKey>>> {
        let found: Option<(uuid::Uuid, String, Vec<u8>)> = data_key::table
            .filter(data_key::subject.eq(sql_key(subject)))
            .select((data_key::id, data_key::master_key, data_key::wrapped))
            .first(connection)
            .optional()?;
        found.map(|(id, master, wrapped)| self.unwrap(id, &master, &wrapped).map(Arc::new)).transpose()
    }

    /// Two transactions may make a subject's first key at once: the first to commit stands, the other one waits
    /// for it and leaves it as it is.
    fn make_key(
        &self,
        connection: &mut AnyConnection,
        subject: uuid::Uuid,
        id: uuid::Uuid,
        now: Timestamp,
    ) -> Result<()> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        self.random.fill(bytes.as_mut()).map_err(|_| Error::Sealed("no random numbers"))?;
        let master = self.keys.data.first().ok_or(Error::Sealed("no master key"))?;
        let wrapped = encrypt(&aes(&master.bytes)?, &self.random, id.as_bytes(), bytes.as_ref())?;
        sql_query(
            "INSERT INTO data_key (id, subject, master_key, wrapped, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (subject) DO NOTHING",
        )
        .bind::<types::Uuid, _>(id)
        .bind::<types::Uuid, _>(subject)
        .bind::<Text, _>(&master.name)
        .bind::<Binary, _>(wrapped)
        .bind::<types::Instant, _>(now)
        .execute(connection)?;
        Ok(())
    }

    fn key_by_id(&self, connection: &mut AnyConnection, fresh: &FreshKeys, id: uuid::Uuid) -> Result<Arc<DataKey>> {
        if let Some((_, key)) = fresh.iter().find(|(_, key)| key.id == id) {
            return Ok(key.clone());
        }
        if let Some(key) = self.cached(|cache| cache.by_id.get(&id).cloned()) {
            return Ok(key);
        }
        let (subject, master, wrapped): (uuid::Uuid, String, Vec<u8>) = data_key::table
            .find(sql_key(id))
            .select((data_key::subject, data_key::master_key, data_key::wrapped))
            .first(connection)
            .optional()?
            .ok_or(Error::Sealed("its key was erased"))?;
        let key = Arc::new(self.unwrap(id, &master, &wrapped)?);
        // A key that this transaction made is in `fresh`; what was read here is committed, or will be with it.
        if fresh.is_empty() {
            self.cached(|cache| cache.insert(subject, key.clone()));
        }
        Ok(key)
    }

    /// Fetches the keys of these values in one query, so that a list costs no query per row.
    pub(crate) fn preload(&self, connection: &mut AnyConnection, ids: impl Iterator<Item = uuid::Uuid>) -> Result<()> {
        let mut missing: Vec<uuid::Uuid> =
            self.cached(|cache| ids.filter(|id| !cache.by_id.contains_key(id)).collect());
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let rows: Vec<(uuid::Uuid, uuid::Uuid, String, Vec<u8>)> = data_key::table
            .filter(data_key::id.eq_any(types::keys(missing.into_iter().map(Id::<()>::new))))
            .select((data_key::id, data_key::subject, data_key::master_key, data_key::wrapped))
            .load(connection)?;
        for (id, subject, master, wrapped) in rows {
            let key = Arc::new(self.unwrap(id, &master, &wrapped)?);
            self.cached(|cache| cache.insert(subject, key));
        }
        Ok(())
    }

    fn unwrap(&self, id: uuid::Uuid, master: &str, wrapped: &[u8]) -> Result<DataKey> {
        let master =
            self.keys.data.iter().find(|key| key.name == master).ok_or(Error::Sealed("its master key is missing"))?;
        let bytes = Zeroizing::new(decrypt(&aes(&master.bytes)?, id.as_bytes(), wrapped)?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| Error::Sealed("data key has a wrong length"))?;
        Ok(DataKey { id, key: aes(&bytes)? })
    }

    pub(crate) fn seal<T: Serialize>(&self, key: &DataKey, cell: Cell, value: &T) -> Result<Encrypted<T>> {
        let plain = Zeroizing::new(serde_json::to_vec(value)?);
        let mut bytes = vec![1];
        bytes.extend_from_slice(key.id.as_bytes());
        bytes.extend(encrypt(&key.key, &self.random, &cell.associated_data(), &plain)?);
        Ok(Encrypted::from_bytes(bytes))
    }

    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        connection: &mut AnyConnection,
        fresh: &FreshKeys,
        cell: Cell,
        sealed: &Encrypted<T>,
    ) -> Result<T> {
        let (id, body) = sealed.parts()?;
        let key = self.key_by_id(connection, fresh, id)?;
        let plain = Zeroizing::new(decrypt(&key.key, &cell.associated_data(), body)?);
        Ok(serde_json::from_slice(&plain)?)
    }

    fn cached<T>(&self, f: impl FnOnce(&mut Cache) -> T) -> T {
        f(&mut self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl Cache {
    fn insert(&mut self, subject: uuid::Uuid, key: Arc<DataKey>) {
        if self.by_id.len() >= CACHED_KEYS {
            *self = Self::default();
        }
        self.by_id.insert(key.id, key.clone());
        self.by_subject.insert(subject, key);
    }
}

fn aes(bytes: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| Error::Sealed("key"))
}

fn encrypt(key: &LessSafeKey, random: &SystemRandom, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0u8; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| Error::Sealed("no random numbers"))?;
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut body)
        .map_err(|_| Error::Sealed("could not be encrypted"))?;
    Ok([nonce.as_slice(), &body].concat())
}

fn decrypt(key: &LessSafeKey, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::Sealed("too short"))?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Sealed("nonce"))?;
    let mut body = body.to_vec();
    let length = key
        .open_in_place(nonce, Aad::from(associated), &mut body)
        .map_err(|_| Error::Sealed("damaged, moved, or sealed with another key"))?
        .len();
    body.truncate(length);
    Ok(body)
}

/// HMAC-SHA256 over length-prefixed fields, so that no two lists of fields give the same message.
fn mac(key: &SecretKey, fields: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.bytes.as_ref());
    let mut context = hmac::Context::with_key(&key);
    for field in fields {
        context.update(&(field.len() as u64).to_le_bytes());
        context.update(field);
    }
    context.sign().as_ref().to_vec()
}
