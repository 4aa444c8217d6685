DROP TABLE waiting_room;
DROP TABLE device_check;
DROP TABLE consultation_invitation;

DELETE FROM participant_session WHERE role NOT IN ('doctor', 'patient');
UPDATE participant_session SET left_because = 'left' WHERE left_because = 'withdrawn';
ALTER TABLE participant_session
  DROP COLUMN role,
  DROP COLUMN user_agent,
  DROP COLUMN device,
  DROP COLUMN connection,
  DROP CONSTRAINT participant_session_left_because_check,
  ADD CONSTRAINT participant_session_left_because_check CHECK (left_because IN ('left', 'dropped', 'ended'));

DELETE FROM consultation_participant WHERE role NOT IN ('doctor', 'patient');
ALTER TABLE consultation_participant
  DROP CONSTRAINT consultation_participant_role_check,
  ADD CONSTRAINT consultation_participant_role_check CHECK (role IN ('doctor', 'patient'));

DROP INDEX consultation_line;
CREATE INDEX consultation_line ON consultation (doctor_id, status, starts_at);
ALTER TABLE consultation
  DROP COLUMN away_since, DROP COLUMN place_at, DROP COLUMN priority, DROP COLUMN triage, DROP COLUMN kind;
DROP INDEX appointment_one_walk_in;
ALTER TABLE appointment DROP COLUMN kind;
