//! The host, as a plugin sees it during one call.

use crate::abi::{Buffer, HostVtable, Slice, code};
use consilium_plugin_contract::{
    Call, Feature, MAX_PAYLOAD, PluginError, Sensitive,
    blob::{
        BlobAppend, BlobCreate, BlobDelete, BlobFinish, BlobRead, BlobRef, BlobStat, BlobState, FetchToBlob,
        FetchedToBlob,
    },
    host::{Clock, Emit, HttpFetch, HttpFetched, KvDelete, KvEntry, KvGet, KvList, KvPut, LogLevel, Secret},
};
use jiff::Timestamp;
use serde_json::Value;

/// Answers a plugin's requests: the real host across the border, or [`crate::testing::FakeHost`].
pub trait HostApi: Sync {
    /// Calls a host service with a JSON request and answers its JSON reply.
    ///
    /// # Errors
    /// What the service says, or `cancelled`.
    fn call(&self, call_id: u64, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError>;
    /// Writes a log line.
    fn log(&self, call_id: u64, level: LogLevel, message: &str);
    /// True once nobody waits for the call any more.
    fn cancelled(&self, call_id: u64) -> bool;
    /// Whether this host has the feature.
    fn supports(&self, feature: Feature) -> bool {
        let _ = feature;
        true
    }
}

/// Host services, for the duration of one call.
pub struct Host<'a> {
    api: &'a dyn HostApi,
    call_id: u64,
}

impl<'a> Host<'a> {
    /// The host on behalf of one call.
    #[must_use]
    pub fn new(api: &'a dyn HostApi, call_id: u64) -> Self {
        Self { api, call_id }
    }

    /// Makes an HTTP request through the host, which allows only declared hosts and puts secrets
    /// where `{{secret:name}}` stands in a header or the body. Any status is a success.
    ///
    /// # Errors
    /// `egress_denied`, `address_denied`, `timeout`, `connection_failed`, `answer_too_large`.
    pub fn fetch(&self, request: &HttpFetch) -> Result<HttpFetched, PluginError> {
        self.ask(request)
    }

    /// The host's time, the only one a plugin uses.
    ///
    /// # Errors
    /// Only when the call was cancelled.
    pub fn now(&self) -> Result<Timestamp, PluginError> {
        Ok(self.ask(&Clock {})?.now)
    }

    /// A secret declared with `use = "read"`.
    ///
    /// # Errors
    /// `secret_denied` when undeclared or for injection only, `secret_missing` when not provided.
    pub fn secret(&self, name: &str) -> Result<Sensitive, PluginError> {
        self.optional_secret(name)?
            .ok_or_else(|| PluginError::permanent("secret_missing", format!("secret {name} is not configured")))
    }

    /// As [`Host::secret`], for a secret that need not be there.
    ///
    /// # Errors
    /// `secret_denied` when undeclared or for injection only.
    pub fn optional_secret(&self, name: &str) -> Result<Option<Sensitive>, PluginError> {
        Ok(self.ask(&Secret { name: name.to_owned() })?.value)
    }

    /// Reads a key of the plugin's own store.
    ///
    /// # Errors
    /// `kv_denied` when the manifest asks for no store.
    pub fn kv_get(&self, key: &str) -> Result<Option<KvEntry>, PluginError> {
        Ok(self.ask(&KvGet { key: key.to_owned() })?.entry)
    }

    /// Writes a key if it still has the expected version (0: free; none: whatever), and answers the
    /// new version.
    ///
    /// # Errors
    /// `kv_conflict`, `kv_quota`, `kv_denied`.
    pub fn kv_put(&self, key: &str, value: Value, expected: Option<u64>) -> Result<u64, PluginError> {
        Ok(self.ask(&KvPut { key: key.to_owned(), value, expected })?.version)
    }

    /// Lists entries in byte order of their keys, at most 500.
    ///
    /// # Errors
    /// `kv_denied`.
    pub fn kv_list(&self, list: &KvList) -> Result<Vec<KvEntry>, PluginError> {
        Ok(self.ask(list)?.entries)
    }

