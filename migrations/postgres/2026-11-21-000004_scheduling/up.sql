-- Scheduling: when doctors can be booked, what holds their time, and the appointments themselves.

CREATE TABLE availability (
  doctor_id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  time_zone text NOT NULL,
  rules text NOT NULL,
  version bigint NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX availability_by_facility ON availability (facility_id, doctor_id);

CREATE TABLE appointment (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  -- What the clock on the wall will show, and by which rules that was said: a zone whose rules change
  -- later can be found and repaired.
  local_start text NOT NULL,
  time_zone text NOT NULL,
  tzdb_version text NOT NULL,
  status text NOT NULL
    CHECK (status IN ('pending', 'accepted', 'rejected', 'cancelled', 'completed', 'no_show')),
  revision bigint NOT NULL,
  version bigint NOT NULL,
  visit_type text NOT NULL,
  is_emergency boolean NOT NULL,
  reason bytea NOT NULL,
  symptoms bytea NOT NULL,
  consultation_id uuid UNIQUE,
  started_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CHECK (starts_at < ends_at),
  CHECK (status <> 'accepted' OR consultation_id IS NOT NULL),
  -- Nobody can be in two appointments at once.
  CONSTRAINT appointment_patient_busy
    EXCLUDE USING gist (patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
    WHERE (status IN ('pending', 'accepted'))
);
CREATE INDEX appointment_by_doctor ON appointment (doctor_id, starts_at, id);
CREATE INDEX appointment_by_patient ON appointment (patient_id, starts_at, id);
CREATE INDEX appointment_by_facility ON appointment (facility_id, starts_at, id);
CREATE INDEX appointment_by_facility_status ON appointment (facility_id, status, starts_at, id);
CREATE INDEX appointment_live ON appointment (doctor_id) WHERE status IN ('pending', 'accepted');

-- Every held interval of a doctor's time, buffer included. The constraint holds whoever writes.
CREATE TABLE occupancy (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  source text NOT NULL,
  appointment_id uuid UNIQUE REFERENCES appointment(id),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  CHECK (starts_at < ends_at),
  CONSTRAINT occupancy_overlap EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
);
CREATE INDEX occupancy_by_doctor ON occupancy (doctor_id, ends_at);
CREATE INDEX occupancy_by_facility ON occupancy (facility_id, ends_at);
