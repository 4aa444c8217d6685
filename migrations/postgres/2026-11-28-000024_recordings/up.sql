-- Recordings of consultations: one row each, kept when the bytes are gone, for what was agreed and done. The bytes lie
-- encrypted in the store of files. `recording_key` (under which they are encrypted), `thumbnail` and what administrators
-- write are sealed under the patient's key. `work` is what remains to be done in the background.
CREATE TABLE recording (
  id uuid PRIMARY KEY NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  consultation_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  requested_by uuid NOT NULL,
  media text NOT NULL CHECK (media IN ('video', 'audio', 'screen')),
  status text NOT NULL CHECK (status IN ('requested', 'recording', 'stopped', 'processing', 'ready', 'failed', 'refused', 'lapsed', 'deleted')),
  stopped_because text,
  failed_because text,
  text_version text NOT NULL,
  recording_key bytea NOT NULL,
  media_type text,
  segments bigint NOT NULL CHECK (segments >= 0),
  received bigint NOT NULL CHECK (received >= 0),
  length bigint,
  sha256 bytea,
  duration_ms bigint,
  thumbnail bytea,
  processed_with text,
  progress integer NOT NULL CHECK (progress BETWEEN 0 AND 100),
  held boolean NOT NULL,
  requested_at timestamptz NOT NULL,
  started_at timestamptz,
  stopped_at timestamptz,
  closes_at timestamptz,
  ready_at timestamptz,
  expires_at timestamptz,
  work text CHECK (work IN ('join', 'tidy', 'purge')),
  attempts integer NOT NULL,
  retry_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX recording_consultation ON recording (consultation_id);
CREATE UNIQUE INDEX recording_live ON recording (consultation_id) WHERE status IN ('requested', 'recording');
CREATE INDEX recording_due ON recording (retry_at) WHERE work IS NOT NULL;

-- What everybody said to being recorded, and to which text; the newest row of an account counts.
CREATE TABLE recording_consent (
  id uuid PRIMARY KEY NOT NULL,
  recording_id uuid NOT NULL REFERENCES recording(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  user_id uuid NOT NULL,
  role text NOT NULL,
  decision text NOT NULL CHECK (decision IN ('given', 'refused', 'withdrawn')),
  text_version text NOT NULL,
  decided_at timestamptz NOT NULL
);
CREATE INDEX recording_consent_recording ON recording_consent (recording_id);

-- What the recording client has sent. A row is there before its bytes are, so that none are forgotten; it counts once it
-- is `kept`.
CREATE TABLE recording_segment (
  id uuid PRIMARY KEY NOT NULL,
  recording_id uuid NOT NULL REFERENCES recording(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  number bigint NOT NULL CHECK (number > 0),
  length bigint NOT NULL CHECK (length > 0),
  sha256 bytea NOT NULL,
  kept boolean NOT NULL,
  received_at timestamptz NOT NULL
);
CREATE INDEX recording_segment_recording ON recording_segment (recording_id);
CREATE UNIQUE INDEX recording_segment_kept ON recording_segment (recording_id, number) WHERE kept;

-- When a recording was held back from deletion, by whom and why, and when no longer.
CREATE TABLE recording_hold (
  id uuid PRIMARY KEY NOT NULL,
  recording_id uuid NOT NULL REFERENCES recording(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  set_by uuid NOT NULL,
  held boolean NOT NULL,
  reason bytea NOT NULL,
  set_at timestamptz NOT NULL
);
CREATE INDEX recording_hold_recording ON recording_hold (recording_id);
