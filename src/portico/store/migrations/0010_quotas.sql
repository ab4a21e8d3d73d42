-- How much may be used, and how much of it is used in the window that is open: shared by all replicas.

CREATE TABLE quotas (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  bearer TEXT NOT NULL,
  -- Empty: each tenant, account or server for itself.
  subject TEXT NOT NULL,
  measure TEXT NOT NULL,
  period TEXT NOT NULL,
  maximum BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (environment_id, bearer, subject, measure, period)
);
CREATE INDEX quotas_by_environment ON quotas (environment_id, id);

CREATE TABLE quota_use (
  environment_id TEXT NOT NULL,
  quota_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  began_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  used BIGINT NOT NULL,
  -- The percentage that was told to webhooks last.
  told BIGINT NOT NULL,
  PRIMARY KEY (environment_id, quota_id, subject, began_at)
);
CREATE INDEX quota_use_by_end ON quota_use (ends_at);

INSERT INTO changes (topic, number) VALUES ('quotas', 0);

-- What was used by whom: so that a quota that is made in the middle of a month knows what went before.
ALTER TABLE metered RENAME TO metered_before;
CREATE TABLE metered (
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  server_id TEXT NOT NULL,
  day TEXT NOT NULL,
  model TEXT NOT NULL,
  requests BIGINT NOT NULL,
  input_tokens BIGINT NOT NULL,
  cached_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  estimated BIGINT NOT NULL,
  unpriced BIGINT NOT NULL,
  cost_nanos BIGINT NOT NULL,
  PRIMARY KEY (environment_id, account_id, day, model, tenant_id, server_id)
);
INSERT INTO metered (environment_id, account_id, tenant_id, server_id, day, model, requests, input_tokens,
    cached_tokens, output_tokens, estimated, unpriced, cost_nanos)
  SELECT environment_id, account_id, COALESCE((SELECT tenant_id FROM accounts WHERE accounts.id = account_id), ''), '',
    day, model, requests, input_tokens, cached_tokens, output_tokens, estimated, unpriced, cost_nanos
  FROM metered_before;
DROP TABLE metered_before;
CREATE INDEX metered_by_day ON metered (environment_id, day);
