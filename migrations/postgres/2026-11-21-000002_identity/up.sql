-- Accounts, what they may do where, their login sessions, and the one-time tokens sent by mail.

CREATE TABLE account (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  email_index bytea NOT NULL,
  email bytea NOT NULL,
  profile bytea NOT NULL,
  password_hash text NOT NULL,
  email_verified_at timestamptz,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL
);
CREATE UNIQUE INDEX account_email_index ON account (email_index);

CREATE TABLE membership (
  account_id uuid NOT NULL REFERENCES account(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  role text NOT NULL CHECK (role IN ('patient', 'doctor', 'nurse', 'pharmacist', 'support', 'admin')),
  person_id uuid,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, facility_id)
);
CREATE INDEX membership_role ON membership (facility_id, role, account_id);

-- One row per address somebody failed to log in with, whether or not it has an account.
CREATE TABLE login_failure (
  address bytea PRIMARY KEY,
  failures integer NOT NULL,
  failed_at timestamptz NOT NULL,
  locked_until timestamptz
);
CREATE INDEX login_failure_age ON login_failure (failed_at);

CREATE TABLE login_session (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  account_id uuid NOT NULL REFERENCES account(id),
  device bytea,
  started_at timestamptz NOT NULL,
  refreshed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text
);
CREATE INDEX login_session_account ON login_session (account_id, ended_at);
CREATE INDEX login_session_expiry ON login_session (expires_at);

-- Spent tokens stay while their session does: one that comes back was stolen.
CREATE TABLE refresh_token (
  hash bytea PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  session_id uuid NOT NULL REFERENCES login_session(id) ON DELETE CASCADE,
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);

-- `account_id` is null for an address without an account: asking for a reset does the same work for both.
CREATE TABLE account_token (
  hash bytea PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  purpose text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
  address bytea NOT NULL,
  account_id uuid REFERENCES account(id),
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX account_token_address ON account_token (address, purpose, issued_at);
CREATE INDEX account_token_account ON account_token (account_id, purpose);
CREATE INDEX account_token_expiry ON account_token (expires_at);
