/**
 * The rules of a world about what is held back, and a model of its own of what persons have said. It judges what leaves
 * by the provider's ledger and by what persons did, never by what the program thinks of it.
 */
import { instructionKey, rowPlace } from '../../src/domain/instruction.ts';
import { approve, type HeldPayout, heldPayouts, refuse } from '../../src/pipeline/approval.ts';
import type { OpenWorkspace } from '../../src/service/workspace.ts';
import { lookUpOnly } from '../../src/store/anchor.ts';
import type { StoredInstruction } from '../../src/store/port.ts';
import type { SimulatedApi, TheirPayout } from './api.ts';
import type { Chance } from './chance.ts';
import { minorOf } from './checks.ts';
import { APPROVERS } from './machine.ts';
import { count, type Tally } from './tally.ts';
import { Violation } from './violation.ts';

const REASON = 'compared with the invoice';

/** In minor units of INR, which is the only currency here. */
interface Rules {
  readonly tiers: readonly { readonly from: bigint; readonly people: number }[];
  readonly payout: bigint | undefined;
  readonly day: bigint | undefined;
  readonly payeeDay: bigint | undefined;
  readonly newPayees: 'pay' | 'hold';
  readonly possibleDuplicates: 'warn' | 'hold';
}

export function drawRules(chance: Chance): Rules {
  return {
    tiers: chance.pick([
      [],
      [{ from: 400n, people: 1 }],
      [
        { from: 200n, people: 1 },
        { from: 400n, people: 2 },
      ],
      [{ from: 1n, people: 2 }],
    ]),
    payout: chance.pick([undefined, 350n, 450n]),
    day: chance.pick([undefined, 450n, 800n, 1500n]),
    payeeDay: chance.pick([undefined, 600n, 1000n]),
    newPayees: chance.strikes(0.2) ? 'hold' : 'pay',
    possibleDuplicates: chance.strikes(0.3) ? 'hold' : 'warn',
  };
}

/** For paydrop.json. */
export function controlOf({ tiers, payout, day, payeeDay, newPayees, possibleDuplicates }: Rules): object {
  const inr = (minor: bigint) => ({ INR: `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}` });
  const limits = { payout, day, payeeDay };
  const set = Object.entries(limits).flatMap(([name, most]) => (most === undefined ? [] : [[name, inr(most)]]));
  return {
    approvals: tiers.map(({ from, people }) => ({ from: inr(from), people })),
    limits: Object.fromEntries(set) as object,
    newPayees,
    possibleDuplicates,
  };
}

interface Yes {
  readonly person: string;
  readonly contentRow: number;
  readonly attempt: number;
  readonly amountMinor: bigint | undefined;
  readonly codes: readonly string[];
}

/** A payout when it first left. */
interface Left {
  readonly date: string;
  readonly payee: string;
  readonly mayPassDay: boolean;
  readonly mayPassPayee: boolean;
}

export interface GuardOptions {
  readonly rules: Rules;
  readonly api: SimulatedApi;
  readonly find: (reference: string) => TheirPayout | undefined;
  readonly tally: Tally;
  readonly note: (what: string) => void;
}

export class Guard {
  /** Keys of the payouts that were refused. */
  readonly refused = new Set<string>();
  readonly #yes = new Map<string, Yes[]>();
  readonly #left = new Map<string, Left>();

  readonly options: GuardOptions;

  constructor(options: GuardOptions) {
    this.options = options;
  }

  /** Persons look at what is held: each at some of it. Returns how many decisions they made. */
  async decide(chance: Chance, tools: OpenWorkspace): Promise<number> {
    let decisions = 0;
    for (const person of APPROVERS) {
      if (!chance.strikes(0.5)) continue;
      const held = await heldPayouts(tools.store, tools.settings);
      const chosen = held.filter(() => chance.strikes(0.6));
      if (chosen.length === 0) continue;
      const says = chance.strikes(0.15) ? 'no' : 'yes';
      decisions += await this.#say(says, chosen, person, tools);
    }
    return decisions;
  }

