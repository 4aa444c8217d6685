//! What plugins may ask of this server: the clock, a key-value store of their own in the
//! database, and lines in the audit log about them.

use std::sync::Arc;

use async_trait::async_trait;
use consilium_db::{
    Db, Error,
    outbox::Fact,
    plugin_values::{self, PluginValue, PluginWrite},
};
use consilium_kernel::{Clock, CommandMeta, DEFAULT_FACILITY, Refusal, RefusalKind};
use consilium_plugin_host::{
    BlobStore, HostServices, KvWritten,
    contract::{
        PluginError,
        host::{Emit, KvEntry, KvList, KvWrite},
    },
    trace,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plugin_blobs::FileBlobs;

/// Host services over the database.
pub struct DatabaseServices {
    db: Db,
    clock: Arc<dyn Clock>,
    blobs: Arc<FileBlobs>,
}

impl DatabaseServices {
    /// Over `db`, with its clock.
    pub fn new(db: Db, blobs: Arc<FileBlobs>) -> Arc<Self> {
        let clock = db.clock().clone();
        Arc::new(Self { db, clock, blobs })
    }
}

#[async_trait]
impl HostServices for DatabaseServices {
    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    async fn kv_get(&self, plugin: &str, key: &str) -> Result<Option<KvEntry>, PluginError> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        let found = self.db.read(move |read| plugin_values::get(read, &plugin, &key)).await;
        found.map(|found| found.map(entry)).map_err(failed)
    }

    async fn kv_write(&self, plugin: &str, write: KvWrite, quota_bytes: u64) -> Result<KvWritten, PluginError> {
        let expected = write.expected.map(|version| i64::try_from(version).unwrap_or(i64::MAX));
        let write = PluginWrite { key: write.key, value: write.value, expected };
        let (meta, plugin) = (CommandMeta::system(DEFAULT_FACILITY, "plugin"), plugin.to_owned());
        let write = move |tx: &mut consilium_db::Tx<'_>| plugin_values::write(tx, &plugin, &write, quota_bytes);
        let written = self.db.write(&meta, write).await.map_err(failed)?;
        Ok(KvWritten { existed: written.existed, version: u64::try_from(written.version).unwrap_or_default() })
    }

    async fn kv_list(&self, plugin: &str, list: KvList) -> Result<Vec<KvEntry>, PluginError> {
        let plugin = plugin.to_owned();
        let read = move |read: &mut consilium_db::Session<'_>| {
            plugin_values::list(read, &plugin, &list.prefix, list.from.as_deref(), i64::from(list.limit))
        };
        let found = self.db.read(read).await.map_err(failed)?;
        Ok(found.into_iter().map(entry).collect())
    }

    async fn emit(&self, plugin: &str, event: Emit) -> Result<(), PluginError> {
        let unknown = |_| PluginError::permanent("emit_subject", "a subject is the id of a patient or an account");
        let subject = event.subject.map(|id| id.parse::<uuid::Uuid>()).transpose().map_err(unknown)?;
        let entity = plugin_values::entity(plugin);
        let subject = subject.unwrap_or(entity.id);
        let data = PluginEvent { plugin: plugin.to_owned(), event_type: event.event_type, data: event.data };
        let trace = trace::current().map(|trace| trace.to_string());
        let meta = CommandMeta { trace, ..CommandMeta::system(DEFAULT_FACILITY, "plugin") };
        let emit = move |tx: &mut consilium_db::Tx<'_>| {
            let (event_type, entity) = ("plugin_event", entity.clone());
            tx.emit(Fact { entity, version: 0, event_type, schema: 1, subject, data: &data })
        };
        self.db.write(&meta, emit).await.map_err(|error| {
            tracing::warn!(plugin, %error, "an event of a plugin could not be written");
            PluginError::retryable("emit_unavailable", "the event could not be written")
        })
    }

    fn blobs(&self) -> Option<&dyn BlobStore> {
        Some(&*self.blobs)
    }

    async fn audit(&self, plugin: &str, action: &str, detail: Value) {
        let meta = CommandMeta::system(DEFAULT_FACILITY, "plugin");
        let (entity, detail) = (plugin_values::entity(plugin), named(plugin, detail));
        let line = {
            let (action, detail) = (action.to_owned(), detail.clone());
            move |tx: &mut consilium_db::Tx<'_>| tx.audit_with(&action, &entity, 0, &detail)
        };
        if let Err(error) = self.db.write(&meta, line).await {
            tracing::error!(plugin, action, %detail, %error, "an audit line could not be written");
        }
    }
}

