-- Files: one row each; their bytes lie encrypted in the folder of uploads until all are there, then in the store.
-- `label` (what the file is called) and `file_key` (under which its bytes are encrypted) are sealed under the patient's
-- key. `spooled` is how much of the file of uploads counts; what a crash left behind it is overwritten.
CREATE TABLE file (
  id uuid PRIMARY KEY NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  owner_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  consultation_id uuid,
  status text NOT NULL CHECK (status IN ('uploading', 'scanning', 'available', 'infected', 'deleted')),
  media_type text,
  length bigint NOT NULL CHECK (length > 0),
  received bigint NOT NULL CHECK (received >= 0 AND received <= length),
  spooled bigint NOT NULL,
  sha256 bytea,
  label bytea NOT NULL,
  file_key bytea NOT NULL,
  scanned boolean NOT NULL,
  attempts integer NOT NULL,
  retry_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX file_owner ON file (owner_id, created_at);
CREATE INDEX file_due ON file (retry_at) WHERE status IN ('scanning', 'deleted');

-- In which consultations a file is shown. `seq` is the number of its event there.
CREATE TABLE file_share (
  consultation_id uuid NOT NULL,
  file_id uuid NOT NULL REFERENCES file(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  shared_by uuid NOT NULL,
  shared_at timestamptz NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (consultation_id, file_id),
  CONSTRAINT file_share_seq UNIQUE (consultation_id, seq)
);
CREATE INDEX file_share_file ON file_share (file_id);
