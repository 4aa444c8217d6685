-- What video providers recorded of consultations, as they reported it: one row each, from the report on. A file that was
-- kept is the recording of the same id; until then the row says what remains to be done. `download`, which may hold a
-- token, is sealed under the patient's key.
CREATE TABLE provider_recording (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  consultation_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  provider TEXT NOT NULL,
  room TEXT NOT NULL,
  reference TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  download BLOB,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'kept', 'refused', 'dead')),
  problem TEXT,
  attempts INTEGER NOT NULL,
  retry_at TEXT NOT NULL,
  reported_at TEXT NOT NULL,
  settled_at TEXT,
  UNIQUE (provider, reference)
) STRICT;
CREATE INDEX provider_recording_due ON provider_recording (retry_at) WHERE status = 'waiting';
CREATE INDEX provider_recording_list ON provider_recording (facility_id, id);
CREATE INDEX provider_recording_status ON provider_recording (facility_id, status, id);

-- Of a recording that a provider made: the recording whose consents it was made under.
ALTER TABLE recording ADD COLUMN agreed_in BLOB;

-- Rooms of providers whose lists are looked at after a consultation that was recorded, and how often that was done.
CREATE TABLE provider_look (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  consultation_id BLOB NOT NULL,
  provider TEXT NOT NULL,
  room TEXT NOT NULL,
  number INTEGER NOT NULL,
  due_at TEXT NOT NULL
) STRICT;
CREATE INDEX provider_look_due ON provider_look (due_at);
