/** Files that are final for long are forgotten: their originals, reports and texts; and every promise holds afterwards. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openContext } from '../src/commands/context.ts';
import { forget as forgetCommand } from '../src/commands/forget.ts';
import { report } from '../src/commands/report.ts';
import { show } from '../src/commands/show.ts';
import { approve, heldPayouts } from '../src/pipeline/approval.ts';
import { closeFile, closePayouts } from '../src/pipeline/closing.ts';
import { forgetFiles, type Judgement, judgeForgetting } from '../src/pipeline/forgetting.ts';
import { retry } from '../src/pipeline/resolution.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { Output } from '../src/platform/terminal.ts';
import { LEDGER } from '../src/service/account.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { ANCHOR } from '../src/store/anchor.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import type { Store } from '../src/store/store.ts';
import { verify } from '../src/store/verify.ts';
import { madeOnce, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const DECISION = { by: 'finance', reason: 'kept for ten years' };
const DAY_MS = 86_400_000;
const BEFORE = '2026-04-01';
const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };

const COLUMNS = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,contactId,narration,remark';
const CANARIES = ['CanaryPayee', 'CanaryWords', 'CanaryRemark', 'CanaryCell', 'CanaryShift'];
const PAID = 'C1,O1,P1,210.00,2026-03-02,2026-03-06,CanaryPayee,CanaryWords,CanaryRemark';
const FAILED = 'C1,O1,P2,10.00,2026-03-02,2026-03-06,CanaryPayee,to fail,CanaryRemark';
const BAD = 'C1,O1,P3,CanaryShift Jane,2026-03-02,2026-03-06,CanaryCell,CanaryWords,CanaryRemark';
const FATES = { fates: [{ narration: 'to fail', fate: 'failed' as const }, { fate: 'processed' as const }] };

/** File 2 has a paid payout, and with `more` a failed one and a rejected row. A month has passed. */
const settled = madeOnce(async (more: readonly string[] = []) => {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', [COLUMNS, PAID, ...more, ''].join('\n'));
  for (const _ of [1, 2, 3]) await workspace.pass({ faults: FATES });
  workspace.clock.advance(60 * DAY_MS);
  return workspace;
});

async function within<T>(workspace: TestWorkspace, work: (tools: OpenWorkspace) => Promise<T>): Promise<T> {
  const tools = await workspace.open();
  try {
    return await work(tools);
  } finally {
    await tools.close();
  }
}

const judged = (workspace: TestWorkspace, before = BEFORE): Promise<Judgement> =>
  within(workspace, (tools) => judgeForgetting({ ...tools, progress: noProgress }, before));

function forgotten(workspace: TestWorkspace, before = BEFORE): ReturnType<typeof forgetFiles> {
  return within(workspace, async (tools) =>
    forgetFiles(tools, await judgeForgetting({ ...tools, progress: noProgress }, before), DECISION),
  );
}

/** Why a file stays; undefined where it can be forgotten. */
async function whyStays(workspace: TestWorkspace, number = 2, before = BEFORE): Promise<string | undefined> {
  const found = (await judged(workspace, before)).files.find(({ file }) => file.number === number);
  if (!found) throw new Error(`file ${number} was not looked at`);
  return found.why;
}

/** The files under data and outbox with one of these texts, without the ledger, which is the provider's. */
function placesOf(workspace: TestWorkspace, texts: readonly string[]): string[] {
  return ['data', 'outbox', 'inbox'].flatMap((folder) =>
    readdirSync(workspace.path(folder), { recursive: true, encoding: 'utf8' })
      .map((name) => workspace.path(folder, name))
      .filter((path) => statSync(path).isFile() && !path.endsWith(LEDGER))
      .filter((path) => {
        const bytes = readFileSync(path);
        return texts.some((text) => bytes.includes(text));
      }),
  );
}

