-- People who sign in at a provider of their own (OpenID Connect): who they are there, which sessions began there, and
-- the sign-ins that are under way.

CREATE TABLE identities (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  email TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_by_person ON identities (person_id, issuer);

CREATE TABLE provider_sessions (
  digest BYTEA PRIMARY KEY REFERENCES sessions (digest) ON DELETE CASCADE,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  provider_session TEXT NOT NULL,
  id_token BYTEA NOT NULL
);
CREATE INDEX provider_sessions_by_subject ON provider_sessions (issuer, subject);
CREATE INDEX provider_sessions_by_session ON provider_sessions (issuer, provider_session);

CREATE TABLE begun_sign_ins (
  digest BYTEA PRIMARY KEY,
  visitor BYTEA NOT NULL,
  after TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX begun_sign_ins_by_expiry ON begun_sign_ins (expires_at);
