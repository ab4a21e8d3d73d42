-- How many items a call's page had; null where it was no list, or from before this was counted.

ALTER TABLE requests ADD COLUMN result_count INTEGER;
