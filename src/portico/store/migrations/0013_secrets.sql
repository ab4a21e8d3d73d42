-- Keys that a vendor shows once: waiting behind a link for one person, or kept under a name.

CREATE TABLE handed_secrets (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  account_id TEXT NOT NULL,
  digest BYTEA NOT NULL UNIQUE,
  sealed BYTEA NOT NULL,
  hint TEXT NOT NULL,
  about TEXT NOT NULL,
  needs_sign_in BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  seen_at BIGINT
);
CREATE INDEX handed_secrets_by_account ON handed_secrets (environment_id, account_id);
CREATE INDEX handed_secrets_by_expiry ON handed_secrets (expires_at);

CREATE TABLE stored_secrets (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  mark BYTEA NOT NULL,
  hint TEXT NOT NULL,
  about TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (environment_id, name)
);
