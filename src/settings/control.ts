/** The settings of what is held back until a person has decided. */
import * as z from 'zod/mini';
import { type Amounts, amounts, amountsFrom } from './amounts.ts';
import { described, part } from './values.ts';

export interface ControlSettings {
  /** From which amounts on how many people must say yes; the fewest people first. */
  readonly approvals: readonly Tier[];
  /** In minor units. A currency without an entry has no limit. */
  readonly limits: {
    readonly payout: Amounts;
    readonly file: Amounts;
    readonly day: Amounts;
    readonly payeeDay: Amounts;
  };
  readonly newPayees: 'pay' | 'hold';
  readonly possibleDuplicates: 'warn' | 'hold' | 'off';
  /** The most days between the open dates of two possible duplicates. */
  readonly possibleDuplicateDays: number;
  readonly lastLine: 'hold' | 'accept';
  readonly implausibleDates: 'hold' | 'accept';
  /** Whether a file of an owner who is no person of the settings may be decided about. */
  readonly maker: 'person' | 'anyone';
  /** Whether the provider is asked what the account has, before a pass sends. */
  readonly balance: 'off' | 'check';
}

interface Tier {
  readonly from: Amounts;
  readonly people: number;
}

const MOST_PEOPLE = 9;
const MOST_DAYS = 366;

const HOLD_OR_ACCEPT = z.enum(['hold', 'accept'], 'expected "hold" or "accept"');

const tier = z.strictObject({
  from: amounts,
  people: z.int(`expected a whole number from 1 to ${MOST_PEOPLE}`).check(z.minimum(1), z.maximum(MOST_PEOPLE)),
});

const approvals = z.array(tier).check(({ value, issues }) => {
  for (const { at, name, message } of overlaps(value))
    issues.push({ code: 'custom', message, input: value, path: [at, ...name] });
});

/** How `control` is written in paydrop.json. */
export const controlSchema = part({
  approvals: described(
    z._default(approvals, []),
    'tiers by amount, such as [{"from": {"INR": "200000.00"}, "people": 2}]; a currency that a tier does not name needs the highest',
  ),
  limits: part({
    payout: z.optional(amounts),
    file: z.optional(amounts),
    day: described(z.optional(amounts), 'for all that is sent on a business date'),
    payeeDay: described(z.optional(amounts), 'for all that is sent to one payee on a business date'),
  }),
  newPayees: z._default(z.enum(['pay', 'hold'], 'expected "pay" or "hold"'), 'pay'),
  possibleDuplicates: z._default(z.enum(['warn', 'hold', 'off'], 'expected "warn", "hold" or "off"'), 'warn'),
  possibleDuplicateDays: z._default(
    z.int(`expected a whole number from 0 to ${MOST_DAYS}`).check(z.minimum(0), z.maximum(MOST_DAYS)),
    7,
  ),
  lastLine: z._default(HOLD_OR_ACCEPT, 'hold'),
  implausibleDates: z._default(HOLD_OR_ACCEPT, 'hold'),
  maker: described(
    z._default(z.enum(['person', 'anyone'], 'expected "person" or "anyone"'), 'person'),
    'whether the owner of a file must be a person of people before others may decide about it',
  ),
  balance: described(
    z._default(z.enum(['off', 'check'], 'expected "off" or "check"'), 'off'),
    'asks what the account has before a pass sends; payout-orders, with one currency in provider.currencies',
  ),
});

export function controlFrom({ approvals, limits, ...rest }: z.output<typeof controlSchema>): ControlSettings {
  const { payout = {}, file = {}, day = {}, payeeDay = {} } = limits;
  return {
    ...rest,
    approvals: approvals
      .map(({ from, people }) => ({ from: amountsFrom(from), people }))
      .sort((a, b) => a.people - b.people),
    limits: {
      payout: amountsFrom(payout),
      file: amountsFrom(file),
      day: amountsFrom(day),
      payeeDay: amountsFrom(payeeDay),
    },
  };
}

interface Overlap {
  readonly at: number;
  readonly name: readonly string[];
  readonly message: string;
}

/** Two tiers with as many people, and a tier that asks more people for a smaller amount than another one. */
function overlaps(tiers: readonly z.output<typeof tier>[]): Overlap[] {
  return tiers.flatMap(({ from, people }, at) =>
    tiers.slice(0, at).flatMap((earlier, before): Overlap[] => {
      if (earlier.people === people)
        return [
          { at, name: ['people'], message: `tier ${before + 1} asks for ${people} too: make one tier of the two` },
        ];
      const [fewer, more] = earlier.people < people ? [earlier.from, from] : [from, earlier.from];
      return Object.keys(fewer)
        .filter((currency) => currency in more && !isLess(fewer, more, currency))
        .map((currency) => ({
          at,
          name: ['from', currency],
          message: `overlaps with tier ${before + 1}: the tier with more people must begin at a larger amount`,
        }));
    }),
  );
}

/** Amounts that are no amounts are told apart elsewhere. */
function isLess(fewer: Readonly<Record<string, string>>, more: Readonly<Record<string, string>>, currency: string) {
  try {
    const [low, high] = [fewer, more].map((from) => amountsFrom({ [currency]: from[currency] ?? '' }).get(currency));
    return low !== undefined && high !== undefined && low < high;
  } catch {
    return true;
  }
}
