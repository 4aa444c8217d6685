-- The nodes that serve together. All times are the database's: the clocks of nodes may differ.
CREATE TABLE node (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  address text NOT NULL,
  version text NOT NULL,
  joined_at timestamptz NOT NULL,
  owns_from timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
