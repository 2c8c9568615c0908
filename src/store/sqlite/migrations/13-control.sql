-- What control holds back until a person has decided (control/reasons.ts).

-- 1 once it is decided which of the file's payouts are held back, 2 while that is being decided. Nothing is sent before.
ALTER TABLE files ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;
UPDATE files SET judged = 1;
CREATE INDEX files_to_judge ON files (number) WHERE judged <> 1;

-- 1 where NAME.done lay beside the file: its writer said that it was whole.
ALTER TABLE files ADD COLUMN said_done INTEGER NOT NULL DEFAULT 0;

-- JSON: who dropped the file, by the owner that it had in the inbox; null for a file that was never read.
ALTER TABLE files ADD COLUMN maker TEXT;

-- The business date of the pass that made the send. Empty for a send before this column was there.
ALTER TABLE sends ADD COLUMN business_date TEXT NOT NULL DEFAULT '';
CREATE INDEX sends_by_date ON sends (business_date, instruction) WHERE business_date <> '';

CREATE INDEX orders_with_defaults ON orders (customer_ref, order_ref) WHERE customer_defaults IS NOT NULL;

-- Every payout with an amount, by what makes payouts alike. The payee is as in store/sqlite/payees.ts.
CREATE TABLE payees (
  payee TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  instruction INTEGER NOT NULL,
  PRIMARY KEY (payee, currency, amount_minor, instruction)
) STRICT, WITHOUT ROWID;

INSERT INTO payees
SELECT coalesce(nullif(i.managed ->> 'financialInstrumentId', ''), (
    SELECT nullif(orders.customer_defaults ->> 'financialInstrumentId', '') FROM orders
    WHERE orders.customer_ref = i.customer_ref AND orders.order_ref = i.order_ref AND orders.customer_defaults IS NOT NULL
  ), i.payout_contact_id), i.currency, i.amount_minor, i.id
FROM instructions i WHERE i.amount_minor IS NOT NULL AND i.forgotten = 0
ORDER BY 1, 2, 3, 4;

-- A payout that is like an earlier one, as it was when its file was judged.
CREATE TABLE resemblances (
  instruction INTEGER PRIMARY KEY REFERENCES instructions (id),
  other INTEGER NOT NULL REFERENCES instructions (id),
  code TEXT NOT NULL
) STRICT;

-- The audit entries of persons' yes, which say what each of them holds for (store/sqlite/control.ts).
CREATE TABLE approvals (
  seq INTEGER PRIMARY KEY REFERENCES audit (seq),
  instruction INTEGER NOT NULL REFERENCES instructions (id)
) STRICT;
CREATE INDEX approvals_by_instruction ON approvals (instruction);

-- Decisions that were dropped as files, each with the answer to it.
CREATE TABLE decision_files (
  number INTEGER PRIMARY KEY,
  claim TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,              -- as it was dropped
  business_date TEXT NOT NULL,
  file INTEGER REFERENCES files (number),
  answer TEXT NOT NULL             -- JSON
) STRICT;
