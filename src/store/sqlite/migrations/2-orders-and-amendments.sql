-- Orders that a provider is told of, and payouts that it is asked to change.

ALTER TABLE orders ADD COLUMN customer_defaults TEXT;   -- JSON; null where the row has none
ALTER TABLE orders ADD COLUMN registration TEXT NOT NULL DEFAULT 'none'
  CHECK (instr(' none sending unknown registered refused ', ' ' || registration || ' ') > 0);
ALTER TABLE orders ADD COLUMN registration_sends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN registration_unclear_at TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN registration_code TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN registration_message TEXT NOT NULL DEFAULT '';

CREATE INDEX orders_unclear ON orders (registration) WHERE registration = 'sending' OR registration = 'unknown';

ALTER TABLE instructions ADD COLUMN managed TEXT;       -- JSON: what only order management is told; null for nothing

ALTER TABLE sends ADD COLUMN correlation_id TEXT NOT NULL DEFAULT '';

-- An UPDATE or DELETE row that the provider has yet to take, because the payout is there already. Once it is settled it is a
-- row like any other, in `rows`.
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

-- Its condition as one comparison: an IN (…) is built anew for each row that comes in. Repeated word for word by the queries
-- that list (reading.ts).
DROP INDEX instructions_open;
CREATE INDEX instructions_open ON instructions (status)
  WHERE instr(' waiting scheduled held ready sending unknown manual submitted ', ' ' || status || ' ') > 0;
