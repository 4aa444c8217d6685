-- Everything that is told to somebody: one row per occasion, kind, channel and recipient.
CREATE TABLE delivery (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  kind text NOT NULL,
  channel text NOT NULL,
  status text NOT NULL,
  entity_kind text NOT NULL,
  entity_id uuid NOT NULL,
  revision bigint NOT NULL,
  recipient_id uuid NOT NULL,
  message_id text NOT NULL,
  payload bytea NOT NULL,
  attempts integer NOT NULL,
  next_attempt_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  last_error text,
  created_at timestamptz NOT NULL,
  sent_at timestamptz,
  read_at timestamptz,
  version bigint NOT NULL
);
CREATE UNIQUE INDEX delivery_once ON delivery (entity_id, revision, kind, channel, recipient_id);
CREATE INDEX delivery_due ON delivery (channel, next_attempt_at) WHERE status IN ('queued', 'failed', 'sending');
CREATE INDEX delivery_inbox ON delivery (recipient_id, channel, id);
CREATE INDEX delivery_status ON delivery (facility_id, status, id);
