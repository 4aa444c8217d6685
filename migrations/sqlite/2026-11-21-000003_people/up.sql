-- Doctors, whose profiles are public, and patients, whose profiles nobody reads without the key.

CREATE TABLE doctor (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  user_id BLOB NOT NULL,
  display_name TEXT NOT NULL,
  specialty TEXT,
  qualifications TEXT NOT NULL,
  licence_number TEXT,
  years_of_experience INTEGER,
  languages TEXT NOT NULL,
  fee_minor INTEGER,
  fee_currency TEXT,
  time_zone TEXT NOT NULL,
  photo_url TEXT,
  rating_sum INTEGER NOT NULL,
  rating_count INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
  status_reason TEXT,
  sort_name TEXT NOT NULL,
  search_text TEXT NOT NULL,
  specialty_key TEXT NOT NULL,
  language_keys TEXT NOT NULL,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX doctor_user ON doctor (user_id);
CREATE INDEX doctor_directory ON doctor (facility_id, status, sort_name, id);
CREATE INDEX doctor_specialty ON doctor (facility_id, status, specialty_key, sort_name, id);

-- `user_id` is null for a child or a walk-in, who has no account.
CREATE TABLE patient (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  user_id BLOB,
  profile BLOB NOT NULL,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX patient_user ON patient (user_id);

-- Keyed hashes of the beginnings of a patient's names, so that staff can search without the names being readable.
CREATE TABLE patient_name_token (
  patient_id BLOB NOT NULL REFERENCES patient(id) ON DELETE CASCADE,
  token BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  PRIMARY KEY (patient_id, token)
) STRICT;
CREATE INDEX patient_name_token_search ON patient_name_token (facility_id, token, patient_id);