    /// Frees a key; false when it was free.
    ///
    /// # Errors
    /// `kv_conflict`, `kv_denied`.
    pub fn kv_delete(&self, key: &str, expected: Option<u64>) -> Result<bool, PluginError> {
        Ok(self.ask(&KvDelete { key: key.to_owned(), expected })?.existed)
    }

    /// Tells the platform that something happened. `event_type` is one of `permissions.emit`; `data` has at
    /// most 64 KiB as JSON; `subject` is the id of the patient or account that the data is about.
    ///
    /// # Errors
    /// `emit_denied` for a type that is not declared, `emit_too_large`, `emit_subject` when that is no id,
    /// `emit_busy` and `emit_unavailable` (retryable).
    pub fn emit(&self, event_type: &str, data: Value, subject: Option<&str>) -> Result<(), PluginError> {
        let subject = subject.map(str::to_owned);
        self.ask(&Emit { event_type: event_type.to_owned(), data, subject }).map(drop)
    }

    /// Makes an HTTP request as [`Host::fetch`] does and keeps a 2xx response's body as a blob, however
    /// large. What does not come within the time of a call is a `partial`; go on with it in a later call by
    /// its id as `resume`. Only the answer to a `GET` can be gone on with.
    ///
    /// # Errors
    /// Those of [`Host::fetch`]; `blob_denied`, `blob_quota`, `blob_unknown`, `blob_finished`;
    /// `resume_refused` when the server cannot continue: delete the blob and begin anew.
    pub fn fetch_to_blob(&self, request: &HttpFetch, resume: Option<&str>) -> Result<FetchedToBlob, PluginError> {
        self.ask(&FetchToBlob { request: request.clone(), resume: resume.map(str::to_owned) })
    }

    /// Begins an empty blob and answers its id.
    ///
    /// # Errors
    /// `blob_denied` when the manifest asks for none, `blob_quota`.
    pub fn blob_create(&self) -> Result<String, PluginError> {
        Ok(self.ask(&BlobCreate {})?.id)
    }

    /// Adds at most 1 MiB at `offset`, the end of the blob, and answers the new end.
    ///
    /// # Errors
    /// `blob_offset` when the blob ends elsewhere: ask [`Host::blob_stat`]; `blob_too_large`, `blob_quota`,
    /// `blob_finished`, `blob_unknown`.
    pub fn blob_append(&self, id: &str, offset: u64, bytes: &[u8]) -> Result<u64, PluginError> {
        let bytes = bytes.to_vec().into();
        Ok(self.ask(&BlobAppend { id: id.to_owned(), offset, bytes })?.size_bytes)
    }

    /// Ends a blob and answers its length and hash.
    ///
    /// # Errors
    /// `blob_unknown`.
    pub fn blob_finish(&self, id: &str) -> Result<BlobRef, PluginError> {
        self.ask(&BlobFinish { id: id.to_owned() })
    }

    /// How long a blob is, and whether it is finished.
    ///
    /// # Errors
    /// `blob_unknown`.
    pub fn blob_stat(&self, id: &str) -> Result<BlobState, PluginError> {
        self.ask(&BlobStat { id: id.to_owned() })
    }

    /// Reads at most 1 MiB from `offset` on; nothing when that is the end.
    ///
    /// # Errors
    /// `blob_unknown`.
    pub fn blob_read(&self, id: &str, offset: u64, length: u64) -> Result<Vec<u8>, PluginError> {
        Ok(self.ask(&BlobRead { id: id.to_owned(), offset, length })?.bytes.0)
    }

    /// Frees a blob; false when it was not there.
    ///
    /// # Errors
    /// `blob_denied`.
    pub fn blob_delete(&self, id: &str) -> Result<bool, PluginError> {
        Ok(self.ask(&BlobDelete { id: id.to_owned() })?.existed)
    }

    /// Writes to the host's log. No patient data.
    pub fn log(&self, level: LogLevel, message: &str) {
        self.api.log(self.call_id, level, message);
    }

