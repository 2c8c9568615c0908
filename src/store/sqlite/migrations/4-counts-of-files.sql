-- What a file's instructions come to by status. To count them looks at each, so it stands until one of them is moved.

ALTER TABLE files ADD COLUMN counts TEXT;   -- JSON, as in store/counts.ts; null until it is first counted

DELETE FROM facts WHERE name = 'status-counts';
