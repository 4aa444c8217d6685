-- Scheduling: when doctors can be booked, what holds their time, and the appointments themselves.

CREATE TABLE availability (
  doctor_id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  time_zone TEXT NOT NULL,
  rules TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX availability_by_facility ON availability (facility_id, doctor_id);

CREATE TABLE appointment (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL,
  -- What the clock on the wall will show, and by which rules that was said: a zone whose rules change
  -- later can be found and repaired.
  local_start TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  tzdb_version TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('pending', 'accepted', 'rejected', 'cancelled', 'completed', 'no_show')),
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  visit_type TEXT NOT NULL,
  is_emergency INTEGER NOT NULL,
  reason BLOB NOT NULL,
  symptoms BLOB NOT NULL,
  consultation_id BLOB UNIQUE,
  started_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  CHECK (starts_at < ends_at),
  CHECK (status <> 'accepted' OR consultation_id IS NOT NULL)
) STRICT;
CREATE INDEX appointment_by_doctor ON appointment (doctor_id, starts_at, id);
CREATE INDEX appointment_by_patient ON appointment (patient_id, starts_at, id);
CREATE INDEX appointment_by_facility ON appointment (facility_id, starts_at, id);
CREATE INDEX appointment_by_facility_status ON appointment (facility_id, status, starts_at, id);
CREATE INDEX appointment_live ON appointment (doctor_id) WHERE status IN ('pending', 'accepted');

-- Nobody can be in two appointments at once.
CREATE TRIGGER appointment_patient_busy_insert BEFORE INSERT ON appointment
WHEN NEW.status IN ('pending', 'accepted') AND EXISTS (
  SELECT 1 FROM appointment WHERE patient_id = NEW.patient_id AND status IN ('pending', 'accepted')
    AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at AND id <> NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'appointment_patient_busy');
END;
CREATE TRIGGER appointment_patient_busy_update BEFORE UPDATE ON appointment
WHEN NEW.status IN ('pending', 'accepted') AND EXISTS (
  SELECT 1 FROM appointment WHERE patient_id = NEW.patient_id AND status IN ('pending', 'accepted')
    AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at AND id <> OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'appointment_patient_busy');
END;

-- Every held interval of a doctor's time, buffer included. The triggers hold whoever writes.
CREATE TABLE occupancy (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  source TEXT NOT NULL,
  appointment_id BLOB UNIQUE REFERENCES appointment(id),
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL,
  CHECK (starts_at < ends_at)
) STRICT;
CREATE INDEX occupancy_by_doctor ON occupancy (doctor_id, ends_at);
CREATE INDEX occupancy_by_facility ON occupancy (facility_id, ends_at);

CREATE TRIGGER occupancy_overlap_insert BEFORE INSERT ON occupancy
WHEN EXISTS (
  SELECT 1 FROM occupancy WHERE doctor_id = NEW.doctor_id
    AND ends_at > NEW.starts_at AND starts_at < NEW.ends_at AND id <> NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'occupancy_overlap');
END;
CREATE TRIGGER occupancy_overlap_update BEFORE UPDATE ON occupancy
WHEN EXISTS (
  SELECT 1 FROM occupancy WHERE doctor_id = NEW.doctor_id
    AND ends_at > NEW.starts_at AND starts_at < NEW.ends_at AND id <> OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'occupancy_overlap');
END;
