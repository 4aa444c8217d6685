-- Medicines that a doctor prescribes often, under a name of the doctor's own.
CREATE TABLE prescription_template (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  doctor_id BLOB NOT NULL,
  content BLOB NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX prescription_template_doctor ON prescription_template (doctor_id, id);