    /// True once nobody waits for this call any more; long work should look now and then.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.api.cancelled(self.call_id)
    }

    /// Whether this host offers a part of the border that came after ABI 1.0. A plugin that cannot
    /// do without it names it in its manifest's `requires` instead.
    #[must_use]
    pub fn supports(&self, feature: Feature) -> bool {
        self.api.supports(feature)
    }

    fn ask<C: Call>(&self, request: &C) -> Result<C::Reply, PluginError> {
        let bytes = serde_json::to_vec(request).map_err(|e| unreadable(C::METHOD, &e))?;
        let reply = self.api.call(self.call_id, C::METHOD, &bytes)?;
        serde_json::from_slice(&reply).map_err(|e| unreadable(C::METHOD, &e))
    }
}

fn unreadable(method: &str, error: &serde_json::Error) -> PluginError {
    PluginError::permanent("host_protocol", format!("{method}: {error}"))
}

/// The host across the border.
pub(crate) struct BorderHost {
    /// What the host's table says, as far as it reaches; later fields are empty.
    vtable: HostVtable,
}

// SAFETY: the host promises that its vtable is immutable, lives as long as the process and may be
// called from any thread.
#[allow(unsafe_code)]
unsafe impl Send for BorderHost {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for BorderHost {}

impl BorderHost {
    /// # Safety
    /// `vtable` must be null or point to a host vtable as the header describes it.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn new(vtable: *const HostVtable) -> Option<Self> {
        if vtable.is_null() {
            return None;
        }
        // SAFETY: not null; size and versions are the first fields in every version of the ABI.
        let (size, major) = unsafe { ((*vtable).size, (*vtable).abi_major) };
        if (size as usize) < HostVtable::SIZE_1_0 || major != crate::abi::ABI_MAJOR {
            return None;
        }
        let has_features = size as usize >= size_of::<HostVtable>();
        // SAFETY: every field but the last is in all tables of this major version, and the last is
        // read only where the table reaches that far.
        let vtable = unsafe {
            HostVtable {
                size,
                abi_major: major,
                abi_minor: (*vtable).abi_minor,
                context: (*vtable).context,
                call: (*vtable).call,
                log: (*vtable).log,
                cancelled: (*vtable).cancelled,
                features: if has_features { (*vtable).features } else { 0 },
            }
        };
        Some(Self { vtable })
    }

    fn vtable(&self) -> &HostVtable {
        &self.vtable
    }
}

impl HostApi for BorderHost {
    #[allow(unsafe_code)]
    fn call(&self, call_id: u64, method: &str, request: &[u8]) -> Result<Vec<u8>, PluginError> {
        let host = self.vtable();
        let mut out = Buffer::empty();
        // SAFETY: the slices live until the call returns, out is a valid place for the answer.
        let returned = unsafe {
            let method = Slice::lend(method.as_bytes());
            (host.call)(host.context, call_id, method, Slice::lend(request), &raw mut out)
        };
        // SAFETY: filled by the host as the header says.
        let bytes = unsafe { out.take(MAX_PAYLOAD) }.map_err(|length| {
            PluginError::permanent("answer_too_large", format!("{method} answered {length} bytes"))
        })?;
        match returned {
            code::OK => Ok(bytes),
            code::CANCELLED => Err(PluginError::retryable("cancelled", "the call was cancelled")),
            _ => Err(serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                PluginError::permanent("host_protocol", format!("{method} failed without a reason"))
            })),
        }
    }

    #[allow(unsafe_code)]
    fn log(&self, call_id: u64, level: LogLevel, message: &str) {
        let level = match level {
            LogLevel::Error => 1,
            LogLevel::Warn => 2,
            LogLevel::Info => 3,
            LogLevel::Debug => 4,
        };
        let host = self.vtable();
        // SAFETY: the slice lives until the call returns.
        unsafe { (host.log)(host.context, call_id, level, Slice::lend(message.as_bytes())) };
    }

    #[allow(unsafe_code)]
    fn cancelled(&self, call_id: u64) -> bool {
        let host = self.vtable();
        // SAFETY: a plain call with the host's own context.
        unsafe { (host.cancelled)(host.context, call_id) != 0 }
    }

    fn supports(&self, feature: Feature) -> bool {
        self.vtable.features & feature.bit() != 0
    }
}
