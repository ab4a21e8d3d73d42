-- Calls that wait for somebody's yes. What would be sent is sealed: it may hold anything that a caller may say.

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  server_id TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_by_name TEXT NOT NULL,
  client TEXT NOT NULL,
  tool TEXT NOT NULL,
  title TEXT NOT NULL,
  effect TEXT NOT NULL,
  digest BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  by_client BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_by_name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  decided_at BIGINT,
  used_at BIGINT
);
CREATE INDEX approvals_by_environment ON approvals (environment_id, id);
CREATE INDEX approvals_by_digest ON approvals (environment_id, server_id, digest);
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
