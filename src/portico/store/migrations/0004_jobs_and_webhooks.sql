-- What happens later: jobs with leases, events on their way to webhooks, watches, and vendors' webhooks that come in.

-- A row is a job to be done. It belongs to nobody (lease_until in the past) or to the worker whose fence it carries.
-- Leases are told by the database's clock, so that replicas need not agree on the time.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  lane TEXT NOT NULL,
  run_at BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  UNIQUE (environment_id, kind, subject)
);
CREATE INDEX jobs_by_run ON jobs (run_at);
CREATE INDEX jobs_by_lease ON jobs (lease_until);

CREATE TABLE events (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  name TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX events_by_time ON events (created_at);

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  target_url TEXT NOT NULL,
  event_types TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  sealed BYTEA NOT NULL,
  disabled_reason TEXT NOT NULL,
  last_success_at BIGINT,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX webhooks_by_environment ON webhooks (environment_id, id);

CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  next_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (environment_id, webhook_id, event_id)
);
CREATE INDEX deliveries_by_webhook ON deliveries (environment_id, webhook_id, id);
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_by_time ON deliveries (updated_at);

CREATE TABLE delivery_attempts (
  environment_id TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  status BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  problem TEXT NOT NULL,
  PRIMARY KEY (environment_id, delivery_id, number)
);

CREATE TABLE watches (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  resource TEXT NOT NULL,
  method TEXT NOT NULL,
  object_id TEXT NOT NULL,
  arguments TEXT NOT NULL,
  wait TEXT NOT NULL,
  state TEXT NOT NULL,
  vendor_status TEXT NOT NULL,
  facts TEXT NOT NULL,
  problem TEXT NOT NULL,
  looks BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX watches_by_account ON watches (environment_id, account_id, id);
CREATE INDEX watches_by_object ON watches (environment_id, account_id, object_id);
CREATE UNIQUE INDEX watches_going ON watches (environment_id, account_id, resource, method, object_id)
  WHERE state = 'watching';
CREATE INDEX watches_by_time ON watches (updated_at);

CREATE TABLE inbound_endpoints (
  account_id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  vendor_id TEXT NOT NULL,
  url TEXT NOT NULL,
  event_types TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  last_received_at BIGINT
);

CREATE TABLE inbound_messages (
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  PRIMARY KEY (environment_id, account_id, message_id)
);
CREATE INDEX inbound_messages_by_time ON inbound_messages (received_at);

-- Accounts that were broken before there was anybody to look after them.
INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until)
  SELECT 'recheck-' || id, environment_id, 'recheck', id, id, 0, 0, 0, 0 FROM accounts
  WHERE status IN ('needs_reauth', 'validation_error');
