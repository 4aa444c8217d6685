-- Messages of consultations and threads in one table, what they said before, and who is still to be told of them.
-- `told_seq` is the number of the topic event that told the text; sealed texts move as they are.
CREATE TABLE chat_message (
  id uuid PRIMARY KEY,
  conversation_kind text NOT NULL CHECK (conversation_kind IN ('consultation', 'thread')),
  conversation_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  sender_id uuid NOT NULL,
  client_key bytea NOT NULL,
  seq bigint NOT NULL,
  told_seq bigint NOT NULL,
  content bytea NOT NULL,
  sent_at timestamptz NOT NULL,
  edited_at timestamptz,
  deleted_at timestamptz,
  version bigint NOT NULL,
  CONSTRAINT chat_message_seq UNIQUE (conversation_id, seq),
  CONSTRAINT chat_message_once UNIQUE (conversation_id, sender_id, client_key)
);
INSERT INTO chat_message
  (id, conversation_kind, conversation_id, facility_id, sender_id, client_key, seq, told_seq, content, sent_at, version)
  SELECT id, 'consultation', consultation_id, facility_id, sender_id, client_key, seq, seq, content, sent_at, 1
  FROM consultation_message;
DROP TABLE consultation_message;

-- Texts that were edited or deleted, by their number in the message's history. Only ever added to.
CREATE TABLE chat_earlier_text (
  id uuid PRIMARY KEY,
  message_id uuid NOT NULL REFERENCES chat_message(id),
  number bigint NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  told_seq bigint NOT NULL,
  content bytea NOT NULL,
  written_at timestamptz NOT NULL,
  replaced_at timestamptz NOT NULL,
  CONSTRAINT chat_earlier_text_number UNIQUE (message_id, number)
);

-- What waits for a reader who may be away, and what they were told of. The timer `chat_notice` has the row's id.
CREATE TABLE chat_notice (
  id uuid PRIMARY KEY,
  conversation_kind text NOT NULL CHECK (conversation_kind IN ('consultation', 'thread')),
  conversation_id uuid NOT NULL,
  facility_id uuid NOT NULL REFERENCES facility(id),
  user_id uuid NOT NULL,
  waiting_seq bigint,
  told_seq bigint,
  told_at timestamptz,
  CONSTRAINT chat_notice_reader UNIQUE (conversation_id, user_id)
);
