import { describe, expect, it } from 'vitest';
import { verify as verifyCommand } from '../src/commands/audit.ts';
import { doctor } from '../src/commands/doctor.ts';
import { report } from '../src/commands/report.ts';
import { show } from '../src/commands/show.ts';
import { closeFile, closePayouts } from '../src/pipeline/closing.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { Output } from '../src/platform/terminal.ts';
import { openForReading } from '../src/service/records.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { differenceText, type Verified, verify } from '../src/store/verify.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

function byHand(workspace: TestWorkspace, sql: string): void {
  const db = new Database(workspace.path('data', 'paydrop.db'));
  db.exec(sql);
  db.close();
}

async function verified(workspace: TestWorkspace): Promise<Verified> {
  const opened = await openForReading(workspace.root);
  if (!opened) throw new Error('there are no records');
  try {
    return await verify(opened.store, noProgress);
  } finally {
    await opened.store.close();
  }
}

/** What is printed, line by line, but for tables. */
function sheet(): { lines: string[]; output: Output } {
  const lines: string[] = [];
  const line = (text = '') => void lines.push(text);
  return { lines, output: { style: (_, text) => text, line, table: () => undefined, facts: () => undefined } };
}

/** Never begun by the provider, so that it can be changed. */
const CHANGEABLE = { fates: [{ fate: 'ready' as const }] };

/** Two payouts are with the provider, and a row that changes the first has been taken in, and not asked for yet. */
const withOpenChange = madeOnce(async () => {
  const workspace = testWorkspace({ provider: { api: 'collect' } });
  workspace.drop('orders.csv', API_FILES.collect.orders);
  workspace.drop('payouts.csv', API_FILES.collect.instructions('P1', 'P2'));
  await workspace.pass({ faults: CHANGEABLE });
  const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
  workspace.drop('change.csv', `${header}\nUPDATE,C1,O1,P1,99.50,2026-03-02,2026-03-09\n`);
  await workspace.pass({ send: false, lookUp: false });
  return workspace;
});

/** One of nearly everything: paid, failed, reversed, updated, deleted, rejected, repeated, waiting, scheduled. */
const eventful = madeOnce(async () => {
  const workspace = testWorkspace();
  const header = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration,action';
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    'payouts.csv',
    instructions(
      ...['P1', 'P2', 'P3'].map((ref) => instruction(ref)),
      instruction('P4', '7', '2026-03-05'),
      instruction('P5', '8', '2026-03-05'),
      instruction('P1'),
      instruction('P6', 'x'),
      instruction('P7').replace('O1', 'O9'),
    ),
  );
  const faults = {
    fates: [
      { narration: 'P1', fate: 'processed' as const },
      { narration: 'P2', fate: 'failed' as const },
      { narration: 'P3', fate: 'reversed' as const },
    ],
  };
  await workspace.pass({ faults });
  const changes = [header, `${instruction('P4', '9', '2026-03-05')},UPDATE`, 'C1,O1,P5,,,,,DELETE', ''];
  workspace.drop('changes.csv', changes.join('\n'));
  workspace.drop('later.csv', ORDERS.replace('C1,O2', 'C1,O9').replace('C1,O1', 'C1,O8'));
  for (let passes = 0; passes < 3; passes++) await workspace.pass({ faults });
  return workspace;
});

