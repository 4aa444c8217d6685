-- What every module shares: facilities, data keys, outbox, audit, timers, stored answers, topics, leases.

CREATE TABLE facility (
  id BLOB PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
INSERT INTO facility VALUES (x'00000000000070008000000000000001', 'Main facility', 'UTC', '2026-01-01T00:00:00.000000Z');

-- One row per database: `epoch` changes when a backup is restored, so that clients who resume know.
CREATE TABLE installation (
  id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
  epoch BLOB NOT NULL
) STRICT;
INSERT INTO installation VALUES (1, randomblob(16));

CREATE TABLE data_key (
  id BLOB PRIMARY KEY NOT NULL,
  subject BLOB NOT NULL UNIQUE,
  master_key TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE outbox (
  tx INTEGER NOT NULL DEFAULT 0,
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id BLOB NOT NULL,
  event_type TEXT NOT NULL,
  schema_number INTEGER NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  version INTEGER NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  shard INTEGER NOT NULL,
  at TEXT NOT NULL,
  trace TEXT,
  subject BLOB NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_by_shard ON outbox (shard, tx, id);
CREATE UNIQUE INDEX outbox_event ON outbox (event_id);

CREATE TABLE subscriber_cursor (
  subscriber TEXT NOT NULL,
  shard INTEGER NOT NULL,
  tx INTEGER NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (subscriber, shard)
) STRICT;

CREATE TABLE parked_entity (
  subscriber TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  event_id BLOB NOT NULL,
  error TEXT NOT NULL,
  parked_at TEXT NOT NULL,
  PRIMARY KEY (subscriber, entity_id)
) STRICT;

CREATE TABLE audit_entry (
  tx INTEGER NOT NULL DEFAULT 0,
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  facility_id BLOB NOT NULL,
  principal_kind TEXT NOT NULL,
  principal_id BLOB,
  action TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  entity_version INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  mac BLOB NOT NULL
) STRICT;
CREATE INDEX audit_entry_order ON audit_entry (tx, id);
CREATE INDEX audit_entry_entity ON audit_entry (entity_id, id);
CREATE INDEX audit_entry_principal ON audit_entry (principal_id, id);

CREATE TABLE audit_block (
  height INTEGER PRIMARY KEY NOT NULL,
  to_tx INTEGER NOT NULL,
  to_id INTEGER NOT NULL,
  leaves BLOB NOT NULL,
  root BLOB NOT NULL,
  previous BLOB NOT NULL,
  hash BLOB NOT NULL,
  signature BLOB NOT NULL,
  key_id TEXT NOT NULL,
  sealed_at TEXT NOT NULL
) STRICT;

CREATE TABLE timer (
  id BLOB PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  revision INTEGER NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  due_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  retry_at TEXT NOT NULL
) STRICT;
CREATE INDEX timer_due ON timer (retry_at);
CREATE UNIQUE INDEX timer_once ON timer (entity_id, kind);

CREATE TABLE stored_answer (
  principal BLOB NOT NULL,
  key TEXT NOT NULL,
  body_hash BLOB NOT NULL,
  answer BLOB NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX stored_answer_age ON stored_answer (created_at);

CREATE TABLE topic_head (
  topic TEXT PRIMARY KEY NOT NULL,
  seq INTEGER NOT NULL
) STRICT;

CREATE TABLE topic_event (
  topic TEXT NOT NULL,
  seq INTEGER NOT NULL,
  event TEXT NOT NULL,
  at TEXT NOT NULL,
  subject BLOB NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (topic, seq)
) STRICT;

CREATE TABLE lease (
  name TEXT PRIMARY KEY NOT NULL,
  holder BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE plugin_value (
  plugin TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (plugin, key)
) STRICT;
