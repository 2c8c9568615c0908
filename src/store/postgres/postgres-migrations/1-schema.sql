-- Everything paydrop remembers. All tables are in one schema, `paydrop`, that no other program has.
--
-- A line of a file has one id everywhere: file number * 2^32 + line (rowId in instruction.ts). An accepted order lives in
-- `orders`, a row that created an instruction in `instructions`, every other row in `rows`; so a file's rows are one range
-- of ids in each of the three and need no index of their own.
--
-- Ids, numbers and counts are `bigint`, and amounts alone are `numeric`: so the type says how a value is read
-- (connection.ts). Times are texts as they were written. Texts that are compared or sorted are so by code point.

-- The machines that share these records: a row for each start of one. 1885631085 is the class of their locks (session.ts):
-- a machine is alive while the server has a connection that holds the lock of its number.
CREATE TABLE machines (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  started_at text COLLATE "C" NOT NULL,
  ended_at text COLLATE "C"  -- when it ended, or was taken for gone
);
CREATE INDEX machines_not_ended ON machines (name) WHERE ended_at IS NULL;
CREATE VIEW living_machines AS
  SELECT m.id, m.name FROM machines m
  JOIN pg_locks l ON l.locktype = 'advisory' AND l.classid = 1885631085 AND l.objid = m.id AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  WHERE m.ended_at IS NULL;

-- When the next request of any machine may begin, where the provider's rate is limited.
CREATE TABLE pace (next_at timestamptz NOT NULL);
INSERT INTO pace VALUES ('-infinity');

CREATE TABLE files (
  machine text COLLATE "C",          -- the one that has its original and publishes its reports
  number bigint PRIMARY KEY CHECK (number BETWEEN 1 AND 999999),
  claim text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" CHECK (kind IN ('orders', 'instructions')),
  sha256 text COLLATE "C" NOT NULL,
  size bigint NOT NULL,
  received_at text COLLATE "C" NOT NULL,
  run bigint,                        -- the run that registered it
  business_date text COLLATE "C" NOT NULL,
  header text COLLATE "C" NOT NULL,  -- JSON: the cells
  proven boolean NOT NULL,
  said_done boolean NOT NULL DEFAULT false,
  maker text COLLATE "C",            -- JSON: who dropped it, by the owner that it had; null for a file that was never read
  final_newline boolean NOT NULL,
  start text COLLATE "C" NOT NULL,   -- JSON: an IntakeProgress
  progress text COLLATE "C" NOT NULL,
  problem text COLLATE "C",          -- JSON: why it was not taken in
  duplicate_of bigint REFERENCES files (number),
  done boolean NOT NULL,
  archived boolean NOT NULL DEFAULT false,
  revision bigint NOT NULL DEFAULT 1,  -- grows whenever its reports would read differently
  reported bigint NOT NULL DEFAULT 0,  -- the revision that was published last
  elsewhere boolean NOT NULL DEFAULT false,  -- that one by another machine, so its own one shows an older one
  counts text COLLATE "C",             -- JSON, as in store/counts.ts; null until it is first counted
  rejected bigint NOT NULL DEFAULT 0,  -- how many rows were rejected
  repaired bigint NOT NULL DEFAULT 0,  -- of how many of those a later file has taken in the references since
  repairs bigint,                      -- the file whose rejected rows it repairs, as its name says
  stood_for bigint NOT NULL DEFAULT 0, -- how many rejected rows have another one in a file that repairs them
  settled boolean NOT NULL DEFAULT false,  -- all that was rejected needs no repair any more
  settled_with bigint,                 -- by the rows of which file; null for a person's word
  judged smallint NOT NULL DEFAULT 0,  -- 1 once it is decided what of it is held back, 2 while that is being decided
  judged_once boolean NOT NULL DEFAULT false  -- until then only its own machine claims payouts of it
);

-- A file that was not taken in may be dropped again.
CREATE UNIQUE INDEX files_taken_in ON files (sha256) WHERE problem IS NULL;
CREATE INDEX files_by_run ON files (run);
CREATE INDEX files_unfinished ON files (number) WHERE NOT done;
CREATE INDEX files_unarchived ON files (number) WHERE NOT archived;
CREATE INDEX files_to_report ON files (number) WHERE revision > reported OR elsewhere;
CREATE INDEX files_by_repairs ON files (repairs) WHERE repairs IS NOT NULL;
CREATE INDEX files_to_judge ON files (number) WHERE judged <> 1;

CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_ref text COLLATE "C" NOT NULL,
  order_ref text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  country text COLLATE "C" NOT NULL,
  scheme text COLLATE "C" NOT NULL,
  metadata text COLLATE "C" NOT NULL,  -- JSON: pairs of name and value, in the file's order
  customer_defaults text COLLATE "C",  -- JSON; null where the row has none
  content_digest text COLLATE "C",
  registration text COLLATE "C" NOT NULL DEFAULT 'none'
    CHECK (registration IN ('none', 'sending', 'unknown', 'registered', 'refused')),
  registration_sends bigint NOT NULL DEFAULT 0,
  registration_unclear_at text COLLATE "C" NOT NULL DEFAULT '',
  registration_code text COLLATE "C" NOT NULL DEFAULT '',
  registration_message text COLLATE "C" NOT NULL DEFAULT '',
  registration_refused_at text COLLATE "C" NOT NULL DEFAULT '',
  registration_answer_since text COLLATE "C" NOT NULL DEFAULT '',
  machine bigint REFERENCES machines (id),  -- that sent the registration last
  CONSTRAINT orders_by_refs UNIQUE (customer_ref, order_ref)
);

CREATE INDEX orders_unclear ON orders (id) WHERE registration = 'sending' OR registration = 'unknown';
CREATE INDEX orders_by_ref ON orders (order_ref, id);
CREATE INDEX orders_with_defaults ON orders (customer_ref, order_ref) WHERE customer_defaults IS NOT NULL;

CREATE TABLE instructions (
  id bigint PRIMARY KEY,
  status text COLLATE "C" NOT NULL CHECK (status IN (
    'waiting', 'scheduled', 'held', 'ready', 'sending', 'unknown', 'manual', 'submitted', 'paid', 'reversed', 'failed',
    'declined', 'cancelled', 'rejected')),
  version bigint NOT NULL DEFAULT 1,
  customer_ref text COLLATE "C" NOT NULL,
  order_ref text COLLATE "C" NOT NULL,
  instruction_ref text COLLATE "C" NOT NULL,
  amount text COLLATE "C" NOT NULL,  -- canonical decimal
  amount_minor numeric(19) CHECK (amount_minor > 0),
  currency text COLLATE "C",
  open_date text COLLATE "C" NOT NULL,
  due_date text COLLATE "C" NOT NULL,
  -- as the row says, empty where it says nothing
  contact_id text COLLATE "C" NOT NULL,
  purpose text COLLATE "C" NOT NULL,
  mode text COLLATE "C" NOT NULL,
  narration text COLLATE "C" NOT NULL,
  remark text COLLATE "C" NOT NULL,
  managed text COLLATE "C",          -- JSON: what only order management is told; null for nothing
  -- what the provider is told
  payout_contact_id text COLLATE "C" NOT NULL,
  payout_purpose text COLLATE "C" NOT NULL,
  payout_mode text COLLATE "C" NOT NULL,
  payout_narration text COLLATE "C" NOT NULL,
  payout_remark text COLLATE "C" NOT NULL,
  content_row bigint NOT NULL,       -- the row whose content this is: its own, or that of the last UPDATE
  content_digest text COLLATE "C",   -- of its own row, whatever UPDATE rows have made of it since
  first_content text COLLATE "C",    -- JSON: amount, currency and dates of its own row, once an UPDATE has replaced them
  raw text COLLATE "C",              -- JSON: the content row's cells, kept while waiting and once rejected
  errors text COLLATE "C",           -- JSON: why it was rejected after all
  code text COLLATE "C" NOT NULL DEFAULT '',
  message text COLLATE "C" NOT NULL DEFAULT '',
  attempt bigint NOT NULL DEFAULT 1,
  sends bigint NOT NULL DEFAULT 0,
  late boolean NOT NULL DEFAULT false,
  order_ref_id text COLLATE "C" NOT NULL DEFAULT '',
  bank_reference text COLLATE "C" NOT NULL DEFAULT '',
  unclear_at text COLLATE "C" NOT NULL DEFAULT '',
  unclear_sends bigint NOT NULL DEFAULT 0,
  submitted_at text COLLATE "C" NOT NULL DEFAULT '',
  updated_at text COLLATE "C",       -- null until the first change
  answer text COLLATE "C" NOT NULL DEFAULT '',         -- what look-ups answered that did not settle it
  answer_since text COLLATE "C" NOT NULL DEFAULT '',   -- the first of an unbroken series of such look-ups
  refused_at text COLLATE "C" NOT NULL DEFAULT '',     -- of this attempt, after a send that may have arrived
  refused_code text COLLATE "C" NOT NULL DEFAULT '',
  refused_message text COLLATE "C" NOT NULL DEFAULT '',
  holds_refs boolean NOT NULL DEFAULT true,  -- false once rejected: its references are free again
  forgotten boolean NOT NULL DEFAULT false,  -- its texts were removed
  CHECK (holds_refs = (status <> 'rejected')),
  CHECK ((amount_minor IS NULL) = (currency IS NULL)),
  CHECK (amount_minor IS NOT NULL OR status IN ('waiting', 'cancelled', 'rejected'))
);

