-- What receivers are told of (store/notifications.ts): a row for each receiver.
CREATE TABLE notifications (
  number INTEGER PRIMARY KEY,
  receiver TEXT NOT NULL,            -- which one of the settings: Subscription.receiver
  event TEXT NOT NULL,
  instruction INTEGER REFERENCES instructions (id),  -- the payout that it is about; null for sums and all else
  at TEXT NOT NULL,                  -- when it happened; of gathered payouts, the first of them
  details TEXT NOT NULL,             -- JSON; empty once it was forgotten
  gathering INTEGER NOT NULL,        -- 1 while more payouts are added to its sums: until it is first claimed
  tries INTEGER NOT NULL DEFAULT 0,
  next_try_at TEXT,                  -- null once it was delivered or given up
  delivered_at TEXT,
  given_up_at TEXT,
  trouble TEXT NOT NULL DEFAULT ''   -- of the last try
) STRICT;

CREATE INDEX notifications_due ON notifications (receiver, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE UNIQUE INDEX notifications_gathering ON notifications (receiver, event) WHERE gathering = 1;
CREATE INDEX notifications_by_instruction ON notifications (instruction) WHERE instruction IS NOT NULL;
CREATE INDEX notifications_ended ON notifications (at) WHERE next_try_at IS NULL;
CREATE INDEX notifications_oldest ON notifications (at) WHERE next_try_at IS NOT NULL;
CREATE INDEX notifications_given_up ON notifications (given_up_at) WHERE given_up_at IS NOT NULL;
