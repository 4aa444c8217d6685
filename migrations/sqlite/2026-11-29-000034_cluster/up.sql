-- The nodes that serve together. All times are the database's: the clocks of nodes may differ.
CREATE TABLE node (
  id BLOB PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  version TEXT NOT NULL,
  joined_at TEXT NOT NULL,
  owns_from TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;
