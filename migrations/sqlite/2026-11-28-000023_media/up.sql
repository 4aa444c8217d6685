-- What a participant lets the others hear and see, and what was drawn on a shared screen.
CREATE TABLE participant_media (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  user_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  microphone INTEGER NOT NULL,
  camera INTEGER NOT NULL,
  screen INTEGER NOT NULL,
  hand_raised_at TEXT,
  changed_at TEXT NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
) STRICT;

CREATE TABLE consultation_annotation (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  author_id BLOB NOT NULL,
  client_key BLOB NOT NULL,
  content BLOB NOT NULL,
  saved_at TEXT NOT NULL,
  CONSTRAINT consultation_annotation_once UNIQUE (consultation_id, author_id, client_key)
) STRICT;