CREATE INDEX instructions_rejected_by_refs ON instructions (customer_ref, order_ref, instruction_ref)
  WHERE NOT holds_refs;

-- What can still move, and what ended without the money at the payee. The condition is repeated by the queries that list.
CREATE INDEX instructions_open ON instructions (status, id) WHERE status IN (
  'waiting', 'scheduled', 'held', 'ready', 'sending', 'unknown', 'manual', 'submitted', 'reversed', 'failed', 'declined');

-- Paid ones may still be reversed: the recent ones are looked up.
CREATE INDEX instructions_paid ON instructions (updated_at) WHERE status = 'paid';
CREATE INDEX instructions_answered ON instructions (answer_since) WHERE answer <> '';

-- Which references are taken: in a table of its own, so that no change of an instruction has to touch the large index.
CREATE TABLE instruction_refs (
  customer_ref text COLLATE "C" NOT NULL,
  order_ref text COLLATE "C" NOT NULL,
  instruction_ref text COLLATE "C" NOT NULL,
  instruction bigint NOT NULL,
  CONSTRAINT instruction_refs_taken PRIMARY KEY (customer_ref, order_ref, instruction_ref)
);

-- An instruction that is rejected after all gives its references back.
CREATE FUNCTION free_instruction_refs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM paydrop.instruction_refs
  WHERE customer_ref = OLD.customer_ref AND order_ref = OLD.order_ref AND instruction_ref = OLD.instruction_ref
    AND instruction = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER instruction_refs_freed AFTER UPDATE OF holds_refs ON instructions
  FOR EACH ROW WHEN (NOT NEW.holds_refs) EXECUTE FUNCTION free_instruction_refs();

CREATE TABLE rows (
  id bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('rejected', 'duplicate', 'updated', 'deleted')),
  customer_ref text COLLATE "C" NOT NULL,
  order_ref text COLLATE "C" NOT NULL,
  instruction_ref text COLLATE "C" NOT NULL,
  amount text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  open_date text COLLATE "C" NOT NULL,
  due_date text COLLATE "C" NOT NULL,
  target bigint,                     -- duplicate: the row it repeats; updated, deleted: the instruction
  made_version bigint,               -- updated, deleted: the instruction's version that it made
  raw text COLLATE "C",              -- JSON: the cells of a rejected row
  errors text COLLATE "C",           -- JSON: its errors
  CHECK ((target IS NULL) = (kind = 'rejected')),
  CHECK ((made_version IS NULL) = (kind IN ('rejected', 'duplicate')))
);

CREATE INDEX rows_by_target ON rows (target) WHERE target IS NOT NULL;
CREATE INDEX rows_rejected ON rows (customer_ref, order_ref, instruction_ref) WHERE kind = 'rejected';

