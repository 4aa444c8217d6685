-- What plugins keep that is too large for their store: one row per blob, its bytes in an encrypted file of the
-- same name. `stored_bytes` is how much of the file counts; what a crash left behind it is overwritten.
CREATE TABLE plugin_blob (
  id BLOB PRIMARY KEY NOT NULL,
  plugin TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  sha256 BLOB,
  file_key BLOB NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX plugin_blob_plugin ON plugin_blob (plugin);
