-- Payouts that webhooks named, each until it was looked up and for some days more. How often one was named since it has
-- its row, and which of these times a look-up has answered: it waits while they differ.
CREATE TABLE webhooks (
  instruction INTEGER PRIMARY KEY REFERENCES instructions (id),
  received_at TEXT NOT NULL,               -- the latest
  times INTEGER NOT NULL,
  asked_at TEXT NOT NULL DEFAULT '',       -- the latest look-up that a webhook brought about
  answered INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX webhooks_waiting ON webhooks (asked_at, instruction) WHERE answered < times;
CREATE INDEX webhooks_by_age ON webhooks (received_at);
