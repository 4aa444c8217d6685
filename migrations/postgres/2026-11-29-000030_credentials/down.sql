DROP TABLE credential;
DELETE FROM file_share WHERE conversation_kind = 'verification';
DELETE FROM file WHERE patient_id IS NULL;
ALTER TABLE file_share DROP CONSTRAINT file_share_conversation_kind_check;
ALTER TABLE file_share ADD CONSTRAINT file_share_conversation_kind_check
  CHECK (conversation_kind IN ('consultation', 'thread'));
ALTER TABLE file ALTER COLUMN patient_id SET NOT NULL;
