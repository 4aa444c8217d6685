-- Browsers that are told by web push. Where they are reached is sealed, and found by a keyed hash.
CREATE TABLE push_subscription (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  user_id BLOB NOT NULL,
  session_id BLOB NOT NULL,
  endpoint_index BLOB NOT NULL,
  address BLOB NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX push_subscription_endpoint ON push_subscription (endpoint_index);
CREATE INDEX push_subscription_user ON push_subscription (user_id, id);

-- On the channel push there is a row for each subscription.
ALTER TABLE delivery ADD COLUMN subscription_id BLOB;
DROP INDEX delivery_once;
CREATE UNIQUE INDEX delivery_once
  ON delivery (entity_id, revision, kind, channel, recipient_id, COALESCE(subscription_id, recipient_id));
