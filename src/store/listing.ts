/** Payouts that a person asks for, from what the tables have of them. */
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { parseDecimal, toMinor } from '../domain/money.ts';
import type { InstructionStatus } from '../domain/status.ts';
import type { Links } from './links.ts';
import type { ListedPayout, PayoutEvent } from './port.ts';
import { type InstructionRow, shownLive } from './results.ts';

/** What a list shows of a payout besides its row. In the order of an adapter's ALSO. */
export type Also = [
  contactId: string,
  contentRow: number,
  madeVersion: number,
  fileName: string,
  receivedAt: string,
  /** What its own row stated, once an UPDATE has replaced it. */
  firstMinor: string | null,
];

/** One of its audit entries. */
export interface EventRow {
  readonly body: string;
  readonly businessDate: string | null;
}

/** An UPDATE of it, and the version that this made. */
export interface Update {
  readonly version: number;
  readonly amount: string;
  readonly currency: string;
}

/** `history` and `updates` have the oldest first. */
export function listedPayout(
  row: InstructionRow,
  [contactId, contentRow, version, fileName, receivedAt, firstMinor]: Also,
  history: readonly EventRow[],
  updates: readonly Update[],
  links: Links,
): ListedPayout {
  const [id, , , , status, , amountMinor] = row;
  const { file, line } = rowPlace(contentRow);
  const dueIn = amountsOf(updates, firstMinor, amountMinor);
  const result = shownLive(row, links, version, receivedAt);
  const about = { status: status as InstructionStatus, id, line, file, fileName, contactId };
  return { ...result, ...about, history: history.map((event) => payoutEvent(event, dueIn)) };
}

function payoutEvent({ body, businessDate }: EventRow, dueIn: (version: number) => bigint | undefined): PayoutEvent {
  const { type, at, from, to, version, run, send, by, reason, ticket } = JSON.parse(body);
  const amountMinor = version === undefined ? undefined : dueIn(version);
  return {
    ...{ type, at, from, to, amountMinor, run, businessDate: businessDate ?? undefined },
    ...{ send: send !== undefined, by, reason, ticket },
  };
}

/** What was due in each version of a payout. An UPDATE may have changed it, and a later one cannot change what was. */
function amountsOf(updates: readonly Update[], first: string | null, now: string | null) {
  const present = now === null ? undefined : BigInt(now);
  return (version: number): bigint | undefined => {
    if (updates.length === 0) return present;
    const last = updates.findLast((change) => change.version <= version);
    if (!last) return first ? BigInt(first) : present;
    const amount = parseDecimal(last.amount);
    return amount && toMinor(amount, currencyExponent(last.currency) ?? 0);
  };
}
