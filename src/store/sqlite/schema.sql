-- All migrations in one, for new records. Made by `npm run docs`: change nothing here, add a migration.

CREATE TABLE files (
  number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 999999),
  claim TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT CHECK (kind IN ('orders', 'instructions')),
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  run INTEGER,                     -- the run that registered it
  business_date TEXT NOT NULL,
  header TEXT NOT NULL,            -- JSON: the cells
  proven INTEGER NOT NULL,
  final_newline INTEGER NOT NULL,
  start TEXT NOT NULL,             -- JSON: an IntakeProgress
  progress TEXT NOT NULL,          -- JSON: an IntakeProgress
  problem TEXT,                    -- JSON: why it was not taken in
  duplicate_of INTEGER REFERENCES files (number),
  done INTEGER NOT NULL,
  archived INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 1,  -- grows whenever its reports would read differently
  reported INTEGER NOT NULL DEFAULT 0   -- the revision that was published last
, counts TEXT, rejected INTEGER NOT NULL DEFAULT 0, repaired INTEGER NOT NULL DEFAULT 0, repairs INTEGER, stood_for INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0, settled_with INTEGER, judged INTEGER NOT NULL DEFAULT 0, said_done INTEGER NOT NULL DEFAULT 0, maker TEXT) STRICT;

CREATE UNIQUE INDEX files_taken_in ON files (sha256) WHERE problem IS NULL;

CREATE INDEX files_by_run ON files (run);

CREATE INDEX files_unfinished ON files (number) WHERE done = 0;

CREATE INDEX files_unarchived ON files (number) WHERE archived = 0;

CREATE INDEX files_to_report ON files (number) WHERE revision > reported;

CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_ref TEXT NOT NULL,
  order_ref TEXT NOT NULL,
  currency TEXT NOT NULL,
  country TEXT NOT NULL,
  scheme TEXT NOT NULL,
  metadata TEXT NOT NULL, customer_defaults TEXT, registration TEXT NOT NULL DEFAULT 'none'
  CHECK (instr(' none sending unknown registered refused ', ' ' || registration || ' ') > 0), registration_sends INTEGER NOT NULL DEFAULT 0, registration_unclear_at TEXT NOT NULL DEFAULT '', registration_code TEXT NOT NULL DEFAULT '', registration_message TEXT NOT NULL DEFAULT '', registration_refused_at TEXT NOT NULL DEFAULT '', registration_answer_since TEXT NOT NULL DEFAULT '', content_digest TEXT,          -- JSON: pairs of name and value, in the file's order
  UNIQUE (customer_ref, order_ref)
) STRICT;

CREATE TABLE instructions (
  id INTEGER PRIMARY KEY,
  -- Not IN (…): for each row that comes in SQLite would build a table of that list, which takes a quarter of the time.
  status TEXT NOT NULL CHECK (instr(
    ' waiting scheduled held ready sending unknown manual submitted paid reversed failed declined cancelled rejected ',
    ' ' || status || ' ') > 0),
  version INTEGER NOT NULL DEFAULT 1,
  customer_ref TEXT NOT NULL,
  order_ref TEXT NOT NULL,
  instruction_ref TEXT NOT NULL,
  amount TEXT NOT NULL,            -- canonical decimal
  amount_minor INTEGER CHECK (amount_minor > 0),
  currency TEXT,
  open_date TEXT NOT NULL,
  due_date TEXT NOT NULL,
  -- as the row says, empty where it says nothing
  contact_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  mode TEXT NOT NULL,
  narration TEXT NOT NULL,
  remark TEXT NOT NULL,
  -- what the provider is told
  payout_contact_id TEXT NOT NULL,
  payout_purpose TEXT NOT NULL,
  payout_mode TEXT NOT NULL,
  payout_narration TEXT NOT NULL,
  payout_remark TEXT NOT NULL,
  content_row INTEGER NOT NULL,    -- the row whose content this is: its own, or that of the last UPDATE
  first_content TEXT,              -- JSON: amount, currency and dates of its own row, once an UPDATE has replaced them
  raw TEXT,                        -- JSON: the content row's cells, kept while waiting and once rejected
  errors TEXT,                     -- JSON: why it was rejected after all
  code TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  attempt INTEGER NOT NULL DEFAULT 1,
  sends INTEGER NOT NULL DEFAULT 0,
  late INTEGER NOT NULL DEFAULT 0,
  order_ref_id TEXT NOT NULL DEFAULT '',
  bank_reference TEXT NOT NULL DEFAULT '',
  unclear_at TEXT NOT NULL DEFAULT '',
  unclear_sends INTEGER NOT NULL DEFAULT 0,
  submitted_at TEXT NOT NULL DEFAULT '',
  updated_at TEXT,                 -- null until the first change
  -- 0 once rejected: its references are free again. A column of its own, so that no other change of status has to touch
  -- the large index on the references.
  holds_refs INTEGER NOT NULL DEFAULT 1, managed TEXT, answer TEXT NOT NULL DEFAULT '', answer_since TEXT NOT NULL DEFAULT '', refused_at TEXT NOT NULL DEFAULT '', refused_code TEXT NOT NULL DEFAULT '', refused_message TEXT NOT NULL DEFAULT '', content_digest TEXT, forgotten INTEGER NOT NULL DEFAULT 0,
  CHECK (holds_refs = (status <> 'rejected')),
  CHECK ((amount_minor IS NULL) = (currency IS NULL)),
  CHECK (amount_minor IS NOT NULL OR status IN ('waiting', 'cancelled', 'rejected'))
) STRICT;

