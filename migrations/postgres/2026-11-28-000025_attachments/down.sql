DELETE FROM file_share WHERE conversation_kind = 'thread';
DROP INDEX file_share_message;
ALTER TABLE file_share DROP COLUMN message_id;
ALTER TABLE file_share DROP COLUMN conversation_kind;
ALTER TABLE file_share RENAME COLUMN conversation_id TO consultation_id;
ALTER TABLE file DROP COLUMN thread_id;
