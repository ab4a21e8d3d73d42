-- Which program a session belongs to, as it named itself, so that people know their sessions apart.

ALTER TABLE sessions ADD COLUMN client TEXT NOT NULL DEFAULT '';
