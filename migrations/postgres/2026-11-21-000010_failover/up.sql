-- Which video provider serves a consultation, and what each participant's client and each doctor want.
-- One row per choice; `newest` marks the last one of a consultation that is not over.
CREATE TABLE consultation_video (
  consultation_id uuid NOT NULL REFERENCES consultation(id),
  number bigint NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  provider text NOT NULL,
  room text NOT NULL,
  reason text NOT NULL,
  chosen_at timestamptz NOT NULL,
  left_at timestamptz,
  left_because text,
  newest boolean NOT NULL,
  PRIMARY KEY (consultation_id, number)
);
CREATE INDEX consultation_video_newest ON consultation_video (chosen_at) WHERE newest;
CREATE INDEX consultation_video_room ON consultation_video (provider, room);

ALTER TABLE consultation_participant ADD COLUMN capabilities text;
ALTER TABLE doctor ADD COLUMN video_provider text;

-- Verified webhooks until they are understood; `content` is sealed, and forgotten when they are.
CREATE TABLE webhook_inbox (
  id uuid PRIMARY KEY,
  plugin text NOT NULL,
  delivery_id text NOT NULL,
  content bytea,
  status text NOT NULL CHECK (status IN ('pending', 'done', 'dead')),
  attempts integer NOT NULL,
  next_attempt_at timestamptz NOT NULL,
  problem text,
  received_at timestamptz NOT NULL,
  settled_at timestamptz,
  version bigint NOT NULL,
  CONSTRAINT webhook_inbox_once UNIQUE (plugin, delivery_id)
);
CREATE INDEX webhook_inbox_due ON webhook_inbox (next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_inbox_status ON webhook_inbox (status, id);
