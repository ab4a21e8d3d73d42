-- What an environment changes about the unified mappings of an integration, for all its accounts.

ALTER TABLE installations ADD COLUMN unified_override TEXT NOT NULL DEFAULT '{}';
