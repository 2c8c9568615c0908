-- What was forgotten: 1 for an instruction whose texts were removed.
ALTER TABLE instructions ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- The files that a person has had forgotten, each with its audit entry.
CREATE TABLE forgotten_files (
  file INTEGER PRIMARY KEY REFERENCES files (number),
  seq INTEGER NOT NULL REFERENCES audit (seq),
  removed INTEGER NOT NULL DEFAULT 0  -- 1 once nothing of it is on the disk any more
) STRICT;
