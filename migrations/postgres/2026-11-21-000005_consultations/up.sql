-- Consultations: the meeting, who was in it, its chat, the doctor's notes, and the waiting line as last told.
CREATE TABLE consultation (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  appointment_id uuid NOT NULL UNIQUE,
  doctor_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('scheduled', 'waiting', 'in_progress', 'completed', 'abandoned')),
  visit_type text NOT NULL,
  is_emergency boolean NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  waiting_since timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  version bigint NOT NULL
);
CREATE INDEX consultation_line ON consultation (doctor_id, status, starts_at);
CREATE INDEX consultation_recent ON consultation (doctor_id, status, ended_at);

CREATE TABLE consultation_participant (
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  user_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  role text NOT NULL CHECK (role IN ('doctor', 'patient')),
  present boolean NOT NULL,
  joined_at timestamptz,
  read_seq bigint NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
);
CREATE INDEX consultation_participant_present ON consultation_participant (present) WHERE present;

-- One row for each time somebody was there.
CREATE TABLE participant_session (
  id uuid PRIMARY KEY,
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  user_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  reconnected boolean NOT NULL,
  joined_at timestamptz NOT NULL,
  left_at timestamptz,
  left_because text CHECK (left_because IN ('left', 'dropped', 'ended'))
);
CREATE INDEX participant_session_order ON participant_session (consultation_id, joined_at);

CREATE TABLE consultation_message (
  id uuid PRIMARY KEY,
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  sender_id uuid NOT NULL,
  client_key bytea NOT NULL,
  seq bigint NOT NULL,
  content bytea NOT NULL,
  sent_at timestamptz NOT NULL,
  CONSTRAINT consultation_message_seq UNIQUE (consultation_id, seq),
  CONSTRAINT consultation_message_once UNIQUE (consultation_id, sender_id, client_key)
);

CREATE TABLE consultation_note (
  consultation_id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  author_id uuid NOT NULL,
  content bytea NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

-- Places in the doctors' waiting lines as they were last told to the people in them.
CREATE TABLE waiting_place (
  consultation_id uuid PRIMARY KEY REFERENCES consultation(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  position integer NOT NULL
);
CREATE INDEX waiting_place_doctor ON waiting_place (doctor_id);
