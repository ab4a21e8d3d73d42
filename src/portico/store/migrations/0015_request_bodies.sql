-- Bodies beside the rows of the request log, where that is switched on: for an environment, or for one account.

ALTER TABLE environments ADD COLUMN log_bodies BOOLEAN NOT NULL DEFAULT FALSE;
-- Null: as the environment has it.
ALTER TABLE accounts ADD COLUMN log_bodies BOOLEAN;

CREATE TABLE request_bodies (
  environment_id TEXT NOT NULL,
  -- That of the row.
  id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (environment_id, id)
);
CREATE INDEX request_bodies_by_account ON request_bodies (environment_id, account_id, id);
CREATE INDEX requests_by_bodies ON requests (environment_id, id) WHERE has_bodies;
