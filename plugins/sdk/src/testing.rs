//! A host in memory, for the unit tests of plugins.

mod blobs;

use crate::{
    Host, HostApi,
    cassette::{Cassette, Player},
};
use blobs::FakeBlobs;
use consilium_plugin_contract::{
    Call, PluginError, Sensitive,
    blob::FetchToBlob,
    host::{
        Clock, ClockTime, Done, Emit, HttpFetch, HttpFetched, KvDelete, KvDeleted, KvEntry, KvFound, KvGet, KvList,
        KvListed, KvPut, KvStored, KvWrite, LogLevel, Secret, SecretValue,
    },
};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

type Responder = dyn Fn(&HttpFetch) -> Result<HttpFetched, PluginError> + Send + Sync;

/// Answers as the real host would, from memory, without its permissions.
pub struct FakeHost {
    now: Mutex<Timestamp>,
    secrets: BTreeMap<String, String>,
    store: Mutex<BTreeMap<String, (Value, u64)>>,
    requests: Mutex<Vec<HttpFetch>>,
    responder: Box<Responder>,
    emitted: Mutex<Vec<Emit>>,
    blobs: FakeBlobs,
}

impl FakeHost {
    /// A host whose clock stands at `now`, with no secrets and nobody to talk to.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Mutex::new(now),
            secrets: BTreeMap::new(),
            store: Mutex::default(),
            requests: Mutex::default(),
            responder: Box::new(|_| Err(PluginError::retryable("connection_failed", "nobody answers"))),
            emitted: Mutex::default(),
            blobs: FakeBlobs::default(),
        }
    }

    /// Adds a secret.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Answers HTTP requests.
    #[must_use]
    pub fn answering<F>(mut self, responder: F) -> Self
    where
        F: Fn(&HttpFetch) -> Result<HttpFetched, PluginError> + Send + Sync + 'static,
    {
        self.responder = Box::new(responder);
        self
    }

    /// Answers HTTP requests from a cassette.
    #[must_use]
    pub fn playing(self, cassette: Cassette) -> Self {
        let player = Player::new(cassette);
        self.answering(move |request| player.answer(request))
    }

    /// The host as a plugin gets it.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        Host::new(self, 1)
    }

    /// Moves the clock.
    pub fn set_now(&self, now: Timestamp) {
        *lock(&self.now) = now;
    }

    /// The HTTP requests made so far.
    #[must_use]
    pub fn requests(&self) -> Vec<HttpFetch> {
        lock(&self.requests).clone()
    }

    /// What was emitted so far.
    #[must_use]
    pub fn emitted(&self) -> Vec<Emit> {
        lock(&self.emitted).clone()
    }

    /// The bytes of a blob, finished or not.
    #[must_use]
    pub fn blob(&self, id: &str) -> Option<Vec<u8>> {
        self.blobs.get(id).ok().map(|(bytes, _)| bytes)
    }

    /// Commits writes from an answer, as the real host does: all or none.
    ///
    /// # Errors
    /// `kv_conflict` when an expected version is gone.
    pub fn commit(&self, writes: &[KvWrite]) -> Result<(), PluginError> {
        let mut store = lock(&self.store);
        let mut changed = store.clone();
        for write in writes {
            apply(&mut changed, write)?;
        }
        *store = changed;
        Ok(())
    }

    fn answer(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        if method == HttpFetch::METHOD {
            let fetch: HttpFetch = parse(request)?;
            lock(&self.requests).push(fetch.clone());
            return reply::<HttpFetch>(&(self.responder)(&fetch)?);
        }
        if method == Clock::METHOD {
            return reply::<Clock>(&ClockTime { now: *lock(&self.now) });
        }
        if method == Secret::METHOD {
            let Secret { name } = parse(request)?;
            return reply::<Secret>(&SecretValue { value: self.secrets.get(&name).map(Sensitive::new) });
        }
        if method == FetchToBlob::METHOD {
            let FetchToBlob { request, resume } = parse(request)?;
            lock(&self.requests).push(request.clone());
            return reply::<FetchToBlob>(&self.blobs.keep((self.responder)(&request)?, resume)?);
        }
        if method == Emit::METHOD {
            lock(&self.emitted).push(parse(request)?);
            return reply::<Emit>(&Done {});
        }
        self.blobs.answer(method, request).unwrap_or_else(|| self.answer_kv(method, request))
    }

    fn answer_kv(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        let mut store = lock(&self.store);
        let entry = |(key, (value, version)): (&String, &(Value, u64))| KvEntry {
            key: key.clone(),
            value: value.clone(),
            version: *version,
        };
        match method {
            KvGet::METHOD => {
                let KvGet { key } = parse(request)?;
                reply::<KvGet>(&KvFound { entry: store.get_key_value(&key).map(entry) })
            }
            KvPut::METHOD => {
                let KvPut { key, value, expected } = parse(request)?;
                let write = KvWrite { key: key.clone(), value: Some(value), expected };
                apply(&mut store, &write)?;
                let version = store.get(&key).map_or(0, |(_, version)| *version);
                reply::<KvPut>(&KvStored { version })
            }
            KvDelete::METHOD => {
                let KvDelete { key, expected } = parse(request)?;
                let existed = store.contains_key(&key);
                apply(&mut store, &KvWrite { key, value: None, expected })?;
                reply::<KvDelete>(&KvDeleted { existed })
            }
            KvList::METHOD => {
                let KvList { prefix, from, limit } = parse(request)?;
                let start = from.unwrap_or_default().max(prefix.clone());
                let entries = store
                    .range(start..)
                    .take_while(|(key, _)| key.starts_with(&prefix))
                    .take(limit.min(500) as usize)
                    .map(entry)
                    .collect();
                reply::<KvList>(&KvListed { entries })
            }
            other => Err(PluginError::permanent("unknown_method", other)),
        }
    }
}

impl HostApi for FakeHost {
    fn call(&self, _: u64, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        self.answer(method, request)
    }

    fn log(&self, _: u64, level: LogLevel, message: &str) {
        eprintln!("{level:?}: {message}");
    }

    fn cancelled(&self, _: u64) -> bool {
        false
    }
}

fn apply(store: &mut BTreeMap<String, (Value, u64)>, write: &KvWrite) -> Result<(), PluginError> {
    let current = store.get(&write.key).map_or(0, |(_, version)| *version);
    if write.expected.is_some_and(|expected| expected != current) {
        return Err(PluginError::retryable("kv_conflict", write.key.clone()));
    }
    match &write.value {
        Some(value) => store.insert(write.key.clone(), (value.clone(), current + 1)),
        None => store.remove(&write.key),
    };
    Ok(())
}

fn parse<C: Call>(request: &[u8]) -> Result<C, PluginError> {
    serde_json::from_slice(request).map_err(|e| PluginError::permanent("malformed", e.to_string()))
}

fn reply<C: Call>(reply: &C::Reply) -> Result<Vec<u8>, PluginError> {
    serde_json::to_vec(reply).map_err(|e| PluginError::permanent("malformed", e.to_string()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
