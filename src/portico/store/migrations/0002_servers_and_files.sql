-- MCP servers of accounts, and files that wait for somebody to fetch them.

INSERT INTO changes (topic, number) VALUES ('servers', 0);

CREATE TABLE servers (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  digest BYTEA NOT NULL UNIQUE,
  hint TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  expires_at BIGINT
);
CREATE INDEX servers_by_account ON servers (environment_id, account_id, id);

CREATE TABLE files (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  digest BYTEA NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX files_by_expiry ON files (expires_at);

CREATE TABLE file_pieces (
  environment_id TEXT NOT NULL,
  file_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (environment_id, file_id, number)
);
