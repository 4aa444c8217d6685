-- Who is told of events over HTTP. `endpoint` holds address and secrets, sealed; a subscription with a reason in
-- `disabled_because` is not served.
CREATE TABLE webhook_subscription (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  endpoint bytea NOT NULL,
  description text NOT NULL,
  event_types text NOT NULL,
  disabled_because text,
  failing_since timestamptz,
  replay_until timestamptz,
  replay_at timestamptz,
  replay_id bigint,
  paused_until timestamptz NOT NULL,
  claimed_until timestamptz NOT NULL,
  claim bigint NOT NULL,
  served_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX webhook_subscription_facility ON webhook_subscription (facility_id, id);
CREATE INDEX webhook_subscription_served ON webhook_subscription (served_at, id) WHERE disabled_because IS NULL;

-- One row for each subscription and event that it is told of. `payload` is the body as it is sent.
CREATE TABLE webhook_delivery (
  id uuid PRIMARY KEY,
  subscription_id uuid NOT NULL REFERENCES webhook_subscription(id) ON DELETE CASCADE,
  event_id uuid NOT NULL,
  event_type text NOT NULL,
  payload text NOT NULL,
  status text NOT NULL,
  attempts integer NOT NULL,
  next_attempt_at timestamptz NOT NULL,
  last_attempt_at timestamptz,
  status_code integer,
  duration_ms bigint,
  last_error text,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (subscription_id, event_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (subscription_id, next_attempt_at, id)
  WHERE status IN ('queued', 'failed');
CREATE INDEX webhook_delivery_log ON webhook_delivery (subscription_id, id);
CREATE INDEX webhook_delivery_status ON webhook_delivery (subscription_id, status, id);
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at);

-- For replay, which begins at a time.
CREATE INDEX outbox_by_time ON outbox (facility_id, at, id);