/// What a plugin tells, as it leaves in a fact of type `plugin_event`, schema 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginEvent {
    /// Id of the instance.
    pub plugin: String,
    /// One of the types that its manifest declares.
    #[serde(rename = "type")]
    pub event_type: String,
    /// As the plugin gave it.
    pub data: Value,
}

/// The detail with the plugin's name, which its id in the log does not tell.
fn named(plugin: &str, detail: Value) -> Value {
    let mut fields = match detail {
        Value::Object(fields) => fields,
        Value::Null => serde_json::Map::new(),
        other => serde_json::Map::from_iter([("detail".to_owned(), other)]),
    };
    fields.insert("plugin".to_owned(), plugin.into());
    Value::Object(fields)
}

fn entry(value: PluginValue) -> KvEntry {
    let PluginValue { key, value, version } = value;
    KvEntry { key, value, version: u64::try_from(version).unwrap_or_default() }
}

/// Rules keep their code; whatever else happened, the plugin may try again.
pub(crate) fn failed(error: Error) -> PluginError {
    match error {
        Error::Refused(refusal) => PluginError {
            retryable: refusal.kind == RefusalKind::Conflict,
            retry_after_seconds: refusal.retry_after,
            code: refusal.code.into_owned(),
            message: refusal.detail.into_owned(),
        },
        other => {
            let refusal = Refusal::from(other);
            PluginError::retryable("kv_unavailable", format!("the store cannot be reached ({})", refusal.code))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use consilium_db::{audit, outbox, testing::TestDb};
    use consilium_plugin_host::trace::Trace;
    use serde_json::json;

    fn event(subject: Option<&str>) -> Emit {
        let subject = subject.map(str::to_owned);
        Emit { event_type: "room_recorded".to_owned(), data: json!({"room": "7"}), subject }
    }

    #[tokio::test]
    async fn an_event_of_a_plugin_leaves_through_the_outbox_with_its_trace() {
        for test in TestDb::both() {
            let folder = tempfile::tempdir().unwrap();
            let blobs = Arc::new(FileBlobs::new(test.db.clone(), folder.path().to_owned()));
            let services = DatabaseServices::new(test.db.clone(), blobs);
            let refused = services.emit("acme", event(Some("Arifa"))).await.unwrap_err();
            assert_eq!((refused.code.as_str(), refused.retryable), ("emit_subject", false));
            let trace = Trace::begin();
            trace::within(trace, services.emit("acme", event(None))).await.unwrap();

            let shard = outbox::shard_of(plugin_values::entity("acme").id);
            let mut events = Vec::new();
            for _ in 0..400 {
                // Visible once nothing older runs anywhere on the server, which other tests share.
                events =
                    test.db.read(move |read| outbox::read_after(read, shard, Default::default(), 10)).await.unwrap();
                if !events.is_empty() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            let (_, event) = events.remove(0);
            assert_eq!((event.event_type.as_str(), event.entity.kind.as_str()), ("plugin_event", "plugin"));
            assert_eq!(event.data, json!({"plugin": "acme", "type": "room_recorded", "data": {"room": "7"}}));
            assert_eq!(event.trace, Some(trace.to_string()));
            assert_eq!(events, []);
        }
    }

    #[tokio::test]
    async fn what_happens_to_a_plugin_is_a_line_of_the_audit_log() {
        for test in TestDb::both() {
            let folder = tempfile::tempdir().unwrap();
            let blobs = Arc::new(FileBlobs::new(test.db.clone(), folder.path().to_owned()));
            let services = DatabaseServices::new(test.db.clone(), blobs);
            services.audit("acme", "plugin_egress_denied", json!({"host": "evil.example"})).await;
            for _ in 0..400 {
                let report = test.db.read(audit::verify).await.unwrap();
                assert_eq!(report.findings, []);
                if report.unsealed == 1 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            assert_eq!(test.db.read(audit::verify).await.unwrap().unsealed, 1);
            let detail = named("acme", json!({"host": "evil.example"}));
            assert_eq!(detail, json!({"host": "evil.example", "plugin": "acme"}));
        }
    }
}
