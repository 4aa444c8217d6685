DROP TABLE chat_notice;
DROP TABLE chat_earlier_text;
CREATE TABLE consultation_message (
  id BLOB PRIMARY KEY NOT NULL,
  consultation_id BLOB NOT NULL REFERENCES consultation(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  sender_id BLOB NOT NULL,
  client_key BLOB NOT NULL,
  seq INTEGER NOT NULL,
  content BLOB NOT NULL,
  sent_at TEXT NOT NULL,
  CONSTRAINT consultation_message_seq UNIQUE (consultation_id, seq),
  CONSTRAINT consultation_message_once UNIQUE (consultation_id, sender_id, client_key)
) STRICT;
INSERT INTO consultation_message (id, consultation_id, facility_id, sender_id, client_key, seq, content, sent_at)
  SELECT id, conversation_id, facility_id, sender_id, client_key, seq, content, sent_at
  FROM chat_message WHERE conversation_kind = 'consultation';
DROP TABLE chat_message;
