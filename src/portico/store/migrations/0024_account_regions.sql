-- Where an account's customer is, as clients of the reference say it when they connect one.

ALTER TABLE accounts ADD COLUMN region TEXT NOT NULL DEFAULT '';
