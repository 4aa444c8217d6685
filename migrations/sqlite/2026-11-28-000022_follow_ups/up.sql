-- Follow-ups that doctors asked for: a slot is kept for the patient (a row of occupancy with the same id), and becomes
-- an appointment (with the same id) when the patient confirms it.
CREATE TABLE follow_up (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  prescription_id BLOB NOT NULL UNIQUE,
  after_consultation_id BLOB NOT NULL,
  visit_type TEXT NOT NULL,
  wanted_on TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('wanted', 'held', 'confirmed', 'declined', 'expired', 'unplaced', 'withdrawn')),
  starts_at TEXT,
  ends_at TEXT,
  expires_at TEXT,
  appointment_id BLOB REFERENCES appointment(id),
  version INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  CHECK (status <> 'held' OR (starts_at IS NOT NULL AND ends_at IS NOT NULL AND expires_at IS NOT NULL))
) STRICT;
CREATE INDEX follow_up_patient ON follow_up (patient_id, id);
CREATE INDEX follow_up_held ON follow_up (doctor_id) WHERE status = 'held';
