-- Prescriptions, whose content is sealed under the patient's key, and their way to a pharmacy.

-- `content` is the signed document; `code_index` a keyed hash of the verification code.
CREATE TABLE prescription (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  consultation_id uuid NOT NULL,
  doctor_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  issued_at timestamptz NOT NULL,
  code_index bytea NOT NULL,
  content bytea NOT NULL,
  signature bytea NOT NULL,
  signing_key text NOT NULL,
  withdrawn_at timestamptz,
  version bigint NOT NULL
);
CREATE UNIQUE INDEX prescription_code ON prescription (code_index);
CREATE INDEX prescription_consultation ON prescription (consultation_id, id);
CREATE INDEX prescription_patient ON prescription (patient_id, id);

CREATE TABLE pharmacy_dispatch (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  prescription_id uuid NOT NULL REFERENCES prescription(id),
  gateway text NOT NULL,
  pharmacy_id text,
  status text NOT NULL CHECK (status IN ('queued', 'sent', 'accepted', 'preparing', 'ready', 'dispensed', 'rejected',
                                         'cancelled', 'failed')),
  reference text,
  attempts integer NOT NULL,
  problem text,
  requested_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX pharmacy_dispatch_prescription ON pharmacy_dispatch (prescription_id, id);
CREATE UNIQUE INDEX pharmacy_dispatch_reference ON pharmacy_dispatch (gateway, reference);
CREATE INDEX pharmacy_dispatch_queue ON pharmacy_dispatch (gateway, status);
-- A prescription is at one pharmacy at a time, and is dispensed once.
CREATE UNIQUE INDEX pharmacy_dispatch_live ON pharmacy_dispatch (prescription_id)
  WHERE status NOT IN ('rejected', 'cancelled', 'failed');
