-- How much each plugin keeps, so that its quota is checked without adding everything up.
CREATE TABLE plugin_usage (
  plugin text PRIMARY KEY,
  bytes bigint NOT NULL
);
-- Plugins are promised their keys in byte order.
ALTER TABLE plugin_value ALTER COLUMN key TYPE text COLLATE "C";
