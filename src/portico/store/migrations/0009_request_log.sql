-- The request log in full: what was used and what it may have cost, why it failed, and the indexes that keep it quick.
-- Every key begins with the environment: an index by id alone would tempt a planner to walk through everybody's rows.

ALTER TABLE requests RENAME TO requests_before;
DROP INDEX requests_by_environment;
DROP INDEX requests_by_account;
DROP INDEX requests_by_time;

CREATE TABLE requests (
  id TEXT NOT NULL,
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
  class BIGINT NOT NULL,
  code TEXT NOT NULL,
  problem TEXT NOT NULL,
  is_replay BOOLEAN NOT NULL,
  vendor_status BIGINT NOT NULL,
  vendor_request_id TEXT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  duration_us BIGINT NOT NULL,
  vendor_us BIGINT NOT NULL,
  model TEXT NOT NULL,
  input_tokens BIGINT NOT NULL,
  cached_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  is_estimated BOOLEAN NOT NULL,
  -- Billionths of a US dollar; null where there is no price.
  cost_nanos BIGINT,
  has_bodies BOOLEAN NOT NULL,
  PRIMARY KEY (environment_id, id)
);
INSERT INTO requests (id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, path,
    tool, server_id, client, token_id, request_id, trace_id, status, class, code, problem, is_replay, vendor_status,
    vendor_request_id, bytes_in, bytes_out, duration_us, vendor_us, model, input_tokens, cached_tokens, output_tokens,
    is_estimated, cost_nanos, has_bodies)
  SELECT id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, path, tool,
    server_id, client, token_id, request_id, trace_id, status, status / 100, code, '', FALSE, vendor_status,
    vendor_request_id, bytes_in, bytes_out, duration_us, vendor_us, '', 0, 0, 0, FALSE, NULL, FALSE
  FROM requests_before;
DROP TABLE requests_before;

CREATE INDEX requests_by_account ON requests (environment_id, account_id, id);
CREATE INDEX requests_by_tenant ON requests (environment_id, tenant_id, id);
CREATE INDEX requests_by_class ON requests (environment_id, class, id);
CREATE INDEX requests_by_tool ON requests (environment_id, tool, id) WHERE tool <> '';
CREATE INDEX requests_by_server ON requests (environment_id, server_id, id) WHERE server_id <> '';
CREATE INDEX requests_by_request ON requests (environment_id, request_id, id);

-- What was used, added up by day (of UTC) as the rows are written, so that nobody has to add up millions of them.
CREATE TABLE metered (
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  day TEXT NOT NULL,
  model TEXT NOT NULL,
  requests BIGINT NOT NULL,
  input_tokens BIGINT NOT NULL,
  cached_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  estimated BIGINT NOT NULL,
  unpriced BIGINT NOT NULL,
  cost_nanos BIGINT NOT NULL,
  PRIMARY KEY (environment_id, account_id, day, model)
);
