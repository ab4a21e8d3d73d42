-- Root keys that can be changed while everything runs, and the processes that share this database.

-- One row for each root key that this database has known; the one without an end is in use. The pepper of tokens is
-- wrapped by each, so that it outlives them all. A check value is what the first versions kept instead.
CREATE TABLE root_keys (
  id TEXT PRIMARY KEY,
  pepper BYTEA,
  check_value BYTEA,
  created_at BIGINT NOT NULL,
  superseded_at BIGINT,
  retired_at BIGINT
);
INSERT INTO root_keys (id, check_value, created_at) SELECT 'unnamed', check_value, created_at FROM keyring;
DROP TABLE keyring;

ALTER TABLE data_keys ADD COLUMN superseded_at BIGINT;

CREATE TABLE rotations (
  id TEXT PRIMARY KEY,
  what TEXT NOT NULL,
  state TEXT NOT NULL,
  root_key TEXT NOT NULL,
  total BIGINT NOT NULL,
  done BIGINT NOT NULL,
  note TEXT NOT NULL,
  started_by TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  settled_at BIGINT,
  finished_at BIGINT
);

CREATE TABLE replicas (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  root_keys TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

INSERT INTO changes (topic, number) VALUES ('keys', 0);
