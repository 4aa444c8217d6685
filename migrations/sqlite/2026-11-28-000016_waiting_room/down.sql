DROP TABLE waiting_room;
DROP TABLE device_check;
DROP TABLE consultation_invitation;

CREATE TABLE participant_session_narrower (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  reconnected INTEGER NOT NULL,
  joined_at TEXT NOT NULL,
  left_at TEXT,
  left_because TEXT CHECK (left_because IN ('left', 'dropped', 'ended'))
) STRICT;
INSERT INTO participant_session_narrower
  SELECT id, consultation_id, user_id, facility_id, reconnected, joined_at, left_at,
    CASE left_because WHEN 'withdrawn' THEN 'left' ELSE left_because END
  FROM participant_session WHERE role IN ('doctor', 'patient');
DROP TABLE participant_session;
ALTER TABLE participant_session_narrower RENAME TO participant_session;
CREATE INDEX participant_session_order ON participant_session (consultation_id, joined_at);

CREATE TABLE consultation_participant_narrower (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL CHECK (role IN ('doctor', 'patient')),
  present INTEGER NOT NULL,
  joined_at TEXT,
  read_seq INTEGER NOT NULL,
  capabilities TEXT,
  PRIMARY KEY (consultation_id, user_id)
) STRICT;
INSERT INTO consultation_participant_narrower
  SELECT consultation_id, user_id, facility_id, role, present, joined_at, read_seq, capabilities
  FROM consultation_participant WHERE role IN ('doctor', 'patient');
DROP TABLE consultation_participant;
ALTER TABLE consultation_participant_narrower RENAME TO consultation_participant;
CREATE INDEX consultation_participant_present ON consultation_participant (present) WHERE present;

DROP INDEX consultation_line;
CREATE INDEX consultation_line ON consultation (doctor_id, status, starts_at);
ALTER TABLE consultation DROP COLUMN away_since;
ALTER TABLE consultation DROP COLUMN place_at;
ALTER TABLE consultation DROP COLUMN priority;
ALTER TABLE consultation DROP COLUMN triage;
ALTER TABLE consultation DROP COLUMN kind;
DROP INDEX appointment_one_walk_in;
ALTER TABLE appointment DROP COLUMN kind;
