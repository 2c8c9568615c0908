-- What rows said of an instruction that doesn't stand any more, so that a change that is dropped again once a newer one has come
-- is told from a new one.

CREATE TABLE statements (
  instruction INTEGER NOT NULL,
  statement TEXT NOT NULL,         -- as statementOf (instruction.ts) puts it
  row INTEGER NOT NULL,            -- the row that it was taken in with
  PRIMARY KEY (instruction, statement)
) STRICT, WITHOUT ROWID;

-- Until now only this was kept of a content that was replaced (earlierStatementOf).
INSERT INTO statements
SELECT instruction, statement, min(row) FROM (
  SELECT rows.target AS instruction, rows.id AS row,
    concat('UPDATE ', rows.amount, ' ', rows.open_date, ' ', rows.due_date) AS statement
  FROM rows JOIN instructions ON instructions.id = rows.target
  WHERE rows.kind = 'updated' AND instructions.content_row <> rows.id
  UNION ALL
  SELECT id, id,
    concat('CREATE ', first_content ->> 'amount', ' ', first_content ->> 'openDate', ' ', first_content ->> 'dueDate')
  FROM instructions WHERE first_content IS NOT NULL
)
GROUP BY instruction, statement;

-- A row that was rejected because another file's holds its reference: its report says what that one has come to.
CREATE TABLE conflicts (
  row INTEGER PRIMARY KEY,
  holder INTEGER NOT NULL
) STRICT;

CREATE INDEX conflicts_by_holder ON conflicts (holder);
