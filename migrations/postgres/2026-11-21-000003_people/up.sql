-- Doctors, whose profiles are public, and patients, whose profiles nobody reads without the key.

CREATE TABLE doctor (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  user_id uuid NOT NULL,
  display_name text NOT NULL,
  specialty text,
  qualifications text NOT NULL,
  licence_number text,
  years_of_experience integer,
  languages text NOT NULL,
  fee_minor bigint,
  fee_currency text,
  time_zone text NOT NULL,
  photo_url text,
  rating_sum bigint NOT NULL,
  rating_count bigint NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
  status_reason text,
  sort_name text COLLATE "C" NOT NULL,
  search_text text NOT NULL,
  specialty_key text NOT NULL,
  language_keys text NOT NULL,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE UNIQUE INDEX doctor_user ON doctor (user_id);
CREATE INDEX doctor_directory ON doctor (facility_id, status, sort_name, id);
CREATE INDEX doctor_specialty ON doctor (facility_id, status, specialty_key, sort_name, id);

-- `user_id` is null for a child or a walk-in, who has no account.
CREATE TABLE patient (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  user_id uuid,
  profile bytea NOT NULL,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE UNIQUE INDEX patient_user ON patient (user_id);

-- Keyed hashes of the beginnings of a patient's names, so that staff can search without the names being readable.
CREATE TABLE patient_name_token (
  patient_id uuid NOT NULL REFERENCES patient(id) ON DELETE CASCADE,
  token bytea NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  PRIMARY KEY (patient_id, token)
);
CREATE INDEX patient_name_token_search ON patient_name_token (facility_id, token, patient_id);
