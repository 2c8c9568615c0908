-- A person's decisions, and the run whose report tells of each; null until one does. In a table of their own, for the audit log is
-- append-only and far too long to be searched for them.
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY REFERENCES audit (seq),
  run INTEGER
) STRICT;

CREATE INDEX decisions_by_run ON decisions (run);

-- Those that were made while a run was under way stand in its report already.
INSERT INTO decisions SELECT seq, run FROM audit WHERE body ->> 'by' IS NOT NULL;

-- How many rows of a file were rejected, and of how many of those a later file has taken in the references since.
ALTER TABLE files ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN repaired INTEGER NOT NULL DEFAULT 0;

-- Which rejected rows a file that was taken in repairs.
CREATE INDEX rows_rejected ON rows (customer_ref, order_ref, instruction_ref) WHERE kind = 'rejected';

-- What can still move, and what ended without the money at the payee: a person is asked to do something about both. The condition
-- is repeated word for word by the queries that list (reading.ts).
DROP INDEX instructions_open;
CREATE INDEX instructions_open ON instructions (status)
  WHERE instr(' waiting scheduled held ready sending unknown manual submitted reversed failed declined ', ' ' || status || ' ') > 0;

UPDATE files SET rejected = found.times
FROM (
  SELECT file, sum(times) AS times FROM (
    SELECT id >> 32 AS file, count(*) AS times FROM rows WHERE kind = 'rejected' GROUP BY 1
    UNION ALL
    SELECT id >> 32, count(*) FROM instructions WHERE holds_refs = 0 GROUP BY 1
  ) GROUP BY file
) AS found
WHERE files.number = found.file;

UPDATE files SET repaired = found.times, revision = revision + 1
FROM (
  SELECT r.id >> 32 AS file, count(*) AS times
  FROM (
    SELECT id, customer_ref, order_ref, instruction_ref FROM rows WHERE kind = 'rejected'
    UNION ALL
    SELECT id, customer_ref, order_ref, instruction_ref FROM instructions WHERE holds_refs = 0
  ) AS r JOIN files ON files.number = r.id >> 32
  WHERE CASE files.kind
    WHEN 'orders' THEN EXISTS (
      SELECT 1 FROM orders WHERE customer_ref = r.customer_ref AND order_ref = r.order_ref AND id >> 32 > r.id >> 32)
    ELSE r.instruction_ref <> '' AND EXISTS (
      SELECT 1 FROM instruction_refs held
      WHERE held.customer_ref = r.customer_ref AND held.order_ref = r.order_ref AND held.instruction_ref = r.instruction_ref
        AND (held.instruction >> 32 > r.id >> 32 OR EXISTS (
          SELECT 1 FROM rows later
          WHERE later.target = held.instruction AND later.kind <> 'duplicate' AND later.id >> 32 > r.id >> 32)))
  END
  GROUP BY 1
) AS found
WHERE files.number = found.file;
