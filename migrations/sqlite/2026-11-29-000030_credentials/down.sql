DROP TABLE credential;
DELETE FROM file_share WHERE conversation_kind = 'verification';
DELETE FROM file WHERE patient_id IS NULL;
ALTER TABLE file_share ADD COLUMN shown_in TEXT NOT NULL DEFAULT 'consultation'
  CHECK (shown_in IN ('consultation', 'thread'));
UPDATE file_share SET shown_in = conversation_kind;
ALTER TABLE file_share DROP COLUMN conversation_kind;
ALTER TABLE file_share RENAME COLUMN shown_in TO conversation_kind;
ALTER TABLE file ADD COLUMN about_patient BLOB NOT NULL DEFAULT x'';
UPDATE file SET about_patient = patient_id;
ALTER TABLE file DROP COLUMN patient_id;
ALTER TABLE file RENAME COLUMN about_patient TO patient_id;
