-- What an environment makes of the pages that its customers see: which sites may show them, and how they look.

CREATE TABLE link_pages (
  environment_id TEXT PRIMARY KEY,
  -- A JSON array of origins, such as ["https://app.example"].
  allowed_origins TEXT NOT NULL,
  -- Empty: as Portico looks by itself.
  name TEXT NOT NULL,
  main_color TEXT NOT NULL,
  paper_color TEXT NOT NULL,
  logo BYTEA NOT NULL,
  logo_type TEXT NOT NULL,
  -- Of the logo's bytes: its address, which changes with them.
  logo_digest TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX link_pages_by_logo ON link_pages (logo_digest);
