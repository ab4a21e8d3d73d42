-- What a vendor's message is about, so that whoever waits for that very thing hears of it, in whichever process.

INSERT INTO changes (topic, number) VALUES ('arrivals', 0);

ALTER TABLE inbound_messages ADD COLUMN object_id TEXT NOT NULL DEFAULT '';
CREATE INDEX inbound_messages_by_object ON inbound_messages (environment_id, account_id, object_id);
