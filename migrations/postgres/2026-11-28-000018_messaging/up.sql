-- Threads outside visits: between a patient and the care team, and among clinicians. The subject is sealed.
CREATE TABLE thread (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  kind text NOT NULL CHECK (kind IN ('care', 'clinicians')),
  patient_id uuid,
  subject bytea NOT NULL,
  opened_by uuid NOT NULL,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  closed_by uuid,
  active_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT thread_patient CHECK ((kind = 'care') = (patient_id IS NOT NULL))
);

CREATE TABLE thread_participant (
  thread_id uuid NOT NULL REFERENCES thread(id),
  user_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  role text NOT NULL CHECK (role IN ('patient', 'doctor', 'nurse', 'pharmacist')),
  added_at timestamptz NOT NULL,
  added_by uuid NOT NULL,
  removed_at timestamptz,
  read_seq bigint NOT NULL,
  PRIMARY KEY (thread_id, user_id)
);
CREATE INDEX thread_participant_own ON thread_participant (user_id) WHERE removed_at IS NULL;
