-- What video providers recorded of consultations, as they reported it: one row each, from the report on. A file that was
-- kept is the recording of the same id; until then the row says what remains to be done. `download`, which may hold a
-- token, is sealed under the patient's key.
CREATE TABLE provider_recording (
  id uuid PRIMARY KEY NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  consultation_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  provider text NOT NULL,
  room text NOT NULL,
  reference text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  download bytea,
  status text NOT NULL CHECK (status IN ('waiting', 'kept', 'refused', 'dead')),
  problem text,
  attempts integer NOT NULL,
  retry_at timestamptz NOT NULL,
  reported_at timestamptz NOT NULL,
  settled_at timestamptz,
  UNIQUE (provider, reference)
);
CREATE INDEX provider_recording_due ON provider_recording (retry_at) WHERE status = 'waiting';
CREATE INDEX provider_recording_list ON provider_recording (facility_id, id);
CREATE INDEX provider_recording_status ON provider_recording (facility_id, status, id);

-- Of a recording that a provider made: the recording whose consents it was made under.
ALTER TABLE recording ADD COLUMN agreed_in uuid;

-- Rooms of providers whose lists are looked at after a consultation that was recorded, and how often that was done.
CREATE TABLE provider_look (
  id uuid PRIMARY KEY NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  consultation_id uuid NOT NULL,
  provider text NOT NULL,
  room text NOT NULL,
  number integer NOT NULL,
  due_at timestamptz NOT NULL
);
CREATE INDEX provider_look_due ON provider_look (due_at);
