-- What receivers are told of (store/notifications.ts): a row for each receiver. Rows come with the chain's head locked, so
-- that numbers are given one after another. A claim takes no such lock.
CREATE TABLE notifications (
  number bigint PRIMARY KEY,
  receiver text COLLATE "C" NOT NULL,  -- which one of the settings: Subscription.receiver
  event text COLLATE "C" NOT NULL,
  instruction bigint REFERENCES instructions (id),  -- the payout that it is about; null for sums and all else
  at text COLLATE "C" NOT NULL,        -- when it happened; of gathered payouts, the first of them
  details text COLLATE "C" NOT NULL,   -- JSON; empty once it was forgotten
  gathering boolean NOT NULL,          -- while more payouts are added to its sums: until it is first claimed
  tries bigint NOT NULL DEFAULT 0,
  next_try_at text COLLATE "C",        -- null once it was delivered or given up
  delivered_at text COLLATE "C",
  given_up_at text COLLATE "C",
  trouble text COLLATE "C" NOT NULL DEFAULT ''  -- of the last try
);

CREATE INDEX notifications_due ON notifications (receiver, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE UNIQUE INDEX notifications_gathering ON notifications (receiver, event) WHERE gathering;
CREATE INDEX notifications_by_instruction ON notifications (instruction) WHERE instruction IS NOT NULL;
CREATE INDEX notifications_ended ON notifications (at) WHERE next_try_at IS NULL;
CREATE INDEX notifications_oldest ON notifications (at) WHERE next_try_at IS NOT NULL;
CREATE INDEX notifications_given_up ON notifications (given_up_at) WHERE given_up_at IS NOT NULL;
