-- Doctors show documents to whoever verifies them. Such a file is about no patient: it is kept under its owner's key.
ALTER TABLE file ALTER COLUMN patient_id DROP NOT NULL;
ALTER TABLE file_share DROP CONSTRAINT file_share_conversation_kind_check;
ALTER TABLE file_share ADD CONSTRAINT file_share_conversation_kind_check
  CHECK (conversation_kind IN ('consultation', 'thread', 'verification'));

-- What a document of a doctor's is said to be. What it is called and holds stands with the file.
CREATE TABLE credential (
  file_id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('licence', 'diploma', 'identity')),
  submitted_at timestamptz NOT NULL
);
CREATE INDEX credential_doctor ON credential (doctor_id, submitted_at);
