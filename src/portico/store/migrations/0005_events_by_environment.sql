-- A stretch of an environment's events is read in order when a webhook is to have them again.
CREATE INDEX events_by_environment ON events (environment_id, created_at, id);