describe('the records', () => {
  it('are what the audit log says, after whatever happened to them', async () => {
    const workspace = await eventful();
    expect((await verified(workspace)).difference).toBeUndefined();
    const statuses = workspace.rows('payouts.000002.result.csv').map(({ status }) => status);
    const expected = ['paid', 'failed', 'reversed', 'replaced', 'cancelled', 'rejected', 'rejected'];
    expect(statuses.slice(0, 7)).toEqual(expected);
  });

  const line = (number: number) => ({ file: 2, line: number });
  const alterations: [string, string, object, string][] = [
    ['a status', "UPDATE instructions SET status = 'paid' WHERE instruction_ref = 'P2'", line(3), 'failed'],
    ['a version', "UPDATE instructions SET version = 9 WHERE instruction_ref = 'P1'", line(2), 'version'],
    ['an attempt', "UPDATE instructions SET attempt = 2 WHERE instruction_ref = 'P1'", line(2), 'attempt'],
    ['an amount', "UPDATE instructions SET amount_minor = 1 WHERE instruction_ref = 'P1'", line(2), 'amount'],
    ['a payee', "UPDATE instructions SET payout_contact_id = 'M' WHERE instruction_ref = 'P1'", line(2), 'digest'],
    [
      'an UPDATE',
      "UPDATE instructions SET amount = '7', amount_minor = 700 WHERE instruction_ref = 'P4'",
      line(5),
      'digest',
    ],
    ['a bank reference', "UPDATE instructions SET bank_reference = 'B' WHERE instruction_ref = 'P1'", line(2), 'bank'],
    [
      'a client reference',
      "UPDATE attempts SET client_ref_id = 'X' WHERE instruction = (SELECT id FROM instructions WHERE instruction_ref = 'P1')",
      line(2),
      'client reference',
    ],
    [
      'a digest',
      "UPDATE instructions SET content_digest = NULL WHERE instruction_ref = 'P1'",
      { file: 2, line: 2 },
      'digest',
    ],
    ['an order', "UPDATE orders SET currency = 'EUR' WHERE order_ref = 'O1'", { file: 1, line: 2 }, 'digest'],
    [
      'how far an order is',
      "UPDATE orders SET registration = 'registered' WHERE order_ref = 'O1'",
      { file: 1, line: 2 },
      'registration',
    ],
    ['a row that is gone', 'DELETE FROM rows WHERE id = (2 << 32) + 8', { file: 2, line: undefined }, 'rows'],
  ];
  it.each(alterations)('are found to differ from it: %s', async (_, sql, place, what) => {
    const workspace = await eventful();
    byHand(workspace, sql);
    const { difference, broken } = await verified(workspace);
    expect(broken).toBeUndefined();
    expect(difference).toMatchObject(place);
    expect(difference?.what).toContain(what);
  });

  it.each<[string, string, object, string]>([
    ['is gone', 'DELETE FROM closings WHERE instruction IS NOT NULL', line(3), 'the records: nothing'],
    ['of a file is gone', 'DELETE FROM closings WHERE file = 2', { file: 2, line: undefined }, 'the records: nothing'],
    ['is of a later version', 'UPDATE closings SET version = version + 1 WHERE version > 0', line(3), 'in version'],
    [
      'is of another payout',
      'UPDATE closings SET instruction = (2 << 32) + 4 WHERE version > 0',
      line(3),
      'instruction',
    ],
    ['is of more rows', 'UPDATE closings SET rows = rows + 1 WHERE rows > 0', { file: 2 }, '2 rejected rows'],
    [
      'is not in the log',
      'INSERT INTO closings (seq, instruction, version) VALUES (3, (2 << 32) + 4, 6)',
      line(4),
      'the log says of what a person has closed: nothing',
    ],
    [
      'is of no entry',
      'PRAGMA foreign_keys = OFF; INSERT INTO closings (seq, file, rows) VALUES (9999, 1, 0)',
      { file: 1 },
      '',
    ],
  ])('are found to differ from it where a closing %s', async (_, sql, place, what) => {
    const workspace = await eventful();
    const tools = await workspace.open();
    const decision = { by: 'finance', reason: 'paid by hand' };
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P2' };
    expect(await closePayouts(tools, [ref], decision)).toMatchObject({ ok: true });
    expect(await closeFile(tools, 2, decision)).toMatchObject({ ok: true, rows: 2 });
    await tools.close();
    expect((await verified(workspace)).difference).toBeUndefined();
    byHand(workspace, sql);
    const { difference, broken } = await verified(workspace);
    expect(broken).toBeUndefined();
    expect(difference).toMatchObject(place);
    expect(difference?.what).toContain(what);
  });

  it('that differ are named by audit verify and by doctor', async () => {
    const workspace = await eventful();
    byHand(workspace, "UPDATE instructions SET status = 'paid' WHERE instruction_ref = 'P2'");
    for (const [command, status] of [
      [verifyCommand, 1],
      [doctor, 2],
    ] as const) {
      const { lines, output } = sheet();
      expect(await command({ workspace: workspace.root, clock: workspace.clock, output }, {})).toBe(status);
      const said = 'file 000002, line 3 (C1/O1/P2): the log says status failed, the record paid';
      expect(lines.join('\n')).toContain(said);
    }
  });

  const alteredChanges: [string, string, string][] = [
    ['altered', "UPDATE amendments SET content = replace(content, '2026-03-09', '2026-03-08')", 'digest'],
    [
      'deleted',
      'DELETE FROM amendments',
      'the log says that file 3, line 2 asks for a change, the record that none does',
    ],
    ['a DELETE', "UPDATE amendments SET kind = 'deleted', content = NULL", 'to be updated, the record'],
    ['asked for', 'UPDATE amendments SET sends = 3', 'asked for 0 times, the record 3'],
    [
      'moved to another payout',
      "UPDATE amendments SET instruction = (SELECT id FROM instructions WHERE instruction_ref = 'P2')",
      'file 3, line 2 asks for a change, the record that none does',
    ],
  ];
  it.each(alteredChanges)('are found to differ where a change at the provider is open: %s', async (_, sql, what) => {
    const workspace = await withOpenChange();
    expect((await verified(workspace)).difference).toBeUndefined();
    byHand(workspace, sql);
    expect((await verified(workspace)).difference).toMatchObject({
      file: 2,
      line: 2,
      what: expect.stringContaining(what),
    });
  });

  it('with a change that no row asked for are found to differ, and nothing is asked of the provider', async () => {
    const workspace = await withOpenChange();
    byHand(
      workspace,
      `UPDATE instructions SET payout_remark = payout_remark;
       INSERT INTO amendments (id, instruction, kind, fields, raw, content)
       SELECT 99 << 32, (SELECT id FROM instructions WHERE instruction_ref = 'P2'), kind, fields, raw, content FROM amendments`,
    );
    expect((await verified(workspace)).difference).toMatchObject({
      file: 2,
      line: 3,
      what: expect.stringContaining('99'),
    });
    await workspace.pass({ faults: CHANGEABLE }).catch(() => undefined);
    expect(
      workspace.ledger().flatMap((entry) => (entry.kind === 'instruction-updated' ? [entry.instructionRef] : [])),
    ).toEqual(['P1']);
  });

  it('that differ are told first by show, which ends with 1', async () => {
    const workspace = await eventful();
    const shown = async (ref: string) => {
      const { lines, output } = sheet();
      const status = await show({ workspace: workspace.root, clock: workspace.clock, output }, [ref], {});
      return { status, first: lines[0] };
    };
    expect(await shown('C1/O1/P2')).toMatchObject({ status: 0 });
    byHand(workspace, "UPDATE instructions SET status = 'paid' WHERE instruction_ref = 'P2'");
    const told = {
      status: 1,
      first:
        '! NOT WHAT THE AUDIT LOG SAYS: C1/O1/P2 was altered in the database: the log says status failed, the record paid',
    };
    for (const ref of ['C1/O1/P2', 'C1/O1', 'C1']) expect(await shown(ref), ref).toEqual(told);
    expect(await shown('C1/O1/P1')).toMatchObject({ status: 0 });
  });

  it('that differ are not written into the reports of their file again, and it ends with 1', async () => {
    const workspace = await eventful();
    const before = workspace.read('payouts.000002.result.csv');
    byHand(workspace, "UPDATE instructions SET status = 'paid' WHERE instruction_ref = 'P2'");
    const { lines, output } = sheet();
    const context = { workspace: workspace.root, clock: workspace.clock, output };
    expect(await report(context, 2)).toBe(1);
    expect(lines[0]).toBe(
      'NOT WHAT THE AUDIT LOG SAYS: file 000002, line 3 (C1/O1/P2): the log says status failed, the record paid',
    );
    expect(workspace.read('payouts.000002.result.csv')).toBe(before);
    expect(await report(context, 1)).toBe(0);
  });

  it('are shown by place and name', () => {
    const difference = { file: 2, line: 3, reference: 'C1/O1/P2', what: 'it differs' };
    expect(differenceText(difference)).toBe('file 000002, line 3 (C1/O1/P2): it differs');
    expect(differenceText({ ...difference, line: undefined, reference: '' })).toBe('file 000002: it differs');
  });
});
