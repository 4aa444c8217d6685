-- Browsers that are told by web push. Where they are reached is sealed, and found by a keyed hash.
CREATE TABLE push_subscription (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  endpoint_index bytea NOT NULL,
  address bytea NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX push_subscription_endpoint ON push_subscription (endpoint_index);
CREATE INDEX push_subscription_user ON push_subscription (user_id, id);

-- On the channel push there is a row for each subscription.
ALTER TABLE delivery ADD COLUMN subscription_id uuid;
DROP INDEX delivery_once;
CREATE UNIQUE INDEX delivery_once
  ON delivery (entity_id, revision, kind, channel, recipient_id, COALESCE(subscription_id, recipient_id));
