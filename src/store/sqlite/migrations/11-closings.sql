-- What a person has decided to need nothing more here: a payout that did not arrive, as it was in that version, or a file with what was
-- rejected of it until then. One row for each such audit entry. There are few: what can be mended is not closed.
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

-- The file whose rejected rows a file repairs, as its name says.
ALTER TABLE files ADD COLUMN repairs INTEGER;
CREATE INDEX files_by_repairs ON files (repairs) WHERE repairs IS NOT NULL;

-- How many rejected rows have another one in a file that repairs them, where nothing says which ones.
ALTER TABLE files ADD COLUMN stood_for INTEGER NOT NULL DEFAULT 0;

-- 1 once all that was rejected needs no repair any more: by the rows of which file, or else on a person's word.
ALTER TABLE files ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN settled_with INTEGER;

-- What was rejected after that: an instruction whose order never came, a change that the provider refused.
CREATE TABLE rejected_since (
  row INTEGER PRIMARY KEY
) STRICT;

-- A totals row is no payment: it needs no repair.
UPDATE files SET rejected = rejected - found.times, revision = revision + 1
FROM (
  SELECT id >> 32 AS file, count(*) AS times FROM rows
  WHERE kind = 'rejected' AND errors ->> '$[0].code' = 'TOTALS_ROW_NOT_ALLOWED' GROUP BY 1
) AS found
WHERE files.number = found.file;

-- An instruction that was rejected late stands in the file of the row whose content it has.
UPDATE files SET rejected = rejected - found.times, revision = revision + 1
FROM (
  SELECT id >> 32 AS file, count(*) AS times FROM instructions
  WHERE holds_refs = 0 AND content_row >> 32 <> id >> 32 GROUP BY 1
) AS found
WHERE files.number = found.file;

UPDATE files SET rejected = rejected + found.times, revision = revision + 1
FROM (
  SELECT content_row >> 32 AS file, count(*) AS times FROM instructions
  WHERE holds_refs = 0 AND content_row >> 32 <> id >> 32 GROUP BY 1
) AS found
WHERE files.number = found.file;
