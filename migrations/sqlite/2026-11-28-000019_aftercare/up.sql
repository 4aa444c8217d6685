-- What follows a consultation: notes that are signed and then only amended, ratings, and how the connection was.

-- The text that was signed, and its signature; without them the notes are a draft.
ALTER TABLE consultation_note ADD COLUMN signed BLOB;
ALTER TABLE consultation_note ADD COLUMN signature BLOB;
ALTER TABLE consultation_note ADD COLUMN signing_key TEXT;
ALTER TABLE consultation_note ADD COLUMN signed_at TEXT;

CREATE TABLE note_amendment (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation_note(consultation_id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  number INTEGER NOT NULL,
  signed BLOB NOT NULL,
  signature BLOB NOT NULL,
  signing_key TEXT NOT NULL,
  signed_at TEXT NOT NULL,
  CONSTRAINT note_amendment_order UNIQUE (consultation_id, number)
) STRICT;
CREATE INDEX consultation_of_patient ON consultation (patient_id, doctor_id, starts_at);

-- One for each consultation at most; the words are sealed.
CREATE TABLE consultation_rating (
  consultation_id BLOB PRIMARY KEY NOT NULL REFERENCES consultation(id),
  id BLOB NOT NULL UNIQUE,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
  content BLOB NOT NULL,
  rated_at TEXT NOT NULL
) STRICT;
CREATE INDEX consultation_rating_doctor ON consultation_rating (doctor_id, id);

-- Sums of a minute; never single measurements. Loss in hundredths of a percent.
CREATE TABLE consultation_quality (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  minute TEXT NOT NULL,
  line TEXT NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  samples INTEGER NOT NULL,
  bitrate_kbps INTEGER NOT NULL,
  loss INTEGER NOT NULL,
  jitter_ms INTEGER NOT NULL,
  round_trip_ms INTEGER NOT NULL,
  frames INTEGER NOT NULL,
  frame_samples INTEGER NOT NULL,
  PRIMARY KEY (consultation_id, user_id, minute, line)
) STRICT;

-- What a participant was last advised, and what the advice follows from.
CREATE TABLE quality_standing (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  advice TEXT NOT NULL CHECK (advice IN ('video', 'audio', 'chat')),
  open_minute TEXT NOT NULL,
  bad_run INTEGER NOT NULL,
  good_run INTEGER NOT NULL,
  offered INTEGER NOT NULL,
  batches INTEGER NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
) STRICT;
