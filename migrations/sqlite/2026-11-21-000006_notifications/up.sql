-- Everything that is told to somebody: one row per occasion, kind, channel and recipient.
CREATE TABLE delivery (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  status TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_id BLOB NOT NULL,
  revision INTEGER NOT NULL,
  recipient_id BLOB NOT NULL,
  message_id TEXT NOT NULL,
  payload BLOB NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  last_error TEXT,
  created_at TEXT NOT NULL,
  sent_at TEXT,
  read_at TEXT,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX delivery_once ON delivery (entity_id, revision, kind, channel, recipient_id);
CREATE INDEX delivery_due ON delivery (channel, next_attempt_at) WHERE status IN ('queued', 'failed', 'sending');
CREATE INDEX delivery_inbox ON delivery (recipient_id, channel, id);
CREATE INDEX delivery_status ON delivery (facility_id, status, id);
