import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type PassOptions, pass } from '../src/pipeline/pass.ts';
import { UsageError } from '../src/platform/failures.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { TakenFile } from '../src/reports/file-reports.ts';
import { verdictOf } from '../src/reports/report.ts';
import { dryRun } from '../src/service/dry-run.ts';
import type { Store } from '../src/store/port.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const DAY = '2026-03-02';

function dryRunOf(workspace: TestWorkspace, ...names: string[]): Promise<TakenFile[]> {
  return dryRun({
    workspace: workspace.root,
    files: names.map((name) => workspace.path(name)),
    out: workspace.path('check'),
    businessDate: DAY,
    clock: workspace.clock,
    progress: noProgress,
  });
}

/** What became of each file: its name, verdict, and rows by status. */
function told(taken: readonly TakenFile[]): unknown[] {
  return taken.map(({ file, summary }) => [file.name, verdictOf(file, summary), Object.fromEntries(summary.byStatus)]);
}

describe('a dry run', () => {
  it('foresees what each file of a delivery comes to, with what it repeats and contradicts', async () => {
    const files: Record<string, string> = {
      'a-payouts.csv': instructions(instruction('P1'), instruction('P2', '-1'), instruction('P3')),
      'b-more.csv': instructions(
        instruction('P1'),
        instruction('P3', '7'),
        'C1,O9,P4,1,2026-03-02,2026-03-02,no order',
      ),
      'c-again.csv': instructions(instruction('P1'), instruction('P2', '-1'), instruction('P3')),
      'd-orders.csv': ORDERS,
      'e-broken.csv': 'customerRef;orderRef\n',
    };
    const [foreseeing, real] = [testWorkspace(), testWorkspace()];
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(foreseeing.path(name), content);
      real.drop(name, content);
    }
    const foreseen = await dryRunOf(foreseeing, ...Object.keys(files));
    const { files: happened } = await real.pass({ send: false });
    expect(told(foreseen)).toEqual(told(happened));
    expect(told(foreseen)).toEqual([
      ['a-payouts.csv', 'partially_accepted', { ready: 2, rejected: 1 }],
      ['b-more.csv', 'partially_accepted', { waiting: 1, duplicate: 1, rejected: 1 }],
      ['c-again.csv', 'duplicate', {}],
      ['d-orders.csv', 'accepted', { accepted: 2 }],
      ['e-broken.csv', 'rejected', {}],
    ]);
    expect(readdirSync(foreseeing.path('check')).sort()).toEqual(
      real.outbox().filter((name) => !name.startsWith('run.') && name !== 'index.html'),
    );
  });

  it.each(['a-first.csv', 'z-last.csv'])('says of %s what it says when the reports are wanted', async (name) => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('before.csv', instructions(instruction('P0'), instruction('P1')));
    await workspace.pass({ send: false });
    const rows = [
      instruction('P1'),
      instruction('P1', '7'),
      'C1,O1,P2,1,2026-03-02,2026-03-02,a narration that is longer than advised',
      'C1,O2,P3,1500,2026-03-09,2026-03-09,yen later',
      'C1,O2,P4,1.5,2026-03-02,2026-03-02,no decimals in yen',
      'C1,O9,P5,0012.50,2026-03-02,2026-03-02,no order yet',
      instruction('P6'),
      instruction('P6'),
      instruction('P7', '8'),
      instruction('P7', '9'),
      '',
      instruction('P8', '999999999999.99'),
      'C1,O1,P9,3,2026-03-02,2026-03-02,another narration that is longer',
    ];
    writeFileSync(workspace.path(name), instructions(...rows));
    writeFileSync(workspace.path('m-other.csv'), instructions(instruction('P8', '3'), instruction('P9')));
    const foreseen = async (out?: string) => {
      const files = [name, 'm-other.csv'].sort().map((file) => workspace.path(file));
      const { root, clock } = workspace;
      const taken = await dryRun({ workspace: root, files, out, businessDate: DAY, clock, progress: noProgress });
      return taken.map(({ file, summary, receipt }) => ({ name: file.name, summary, receipt }));
    };
    const brief = await foreseen();
    expect(brief).toEqual(await foreseen(workspace.path('check')));
    expect(brief.map(({ summary }) => summary.rows).sort()).toEqual([12, 2]);
  });

  it('knows what the workspace knows, and leaves it alone', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    const listing = () => readdirSync(workspace.path('data'), { recursive: true }).sort();
    const before = { database: readFileSync(workspace.path('data', 'paydrop.db')), files: listing() };
    writeFileSync(workspace.path('next.csv'), instructions(instruction('P1'), instruction('P2')));
    expect(told(await dryRunOf(workspace, 'next.csv'))).toEqual([['next.csv', 'accepted', { ready: 1, duplicate: 1 }]]);
    const sideFiles = /-(wal|shm)$/;
    expect(readFileSync(workspace.path('data', 'paydrop.db')).equals(before.database)).toBe(true);
    expect(listing().filter((name) => !sideFiles.test(String(name)))).toEqual(before.files);
    expect(readdirSync(workspace.path('inbox'))).toEqual([]);
  });

  it.each(['there, and reckons with all of its rows', 'lost'])(
    'goes through although another file is only half taken in, and its copy is %s',
    async (state) => {
      const workspace = testWorkspace();
      workspace.drop('orders.csv', ORDERS);
      await workspace.pass();
      workspace.drop('payouts.csv', instructions(instruction('P1')));
      const tools = await workspace.open();
      const cutOff: Store = { ...tools.store, recordRows: () => Promise.reject(new Error('the power failed')) };
      const options: PassOptions = {
        kind: 'run',
        businessDate: DAY,
        waitForSettling: true,
        send: true,
        lookUp: true,
        stop: new AbortController().signal,
      };
      await expect(pass({ ...tools, store: cutOff }, options)).rejects.toThrow('the power failed');
      await tools.close();
      if (state === 'lost') rmSync(workspace.path('data', 'spool'), { recursive: true });
      const rows = state === 'lost' ? { ready: 2 } : { ready: 1, duplicate: 1 };
      writeFileSync(workspace.path('next.csv'), instructions(instruction('P1'), instruction('P2')));
      expect(told(await dryRunOf(workspace, 'next.csv'))).toEqual([['next.csv', 'accepted', rows]]);
    },
  );

  it('holds a file to the checksum that lies beside it', async () => {
    const workspace = testWorkspace();
    writeFileSync(workspace.path('orders.csv'), ORDERS);
    const sum = (text: string) => `${createHash('sha256').update(text).digest('hex')}  orders.csv\n`;
    writeFileSync(workspace.path('orders.csv.sha256'), sum(ORDERS));
    expect((await dryRunOf(workspace, 'orders.csv'))[0]?.file).toMatchObject({ proven: true, problem: undefined });
    writeFileSync(workspace.path('orders.csv.sha256'), sum(`${ORDERS}one more row`));
    expect((await dryRunOf(workspace, 'orders.csv'))[0]?.file.problem?.code).toBe('FILE_CHECKSUM_MISMATCH');
  });

  it('takes two files of one name for two', async () => {
    const workspace = testWorkspace();
    writeFileSync(workspace.path('orders.csv'), ORDERS);
    writeFileSync(workspace.path('inbox', 'orders.csv'), ORDERS.replaceAll('O1', 'O7'));
    expect(told(await dryRunOf(workspace, 'orders.csv', 'inbox/orders.csv'))).toHaveLength(2);
  });

  it.each([
    ['payouts.csv.part', 'left alone in the inbox'],
    ['.payouts.csv', 'left alone in the inbox'],
    ['inbox', 'is not a file'],
    ['nowhere.csv', 'there is no such file'],
    ['payouts.000002.to-approve.json', 'holds a decision, not rows'],
  ])('refuses %s instead of passing over it', async (name, told) => {
    const workspace = testWorkspace();
    if (name.includes('payouts')) writeFileSync(workspace.path(name), ORDERS);
    const refused = dryRunOf(workspace, name);
    await expect(refused).rejects.toThrow(told);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
  });
});
