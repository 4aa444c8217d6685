-- What follows a consultation: notes that are signed and then only amended, ratings, and how the connection was.

-- The text that was signed, and its signature; without them the notes are a draft.
ALTER TABLE consultation_note ADD COLUMN signed bytea;
ALTER TABLE consultation_note ADD COLUMN signature bytea;
ALTER TABLE consultation_note ADD COLUMN signing_key text;
ALTER TABLE consultation_note ADD COLUMN signed_at timestamptz;

CREATE TABLE note_amendment (
  id uuid PRIMARY KEY,
  consultation_id uuid NOT NULL REFERENCES consultation_note(consultation_id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  number bigint NOT NULL,
  signed bytea NOT NULL,
  signature bytea NOT NULL,
  signing_key text NOT NULL,
  signed_at timestamptz NOT NULL,
  CONSTRAINT note_amendment_order UNIQUE (consultation_id, number)
);
CREATE INDEX consultation_of_patient ON consultation (patient_id, doctor_id, starts_at);

-- One for each consultation at most; the words are sealed.
CREATE TABLE consultation_rating (
  consultation_id uuid PRIMARY KEY REFERENCES consultation(id),
  id uuid NOT NULL UNIQUE,
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  stars integer NOT NULL CHECK (stars BETWEEN 1 AND 5),
  content bytea NOT NULL,
  rated_at timestamptz NOT NULL
);
CREATE INDEX consultation_rating_doctor ON consultation_rating (doctor_id, id);

-- Sums of a minute; never single measurements. Loss in hundredths of a percent.
CREATE TABLE consultation_quality (
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  user_id uuid NOT NULL,
  minute timestamptz NOT NULL,
  line text NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  samples integer NOT NULL,
  bitrate_kbps bigint NOT NULL,
  loss bigint NOT NULL,
  jitter_ms bigint NOT NULL,
  round_trip_ms bigint NOT NULL,
  frames bigint NOT NULL,
  frame_samples integer NOT NULL,
  PRIMARY KEY (consultation_id, user_id, minute, line)
);

-- What a participant was last advised, and what the advice follows from.
CREATE TABLE quality_standing (
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  user_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  advice text NOT NULL CHECK (advice IN ('video', 'audio', 'chat')),
  open_minute timestamptz NOT NULL,
  bad_run integer NOT NULL,
  good_run integer NOT NULL,
  offered boolean NOT NULL,
  batches integer NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
);
