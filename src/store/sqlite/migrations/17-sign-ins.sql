-- Who may use the console: a row is a link that opens one session, and then that session. Of both tokens only the digest is here.
CREATE TABLE sign_ins (
  link TEXT PRIMARY KEY,            -- hex SHA-256 of the link's token
  person TEXT NOT NULL,
  account TEXT NOT NULL,            -- the account that asked for the link; empty where a key has signed
  statement TEXT NOT NULL,          -- what the person's key has signed, and the signature; empty where nothing is signed
  signature TEXT NOT NULL,
  made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,         -- the link opens nothing from then on
  session TEXT UNIQUE,              -- hex SHA-256 of the session's token; null until the link is used
  opened_at TEXT,
  ends_at TEXT,
  CHECK ((session IS NULL) = (opened_at IS NULL) AND (session IS NULL) = (ends_at IS NULL))
) STRICT, WITHOUT ROWID;