-- A row that was rejected because another file's holds its reference: its report says what that one has come to.
CREATE TABLE conflicts (
  "row" bigint PRIMARY KEY,
  holder bigint NOT NULL
);
CREATE INDEX conflicts_by_holder ON conflicts (holder);

-- What was rejected after its file was settled: an instruction whose order never came, a change that the provider refused.
CREATE TABLE rejected_since (
  "row" bigint PRIMARY KEY
);

-- What rows said of an instruction that doesn't stand any more, so that a change that is dropped again once a newer one has
-- come is told from a new one.
CREATE TABLE statements (
  instruction bigint NOT NULL,
  statement text COLLATE "C" NOT NULL,  -- as statementOf (instruction.ts) puts it
  "row" bigint NOT NULL,                -- the row that it was taken in with
  PRIMARY KEY (instruction, statement)
);

-- An UPDATE or DELETE row that the provider has yet to take, because the payout is there already. Once it is settled it is a
-- row like any other, in `rows`.
CREATE TABLE amendments (
  id bigint PRIMARY KEY,             -- the row that asks for it
  instruction bigint NOT NULL UNIQUE REFERENCES instructions (id),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('updated', 'deleted')),
  fields text COLLATE "C" NOT NULL,  -- JSON: what the row states
  raw text COLLATE "C" NOT NULL,     -- JSON: its cells, for the report if it is refused
  content text COLLATE "C",          -- JSON: what the instruction shall become; null for a DELETE
  sends bigint NOT NULL DEFAULT 0,
  machine bigint REFERENCES machines (id),  -- that asked the provider for it last
  machine_asked_at text COLLATE "C", -- when, by the server's clock
  CHECK ((content IS NULL) = (kind = 'deleted'))
);

-- One client reference for one attempt at one instruction, for ever; the body is fixed with it.
CREATE TABLE attempts (
  instruction bigint NOT NULL REFERENCES instructions (id),
  attempt bigint NOT NULL CHECK (attempt > 0),
  client_ref_id text COLLATE "C" NOT NULL UNIQUE,
  body text COLLATE "C" NOT NULL,
  body_sha256 text COLLATE "C" NOT NULL,
  PRIMARY KEY (instruction, attempt)
);

-- Each time an attempt's body was sent. An end that was never recorded stays null.
CREATE TABLE sends (
  instruction bigint NOT NULL,
  send bigint NOT NULL CHECK (send > 0),
  attempt bigint NOT NULL,
  began_at text COLLATE "C" NOT NULL,
  ended_at text COLLATE "C",
  outcome text COLLATE "C",
  http_status integer,
  correlation_id text COLLATE "C" NOT NULL DEFAULT '',
  business_date text COLLATE "C" NOT NULL DEFAULT '',  -- of the pass that made the send
  machine bigint REFERENCES machines (id),             -- that made it
  PRIMARY KEY (instruction, send),
  FOREIGN KEY (instruction, attempt) REFERENCES attempts (instruction, attempt)
);
CREATE INDEX sends_by_date ON sends (business_date, instruction) WHERE business_date <> '';

CREATE TABLE runs (
  number bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('run', 'nightly', 'arrival')),
  business_date text COLLATE "C" NOT NULL,
  started_at text COLLATE "C" NOT NULL,
  finished_at text COLLATE "C",
  machine text COLLATE "C",          -- the one that ended it and publishes its report
  reported boolean NOT NULL DEFAULT false,
  open text COLLATE "C",             -- JSON: what was open when the run ended, for its report, whenever that is written
  at_end text COLLATE "C"            -- JSON: what else its page says of that moment: verdicts on files, why it was not finished
);
-- Who takes part in a run that has not ended.
CREATE TABLE run_machines (
  run bigint NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  machine bigint NOT NULL REFERENCES machines (id),
  PRIMARY KEY (run, machine)
);
CREATE UNIQUE INDEX runs_nightly ON runs (business_date) WHERE kind = 'nightly';
CREATE INDEX runs_unreported ON runs (number) WHERE NOT reported;

-- The reports that stand in the outbox, by what they are about.
CREATE TABLE published (
  about text COLLATE "C" NOT NULL CHECK (about IN ('file', 'run')),
  number bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  PRIMARY KEY (about, number, name)
);

