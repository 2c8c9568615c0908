/** What the console asks of any store: links and sessions, and a search in steps; run here against each store there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowId } from '../src/domain/instruction.ts';
import type { InstructionStatus } from '../src/domain/status.ts';
import type { PayoutSearch, RowRecord, SignIn, Store } from '../src/store/port.ts';
import { openStore as openPostgres } from '../src/store/postgres/postgres.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile, START } from './support/records.ts';

const AT = '2026-11-21T02:00:00.000Z';
const DATES = { openDate: '2026-11-21', dueDate: '2026-11-30' };
const NO_DETAILS = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
const ALL = Number.MAX_SAFE_INTEGER;

interface Given {
  readonly payee?: string;
  readonly amount?: string;
  readonly minor?: bigint;
  readonly currency?: string;
  readonly status?: InstructionStatus;
  readonly order?: string;
}

function created(
  line: number,
  { payee = 'P1', amount = '210.5', minor = 21_050n, currency = 'INR', ...more }: Given = {},
) {
  const { status = 'ready', order = 'O1' } = more;
  const row: RowRecord = {
    ...{ kind: 'instruction', line, ref: { customerRef: 'C1', orderRef: order, instructionRef: `I${line}` } },
    ...{ content: { amount, ...DATES, details: NO_DETAILS }, payout: { ...NO_DETAILS, contactId: payee } },
    ...{ status: status as 'ready', amountMinor: minor, currency, raw: [] },
  };
  return row;
}

const LINK: SignIn = {
  ...{ link: 'digest of a link', person: 'anna', account: 'uid 1000', statement: '', signature: '' },
  ...{ madeAt: AT, expiresAt: '2026-11-21T02:10:00.000Z' },
};
const ENDS = '2026-11-21T10:01:00.000Z';

function contract(name: string, open: (folder: string) => Store | Promise<Store>): void {
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paydrop-store-'));
    store = await open(folder);
  });

  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  async function taken(claim: string, rows: readonly RowRecord[]): Promise<void> {
    const { number } = await store.registerFile(newFile(claim));
    const progress = { ...START, line: rows.length + 1, rows: rows.length };
    expect(await store.recordRows(number, rows, progress, { at: AT })).toBe('recorded');
    await store.finishFile(number, undefined, { at: AT });
    await store.beginJudging(number);
  }

  describe(`${name}: links to the console`, () => {
    const minute = (at: number) => `2026-11-21T02:${String(at).padStart(2, '0')}:00.000Z`;

    it('open one session, once', async () => {
      await store.keepSignIn(LINK);
      expect(await store.signIn(LINK.link, minute(1))).toEqual(LINK);
      const session = { ...LINK, openedAt: minute(1), endsAt: ENDS };
      expect(await store.openSession(LINK.link, 'digest', minute(1), ENDS)).toEqual(session);
      expect(await store.session('digest', minute(2))).toEqual(session);
      expect(await store.signIn(LINK.link, minute(2))).toBeUndefined();
      expect(await store.openSession(LINK.link, 'another', minute(2), ENDS)).toBeUndefined();
      expect(await store.session('another', minute(2))).toBeUndefined();
    });

    it('open nothing once they are late, nor when nobody made them', async () => {
      await store.keepSignIn(LINK);
      expect(await store.signIn(LINK.link, LINK.expiresAt)).toBeUndefined();
      expect(await store.openSession(LINK.link, 'digest', LINK.expiresAt, ENDS)).toBeUndefined();
      expect(await store.openSession('no link', 'digest', minute(1), ENDS)).toBeUndefined();
      expect(await store.session('digest', minute(1))).toBeUndefined();
    });

    it('open sessions that end at their time, or when their person ends them', async () => {
      await store.keepSignIn(LINK);
      await store.keepSignIn({ ...LINK, link: 'digest of another' });
      await store.openSession(LINK.link, 'one', minute(1), ENDS);
      await store.openSession('digest of another', 'two', minute(1), ENDS);
      expect(await store.session('one', ENDS)).toBeUndefined();
      await store.endSession('one', minute(5));
      await store.endSession('one', minute(9));
      expect(await store.session('one', minute(5))).toBeUndefined();
      expect(await store.session('one', minute(4))).toMatchObject({ endsAt: minute(5) });
      expect(await store.session('two', minute(5))).toMatchObject({ endsAt: ENDS });
    });
  });

  describe(`${name}: links and sessions that are over`, () => {
    const EARLY = '2026-11-21T02:05:00.000Z';
    const LATE = '2026-11-22T02:00:00.000Z';
    const SIGNED = { account: '', statement: 'what anna has signed', signature: 'by her key' };
    const kept = async (link: string, given: Partial<SignIn> = {}) => store.keepSignIn({ ...LINK, ...given, link });
    const nextLink = (link: string, madeAt: string) => kept(link, { madeAt, expiresAt: '2026-11-30T00:00:00.000Z' });
    /** Those that were not used. */
    const links = async (...names: string[]) => {
      const found = await Promise.all(names.map((link) => store.signIn(link, EARLY)));
      return names.filter((_, at) => found[at] !== undefined);
    };

    it('are removed when the next link is made, and those that are not over stay', async () => {
      await kept('late');
      await kept('signed and late', SIGNED);
      await kept('in time', { expiresAt: '2026-11-22T02:00:00.001Z' });
      for (const session of ['ended', 'open', 'left']) await kept(`link of ${session}`);
      await store.openSession('link of ended', 'ended', EARLY, LATE);
      await store.openSession('link of open', 'open', EARLY, '2026-11-22T02:00:00.001Z');
      await store.openSession('link of left', 'left', EARLY, '2026-11-23T00:00:00.000Z');
      await store.endSession('left', '2026-11-22T01:00:00.000Z');
      await nextLink('next', LATE);
      expect(await links('late', 'signed and late', 'in time', 'next')).toEqual(['in time', 'next']);
      expect(await store.session('ended', EARLY)).toBeUndefined();
      expect(await store.session('left', EARLY)).toBeUndefined();
      expect(await store.session('open', LATE)).toMatchObject({ link: 'link of open' });
    });

    it('open nothing after they were removed', async () => {
      await kept('late');
      await kept('used');
      await store.openSession('used', 'ended', EARLY, ENDS);
      await nextLink('next', LATE);
      for (const link of ['late', 'used']) {
        expect(await store.signIn(link, EARLY)).toBeUndefined();
        expect(await store.openSession(link, 'another', EARLY, LATE)).toBeUndefined();
      }
      expect(await store.session('ended', EARLY)).toBeUndefined();
      expect(await store.session('another', EARLY)).toBeUndefined();
    });

    it('stay where a person has signed for the session, because what was decided in it refers to that', async () => {
      await kept('signed', SIGNED);
      await store.openSession('signed', 'ended', EARLY, ENDS);
      await nextLink('next', LATE);
      expect(await store.session('ended', EARLY)).toMatchObject(SIGNED);
      expect(await store.session('ended', LATE)).toBeUndefined();
      expect(await store.openSession('signed', 'another', EARLY, LATE)).toBeUndefined();
    });

    it('are removed a hundred at a time', async () => {
      const names = Array.from({ length: 150 }, (_, at) => `late ${at}`);
      for (const link of names) await kept(link);
      await nextLink('next', LATE);
      expect(await links(...names)).toHaveLength(50);
      await nextLink('one more', LATE);
      expect(await links(...names, 'next', 'one more')).toEqual(['next', 'one more']);
    });
  });

  describe(`${name}: a search in steps`, () => {
    const lines = async (search: PayoutSearch, before = ALL, look = 100, limit = 100) => {
      const { found, next } = await store.searchStep(search, before, look, limit);
      return { lines: found.map(({ instructionRef }) => instructionRef), next };
    };

    beforeEach(async () => {
      await taken('one', [
        created(2),
        created(3, { payee: 'P2' }),
        created(4, { payee: 'P2', amount: '99', minor: 9_900n, status: 'scheduled' as never }),
        created(5, { payee: 'P2', amount: '99', minor: 99n, currency: 'JPY', order: 'O2' }),
      ]);
    });

    it('has the latest payouts first, each as a list shows it', async () => {
      expect(await lines({})).toEqual({ lines: ['I5', 'I4', 'I3', 'I2'], next: undefined });
      const { found } = await store.searchStep({ payee: 'P1' }, ALL, 100, 100);
      expect(found).toEqual([
        {
          ...{ id: rowId(1, 2), version: 1, status: 'ready', customerRef: 'C1', orderRef: 'O1', instructionRef: 'I2' },
          ...{ amount: '210.5', currency: 'INR', payee: 'P1', openDate: '2026-11-21' },
          ...{ changedAt: '2026-11-21T01:00:00.000Z', contentRow: rowId(1, 2) },
        },
      ]);
    });

    it.each<[string, PayoutSearch, string[]]>([
      ['a payee', { payee: 'P2' }, ['I5', 'I4', 'I3']],
      ['a payee and an amount, in any currency', { payee: 'P2', amount: '99' }, ['I5', 'I4']],
      ['a payee, an amount and a currency', { payee: 'P2', amount: '99', currency: 'INR' }, ['I4']],
      ['an amount', { amount: '99' }, ['I5', 'I4']],
      ['a status', { status: 'scheduled' }, ['I4']],
      ['a status that has ended', { status: 'paid' }, []],
      ['a customer', { customerRef: 'C1' }, ['I5', 'I4', 'I3', 'I2']],
      ['an order', { customerRef: 'C1', orderRef: 'O2' }, ['I5']],
      ['an instruction', { customerRef: 'C1', orderRef: 'O1', instructionRef: 'I3' }, ['I3']],
      ['an order reference without its customer', { reference: 'O2' }, ['I5']],
      ['an instruction reference alone', { reference: 'I3' }, ['I3']],
      ['a status with a payee', { status: 'ready', payee: 'P2' }, ['I5', 'I3']],
      ['what nothing has', { payee: 'nobody', amount: '1' }, []],
      ['an amount with more decimals than any currency has', { payee: 'P2', amount: '0.12345' }, []],
    ])('finds by %s', async (_, search, found) => {
      expect(await lines(search)).toEqual({ lines: found, next: undefined });
    });

    it('finds by the references of the provider, of the bank and of ours, in any attempt', async () => {
      const [payout] = await store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef: 'I2' }]);
      const { id = 0, version = 0 } = payout ?? {};
      const intent = { clientRefId: 'REF1', body: '{}', bodySha256: 'hash', late: false, businessDate: '2026-11-21' };
      await store.apply([{ id, version, from: 'ready', to: 'sending', intent }], { at: AT });
      await store.apply(
        [
          {
            id,
            version: version + 1,
            from: 'sending',
            to: 'submitted',
            sent: { outcome: 'accepted' },
            orderRefId: 'X1',
          },
        ],
        { at: AT },
      );
      await store.apply([{ id, version: version + 2, from: 'submitted', to: 'paid', bankReference: 'B1' }], { at: AT });
      for (const search of [
        { clientRefId: 'REF1' },
        { reference: 'X1' },
        { reference: 'B1' },
        { status: 'paid' as const },
      ])
        expect(await lines(search)).toEqual({ lines: ['I2'], next: undefined });
      expect(await lines({ clientRefId: 'REF2' })).toEqual({ lines: [], next: undefined });
    });

    it('goes on where the last step has ended, whether it had looked at enough or found enough', async () => {
      expect(await lines({ amount: '210.5' }, ALL, 2)).toEqual({ lines: [], next: rowId(1, 4) });
      expect(await lines({ amount: '210.5' }, rowId(1, 4), 2)).toEqual({ lines: ['I3', 'I2'], next: rowId(1, 2) });
      expect(await lines({ amount: '210.5' }, rowId(1, 2), 2)).toEqual({ lines: [], next: undefined });
      expect(await lines({ payee: 'P2' }, ALL, 2, 1)).toEqual({ lines: ['I5'], next: rowId(1, 5) });
      expect(await lines({ payee: 'P2' }, rowId(1, 5), 2, 2)).toEqual({ lines: ['I4', 'I3'], next: rowId(1, 3) });
      expect(await lines({ payee: 'P2' }, rowId(1, 3), 2, 2)).toEqual({ lines: [], next: undefined });
    });
  });

  describe(`${name}: lists by key`, () => {
    it('go on before a file', async () => {
      for (const claim of ['one', 'two', 'three']) await store.registerFile(newFile(claim));
      const numbers = async (before: number, limit: number) =>
        (await store.filesBefore(before, limit)).map(({ number }) => number);
      expect(await numbers(ALL, 2)).toEqual([3, 2]);
      expect(await numbers(2, 2)).toEqual([1]);
      expect(await store.filesBefore(2, 2)).toEqual([await store.file(1)]);
    });

    it('go on before a run', async () => {
      for (const date of ['2026-11-19', '2026-11-20', '2026-11-21']) {
        const run = await store.startRun('nightly', date, { at: AT });
        await store.endRun(run?.number ?? 0, { at: AT, run: run?.number }, { open: [] });
      }
      const numbers = async (limit: number, before?: number) =>
        (await store.latestRuns(limit, before)).map(({ number }) => number);
      expect(await numbers(2)).toEqual([3, 2]);
      expect(await numbers(2, 2)).toEqual([1]);
    });
  });
}

contract('SQLite', (folder) => openStore({ path: join(folder, 'paydrop.db') }));
describe.skipIf(!hasPostgres)('on a server', () => {
  contract('PostgreSQL', async () => openPostgres({ address: await newDatabase() }));
});
