-- What a participant lets the others hear and see, and what was drawn on a shared screen.
CREATE TABLE participant_media (
  consultation_id UUID NOT NULL REFERENCES consultation(id),
  user_id UUID NOT NULL,
  facility_id UUID NOT NULL REFERENCES facility(id),
  microphone BOOLEAN NOT NULL,
  camera BOOLEAN NOT NULL,
  screen BOOLEAN NOT NULL,
  hand_raised_at TIMESTAMPTZ,
  changed_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (consultation_id, user_id)
);

CREATE TABLE consultation_annotation (
  id UUID PRIMARY KEY,
  consultation_id UUID NOT NULL REFERENCES consultation(id),
  facility_id UUID NOT NULL REFERENCES facility(id),
  author_id UUID NOT NULL,
  client_key BYTEA NOT NULL,
  content BYTEA NOT NULL,
  saved_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT consultation_annotation_once UNIQUE (consultation_id, author_id, client_key)
);
