DELETE FROM delivery WHERE channel = 'push';
DROP INDEX delivery_once;
ALTER TABLE delivery DROP COLUMN subscription_id;
CREATE UNIQUE INDEX delivery_once ON delivery (entity_id, revision, kind, channel, recipient_id);
DROP TABLE push_subscription;