function sheet(): { text: () => string; output: Output } {
  const lines: string[] = [];
  const line = (text = '') => void lines.push(text);
  const rows = (all: readonly (readonly string[])[]) => {
    for (const row of all) line(row.join(' | '));
  };
  const output = {
    style: (_: string, text: string) => text,
    line,
    table: (_: readonly string[], all: readonly (readonly string[])[]) => rows(all),
    facts: rows,
  };
  return { text: () => lines.join('\n'), output: output as Output };
}

const contextOf = (workspace: TestWorkspace, output: Output) => ({
  ...openContext(workspace.root),
  clock: workspace.clock,
  output,
});

const closedAll = (workspace: TestWorkspace) =>
  within(workspace, async (tools) => {
    await closePayouts(tools, [{ ...REF, instructionRef: 'P2' }], DECISION);
    await closeFile(tools, 2, DECISION);
  });

/** Forgotten, with a failed payout and a rejected row that a person has closed. */
async function gone(): Promise<TestWorkspace> {
  const workspace = await settled([FAILED, BAD]);
  await closedAll(workspace);
  await workspace.pass();
  workspace.clock.advance(30 * DAY_MS);
  const before = '2026-05-15';
  expect(await whyStays(workspace, 2, before)).toBeUndefined();
  expect(await forgotten(workspace, before)).toEqual({ gone: [2], moved: [] });
  return workspace;
}

