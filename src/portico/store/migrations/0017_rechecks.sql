-- Accounts that work are looked at regularly, too: those that are there already from now on, each at a time of its own.

INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until)
  SELECT 'regular-' || id, environment_id, 'recheck', id, 'recheck', 0, 0, 0, 0 FROM accounts WHERE TRUE
  ON CONFLICT (environment_id, kind, subject) DO NOTHING;
