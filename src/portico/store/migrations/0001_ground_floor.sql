-- One text for both engines: SQLite takes the type names as they are (BYTEA and BOOLEAN keep what they are given).
-- Times are milliseconds since 1970. Everything that belongs to somebody carries environment_id.

CREATE TABLE keyring (
  id BIGINT PRIMARY KEY,
  check_value BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE data_keys (
  id BYTEA PRIMARY KEY,
  environment_id TEXT NOT NULL,
  wrapped BYTEA NOT NULL,
  wrapper TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  retired_at BIGINT
);
CREATE INDEX data_keys_by_environment ON data_keys (environment_id, created_at);

CREATE TABLE changes (
  topic TEXT PRIMARY KEY,
  number BIGINT NOT NULL
);
INSERT INTO changes (topic, number) VALUES ('tokens', 0), ('accounts', 0), ('integrations', 0);

CREATE TABLE environments (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  digest BYTEA NOT NULL UNIQUE,
  hint TEXT NOT NULL,
  scopes TEXT NOT NULL,
  account_id TEXT,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  expires_at BIGINT
);
CREATE INDEX api_tokens_by_environment ON api_tokens (environment_id, kind, id);
CREATE INDEX api_tokens_by_account ON api_tokens (environment_id, account_id);

CREATE TABLE integrations (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  definition TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (environment_id, name)
);

CREATE TABLE installations (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  integration TEXT NOT NULL,
  is_enabled BOOLEAN NOT NULL,
  show_in_catalog BOOLEAN NOT NULL,
  override TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (environment_id, integration)
);

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  installation_id TEXT NOT NULL REFERENCES installations (id),
  integration TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  status TEXT NOT NULL,
  authentication_method TEXT NOT NULL,
  context TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  held TEXT NOT NULL,
  base_url TEXT NOT NULL,
  is_sandbox BOOLEAN NOT NULL,
  override TEXT NOT NULL,
  unified_override TEXT NOT NULL,
  last_error TEXT,
  last_forbidden_error TEXT,
  last_action_result TEXT,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX accounts_by_environment ON accounts (environment_id, id);
CREATE INDEX accounts_by_tenant ON accounts (environment_id, tenant_id, id);

CREATE TABLE replays (
  environment_id TEXT NOT NULL,
  place TEXT NOT NULL,
  digest BYTEA NOT NULL,
  fingerprint BYTEA NOT NULL,
  state TEXT NOT NULL,
  sealed BYTEA,
  lease_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (environment_id, place, digest)
);
CREATE INDEX replays_by_expiry ON replays (expires_at);

CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  account_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  integration TEXT NOT NULL,
  face TEXT NOT NULL,
  resource TEXT NOT NULL,
  method TEXT NOT NULL,
  verb TEXT NOT NULL,
  path TEXT NOT NULL,
  tool TEXT NOT NULL,
  server_id TEXT NOT NULL,
  client TEXT NOT NULL,
  token_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  status BIGINT NOT NULL,
  code TEXT NOT NULL,
  vendor_status BIGINT NOT NULL,
  vendor_request_id TEXT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  duration_us BIGINT NOT NULL,
  vendor_us BIGINT NOT NULL
);
CREATE INDEX requests_by_environment ON requests (environment_id, id);
CREATE INDEX requests_by_account ON requests (environment_id, account_id, id);
CREATE INDEX requests_by_time ON requests (at);

CREATE TABLE audit_heads (
  environment_id TEXT PRIMARY KEY,
  number BIGINT NOT NULL,
  hash BYTEA NOT NULL
);

CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  act TEXT NOT NULL,
  target TEXT NOT NULL,
  facts TEXT NOT NULL,
  previous BYTEA NOT NULL,
  hash BYTEA NOT NULL,
  UNIQUE (environment_id, number)
);
