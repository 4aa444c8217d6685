-- Recordings of consultations: one row each, kept when the bytes are gone, for what was agreed and done. The bytes lie
-- encrypted in the store of files. `recording_key` (under which they are encrypted), `thumbnail` and what administrators
-- write are sealed under the patient's key. `work` is what remains to be done in the background.
CREATE TABLE recording (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  consultation_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  requested_by BLOB NOT NULL,
  media TEXT NOT NULL CHECK (media IN ('video', 'audio', 'screen')),
  status TEXT NOT NULL CHECK (status IN ('requested', 'recording', 'stopped', 'processing', 'ready', 'failed', 'refused', 'lapsed', 'deleted')),
  stopped_because TEXT,
  failed_because TEXT,
  text_version TEXT NOT NULL,
  recording_key BLOB NOT NULL,
  media_type TEXT,
  segments INTEGER NOT NULL CHECK (segments >= 0),
  received INTEGER NOT NULL CHECK (received >= 0),
  length INTEGER,
  sha256 BLOB,
  duration_ms INTEGER,
  thumbnail BLOB,
  processed_with TEXT,
  progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
  held INTEGER NOT NULL,
  requested_at TEXT NOT NULL,
  started_at TEXT,
  stopped_at TEXT,
  closes_at TEXT,
  ready_at TEXT,
  expires_at TEXT,
  work TEXT CHECK (work IN ('join', 'tidy', 'purge')),
  attempts INTEGER NOT NULL,
  retry_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX recording_consultation ON recording (consultation_id);
CREATE UNIQUE INDEX recording_live ON recording (consultation_id) WHERE status IN ('requested', 'recording');
CREATE INDEX recording_due ON recording (retry_at) WHERE work IS NOT NULL;

-- What everybody said to being recorded, and to which text; the newest row of an account counts.
CREATE TABLE recording_consent (
  id BLOB PRIMARY KEY NOT NULL,
  recording_id BLOB NOT NULL REFERENCES recording(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  user_id BLOB NOT NULL,
  role TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('given', 'refused', 'withdrawn')),
  text_version TEXT NOT NULL,
  decided_at TEXT NOT NULL
) STRICT;
CREATE INDEX recording_consent_recording ON recording_consent (recording_id);

-- What the recording client has sent. A row is there before its bytes are, so that none are forgotten; it counts once it
-- is `kept`.
CREATE TABLE recording_segment (
  id BLOB PRIMARY KEY NOT NULL,
  recording_id BLOB NOT NULL REFERENCES recording(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  number INTEGER NOT NULL CHECK (number > 0),
  length INTEGER NOT NULL CHECK (length > 0),
  sha256 BLOB NOT NULL,
  kept INTEGER NOT NULL,
  received_at TEXT NOT NULL
) STRICT;
CREATE INDEX recording_segment_recording ON recording_segment (recording_id);
CREATE UNIQUE INDEX recording_segment_kept ON recording_segment (recording_id, number) WHERE kept = 1;

-- When a recording was held back from deletion, by whom and why, and when no longer.
CREATE TABLE recording_hold (
  id BLOB PRIMARY KEY NOT NULL,
  recording_id BLOB NOT NULL REFERENCES recording(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  set_by BLOB NOT NULL,
  held INTEGER NOT NULL,
  reason BLOB NOT NULL,
  set_at TEXT NOT NULL
) STRICT;
CREATE INDEX recording_hold_recording ON recording_hold (recording_id);
