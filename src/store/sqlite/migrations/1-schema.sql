-- Everything paydrop remembers.
--
-- A line of a file has one id everywhere: file number * 2^32 + line (rowId in instruction.ts). An accepted order lives in
-- `orders`, a row that created an instruction in `instructions`, every other row in `rows`; so a file's rows are one range
-- of ids in each of the three and need no index of their own.

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
) STRICT;

-- A file that was not taken in may be dropped again.
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
  metadata TEXT NOT NULL,          -- JSON: pairs of name and value, in the file's order
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
  holds_refs INTEGER NOT NULL DEFAULT 1,
  CHECK (holds_refs = (status <> 'rejected')),
  CHECK ((amount_minor IS NULL) = (currency IS NULL)),
  CHECK (amount_minor IS NOT NULL OR status IN ('waiting', 'cancelled', 'rejected'))
) STRICT;

CREATE UNIQUE INDEX instructions_by_refs ON instructions (customer_ref, order_ref, instruction_ref)
  WHERE holds_refs = 1;
CREATE INDEX instructions_rejected_by_refs ON instructions (customer_ref, order_ref, instruction_ref)
  WHERE holds_refs = 0;
-- Entries of one status are in id order. The condition is repeated word for word by the query that lists (reading.ts).
CREATE INDEX instructions_open ON instructions (status)
  WHERE status IN ('waiting', 'scheduled', 'held', 'ready', 'sending', 'unknown', 'manual', 'submitted');

-- Paid ones may still be reversed: the recent ones are looked up.
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

-- One client reference for one attempt at one instruction, for ever; the body is fixed with it.
CREATE TABLE attempts (
  instruction INTEGER NOT NULL REFERENCES instructions (id),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  client_ref_id TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  PRIMARY KEY (instruction, attempt)
) STRICT, WITHOUT ROWID;

-- Each time an attempt's body was sent. An end that was never recorded stays null.
CREATE TABLE sends (
  instruction INTEGER NOT NULL,
  send INTEGER NOT NULL CHECK (send > 0),
  attempt INTEGER NOT NULL,
  began_at TEXT NOT NULL,
  ended_at TEXT,
  outcome TEXT,
  http_status INTEGER,
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
) STRICT;

CREATE UNIQUE INDEX runs_nightly ON runs (business_date) WHERE kind = 'nightly';
CREATE INDEX runs_unreported ON runs (number) WHERE reported = 0;

-- The reports that stand in the outbox, by what they are about.
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
