-- Who may use the console: a row is a link that opens one session, and then that session. Of both tokens only the digest is here.
CREATE TABLE sign_ins (
  link text COLLATE "C" PRIMARY KEY,       -- hex SHA-256 of the link's token
  person text COLLATE "C" NOT NULL,
  account text COLLATE "C" NOT NULL,       -- the account that asked for the link; empty where a key has signed
  statement text COLLATE "C" NOT NULL,     -- what the person's key has signed, and the signature; empty where nothing is signed
  signature text COLLATE "C" NOT NULL,
  made_at text COLLATE "C" NOT NULL,
  expires_at text COLLATE "C" NOT NULL,    -- the link opens nothing from then on
  session text COLLATE "C" UNIQUE,         -- hex SHA-256 of the session's token; null until the link is used
  opened_at text COLLATE "C",
  ends_at text COLLATE "C",
  CHECK ((session IS NULL) = (opened_at IS NULL) AND (session IS NULL) = (ends_at IS NULL))
);
