-- Which video provider serves a consultation, and what each participant's client and each doctor want.
-- One row per choice; `newest` marks the last one of a consultation that is not over.
CREATE TABLE consultation_video (
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  number INTEGER NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  provider TEXT NOT NULL,
  room TEXT NOT NULL,
  reason TEXT NOT NULL,
  chosen_at TEXT NOT NULL,
  left_at TEXT,
  left_because TEXT,
  newest INTEGER NOT NULL,
  PRIMARY KEY (consultation_id, number)
) STRICT;
CREATE INDEX consultation_video_newest ON consultation_video (chosen_at) WHERE newest;
CREATE INDEX consultation_video_room ON consultation_video (provider, room);

ALTER TABLE consultation_participant ADD COLUMN capabilities TEXT;
ALTER TABLE doctor ADD COLUMN video_provider TEXT;

-- Verified webhooks until they are understood; `content` is sealed, and forgotten when they are.
CREATE TABLE webhook_inbox (
  id BLOB PRIMARY KEY NOT NULL,
  plugin TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  content BLOB,
  status TEXT NOT NULL CHECK (status IN ('pending', 'done', 'dead')),
  attempts INTEGER NOT NULL,
  next_attempt_at TEXT NOT NULL,
  problem TEXT,
  received_at TEXT NOT NULL,
  settled_at TEXT,
  version INTEGER NOT NULL,
  CONSTRAINT webhook_inbox_once UNIQUE (plugin, delivery_id)
) STRICT;
CREATE INDEX webhook_inbox_due ON webhook_inbox (next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_inbox_status ON webhook_inbox (status, id);
