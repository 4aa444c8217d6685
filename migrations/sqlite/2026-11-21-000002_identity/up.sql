-- Accounts, what they may do where, their login sessions, and the one-time tokens sent by mail.

CREATE TABLE account (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  email_index BLOB NOT NULL,
  email BLOB NOT NULL,
  profile BLOB NOT NULL,
  password_hash TEXT NOT NULL,
  email_verified_at TEXT,
  created_at TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_email_index ON account (email_index);

CREATE TABLE membership (
  account_id BLOB NOT NULL REFERENCES account(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  role TEXT NOT NULL CHECK (role IN ('patient', 'doctor', 'nurse', 'pharmacist', 'support', 'admin')),
  person_id BLOB,
  created_at TEXT NOT NULL,
  PRIMARY KEY (account_id, facility_id)
) STRICT;
CREATE INDEX membership_role ON membership (facility_id, role, account_id);

-- One row per address somebody failed to log in with, whether or not it has an account.
CREATE TABLE login_failure (
  address BLOB PRIMARY KEY NOT NULL,
  failures INTEGER NOT NULL,
  failed_at TEXT NOT NULL,
  locked_until TEXT
) STRICT;
CREATE INDEX login_failure_age ON login_failure (failed_at);

CREATE TABLE login_session (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  account_id BLOB NOT NULL REFERENCES account(id),
  device BLOB,
  started_at TEXT NOT NULL,
  refreshed_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  ended_at TEXT,
  end_reason TEXT
) STRICT;
CREATE INDEX login_session_account ON login_session (account_id, ended_at);
CREATE INDEX login_session_expiry ON login_session (expires_at);

-- Spent tokens stay while their session does: one that comes back was stolen.
CREATE TABLE refresh_token (
  hash BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  session_id BLOB NOT NULL REFERENCES login_session(id) ON DELETE CASCADE,
  issued_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT
) STRICT;
CREATE INDEX refresh_token_session ON refresh_token (session_id);

-- `account_id` is null for an address without an account: asking for a reset does the same work for both.
CREATE TABLE account_token (
  hash BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  purpose TEXT NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
  address BLOB NOT NULL,
  account_id BLOB REFERENCES account(id),
  issued_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT
) STRICT;
CREATE INDEX account_token_address ON account_token (address, purpose, issued_at);
CREATE INDEX account_token_account ON account_token (account_id, purpose);
CREATE INDEX account_token_expiry ON account_token (expires_at);
