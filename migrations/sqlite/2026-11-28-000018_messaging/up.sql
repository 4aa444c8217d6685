-- Threads outside visits: between a patient and the care team, and among clinicians. The subject is sealed.
CREATE TABLE thread (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  kind TEXT NOT NULL CHECK (kind IN ('care', 'clinicians')),
  patient_id BLOB,
  subject BLOB NOT NULL,
  opened_by BLOB NOT NULL,
  opened_at TEXT NOT NULL,
  closed_at TEXT,
  closed_by BLOB,
  active_at TEXT NOT NULL,
  version INTEGER NOT NULL,
  CONSTRAINT thread_patient CHECK ((kind = 'care') = (patient_id IS NOT NULL))
) STRICT;

CREATE TABLE thread_participant (
  thread_id BLOB NOT NULL REFERENCES thread(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL CHECK (role IN ('patient', 'doctor', 'nurse', 'pharmacist')),
  added_at TEXT NOT NULL,
  added_by BLOB NOT NULL,
  removed_at TEXT,
  read_seq INTEGER NOT NULL,
  PRIMARY KEY (thread_id, user_id)
) STRICT;
CREATE INDEX thread_participant_own ON thread_participant (user_id) WHERE removed_at IS NULL;
