-- A link to a file is signed now, not kept: a file can have any number of them, each with an end of its own.
-- Files live for a day at most, so those that are there are given up rather than copied.

DROP TABLE files;
DELETE FROM file_pieces;

CREATE TABLE files (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX files_by_expiry ON files (expires_at);
CREATE INDEX files_by_environment ON files (environment_id, id);
