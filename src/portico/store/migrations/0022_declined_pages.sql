-- A link that people at a program were to open, and did not want to.

ALTER TABLE handed_secrets ADD COLUMN declined_at BIGINT;
