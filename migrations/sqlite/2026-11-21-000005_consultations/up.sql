-- Consultations: the meeting, who was in it, its chat, the doctor's notes, and the waiting line as last told.
CREATE TABLE consultation (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  appointment_id BLOB NOT NULL UNIQUE,
  doctor_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('scheduled', 'waiting', 'in_progress', 'completed', 'abandoned')),
  visit_type TEXT NOT NULL,
  is_emergency INTEGER NOT NULL,
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL,
  waiting_since TEXT,
  started_at TEXT,
  ended_at TEXT,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX consultation_line ON consultation (doctor_id, status, starts_at);
CREATE INDEX consultation_recent ON consultation (doctor_id, status, ended_at);

CREATE TABLE consultation_participant (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL CHECK (role IN ('doctor', 'patient')),
  present INTEGER NOT NULL,
  joined_at TEXT,
  read_seq INTEGER NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
) STRICT;
CREATE INDEX consultation_participant_present ON consultation_participant (present) WHERE present;

-- One row for each time somebody was there.
CREATE TABLE participant_session (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  reconnected INTEGER NOT NULL,
  joined_at TEXT NOT NULL,
  left_at TEXT,
  left_because TEXT CHECK (left_because IN ('left', 'dropped', 'ended'))
) STRICT;
CREATE INDEX participant_session_order ON participant_session (consultation_id, joined_at);

CREATE TABLE consultation_message (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  sender_id BLOB NOT NULL,
  client_key BLOB NOT NULL,
  seq INTEGER NOT NULL,
  content BLOB NOT NULL,
  sent_at TEXT NOT NULL,
  CONSTRAINT consultation_message_seq UNIQUE (consultation_id, seq),
  CONSTRAINT consultation_message_once UNIQUE (consultation_id, sender_id, client_key)
) STRICT;

CREATE TABLE consultation_note (
  consultation_id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  author_id BLOB NOT NULL,
  content BLOB NOT NULL,
  version INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

-- Places in the doctors' waiting lines as they were last told to the people in them.
CREATE TABLE waiting_place (
  consultation_id BLOB PRIMARY KEY NOT NULL REFERENCES consultation(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  position INTEGER NOT NULL
) STRICT;
CREATE INDEX waiting_place_doctor ON waiting_place (doctor_id);
