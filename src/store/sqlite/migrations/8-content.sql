-- What each row stated, as a digest: what is sent is compared with it. Null for what an earlier version took in.

ALTER TABLE instructions ADD COLUMN content_digest TEXT;  -- of its own row, whatever UPDATE rows have made of it since
ALTER TABLE orders ADD COLUMN content_digest TEXT;

-- From this file on every row has one.
INSERT INTO facts SELECT 'digests-from-file', CAST(coalesce(max(number), 0) + 1 AS TEXT) FROM files;