CREATE INDEX instructions_rejected_by_refs ON instructions (customer_ref, order_ref, instruction_ref)
  WHERE holds_refs = 0;

CREATE INDEX instructions_paid ON instructions (updated_at) WHERE status = 'paid';

CREATE TABLE rows (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (instr(' rejected duplicate updated deleted ', ' ' || kind || ' ') > 0),
  customer_ref TEXT NOT NULL,
  order_ref TEXT NOT NULL,
  instruction_ref TEXT NOT NULL,
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  open_date TEXT NOT NULL,
  due_date TEXT NOT NULL,
  target INTEGER,                  -- duplicate: the row it repeats; updated, deleted: the instruction
  made_version INTEGER,            -- updated, deleted: the instruction's version that it made
  raw TEXT,                        -- JSON: the cells of a rejected row
  errors TEXT,                     -- JSON: its errors
  CHECK ((target IS NULL) = (kind = 'rejected')),
  CHECK ((made_version IS NULL) = (kind IN ('rejected', 'duplicate')))
) STRICT;

CREATE INDEX rows_by_target ON rows (target) WHERE target IS NOT NULL;

CREATE TABLE attempts (
  instruction INTEGER NOT NULL REFERENCES instructions (id),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  client_ref_id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  PRIMARY KEY (instruction, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE sends (
  instruction INTEGER NOT NULL,
  send INTEGER NOT NULL CHECK (send > 0),
  attempt INTEGER NOT NULL,
  began_at TEXT NOT NULL,
  ended_at TEXT,
  outcome TEXT,
  http_status INTEGER, correlation_id TEXT NOT NULL DEFAULT '', business_date TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (instruction, send),
  FOREIGN KEY (instruction, attempt) REFERENCES attempts (instruction, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('run', 'nightly', 'arrival')),
  business_date TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  reported INTEGER NOT NULL DEFAULT 0
, open TEXT, at_end TEXT) STRICT;

CREATE UNIQUE INDEX runs_nightly ON runs (business_date) WHERE kind = 'nightly';

CREATE INDEX runs_unreported ON runs (number) WHERE reported = 0;

CREATE TABLE published (
  about TEXT NOT NULL CHECK (about IN ('file', 'run')),
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (about, number, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  run INTEGER,
  instruction INTEGER,
  body TEXT NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX audit_by_instruction ON audit (instruction) WHERE instruction IS NOT NULL;

CREATE INDEX audit_by_run ON audit (run, instruction) WHERE instruction IS NOT NULL;

CREATE TRIGGER audit_never_updated BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TABLE facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_unclear ON orders (registration) WHERE registration = 'sending' OR registration = 'unknown';

CREATE TABLE amendments (
  id INTEGER PRIMARY KEY,          -- the row that asks for it
  instruction INTEGER NOT NULL UNIQUE REFERENCES instructions (id),
  kind TEXT NOT NULL CHECK (kind IN ('updated', 'deleted')),
  fields TEXT NOT NULL,            -- JSON: what the row states
  raw TEXT NOT NULL,               -- JSON: its cells, for the report if it is refused
  content TEXT,                    -- JSON: what the instruction shall become; null for a DELETE
  sends INTEGER NOT NULL DEFAULT 0,
  CHECK ((content IS NULL) = (kind = 'deleted'))
) STRICT;

CREATE TABLE instruction_refs (
  customer_ref TEXT NOT NULL,
  order_ref TEXT NOT NULL,
  instruction_ref TEXT NOT NULL,
  instruction INTEGER NOT NULL,
  PRIMARY KEY (customer_ref, order_ref, instruction_ref)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER instruction_refs_freed AFTER UPDATE OF holds_refs ON instructions WHEN NEW.holds_refs = 0
BEGIN
  DELETE FROM instruction_refs
  WHERE customer_ref = OLD.customer_ref AND order_ref = OLD.order_ref AND instruction_ref = OLD.instruction_ref
    AND instruction = OLD.id;
END;

CREATE INDEX instructions_answered ON instructions (answer_since) WHERE answer <> '';

CREATE INDEX orders_by_ref ON orders (order_ref, id, customer_ref);

CREATE TABLE statements (
  instruction INTEGER NOT NULL,
  statement TEXT NOT NULL,         -- as statementOf (instruction.ts) puts it
  row INTEGER NOT NULL,            -- the row that it was taken in with
  PRIMARY KEY (instruction, statement)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (
  row INTEGER PRIMARY KEY,
  holder INTEGER NOT NULL
) STRICT;

CREATE INDEX conflicts_by_holder ON conflicts (holder);

CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY REFERENCES audit (seq),
  run INTEGER
) STRICT;

CREATE INDEX decisions_by_run ON decisions (run);

CREATE INDEX rows_rejected ON rows (customer_ref, order_ref, instruction_ref) WHERE kind = 'rejected';

CREATE INDEX instructions_open ON instructions (status)
  WHERE instr(' waiting scheduled held ready sending unknown manual submitted reversed failed declined ', ' ' || status || ' ') > 0;

CREATE TABLE closings (
  seq INTEGER PRIMARY KEY REFERENCES audit (seq),
  instruction INTEGER REFERENCES instructions (id),
  version INTEGER,
  file INTEGER REFERENCES files (number),
  rows INTEGER,                    -- rejected rows of the file that it closes; 0 where the file was not taken in
  CHECK ((instruction IS NULL) = (version IS NULL)),
  CHECK ((file IS NULL) = (rows IS NULL)),
  CHECK ((instruction IS NULL) <> (file IS NULL))
) STRICT;

CREATE INDEX closings_by_instruction ON closings (instruction, version) WHERE instruction IS NOT NULL;

CREATE INDEX closings_by_file ON closings (file) WHERE file IS NOT NULL;

CREATE INDEX files_by_repairs ON files (repairs) WHERE repairs IS NOT NULL;

CREATE TABLE rejected_since (
  row INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE forgotten_files (
  file INTEGER PRIMARY KEY REFERENCES files (number),
  seq INTEGER NOT NULL REFERENCES audit (seq),
  removed INTEGER NOT NULL DEFAULT 0  -- 1 once nothing of it is on the disk any more
) STRICT;

CREATE INDEX files_to_judge ON files (number) WHERE judged <> 1;

CREATE INDEX sends_by_date ON sends (business_date, instruction) WHERE business_date <> '';

CREATE INDEX orders_with_defaults ON orders (customer_ref, order_ref) WHERE customer_defaults IS NOT NULL;

CREATE TABLE payees (
  payee TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  instruction INTEGER NOT NULL,
  PRIMARY KEY (payee, currency, amount_minor, instruction)
) STRICT, WITHOUT ROWID;

CREATE TABLE resemblances (
  instruction INTEGER PRIMARY KEY REFERENCES instructions (id),
  other INTEGER NOT NULL REFERENCES instructions (id),
  code TEXT NOT NULL
) STRICT;

CREATE TABLE approvals (
  seq INTEGER PRIMARY KEY REFERENCES audit (seq),
  instruction INTEGER NOT NULL REFERENCES instructions (id)
) STRICT;

CREATE INDEX approvals_by_instruction ON approvals (instruction);

CREATE TABLE decision_files (
  number INTEGER PRIMARY KEY,
  claim TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,              -- as it was dropped
  business_date TEXT NOT NULL,
  file INTEGER REFERENCES files (number),
  answer TEXT NOT NULL             -- JSON
) STRICT;

CREATE TABLE notifications (
  number INTEGER PRIMARY KEY,
  receiver TEXT NOT NULL,            -- which one of the settings: Subscription.receiver
  event TEXT NOT NULL,
  instruction INTEGER REFERENCES instructions (id),  -- the payout that it is about; null for sums and all else
  at TEXT NOT NULL,                  -- when it happened; of gathered payouts, the first of them
  details TEXT NOT NULL,             -- JSON; empty once it was forgotten
  gathering INTEGER NOT NULL,        -- 1 while more payouts are added to its sums: until it is first claimed
  tries INTEGER NOT NULL DEFAULT 0,
  next_try_at TEXT,                  -- null once it was delivered or given up
  delivered_at TEXT,
  given_up_at TEXT,
  trouble TEXT NOT NULL DEFAULT ''   -- of the last try
) STRICT;

CREATE INDEX notifications_due ON notifications (receiver, next_try_at) WHERE next_try_at IS NOT NULL;

CREATE UNIQUE INDEX notifications_gathering ON notifications (receiver, event) WHERE gathering = 1;

CREATE INDEX notifications_by_instruction ON notifications (instruction) WHERE instruction IS NOT NULL;

CREATE INDEX notifications_ended ON notifications (at) WHERE next_try_at IS NULL;

CREATE INDEX notifications_oldest ON notifications (at) WHERE next_try_at IS NOT NULL;

CREATE INDEX notifications_given_up ON notifications (given_up_at) WHERE given_up_at IS NOT NULL;

CREATE TABLE webhooks (
  instruction INTEGER PRIMARY KEY REFERENCES instructions (id),
  received_at TEXT NOT NULL,               -- the latest
  times INTEGER NOT NULL,
  asked_at TEXT NOT NULL DEFAULT '',       -- the latest look-up that a webhook brought about
  answered INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX webhooks_waiting ON webhooks (asked_at, instruction) WHERE answered < times;

CREATE INDEX webhooks_by_age ON webhooks (received_at);

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

INSERT INTO facts VALUES ('digests-from-file', '1');
