-- JSON: the verdict on each file that the run took in, by number, when the run ended; for its report, whenever that is
-- written. Null where the run has not ended, or ended before this column was there.
ALTER TABLE runs ADD COLUMN verdicts TEXT;
