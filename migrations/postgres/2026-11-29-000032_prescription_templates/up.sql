-- Medicines that a doctor prescribes often, under a name of the doctor's own.
CREATE TABLE prescription_template (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  doctor_id uuid NOT NULL,
  content bytea NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX prescription_template_doctor ON prescription_template (doctor_id, id);
