-- What an environment writes about an integration and its methods, in the place of what its definition says.

CREATE TABLE documentation (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  integration TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  type TEXT NOT NULL,
  resource TEXT NOT NULL,
  method TEXT NOT NULL,
  authentication_method TEXT NOT NULL,
  content TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (environment_id, entity_type, entity_id, type, resource, method, authentication_method)
);
CREATE INDEX documentation_by_integration ON documentation (environment_id, integration);
