import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../src/store.ts';
import { openTaking, type Taken, type Taking } from '../input/taking.ts';

const COLUMNS = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const DAY = '2026-03-02';
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

/** A file with new rows, one of the earlier ones once more, or what is due is sent. */
type Step =
  | { readonly kind: 'file'; readonly rows: readonly Row[] }
  | { readonly kind: 'again'; readonly which: number; readonly repaired: boolean }
  | { readonly kind: 'send' };

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
  { weight: 1, arbitrary: fc.constant({ kind: 'send' as const }) },
);

/** What each row comes to: only the first time that it is taken does it do anything. */
class Model {
  readonly #standing = new Map<string, { amount: number; state: 'open' | 'sent' | 'deleted' }>();
  readonly #done = new Set<string>();
  /** Every amount that an instruction ever had. */
  readonly #had = new Set<string>();

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
    if (this.#done.has(says)) return 'duplicate';
    if (action === 'CREATE' && now) return this.#had.has(`${ref} ${amount}`) ? 'duplicate' : 'rejected';
    if (!now && action !== 'CREATE') return 'rejected';
    if (action === 'UPDATE' && now?.amount === amount) {
      this.#done.add(says);
      return 'duplicate';
    }
    if (now && now.state !== 'open') return 'rejected';
    this.#done.add(says);
    if (action !== 'DELETE') this.#had.add(`${ref} ${amount}`);
    this.#standing.set(
      ref,
      action === 'DELETE' ? { amount: now?.amount ?? 0, state: 'deleted' } : { amount, state: 'open' },
    );
    return 'taken';
  }

  send(): void {
    for (const [ref, { amount, state }] of this.#standing)
      if (state === 'open') this.#standing.set(ref, { amount, state: 'sent' });
  }

  standing(): Record<string, string> {
    return Object.fromEntries([...this.#standing].map(([ref, { amount, state }]) => [ref, `${amount} ${state}`]));
  }
}

let orders = 0;
let files = 0;

/** An order of its own, so that one workspace does for all. */
async function openOrder(): Promise<string> {
  const orderRef = `O${++orders}`;
  const text = `customerRef,orderRef,currency,country,scheme\nC1,${orderRef},INR,IN,${SCHEME}\n`;
  await taking.take({ name: `orders-${orders}.csv`, bytes: Buffer.from(text) });
  return orderRef;
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
    const intent = { clientRefId, body: '{}', bodySha256: '', late: false };
    return { id, version, from: 'ready', to: 'sending', intent };
  });
  await taking.store.apply(begin, at);
  const end = ready.map(({ id, version }): Change => {
    return { id, version: version + 1, from: 'sending', to: 'submitted', sent: { outcome: 'accepted' } };
  });
  await taking.store.apply(end, at);
}

async function standing(orderRef: string): Promise<Record<string, string>> {
  const states = { ready: 'open', submitted: 'sent', cancelled: 'deleted' } as Record<string, string>;
  const all = await found(orderRef);
  return Object.fromEntries(
    all.map(({ instructionRef, content, status }) => [instructionRef, `${content.amount} ${states[status]}`]),
  );
}

describe('rows that are dropped again', () => {
  it('change nothing, whatever was created, updated, deleted or sent in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
        const orderRef = await openOrder();
        const model = new Model();
        const dropped: (readonly Row[])[] = [];
        for (const one of steps) {
          if (one.kind === 'send') {
            model.send();
            await send(orderRef);
          } else {
            const rows = one.kind === 'file' ? one.rows : dropped[one.which % (dropped.length || 1)];
            if (!rows) continue;
            const now = one.kind === 'again' && one.repaired ? rows.map((bad) => ({ ...bad, bad: false })) : rows;
            if (one.kind === 'file') dropped.push(rows);
            expect(await drop(orderRef, now)).toEqual(model.take(now));
          }
          expect(await standing(orderRef)).toEqual(model.standing());
        }
      }),
      { numRuns: 50 },
    );
  }, 120_000);
});
