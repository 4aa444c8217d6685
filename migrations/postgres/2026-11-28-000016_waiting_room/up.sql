-- Walk-ins beside booked patients, the doctor's waiting room, device checks, invitations, and what is known of each
-- time that somebody was in a consultation.
ALTER TABLE appointment ADD COLUMN kind text NOT NULL DEFAULT 'booked' CHECK (kind IN ('booked', 'walk_in'));
-- Nobody waits as a walk-in twice at once.
CREATE UNIQUE INDEX appointment_one_walk_in ON appointment (patient_id) WHERE kind = 'walk_in' AND status = 'accepted';

ALTER TABLE consultation
  ADD COLUMN kind text NOT NULL DEFAULT 'booked' CHECK (kind IN ('booked', 'walk_in')),
  ADD COLUMN triage integer CHECK (triage BETWEEN 1 AND 5),
  -- The order of the line: lower priorities first, then earlier places.
  ADD COLUMN priority integer NOT NULL DEFAULT 3,
  ADD COLUMN place_at timestamptz,
  ADD COLUMN away_since timestamptz;
UPDATE consultation SET priority = 1 WHERE is_emergency;
UPDATE consultation SET place_at = starts_at WHERE status = 'waiting';
UPDATE consultation SET away_since = waiting_since WHERE status = 'waiting' AND NOT EXISTS (
  SELECT 1 FROM consultation_participant p
  WHERE p.consultation_id = consultation.id AND p.role = 'patient' AND p.present);
DROP INDEX consultation_line;
CREATE INDEX consultation_line ON consultation (doctor_id, status, priority, place_at);

ALTER TABLE consultation_participant
  DROP CONSTRAINT consultation_participant_role_check,
  ADD CONSTRAINT consultation_participant_role_check
    CHECK (role IN ('doctor', 'patient', 'second_doctor', 'nurse', 'interpreter'));

ALTER TABLE participant_session
  ADD COLUMN role text,
  ADD COLUMN user_agent text,
  ADD COLUMN device text,
  ADD COLUMN connection text,
  DROP CONSTRAINT participant_session_left_because_check,
  ADD CONSTRAINT participant_session_left_because_check
    CHECK (left_because IN ('left', 'dropped', 'ended', 'withdrawn'));
UPDATE participant_session s SET role = p.role FROM consultation_participant p
  WHERE p.consultation_id = s.consultation_id AND p.user_id = s.user_id;
DELETE FROM participant_session WHERE role IS NULL;
ALTER TABLE participant_session ALTER COLUMN role SET NOT NULL;

-- Who was asked to join by the doctor, as what; withdrawn ones stay.
CREATE TABLE consultation_invitation (
  id uuid PRIMARY KEY,
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  user_id uuid NOT NULL,
  role text NOT NULL CHECK (role IN ('second_doctor', 'nurse', 'interpreter')),
  invited_at timestamptz NOT NULL,
  withdrawn_at timestamptz
);
CREATE INDEX consultation_invitation_order ON consultation_invitation (consultation_id, id);

-- What each participant's last check of camera, microphone and network found.
CREATE TABLE device_check (
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  user_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  role text NOT NULL,
  camera text NOT NULL,
  microphone text NOT NULL,
  bandwidth_kbps integer,
  browser text,
  checked_at timestamptz NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
);

-- A doctor's waiting room: whether walk-ins are taken, and how late the doctor is. `delay_text` is sealed.
CREATE TABLE waiting_room (
  doctor_id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  walk_ins text NOT NULL CHECK (walk_ins IN ('in_hours', 'always', 'never')),
  delayed_until timestamptz,
  delay_reason text,
  delay_text bytea,
  version bigint NOT NULL
);
