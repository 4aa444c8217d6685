-- Walk-ins beside booked patients, the doctor's waiting room, device checks, invitations, and what is known of each
-- time that somebody was in a consultation.
ALTER TABLE appointment ADD COLUMN kind TEXT NOT NULL DEFAULT 'booked' CHECK (kind IN ('booked', 'walk_in'));
-- Nobody waits as a walk-in twice at once.
CREATE UNIQUE INDEX appointment_one_walk_in ON appointment (patient_id) WHERE kind = 'walk_in' AND status = 'accepted';

ALTER TABLE consultation ADD COLUMN kind TEXT NOT NULL DEFAULT 'booked' CHECK (kind IN ('booked', 'walk_in'));
ALTER TABLE consultation ADD COLUMN triage INTEGER CHECK (triage BETWEEN 1 AND 5);
-- The order of the line: lower priorities first, then earlier places.
ALTER TABLE consultation ADD COLUMN priority INTEGER NOT NULL DEFAULT 3;
ALTER TABLE consultation ADD COLUMN place_at TEXT;
ALTER TABLE consultation ADD COLUMN away_since TEXT;
UPDATE consultation SET priority = 1 WHERE is_emergency;
UPDATE consultation SET place_at = starts_at WHERE status = 'waiting';
UPDATE consultation SET away_since = waiting_since WHERE status = 'waiting' AND NOT EXISTS (
  SELECT 1 FROM consultation_participant p
  WHERE p.consultation_id = consultation.id AND p.role = 'patient' AND p.present);
DROP INDEX consultation_line;
CREATE INDEX consultation_line ON consultation (doctor_id, status, priority, place_at);

CREATE TABLE consultation_participant_wider (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL CHECK (role IN ('doctor', 'patient', 'second_doctor', 'nurse', 'interpreter')),
  present INTEGER NOT NULL,
  joined_at TEXT,
  read_seq INTEGER NOT NULL,
  capabilities TEXT,
  PRIMARY KEY (consultation_id, user_id)
) STRICT;
INSERT INTO consultation_participant_wider
  SELECT consultation_id, user_id, facility_id, role, present, joined_at, read_seq, capabilities
  FROM consultation_participant;
DROP TABLE consultation_participant;
ALTER TABLE consultation_participant_wider RENAME TO consultation_participant;
CREATE INDEX consultation_participant_present ON consultation_participant (present) WHERE present;

CREATE TABLE participant_session_wider (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL,
  reconnected INTEGER NOT NULL,
  user_agent TEXT,
  device TEXT,
  connection TEXT,
  joined_at TEXT NOT NULL,
  left_at TEXT,
  left_because TEXT CHECK (left_because IN ('left', 'dropped', 'ended', 'withdrawn'))
) STRICT;
INSERT INTO participant_session_wider
  SELECT s.id, s.consultation_id, s.user_id, s.facility_id, p.role, s.reconnected, NULL, NULL, NULL, s.joined_at,
    s.left_at, s.left_because
  FROM participant_session s
  JOIN consultation_participant p ON p.consultation_id = s.consultation_id AND p.user_id = s.user_id;
DROP TABLE participant_session;
ALTER TABLE participant_session_wider RENAME TO participant_session;
CREATE INDEX participant_session_order ON participant_session (consultation_id, joined_at);

-- Who was asked to join by the doctor, as what; withdrawn ones stay.
CREATE TABLE consultation_invitation (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  user_id BLOB NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('second_doctor', 'nurse', 'interpreter')),
  invited_at TEXT NOT NULL,
  withdrawn_at TEXT
) STRICT;
CREATE INDEX consultation_invitation_order ON consultation_invitation (consultation_id, id);

-- What each participant's last check of camera, microphone and network found.
CREATE TABLE device_check (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL,
  camera TEXT NOT NULL,
  microphone TEXT NOT NULL,
  bandwidth_kbps INTEGER,
  browser TEXT,
  checked_at TEXT NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
) STRICT;

-- A doctor's waiting room: whether walk-ins are taken, and how late the doctor is. `delay_text` is sealed.
CREATE TABLE waiting_room (
  doctor_id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  walk_ins TEXT NOT NULL CHECK (walk_ins IN ('in_hours', 'always', 'never')),
  delayed_until TEXT,
  delay_reason TEXT,
  delay_text BLOB,
  version INTEGER NOT NULL
) STRICT;
