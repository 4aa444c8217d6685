DROP INDEX outbox_by_time;
DROP TABLE webhook_delivery;
DROP TABLE webhook_subscription;
