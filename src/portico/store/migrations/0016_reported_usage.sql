-- What vendors themselves say was used and spent, by day (of UTC), beside what was metered here.

CREATE TABLE reported_days (
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  day TEXT NOT NULL,
  looks BIGINT NOT NULL,
  is_final BOOLEAN NOT NULL,
  narrowed TEXT NOT NULL,
  reported_at BIGINT NOT NULL,
  PRIMARY KEY (environment_id, account_id, day)
);
CREATE TABLE reported (
  environment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  day TEXT NOT NULL,
  kind TEXT NOT NULL,
  item TEXT NOT NULL,
  amounts TEXT NOT NULL,
  -- Billionths of a US dollar.
  cost_nanos BIGINT NOT NULL,
  PRIMARY KEY (environment_id, account_id, day, kind, item)
);

-- Accounts that are there already are looked at from now on: the job finds out by itself which days are over.
INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until)
  SELECT 'report-' || id, environment_id, 'report', id, id, 0, 0, 0, 0 FROM accounts;
