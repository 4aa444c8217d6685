-- Whom a line is about: the patient, account or facility under whose key the event's data is sealed. Part of the
-- line's MAC where it is set, so that older lines stay as they were.
ALTER TABLE audit_entry ADD COLUMN subject_id BLOB;

-- For searching, the newest first.
DROP INDEX audit_entry_entity;
DROP INDEX audit_entry_principal;
CREATE INDEX audit_entry_entity ON audit_entry (entity_id, at, id);
CREATE INDEX audit_entry_principal ON audit_entry (principal_id, at, id);
CREATE INDEX audit_entry_subject ON audit_entry (subject_id, entity_id);
CREATE INDEX audit_entry_action ON audit_entry (facility_id, action, at, id);
CREATE INDEX audit_entry_kind ON audit_entry (facility_id, entity_kind, at, id);
CREATE INDEX audit_entry_time ON audit_entry (facility_id, at, id);

-- Who may not log in any more, and is not listed as a doctor.
ALTER TABLE account ADD COLUMN deactivated_at TEXT;
CREATE INDEX account_deactivated ON account (facility_id, id) WHERE deactivated_at IS NOT NULL;
CREATE INDEX membership_facility ON membership (facility_id, account_id);
ALTER TABLE doctor ADD COLUMN suspended_at TEXT;
