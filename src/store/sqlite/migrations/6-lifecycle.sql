-- The same of orders, which a provider is told of: what was refused and not believed yet, and since when look-ups can't be read.

ALTER TABLE orders ADD COLUMN registration_refused_at TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN registration_answer_since TEXT NOT NULL DEFAULT '';
