import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { release } from '../../src/pipeline/release.ts';
import type { Settings } from '../../src/settings/settings.ts';
import type { Change } from '../../src/store/port.ts';
import { openTaking, type Taken, type Taking } from '../input/taking.ts';
import { testClock } from '../support/clock.ts';
import { ALL } from '../support/sample.ts';

const COLUMNS = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const DAY = '2026-03-02';
const DAY_MS = 86_400_000;
const REFS = ['P1', 'P2'];

let taking: Taking;

beforeAll(async () => {
  taking = await openTaking();
});

afterAll(() => taking.close());

interface Row {
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly ref: string;
  readonly amount: number;
  /** Its amount can't be read, unless the file is repaired. */
  readonly bad: boolean;
}

/** A file with new rows, one of the earlier ones once more, the order comes, it has not come in time, or what is due is sent. */
type Step =
  | { readonly kind: 'file'; readonly rows: readonly Row[] }
  | { readonly kind: 'again'; readonly which: number; readonly repaired: boolean }
  | { readonly kind: 'order' | 'late' | 'send' };

const row: fc.Arbitrary<Row> = fc.record({
  action: fc.constantFrom('CREATE', 'UPDATE', 'UPDATE', 'UPDATE', 'DELETE'),
  ref: fc.constantFrom(...REFS),
  amount: fc.integer({ min: 1, max: 4 }),
  bad: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('file' as const), rows: fc.array(row, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(), repaired: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('order' as const, 'late' as const, 'late' as const, 'send' as const),
    }),
  },
);

interface WorkspaceState {
  readonly amount: number;
  readonly state: 'waiting' | 'open' | 'sent' | 'deleted';
  /** An UPDATE has stated it. */
  readonly updated: boolean;
}

/**
 * What each row comes to: only the first time that it is taken does it do anything. What was rejected in the end, because its order
 * never came, is taken once more as it stood last, and as nothing that was said before that.
 */
class Model {
  readonly #standing = new Map<string, WorkspaceState>();
  /** What stood last under references that are free again. */
  readonly #lapsed = new Map<string, WorkspaceState>();
  readonly #done = new Set<string>();
  /** Every amount that an instruction ever had. */
  readonly #had = new Set<string>();
  #hasOrder = false;

  take(rows: readonly Row[]): string[] {
    const here = new Set<string>();
    return rows.map((row) => {
      const { action, ref, amount, bad } = row;
      if (bad && action !== 'DELETE') return 'rejected';
      const says = action === 'UPDATE' ? `UPDATE ${ref} ${amount}` : `${action} ${ref}`;
      if (here.has(says)) return 'rejected';
      here.add(says);
      return this.#decide(row, `${action} ${ref} ${action === 'DELETE' ? '' : amount}`);
    });
  }

