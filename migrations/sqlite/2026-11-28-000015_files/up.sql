-- Files: one row each; their bytes lie encrypted in the folder of uploads until all are there, then in the store.
-- `label` (what the file is called) and `file_key` (under which its bytes are encrypted) are sealed under the patient's
-- key. `spooled` is how much of the file of uploads counts; what a crash left behind it is overwritten.
CREATE TABLE file (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  owner_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  consultation_id BLOB,
  status TEXT NOT NULL CHECK (status IN ('uploading', 'scanning', 'available', 'infected', 'deleted')),
  media_type TEXT,
  length INTEGER NOT NULL CHECK (length > 0),
  received INTEGER NOT NULL CHECK (received >= 0 AND received <= length),
  spooled INTEGER NOT NULL,
  sha256 BLOB,
  label BLOB NOT NULL,
  file_key BLOB NOT NULL,
  scanned INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  retry_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX file_owner ON file (owner_id, created_at);
CREATE INDEX file_due ON file (retry_at) WHERE status IN ('scanning', 'deleted');

-- In which consultations a file is shown. `seq` is the number of its event there.
CREATE TABLE file_share (
  consultation_id BLOB NOT NULL,
  file_id BLOB NOT NULL REFERENCES file(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  shared_by BLOB NOT NULL,
  shared_at TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (consultation_id, file_id),
  CONSTRAINT file_share_seq UNIQUE (consultation_id, seq)
) STRICT;
CREATE INDEX file_share_file ON file_share (file_id);
