-- How much each plugin keeps, so that its quota is checked without adding everything up.
-- Its keys are in byte order already: SQLite compares text so.
CREATE TABLE plugin_usage (
  plugin TEXT PRIMARY KEY NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