  #decide({ action, ref, amount }: Row, says: string): string {
    const now = this.#standing.get(ref);
    const last = this.#lapsed.get(ref);
    if (this.#done.has(says)) return 'duplicate';
    if (action === 'CREATE' && (now || last?.amount !== amount) && this.#had.has(`${ref} ${amount}`))
      return 'duplicate';
    if (action === 'CREATE' && now) return 'rejected';
    if (!now && action !== 'CREATE' && !(action === 'UPDATE' && last?.updated)) return 'rejected';
    if (action === 'UPDATE' && now?.amount === amount) {
      this.#done.add(says);
      this.#standing.set(ref, { ...now, updated: true });
      return 'duplicate';
    }
    if (now?.state === 'sent' || now?.state === 'deleted') return 'rejected';
    this.#done.add(says);
    this.#lapsed.delete(ref);
    if (last?.updated) this.#done.add(`UPDATE ${ref} ${last.amount}`);
    if (action === 'DELETE') {
      this.#standing.set(ref, { updated: false, amount: now?.amount ?? 0, state: 'deleted' });
      return 'taken';
    }
    this.#had.add(`${ref} ${amount}`);
    const updated = action === 'UPDATE' || (last?.updated === true && last.amount === amount);
    this.#standing.set(ref, { amount, updated, state: this.#hasOrder ? 'open' : 'waiting' });
    return 'taken';
  }

  orderComes(): void {
    this.#hasOrder = true;
    this.#move('waiting', 'open');
  }

  /** What still waits is rejected: its rows may be dropped once more. */
  late(): void {
    for (const [ref, standing] of this.#standing) {
      if (standing.state !== 'waiting') continue;
      this.#standing.delete(ref);
      this.#lapsed.set(ref, standing);
      for (const action of ['CREATE', 'UPDATE']) this.#done.delete(`${action} ${ref} ${standing.amount}`);
    }
  }

  send(): void {
    this.#move('open', 'sent');
  }

  #move(from: WorkspaceState['state'], to: WorkspaceState['state']): void {
    for (const [ref, standing] of this.#standing)
      if (standing.state === from) this.#standing.set(ref, { ...standing, state: to });
  }

  workspaceState(): Record<string, string> {
    return Object.fromEntries([...this.#standing].map(([ref, { amount, state }]) => [ref, `${amount} ${state}`]));
  }
}

let orders = 0;
let files = 0;

/** The row of an order of its own, so that one workspace does for all. */
async function dropOrder(orderRef: string): Promise<void> {
  const text = `customerRef,orderRef,currency,country,scheme\nC1,${orderRef},INR,IN,${SCHEME}\n`;
  await taking.take({ name: `${orderRef}.csv`, bytes: Buffer.from(text) });
  await released(DAY_MS);
}

/** What waits goes on, or has waited longer than it may. */
async function released(waitForOrderMs: number): Promise<void> {
  const settings = { intake: { waitForOrderMs } } as Settings;
  const clock = { ...testClock(), now: () => Date.parse('2026-03-02T12:00:00Z') };
  await release({ store: taking.store, clock, settings, run: undefined }, DAY);
}

/** With a row of its own, so that no two files have the same bytes. */
async function drop(orderRef: string, rows: readonly Row[]): Promise<string[]> {
  const own = `F${++files}`;
  const lines = [...rows, { action: 'CREATE', ref: own, amount: 1, bad: false }].map(({ action, ref, amount, bad }) =>
    action === 'DELETE'
      ? `${action},C1,${orderRef},${ref},,,`
      : `${action},C1,${orderRef},${ref},${bad ? 'x' : amount},${DAY},${DAY}`,
  );
  const [taken] = await taking.take({
    name: `changes-${files}.csv`,
    bytes: Buffer.from([COLUMNS, ...lines, ''].join('\n')),
  });
  return statusesOf(taken).slice(0, -1);
}

function statusesOf(taken: Taken | undefined): string[] {
  return (taken?.rows ?? []).map(({ status = '' }) => (['rejected', 'duplicate'].includes(status) ? status : 'taken'));
}

async function found(orderRef: string) {
  const refs = REFS.map((instructionRef) => ({ customerRef: 'C1', orderRef, instructionRef }));
  return (await taking.store.findInstructions(refs)).flatMap((instruction) => instruction ?? []);
}

async function send(orderRef: string): Promise<void> {
  const at = '2026-03-02T01:00:00.000Z';
  const ready = (await found(orderRef)).filter(({ status }) => status === 'ready');
  const begin = ready.map(({ id, version, clientRefId }): Change => {
    const intent = { clientRefId, body: '{}', bodySha256: '', late: false, businessDate: '2026-11-20' };
    return { id, version, from: 'ready', to: 'sending', intent };
  });
  await taking.store.apply(begin, { at });
  const end = ready.map(({ id, version }): Change => {
    return { id, version: version + 1, from: 'sending', to: 'submitted', sent: { outcome: 'accepted' } };
  });
  await taking.store.apply(end, { at });
}

async function workspaceState(orderRef: string): Promise<Record<string, string>> {
  const states = { waiting: 'waiting', ready: 'open', submitted: 'sent', cancelled: 'deleted' } as Record<
    string,
    string
  >;
  const all = await found(orderRef);
  return Object.fromEntries(
    all.map(({ instructionRef, content, status }) => [instructionRef, `${content.amount} ${states[status]}`]),
  );
}

/** Takes a sequence of steps, with an order of its own, and compares after each with what the model says. */
async function expectAsModelled(steps: readonly Step[]): Promise<void> {
  const orderRef = `O${++orders}`;
  const model = new Model();
  const dropped: (readonly Row[])[] = [];
  let hasOrder = false;
  for (const one of steps) {
    switch (one.kind) {
      case 'order':
        model.orderComes();
        if (!hasOrder) await dropOrder(orderRef);
        hasOrder = true;
        break;
      case 'late':
        model.late();
        await released(0);
        break;
      case 'send':
        model.send();
        await send(orderRef);
        break;
      default: {
        const rows = one.kind === 'file' ? one.rows : dropped[one.which % (dropped.length || 1)];
        if (!rows) continue;
        const now = one.kind === 'again' && one.repaired ? rows.map((bad) => ({ ...bad, bad: false })) : rows;
        if (one.kind === 'file') dropped.push(rows);
        expect(await drop(orderRef, now)).toEqual(model.take(now));
      }
    }
    expect(await workspaceState(orderRef)).toEqual(model.workspaceState());
  }
}

describe('rows that are dropped again', () => {
  const file = (action: Row['action'], amount: number): Step => {
    return { kind: 'file', rows: [{ action, ref: 'P1', amount, bad: false }] };
  };
  const again = (which: number): Step => ({ kind: 'again', which, repaired: false });
  const late: Step = { kind: 'late' };

  it.each<[string, ...Step[]]>([
    [
      'the latest statement that was rejected for its order is taken once the order is there, and no earlier one',
      file('CREATE', 1),
      file('UPDATE', 2),
      late,
      { kind: 'order' },
      again(0),
      again(1),
      again(0),
      again(1),
    ],
    [
      'a repaired UPDATE is taken as well, and those before it are not',
      file('CREATE', 1),
      file('UPDATE', 2),
      late,
      file('UPDATE', 3),
      again(0),
      again(1),
      late,
      again(1),
      again(2),
      again(0),
    ],
    [
      'a row that was created anew stands for all before it',
      file('CREATE', 1),
      late,
      file('CREATE', 2),
      late,
      again(0),
      again(1),
      again(0),
    ],
    [
      'an UPDATE of what was rejected as it was created finds nothing',
      file('CREATE', 1),
      late,
      file('UPDATE', 2),
      again(0),
    ],
  ])('%s', async (_, ...steps) => {
    await expectAsModelled(steps);
  });

  it('change nothing, whatever was created, updated, deleted, rejected late or sent in between', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), expectAsModelled), {
      numRuns: ALL ? 80 : 10,
    });
  }, 120_000);
});
