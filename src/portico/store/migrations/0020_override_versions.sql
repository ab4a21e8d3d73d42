-- Every change of what an environment or an account changes about the unified mappings, with who made it.

CREATE TABLE override_versions (
  environment_id TEXT NOT NULL,
  -- An environment integration's id, or an account's.
  subject_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  override TEXT NOT NULL,
  -- 0, or the number of the version that was put back.
  restored_from BIGINT NOT NULL,
  -- Empty: it was there before versions were kept.
  changed_by TEXT NOT NULL,
  changed_by_name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (environment_id, subject_id, number)
);
INSERT INTO override_versions
  (environment_id, subject_id, number, override, restored_from, changed_by, changed_by_name, created_at)
  SELECT environment_id, id, 1, unified_override, 0, '', '', updated_at FROM accounts WHERE unified_override <> '{}';
