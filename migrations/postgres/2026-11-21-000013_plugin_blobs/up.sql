-- What plugins keep that is too large for their store: one row per blob, its bytes in an encrypted file of the
-- same name. `stored_bytes` is how much of the file counts; what a crash left behind it is overwritten.
CREATE TABLE plugin_blob (
  id uuid PRIMARY KEY NOT NULL,
  plugin text NOT NULL,
  size_bytes bigint NOT NULL,
  stored_bytes bigint NOT NULL,
  sha256 bytea,
  file_key bytea NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX plugin_blob_plugin ON plugin_blob (plugin);
