//! Encryption of stored patient text, and keyed indexes over it.
//!
//! Every subject (a patient, an account, a facility) has a data key of its own, wrapped by the deployment's
//! master key. Deleting the data key erases everything sealed with it.

mod channel;
mod cipher;
mod sealed;

use std::{collections::HashMap, sync::Arc, sync::Mutex};

use consilium_kernel::{Email, Id, Timestamp};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Binary, Text},
};
use ring::{
    aead::LessSafeKey,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

pub use channel::Channel;
use cipher::{aes, decrypt, encrypt, mac};
pub use sealed::{Cell, Encrypted};

use crate::{
    cached::Cacheable,
    connection::AnyConnection,
    error::{ERASED, Error, Result},
    keys::Keys,
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

/// An unwrapped data key.
pub(crate) struct DataKey {
    id: uuid::Uuid,
    key: LessSafeKey,
}

/// Unwrapped data keys by what they are asked for. A read or transaction collects those that it meets; the vault
/// takes them over when the read is done or the transaction committed, because a row that was only seen from inside
/// a transaction may never come to stand, and what is sealed with its key could then never be opened.
#[derive(Default)]
pub(crate) struct KnownKeys {
    by_subject: HashMap<uuid::Uuid, Arc<DataKey>>,
    by_id: HashMap<uuid::Uuid, Arc<DataKey>>,
}

/// Seals, opens and indexes; holds the deployment's keys.
pub struct Vault {
    keys: Keys,
    random: SystemRandom,
    cache: Mutex<KnownKeys>,
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

    /// Takes over the keys of a finished read or a committed transaction.
    pub(crate) fn remember(&self, known: KnownKeys) {
        if !known.by_id.is_empty() {
            self.cached(|cache| known.by_subject.into_iter().for_each(|(subject, key)| cache.insert(subject, key)));
        }
    }

    /// The key of `subject`, made and stored when it has none yet.
    pub(crate) fn key_of(
        &self,
        connection: &mut AnyConnection,
        known: &mut KnownKeys,
        subject: uuid::Uuid,
        new_id: uuid::Uuid,
        now: Timestamp,
    ) -> Result<Arc<DataKey>> {
        if let Some(key) = known.by_subject.get(&subject) {
            return Ok(key.clone());
        }
        if let Some(key) = self.cached(|cache| cache.by_subject.get(&subject).cloned()) {
            return Ok(key);
        }
        let key = match self.stored_key(connection, subject)? {
            Some(key) => key,
            None => {
                self.make_key(connection, subject, new_id, now)?;
                self.stored_key(connection, subject)?.ok_or(Error::Sealed(ERASED))?
            }
        };
        known.insert(subject, key.clone());
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
        .cached()
        .execute(connection)?;
        Ok(())
    }

    fn key_by_id(&self, connection: &mut AnyConnection, known: &mut KnownKeys, id: uuid::Uuid) -> Result<Arc<DataKey>> {
        if let Some(key) = known.by_id.get(&id) {
            return Ok(key.clone());
        }
        if let Some(key) = self.cached(|cache| cache.by_id.get(&id).cloned()) {
            return Ok(key);
        }
        self.load(connection, known, vec![id])?;
        known.by_id.get(&id).cloned().ok_or(Error::Sealed(ERASED))
    }

    /// Fetches the keys of these values in one query, so that a list costs no query per row.
    pub(crate) fn preload(
        &self,
        connection: &mut AnyConnection,
        known: &mut KnownKeys,
        ids: impl Iterator<Item = uuid::Uuid>,
    ) -> Result<()> {
        let mut missing: Vec<uuid::Uuid> = self
            .cached(|cache| ids.filter(|id| !cache.by_id.contains_key(id) && !known.by_id.contains_key(id)).collect());
        missing.sort();
        missing.dedup();
        if missing.is_empty() { Ok(()) } else { self.load(connection, known, missing) }
    }

    fn load(&self, connection: &mut AnyConnection, known: &mut KnownKeys, ids: Vec<uuid::Uuid>) -> Result<()> {
        let rows: Vec<(uuid::Uuid, uuid::Uuid, String, Vec<u8>)> = data_key::table
            .filter(data_key::id.eq_any(types::keys(ids.into_iter().map(Id::<()>::new))))
            .select((data_key::id, data_key::subject, data_key::master_key, data_key::wrapped))
            .load(connection)?;
        for (id, subject, master, wrapped) in rows {
            known.insert(subject, Arc::new(self.unwrap(id, &master, &wrapped)?));
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
        known: &mut KnownKeys,
        cell: Cell,
        sealed: &Encrypted<T>,
    ) -> Result<T> {
        let (id, body) = sealed.parts()?;
        let key = self.key_by_id(connection, known, id)?;
        let plain = Zeroizing::new(decrypt(&key.key, &cell.associated_data(), body)?);
        Ok(serde_json::from_slice(&plain)?)
    }

    fn cached<T>(&self, f: impl FnOnce(&mut KnownKeys) -> T) -> T {
        f(&mut self.cache.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl KnownKeys {
    fn insert(&mut self, subject: uuid::Uuid, key: Arc<DataKey>) {
        if self.by_id.len() >= CACHED_KEYS {
            *self = Self::default();
        }
        self.by_id.insert(key.id, key.clone());
        self.by_subject.insert(subject, key);
    }
}
