-- Links by which somebody outside connects an account: used once, found by their keyed hash alone.

CREATE TABLE link_tokens (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  digest BYTEA NOT NULL UNIQUE,
  integration TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  keeps_context BOOLEAN NOT NULL,
  redirect_uri TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX link_tokens_by_expiry ON link_tokens (expires_at);
