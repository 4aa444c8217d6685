-- Doctors show documents to whoever verifies them. Such a file is about no patient: it is kept under its owner's key.
-- A column's own NOT NULL and CHECK cannot be changed here: it is made anew.
ALTER TABLE file ADD COLUMN about_patient BLOB;
UPDATE file SET about_patient = patient_id;
ALTER TABLE file DROP COLUMN patient_id;
ALTER TABLE file RENAME COLUMN about_patient TO patient_id;
ALTER TABLE file_share ADD COLUMN shown_in TEXT NOT NULL DEFAULT 'consultation'
  CHECK (shown_in IN ('consultation', 'thread', 'verification'));
UPDATE file_share SET shown_in = conversation_kind;
ALTER TABLE file_share DROP COLUMN conversation_kind;
ALTER TABLE file_share RENAME COLUMN shown_in TO conversation_kind;

-- What a document of a doctor's is said to be. What it is called and holds stands with the file.
CREATE TABLE credential (
  file_id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('licence', 'diploma', 'identity')),
  submitted_at TEXT NOT NULL
) STRICT;
CREATE INDEX credential_doctor ON credential (doctor_id, submitted_at);
