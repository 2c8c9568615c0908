-- JSON: what the run's page says of the moment of its end, whenever it is written: the verdict on each file that the run
-- took in, by number, and why it was not finished. Null where the run has not ended, or ended before this column was there.
ALTER TABLE runs ADD COLUMN at_end TEXT;
