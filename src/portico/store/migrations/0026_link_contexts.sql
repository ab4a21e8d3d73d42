-- What is known of an account before somebody outside connects it: never a key.

ALTER TABLE link_tokens ADD COLUMN context TEXT NOT NULL DEFAULT '{}';
ALTER TABLE link_tokens ADD COLUMN region TEXT NOT NULL DEFAULT '';