  /** Everyone says yes to all that is held. */
  async approveAll(tools: OpenWorkspace): Promise<number> {
    let decisions = 0;
    for (const person of APPROVERS) {
      const held = await heldPayouts(tools.store, tools.settings);
      const open = held.filter(({ yes }) => !yes.includes(person));
      if (open.length > 0) decisions += await this.#say('yes', open, person, tools);
    }
    return decisions;
  }

  async #say(says: 'yes' | 'no', held: readonly HeldPayout[], person: string, tools: OpenWorkspace): Promise<number> {
    const { tally, note } = this.options;
    const decision = { by: person, reason: REASON };
    const outcome = await (says === 'yes' ? approve : refuse)(tools, held, decision);
    if (!outcome.ok) {
      count(tally, 'decisions about held payouts that do not count');
      return 0;
    }
    count(tally, `payouts with a ${says}`, held.length);
    for (const { payout, reasons } of held) {
      const key = instructionKey(payout);
      note(`${person} says ${says} to ${payout.instructionRef}`);
      if (says === 'no') this.refused.add(key);
      const { contentRow, attempt, amountMinor } = payout;
      const given = { person, contentRow, attempt, amountMinor, codes: reasons };
      if (says === 'yes') this.#yes.set(key, [...(this.#yes.get(key) ?? []), given]);
    }
    return held.length;
  }

  /** What is wrong with a payout that leaves now; undefined when nothing is. */
  async leaves(instruction: StoredInstruction, date: string, open: OpenWorkspace): Promise<string | undefined> {
    const { api, find } = this.options;
    const reference = api.referenceOf(instruction);
    if (this.refused.has(instructionKey(instruction))) return `${reference} was refused`;
    const missing = this.#missing(instruction);
    if (missing !== undefined) return missing;
    const before = this.#left.get(reference);
    // A crash may have cut off its first send before it left. Who sends it again can't know, so it counts on that day.
    const [firstDate = date] =
      before || instruction.unclearSends === 0 ? [] : await open.store.sentDates(instruction.id);
    const now = {
      date: firstDate,
      payee: await payeeOf(instruction, open),
      mayPassDay: this.#people(instruction, 'DAY_LIMIT_EXCEEDED') > 0,
      mayPassPayee: this.#people(instruction, 'PAYEE_LIMIT_EXCEEDED') > 0,
    };
    // What provably never left, or what restored records have forgotten, is judged as new.
    const isFirst = before === undefined || (instruction.unclearSends === 0 && find(reference) === undefined);
    if (isFirst) this.#left.set(reference, now);
    return this.#passed(isFirst ? { reference, amountMinor: instruction.amountMinor ?? 0n } : undefined);
  }

  /** What is wrong with a change that is asked of the provider. */
  changes({ instructionRef, amendment }: StoredInstruction): string | undefined {
    const { tiers, payout } = this.options.rules;
    const minor = amendment?.becomes?.amountMinor;
    if (minor === undefined) return undefined;
    const isFree = tiers.every(({ from }) => minor < from) && (payout === undefined || minor <= payout);
    return isFree ? undefined : `${instructionRef} is changed to ${minor}, which needs a yes`;
  }

  /** Between passes: limits of the days, and what the records say of what is held and what is ready. */
  async check(instructions: readonly StoredInstruction[], { store }: OpenWorkspace): Promise<void> {
    const passed = this.#passed(undefined);
    if (passed !== undefined) throw new Violation('no limit of a day is passed', passed);
    const inDoubt = (await lookUpOnly(store)) !== undefined;
    // A machine that stopped in the middle of a file may come back later. Until then no payout of it is claimed or judged.
    const unfinished = new Set((await store.files()).flatMap(({ number, done }) => (done ? [] : [number])));
    const judged = await store.toJudge(instructions.map(({ id }) => id));
    for (const payout of judged) {
      if (payout.status === 'held') this.#checkReasons(payout, payout.code.split(' '));
      const isLeft = inDoubt || unfinished.has(rowPlace(payout.contentRow).file);
      const isFree = isLeft || payout.unclearSends > 0 || payout.status !== 'ready';
      const missing = isFree ? undefined : this.#missing(payout);
      if (missing !== undefined) throw new Violation('what is ready has no undecided reason', missing);
    }
  }

  #checkReasons(instruction: StoredInstruction, codes: readonly string[]): void {
    const { tiers, payout, day, payeeDay, newPayees, possibleDuplicates } = this.options.rules;
    const { instructionRef, amountMinor: minor = 0n } = instruction;
    const stands: Readonly<Record<string, boolean>> = {
      APPROVAL_REQUIRED: tiers.some(({ from }) => minor >= from),
      PAYOUT_LIMIT_EXCEEDED: payout !== undefined && minor > payout,
      DAY_LIMIT_EXCEEDED: day !== undefined,
      PAYEE_LIMIT_EXCEEDED: payeeDay !== undefined,
      PAYEE_NOT_KNOWN: newPayees === 'hold',
      POSSIBLE_DUPLICATE: possibleDuplicates === 'hold',
    };
    const wrong = codes.find((code) => !stands[code]);
    if (wrong !== undefined || codes.length === 0)
      throw new Violation('what is held has a reason', `${instructionRef} of ${minor}: ${codes.join(' ')}`);
  }

  #missing(instruction: StoredInstruction): string | undefined {
    const { tiers, payout } = this.options.rules;
    const { instructionRef, amountMinor: minor = 0n } = instruction;
    const needed = Math.max(0, ...tiers.filter(({ from }) => minor >= from).map(({ people }) => people));
    const people = this.#people(instruction, 'APPROVAL_REQUIRED');
    if (people < needed) return `${instructionRef} of ${minor} needs ${needed} people, and has ${people}`;
    const isOver = payout !== undefined && minor > payout;
    if (isOver && this.#people(instruction, 'PAYOUT_LIMIT_EXCEEDED') === 0)
      return `${instructionRef} of ${minor} is over the limit of ${payout}`;
    return undefined;
  }

  /** Of how many people the yes covers a reason, for the content as it is, in this attempt. */
  #people(instruction: StoredInstruction, code: string): number {
    const { contentRow, attempt, amountMinor } = instruction;
    const given = (this.#yes.get(instructionKey(instruction)) ?? []).filter(
      (yes) =>
        yes.contentRow === contentRow &&
        yes.attempt === attempt &&
        yes.amountMinor === amountMinor &&
        yes.codes.includes(code),
    );
    return new Set(given.map(({ person }) => person)).size;
  }

  /** Which limit of a day the provider has passed, together with what leaves now. */
  #passed(leaving: { reference: string; amountMinor: bigint } | undefined): string | undefined {
    const { day, payeeDay } = this.options.rules;
    const days = new Map<string, bigint>();
    const payees = new Map<string, bigint>();
    for (const [reference, { date, payee, mayPassDay, mayPassPayee }] of this.#left) {
      const minor = reference === leaving?.reference ? leaving.amountMinor : this.#there(reference);
      if (!mayPassDay) days.set(date, (days.get(date) ?? 0n) + minor);
      const key = `${payee} on ${date}`;
      if (!mayPassPayee) payees.set(key, (payees.get(key) ?? 0n) + minor);
    }
    const over = (sums: ReadonlyMap<string, bigint>, most: bigint | undefined) =>
      [...sums].find(([, sum]) => most !== undefined && sum > most);
    const found = over(days, day) ?? over(payees, payeeDay);
    return found && `${found[1]}: ${found[0]}`;
  }

  /** What of it is there or was paid. */
  #there(reference: string): bigint {
    const theirs = this.options.find(reference);
    if (theirs?.status !== 'open' && theirs?.status !== 'paid') return 0n;
    return BigInt(minorOf(theirs.amount));
  }
}

async function payeeOf(instruction: StoredInstruction, { store }: OpenWorkspace): Promise<string> {
  const { content, payout } = instruction;
  const [order] = await store.findOrders([instruction]);
  return content.managed?.financialInstrumentId || order?.customerDefaults?.financialInstrumentId || payout.contactId;
}
