-- Who is told of events over HTTP. `endpoint` holds address and secrets, sealed; a subscription with a reason in
-- `disabled_because` is not served.
CREATE TABLE webhook_subscription (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  endpoint BLOB NOT NULL,
  description TEXT NOT NULL,
  event_types TEXT NOT NULL,
  disabled_because TEXT,
  failing_since TEXT,
  replay_until TEXT,
  replay_at TEXT,
  replay_id INTEGER,
  paused_until TEXT NOT NULL,
  claimed_until TEXT NOT NULL,
  claim INTEGER NOT NULL,
  served_at TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_subscription_facility ON webhook_subscription (facility_id, id);
CREATE INDEX webhook_subscription_served ON webhook_subscription (served_at, id) WHERE disabled_because IS NULL;

-- One row for each subscription and event that it is told of. `payload` is the body as it is sent.
CREATE TABLE webhook_delivery (
  id BLOB PRIMARY KEY NOT NULL,
  subscription_id BLOB NOT NULL REFERENCES webhook_subscription(id) ON DELETE CASCADE,
  event_id BLOB NOT NULL,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at TEXT NOT NULL,
  last_attempt_at TEXT,
  status_code INTEGER,
  duration_ms INTEGER,
  last_error TEXT,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (subscription_id, event_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (subscription_id, next_attempt_at, id)
  WHERE status IN ('queued', 'failed');
CREATE INDEX webhook_delivery_log ON webhook_delivery (subscription_id, id);
CREATE INDEX webhook_delivery_status ON webhook_delivery (subscription_id, status, id);
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at);

-- For replay, which begins at a time.
CREATE INDEX outbox_by_time ON outbox (facility_id, at, id);
