-- Follow-ups that doctors asked for: a slot is kept for the patient (a row of occupancy with the same id), and becomes
-- an appointment (with the same id) when the patient confirms it.
CREATE TABLE follow_up (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  prescription_id uuid NOT NULL UNIQUE,
  after_consultation_id uuid NOT NULL,
  visit_type text NOT NULL,
  wanted_on text NOT NULL,
  status text NOT NULL
    CHECK (status IN ('wanted', 'held', 'confirmed', 'declined', 'expired', 'unplaced', 'withdrawn')),
  starts_at timestamptz,
  ends_at timestamptz,
  expires_at timestamptz,
  appointment_id uuid REFERENCES appointment(id),
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  CHECK (status <> 'held' OR (starts_at IS NOT NULL AND ends_at IS NOT NULL AND expires_at IS NOT NULL))
);
CREATE INDEX follow_up_patient ON follow_up (patient_id, id);
CREATE INDEX follow_up_held ON follow_up (doctor_id) WHERE status = 'held';