describe('a file that is final for long', () => {
  it('leaves no payee behind, neither in what is alike nor in why it was held back', async () => {
    const workspace = testWorkspace({ control: { newPayees: 'hold', limits: { payeeDay: { INR: '1.00' } } } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', [COLUMNS, PAID, ''].join('\n'));
    // Held for the payee, then for the payee's day, and each time let go.
    for (const _ of [1, 2]) {
      await workspace.pass();
      await within(workspace, async (tools) =>
        approve(tools, await heldPayouts(tools.store, tools.settings), { by: 'ana', reason: 'compared' }),
      );
    }
    for (const _ of [1, 2]) await workspace.pass({ faults: FATES });
    workspace.clock.advance(60 * DAY_MS);
    expect(await forgotten(workspace)).toEqual({ gone: [2], moved: [] });
    expect(placesOf(workspace, CANARIES)).toEqual([]);
  });

  it('is forgotten: no byte of its texts is left under data and outbox, and its sums are', async () => {
    const workspace = await settled([FAILED, BAD]);
    await closedAll(workspace);
    await workspace.pass();
    workspace.clock.advance(30 * DAY_MS);
    expect(placesOf(workspace, CANARIES).length).toBeGreaterThan(3);
    const counts = await within(workspace, ({ store }) => store.statusCounts());
    await forgotten(workspace, '2026-05-15');
    expect(placesOf(workspace, CANARIES)).toEqual([]);
    expect(workspace.outbox().filter((name) => name.startsWith('payouts.'))).toEqual([]);
    expect(await within(workspace, ({ store }) => store.statusCounts())).toEqual(counts);
    const [first, ...others] = await within(workspace, ({ store }) => store.resultRows(2, 0, 10));
    expect(first).toMatchObject({ ...REF, amount: '210.00', currency: 'INR', status: 'paid', dueDate: '2026-03-06' });
    expect(others.map(({ status }) => status)).toEqual(['failed', 'rejected']);
  });

  it('is in the audit log with who and why, its sums, and the hashes of what was removed', async () => {
    const workspace = await settled();
    const hash = /"sha256":"([0-9a-f]{64})"/.exec(workspace.read('payouts.000002.receipt.json'))?.[1];
    await forgotten(workspace);
    const entries = await within(workspace, ({ store }) => store.auditEntries(0, 1_000));
    const entry = entries.map(({ body }) => JSON.parse(body)).find(({ type }) => type === 'file-forgotten');
    expect(entry).toMatchObject({
      ...DECISION,
      file: 2,
      rows: 1,
      payouts: [{ status: 'paid', currency: 'INR', count: 1, amountMinor: '21000' }],
      reports: expect.arrayContaining([{ name: 'payouts.000002.receipt.json', sha256: expect.any(String) }]),
    });
    if (hash !== undefined) expect(entry.sha256).toBe(hash);
    await workspace.pass();
    expect(workspace.outbox().filter((name) => name.startsWith('payouts.'))).toEqual([]);
    const told = workspace.outbox().filter((name) => /^run\..*summary\.html$/.test(name));
    expect(workspace.read(told.at(-1) ?? '')).toContain('file 000002 is forgotten');
  });

  it.each(['data/archive', 'outbox'])('is gone from %s in the end, wherever forgetting was cut off', async (where) => {
    const workspace = await settled();
    const cutOff = new Error('cut off');
    const stopping = (store: Store): Store =>
      new Proxy(store, {
        get: (target, name, receiver) =>
          name === 'wipeForgotten' || (where === 'data/archive' && name === 'forgetFile')
            ? async (...args: never[]) => {
                if (name === 'forgetFile')
                  await (Reflect.get(target, name, receiver) as (...all: never[]) => unknown)(...args);
                throw cutOff;
              }
            : Reflect.get(target, name, receiver),
      });
    const half = within(workspace, async (tools) => {
      const stopped = { ...tools, progress: noProgress, store: stopping(tools.store) };
      return forgetFiles(stopped, await judgeForgetting(stopped, BEFORE), DECISION);
    });
    await expect(half).rejects.toBe(cutOff);
    expect(placesOf(workspace, CANARIES)).not.toEqual([]);
    await workspace.pass();
    expect((await judged(workspace)).unfinished.map(({ number }) => number)).toEqual([2]);
    expect(await forgotten(workspace)).toEqual({ gone: [2], moved: [] });
    expect(placesOf(workspace, CANARIES)).toEqual([]);
    expect((await judged(workspace)).unfinished).toEqual([]);
  });
});

describe('copies of the records from before an upgrade', () => {
  const COPIES = ['before-schema-11-2.db', 'before-schema-11.db', 'before-schema-12.db.part'];
  const withCopies = async () => {
    const workspace = await settled();
    const copy = readFileSync(workspace.path('data', 'paydrop.db'));
    for (const name of [...COPIES, 'before-schema-notes.db']) writeFileSync(workspace.path('data', name), copy);
    return workspace;
  };
  const left = (workspace: TestWorkspace) =>
    readdirSync(workspace.path('data')).filter((name) => name.startsWith('before-schema-'));

  it('have the texts too: they are named beforehand, and go with the first file that is forgotten', async () => {
    const workspace = await withCopies();
    const { output, text } = sheet();
    expect(await forgetCommand(contextOf(workspace, output), { before: BEFORE, dryRun: true })).toBe(0);
    for (const name of COPIES) expect(text()).toContain(`data/${name}: a copy of the records from before an upgrade`);
    expect(left(workspace)).toHaveLength(4);
    expect(await forgotten(workspace)).toEqual({ gone: [2], moved: [] });
    expect(left(workspace)).toEqual(['before-schema-notes.db']);
  });

  it('stay, and are not named, where no file is forgotten', async () => {
    const workspace = await withCopies();
    const { output, text } = sheet();
    expect(await forgetCommand(contextOf(workspace, output), { before: '2026-03-01', dryRun: true })).toBe(0);
    expect(text()).not.toContain('before-schema');
    await forgotten(workspace, '2026-03-01');
    expect(left(workspace)).toHaveLength(4);
  });
});

describe('a file stays', () => {
  it('while a payout of it is open', async () => {
    const workspace = await settled(['C1,O1,P9,5,2027-03-02,2027-03-06,,,']);
    expect(await whyStays(workspace)).toBe('1 payout is open');
    expect(await forgotten(workspace)).toEqual({ gone: [], moved: [] });
    expect(placesOf(workspace, ['CanaryWords'])).not.toEqual([]);
    const anyway = within(workspace, async ({ store }) => {
      const { revision } = await store.forgettable(2);
      return store.forgetFile(2, revision, DECISION, { at: '2026-06-01T00:00:00.000Z' });
    });
    await expect(anyway).rejects.toThrow('something of it is open');
  });

  it('when it changed after it was judged', async () => {
    const workspace = await settled();
    const stale = await within(workspace, async ({ store }) => {
      const { revision } = await store.forgettable(2);
      await store.markStale(2);
      return store.forgetFile(2, revision, DECISION, { at: '2026-06-01T00:00:00.000Z' });
    });
    expect(stale).toBe('stale');
    expect(await whyStays(workspace)).toBe('its reports are not written yet');
  });

  it('while a payout did not arrive, or a row needs a repair, and no person has closed that', async () => {
    const workspace = await settled([FAILED, BAD]);
    expect(await whyStays(workspace)).toContain('1 payout did not arrive');
    await within(workspace, (tools) => closePayouts(tools, [{ ...REF, instructionRef: 'P2' }], DECISION));
    expect(await whyStays(workspace)).toContain('1 rejected row needs a repair');
    await within(workspace, (tools) => closeFile(tools, 2, DECISION));
    expect(await whyStays(workspace)).toContain('reports are not written yet');
    await workspace.pass();
    expect(await whyStays(workspace)).toContain('it changed on 2026-05-01');
  });

  it('while it has changed since the date, or may still come back', async () => {
    const workspace = await settled();
    workspace.clock.advance(-57 * DAY_MS);
    expect(await whyStays(workspace, 2, '2026-03-05')).toContain('payouts are looked up for 7 days');
    expect((await judged(workspace, '2026-03-02')).files).toEqual([]);
    expect((await judged(workspace, '2027-01-01')).whyNot).toContain('yet to come');
  });

  it('while it is not taken in and nothing has settled that; then its header goes too', async () => {
    const workspace = testWorkspace();
    workspace.drop('bad.csv', 'CanaryPayee,CanaryWords\nx,y\n');
    await workspace.pass();
    workspace.clock.advance(60 * DAY_MS);
    expect(await whyStays(workspace, 1)).toContain('it was not taken in');
    await within(workspace, (tools) => closeFile(tools, 1, DECISION));
    await workspace.pass();
    workspace.clock.advance(60 * DAY_MS);
    expect(await forgotten(workspace, '2026-06-01')).toEqual({ gone: [1], moved: [] });
    expect(placesOf(workspace, CANARIES)).toEqual([]);
  });

  it('while another file that stays changed its payouts or quotes its rows', async () => {
    const workspace = await settled();
    workspace.drop('other.csv', [COLUMNS, PAID.replace('210.00', '9'), ''].join('\n'));
    await workspace.pass();
    expect(placesOf(workspace, ['amount 210']).length).toBeGreaterThan(0);
    expect(await whyStays(workspace)).toContain('file 3 changed its payouts or quotes its rows');
    await within(workspace, (tools) => closeFile(tools, 3, DECISION));
    await workspace.pass();
    workspace.clock.advance(30 * DAY_MS);
    expect(await forgotten(workspace, '2026-05-15')).toEqual({ gone: [2, 3], moved: [] });
    expect(placesOf(workspace, CANARIES)).toEqual([]);
  });

  it('when its record was altered: forgetting would hide that', async () => {
    const workspace = await settled();
    const db = new Database(workspace.path('data', 'paydrop.db'));
    db.exec("UPDATE instructions SET payout_contact_id = 'M1' WHERE instruction_ref = 'P1'");
    db.close();
    expect(await whyStays(workspace)).toContain('not what the audit log says');
  });

  it('with all others while a run is not finished', async () => {
    const workspace = await settled();
    await within(workspace, ({ store }) => store.startRun('nightly', '2026-05-01', { at: '2026-05-01T01:00:00.000Z' }));
    expect((await judged(workspace)).whyNot).toContain('has not ended');
    expect((await judged(workspace)).whyNot).toContain('the next nightly run sees to that');
  });

  it('when it has orders, or the records are in doubt', async () => {
    const workspace = await settled();
    expect(await whyStays(workspace, 1)).toContain('orders, which later payouts may need');
    writeFileSync(workspace.path('data', ANCHOR), '');
    expect((await judged(workspace)).whyNot).toContain('the records are in doubt');
  });
});

describe('after a file was forgotten', () => {
  it('the records are what the audit log says, and an altered one is still found', async () => {
    const workspace = await gone();
    const difference = () => within(workspace, async ({ store }) => (await verify(store, noProgress)).difference?.what);
    expect(await difference()).toBeUndefined();
    const alter = (sql: string) => {
      const db = new Database(workspace.path('data', 'paydrop.db'));
      db.exec(`UPDATE instructions SET ${sql} WHERE instruction_ref = 'P1'`);
      db.close();
    };
    alter("amount = '999', amount_minor = 99900");
    expect(await difference()).toContain('what is kept of it');
    alter("amount = '210', amount_minor = 21000");
    expect(await difference()).toBeUndefined();
    alter('forgotten = 0');
    expect(await difference()).toContain('the record does not');
  });

  it('the same file is a duplicate file, the same row a duplicate row, and another content is refused', async () => {
    const workspace = await gone();
    const before = workspace.ledger();
    workspace.drop('again.csv', [COLUMNS, PAID, FAILED, BAD, ''].join('\n'));
    workspace.drop('row.csv', [COLUMNS, PAID, ''].join('\n'));
    workspace.drop('other.csv', [COLUMNS, PAID.replace('210.00', '211.00'), ''].join('\n'));
    workspace.drop('update.csv', [`${COLUMNS},action`, `${PAID.replace('210.00', '7')},UPDATE`, ''].join('\n'));
    await workspace.pass();
    expect(workspace.ledger()).toEqual(before);
    expect(workspace.read('again.000003.receipt.json')).toContain('FILE_ALREADY_PROCESSED');
    expect(workspace.rows('row.000005.result.csv')).toMatchObject([{ status: 'duplicate' }]);
    const [other] = workspace.rows('other.000004.errors.csv');
    expect(other).toMatchObject({ code: 'INSTRUCTION_REF_ALREADY_EXISTS' });
    expect(other?.['message']).not.toMatch(/differs|, here /);
    expect(workspace.rows('update.000006.errors.csv')).toMatchObject([{ code: 'INSTRUCTION_ALREADY_PROCESSED' }]);
  });

  it('a failed payout can not be paid again, and the sentence says why', async () => {
    const workspace = await gone();
    const retried = await within(workspace, (tools) => retry(tools, { ...REF, instructionRef: 'P2' }, DECISION));
    expect(retried).toMatchObject({ ok: false, why: expect.stringContaining('its texts were forgotten') });
    const applied = within(workspace, async ({ store }) => {
      const [payout] = await store.findInstructions([{ ...REF, instructionRef: 'P2' }]);
      if (!payout) throw new Error('P2 is gone');
      const { id, version } = payout;
      await store.apply([{ id, version, from: 'failed', to: 'ready', decision: DECISION }], {
        at: '2026-06-01T00:00:00.000Z',
      });
    });
    await expect(applied).rejects.toThrow('it was forgotten');
  });

  it('show says when and by whom, and no report of it is written', async () => {
    const workspace = await gone();
    const { output, text } = sheet();
    const context = contextOf(workspace, output);
    expect(await show(context, ['C1/O1/P1'], {})).toBe(0);
    expect(text()).toMatch(/Texts forgotten \| 2026-05-31 .* UTC, by finance: kept for ten years/);
    expect(text()).toContain('texts forgotten with file 000002');
    await expect(report(context, 2)).rejects.toThrow('was forgotten by finance: kept for ten years');
    expect(workspace.outbox().filter((name) => name.startsWith('payouts.'))).toEqual([]);
  });

  it('what was rejected because its order never came is taken in again as it stood last, once its order is there', async () => {
    const workspace = testWorkspace();
    const row = PAID.replace('O1', 'O7');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', [COLUMNS, row, ''].join('\n'));
    await workspace.pass();
    workspace.clock.advance(20 * DAY_MS);
    await workspace.pass({ businessDate: '2026-03-22' });
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([{ status: 'rejected' }]);
    await within(workspace, (tools) => closeFile(tools, 2, DECISION));
    await workspace.pass({ businessDate: '2026-03-22' });
    workspace.clock.advance(40 * DAY_MS);
    expect(await forgotten(workspace, '2026-04-15')).toEqual({ gone: [2], moved: [] });
    expect(placesOf(workspace, CANARIES)).toEqual([]);
    workspace.drop('orders2.csv', ORDERS.replace('C1,O1', 'C1,O7').replace('C1,O2', 'C1,O8'));
    workspace.drop('row.csv', [COLUMNS, row, row.replace('P1', 'P5'), ''].join('\n'));
    await workspace.pass({ businessDate: '2026-05-01' });
    expect(workspace.rows('row.000004.result.csv')).toMatchObject([{ status: 'submitted' }, { status: 'submitted' }]);
  });
});

describe('paydrop forget', () => {
  it('with --dry-run says what it would do, and does nothing', async () => {
    const workspace = await settled();
    const { output, text } = sheet();
    expect(await forgetCommand(contextOf(workspace, output), { before: BEFORE, dryRun: true })).toBe(0);
    expect(text()).toMatch(/000002 \| payouts\.csv \| 2026-03-02 \| 1 \| 1/);
    expect(text()).toMatch(/paid \| INR \| 1 \| 210\.00/);
    expect(text()).toContain('000001 orders.csv stays: it has orders');
    expect(existsSync(workspace.path('outbox', 'payouts.000002.receipt.json'))).toBe(true);
    expect((await judged(workspace)).files.map(({ why }) => why === undefined)).toEqual([false, true]);
  });

  it('counts a payout once in its totals that two files touched', async () => {
    const workspace = testWorkspace();
    const later = PAID.replace('2026-03-02', '2026-03-04');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', [COLUMNS, later, ''].join('\n'));
    await workspace.pass();
    workspace.drop('update.csv', [`${COLUMNS},action`, `${later.replace('210.00', '7')},UPDATE`, ''].join('\n'));
    for (const _ of [1, 2, 3]) await workspace.pass({ businessDate: '2026-03-04', faults: FATES });
    workspace.clock.advance(60 * DAY_MS);
    const { output, text } = sheet();
    expect(await forgetCommand(contextOf(workspace, output), { before: BEFORE, dryRun: true })).toBe(0);
    expect(text()).toMatch(/000002 \| payouts\.csv .*\| 1 \| 1$/m);
    expect(text()).toMatch(/000003 \| update\.csv .*\| 1 \| 1$/m);
    expect(text()).toMatch(/paid \| INR \| 1 \| 7\.00/);
    expect(await forgotten(workspace)).toEqual({ gone: [2, 3], moved: [] });
  });

  it('asks for a reason and for a yes, and waits for no other paydrop', async () => {
    const workspace = await settled();
    const { output, text } = sheet();
    const context = contextOf(workspace, output);
    await expect(forgetCommand(context, { before: BEFORE })).rejects.toThrow('--reason');
    const said = { before: BEFORE, reason: 'kept for ten years', by: 'finance' };
    await expect(forgetCommand(context, said)).rejects.toThrow('say --yes');
    const working = await workspace.open();
    await expect(forgetCommand(context, { ...said, yes: true })).rejects.toThrow('another paydrop is working');
    await working.close();
    expect(await forgetCommand(context, { ...said, yes: true })).toBe(0);
    expect(text()).toContain('Forgotten: 1 file.');
    expect(placesOf(workspace, CANARIES)).toEqual([]);
  });
});
