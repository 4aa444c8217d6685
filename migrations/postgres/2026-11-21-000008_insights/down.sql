ALTER TABLE plugin_value ALTER COLUMN key TYPE text;
DROP TABLE plugin_usage;
