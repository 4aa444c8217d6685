-- Messages of consultations and threads in one table, what they said before, and who is still to be told of them.
-- `told_seq` is the number of the topic event that told the text; sealed texts move as they are.
CREATE TABLE chat_message (
  id BLOB PRIMARY KEY NOT NULL,
  conversation_kind TEXT NOT NULL CHECK (conversation_kind IN ('consultation', 'thread')),
  conversation_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  sender_id BLOB NOT NULL,
  client_key BLOB NOT NULL,
  seq INTEGER NOT NULL,
  told_seq INTEGER NOT NULL,
  content BLOB NOT NULL,
  sent_at TEXT NOT NULL,
  edited_at TEXT,
  deleted_at TEXT,
  version INTEGER NOT NULL,
  CONSTRAINT chat_message_seq UNIQUE (conversation_id, seq),
  CONSTRAINT chat_message_once UNIQUE (conversation_id, sender_id, client_key)
) STRICT;
INSERT INTO chat_message
  (id, conversation_kind, conversation_id, facility_id, sender_id, client_key, seq, told_seq, content, sent_at, version)
  SELECT id, 'consultation', consultation_id, facility_id, sender_id, client_key, seq, seq, content, sent_at, 1
  FROM consultation_message;
DROP TABLE consultation_message;

-- Texts that were edited or deleted, by their number in the message's history. Only ever added to.
CREATE TABLE chat_earlier_text (
  id BLOB PRIMARY KEY NOT NULL,
  message_id BLOB NOT NULL REFERENCES chat_message(id),
  number INTEGER NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  told_seq INTEGER NOT NULL,
  content BLOB NOT NULL,
  written_at TEXT NOT NULL,
  replaced_at TEXT NOT NULL,
  CONSTRAINT chat_earlier_text_number UNIQUE (message_id, number)
) STRICT;

-- What waits for a reader who may be away, and what they were told of. The timer `chat_notice` has the row's id.
CREATE TABLE chat_notice (
  id BLOB PRIMARY KEY NOT NULL,
  conversation_kind TEXT NOT NULL CHECK (conversation_kind IN ('consultation', 'thread')),
  conversation_id BLOB NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  user_id BLOB NOT NULL,
  waiting_seq INTEGER,
  told_seq INTEGER,
  told_at TEXT,
  CONSTRAINT chat_notice_reader UNIQUE (conversation_id, user_id)
) STRICT;
