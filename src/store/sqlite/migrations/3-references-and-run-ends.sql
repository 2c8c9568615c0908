-- Which references are taken. In a table of their own, sorted by them, and not in an index of `instructions`: a file's are
-- entered all at once when it is finished, in their order, which touches each page once; row by row nearly each would touch,
-- and write, another page. Until then only those are entered that other rows of the same file ask for.
CREATE TABLE instruction_refs (
  customer_ref TEXT NOT NULL,
  order_ref TEXT NOT NULL,
  instruction_ref TEXT NOT NULL,
  instruction INTEGER NOT NULL,
  PRIMARY KEY (customer_ref, order_ref, instruction_ref)
) STRICT, WITHOUT ROWID;

INSERT INTO instruction_refs
SELECT customer_ref, order_ref, instruction_ref, id FROM instructions WHERE holds_refs = 1
ORDER BY customer_ref, order_ref, instruction_ref;

DROP INDEX instructions_by_refs;

-- An instruction that is rejected after all gives its references back.
CREATE TRIGGER instruction_refs_freed AFTER UPDATE OF holds_refs ON instructions WHEN NEW.holds_refs = 0
BEGIN
  DELETE FROM instruction_refs
  WHERE customer_ref = OLD.customer_ref AND order_ref = OLD.order_ref AND instruction_ref = OLD.instruction_ref
    AND instruction = OLD.id;
END;

-- JSON: what was open when the run ended, for its report, whenever that is written.
ALTER TABLE runs ADD COLUMN open TEXT;