CREATE TABLE audit (
  seq bigint PRIMARY KEY,
  run bigint,
  instruction bigint,
  body text COLLATE "C" NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_by_instruction ON audit (instruction, seq) WHERE instruction IS NOT NULL;
CREATE INDEX audit_by_run ON audit (run, instruction) WHERE instruction IS NOT NULL;

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- Where the audit chain stands: its last entry. Every transaction that appends locks this row first, so that writers
-- come one after another and each sees all that was written before it.
CREATE TABLE audit_head (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  seq bigint NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32)
) WITH (fillfactor = 10);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- The last write of each connection. Where the answer to a COMMIT is lost, this row says whether it was carried out.
CREATE TABLE last_writes (
  connection uuid PRIMARY KEY,
  write bigint NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

CREATE TABLE facts (
  name text COLLATE "C" PRIMARY KEY,
  value text COLLATE "C" NOT NULL
);
-- Facts about the folders of one machine.
CREATE TABLE machine_facts (
  machine text COLLATE "C",
  name text COLLATE "C",
  value text COLLATE "C" NOT NULL,
  PRIMARY KEY (machine, name)
);
-- Every row that is taken in has the digest of what it stated. Records that are taken over from an older version may not.
INSERT INTO facts VALUES ('digests-from-file', '1');

-- A person's decisions, and the run whose report tells of each; null until one does. The entries of a transaction are
-- written at its end, so what points to them is checked then.
CREATE TABLE decisions (
  seq bigint PRIMARY KEY REFERENCES audit (seq) DEFERRABLE INITIALLY DEFERRED,
  run bigint
);
CREATE INDEX decisions_by_run ON decisions (run);

-- What a person has decided to need nothing more here: a payout that did not arrive, as it was in that version, or a file with
-- what was rejected of it until then.
CREATE TABLE closings (
  seq bigint PRIMARY KEY REFERENCES audit (seq) DEFERRABLE INITIALLY DEFERRED,
  instruction bigint REFERENCES instructions (id),
  version bigint,
  file bigint REFERENCES files (number),
  rows bigint,                       -- rejected rows of the file that it closes; 0 where the file was not taken in
  CHECK ((instruction IS NULL) = (version IS NULL)),
  CHECK ((file IS NULL) = (rows IS NULL)),
  CHECK ((instruction IS NULL) <> (file IS NULL))
);
CREATE INDEX closings_by_instruction ON closings (instruction, version) WHERE instruction IS NOT NULL;
CREATE INDEX closings_by_file ON closings (file) WHERE file IS NOT NULL;

-- The files that a person has had forgotten, each with its audit entry.
CREATE TABLE forgotten_files (
  file bigint PRIMARY KEY REFERENCES files (number),
  seq bigint NOT NULL REFERENCES audit (seq) DEFERRABLE INITIALLY DEFERRED,
  removed boolean NOT NULL DEFAULT false
);

-- Every payout with an amount, by what makes payouts alike. The payee is as in payees.ts.
CREATE TABLE payees (
  payee text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  amount_minor numeric(19) NOT NULL,
  instruction bigint NOT NULL,
  PRIMARY KEY (payee, currency, amount_minor, instruction)
);

-- A payout that is like an earlier one, as it was when its file was judged.
CREATE TABLE resemblances (
  instruction bigint PRIMARY KEY REFERENCES instructions (id),
  other bigint NOT NULL REFERENCES instructions (id),
  code text COLLATE "C" NOT NULL
);

-- The audit entries of persons' yes, which say what each of them holds for.
CREATE TABLE approvals (
  seq bigint PRIMARY KEY REFERENCES audit (seq) DEFERRABLE INITIALLY DEFERRED,
  instruction bigint NOT NULL REFERENCES instructions (id)
);
CREATE INDEX approvals_by_instruction ON approvals (instruction);

-- Decisions that were dropped as files, each with the answer to it.
CREATE TABLE decision_files (
  number bigint PRIMARY KEY,
  claim text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL,    -- as it was dropped
  business_date text COLLATE "C" NOT NULL,
  file bigint REFERENCES files (number),
  answer text COLLATE "C" NOT NULL   -- JSON
);
