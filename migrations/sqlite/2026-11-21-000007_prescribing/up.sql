-- Prescriptions, whose content is sealed under the patient's key, and their way to a pharmacy.

-- `content` is the signed document; `code_index` a keyed hash of the verification code.
CREATE TABLE prescription (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  consultation_id BLOB NOT NULL,
  doctor_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  issued_at TEXT NOT NULL,
  code_index BLOB NOT NULL,
  content BLOB NOT NULL,
  signature BLOB NOT NULL,
  signing_key TEXT NOT NULL,
  withdrawn_at TEXT,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX prescription_code ON prescription (code_index);
CREATE INDEX prescription_consultation ON prescription (consultation_id, id);
CREATE INDEX prescription_patient ON prescription (patient_id, id);

CREATE TABLE pharmacy_dispatch (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  prescription_id BLOB NOT NULL REFERENCES prescription(id),
  gateway TEXT NOT NULL,
  pharmacy_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'accepted', 'preparing', 'ready', 'dispensed', 'rejected',
                                         'cancelled', 'failed')),
  reference TEXT,
  attempts INTEGER NOT NULL,
  problem TEXT,
  requested_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX pharmacy_dispatch_prescription ON pharmacy_dispatch (prescription_id, id);
CREATE UNIQUE INDEX pharmacy_dispatch_reference ON pharmacy_dispatch (gateway, reference);
CREATE INDEX pharmacy_dispatch_queue ON pharmacy_dispatch (gateway, status);
-- A prescription is at one pharmacy at a time, and is dispensed once.
CREATE UNIQUE INDEX pharmacy_dispatch_live ON pharmacy_dispatch (prescription_id)
  WHERE status NOT IN ('rejected', 'cancelled', 'failed');
