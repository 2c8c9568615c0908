-- What look-ups answered that did not settle a payout, and since when; and a refusal that was not believed yet.

ALTER TABLE instructions ADD COLUMN answer TEXT NOT NULL DEFAULT '';          -- empty once a look-up could be read
ALTER TABLE instructions ADD COLUMN answer_since TEXT NOT NULL DEFAULT '';    -- the first of an unbroken series of such look-ups
ALTER TABLE instructions ADD COLUMN refused_at TEXT NOT NULL DEFAULT '';      -- of this attempt, after a send that may have arrived
ALTER TABLE instructions ADD COLUMN refused_code TEXT NOT NULL DEFAULT '';
ALTER TABLE instructions ADD COLUMN refused_message TEXT NOT NULL DEFAULT '';

CREATE INDEX instructions_answered ON instructions (answer_since) WHERE answer <> '';
