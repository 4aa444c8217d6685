-- Files are shared in threads, too, and with messages: such a share goes with its message.
ALTER TABLE file ADD COLUMN thread_id BLOB;
ALTER TABLE file_share RENAME COLUMN consultation_id TO conversation_id;
ALTER TABLE file_share ADD COLUMN conversation_kind TEXT NOT NULL DEFAULT 'consultation'
  CHECK (conversation_kind IN ('consultation', 'thread'));
ALTER TABLE file_share ADD COLUMN message_id BLOB;
CREATE INDEX file_share_message ON file_share (message_id) WHERE message_id IS NOT NULL;
