/** Approving by folder: a decision that is signed and dropped counts as a whole, or is refused with the reason. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forgetFiles, judgeForgetting } from '../src/pipeline/forgetting.ts';
import { pass } from '../src/pipeline/pass.ts';
import { noProgress } from '../src/platform/progress.ts';
import { builtProgram } from './support/cli.ts';
import { instructions, ONE_PASS, ORDERS, type TestWorkspace, testWorkspace, timesTaken } from './support/workspace.ts';

let keys = '';
const keyOf = (person: string) => join(keys, person);

beforeAll(() => {
  keys = mkdtempSync(join(tmpdir(), 'paydrop-keys-'));
  for (const person of ['anna', 'ben', 'carl', 'stranger'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', person, '-f', keyOf(person)]);
});
afterAll(() => rmSync(keys, { recursive: true, force: true }));

const publicKey = (person: string) => readFileSync(`${keyOf(person)}.pub`, 'utf8').trim();
const person = (name: string, more: object = {}) => ({ may: ['approve'], keys: [publicKey(name)], ...more });

/** Two people approve; the owner of the files, who runs the tests, is a third one. */
function withHeld(control: object = {}, people: object = {}): TestWorkspace {
  const workspace = testWorkspace({
    control: { approvals: [{ from: { INR: '100.00' }, people: 1 }], ...control },
    people: {
      anna: person('anna'),
      ben: person('ben'),
      carl: person('carl', { user: userInfo().username }),
      ...people,
    },
  });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    'payouts.csv',
    instructions(
      'C1,O1,P1,100,2026-03-02,2026-03-05,',
      'C1,O1,P2,200,2026-03-02,2026-03-05,',
      'C1,O1,P3,5,2026-03-02,2026-03-05,',
    ),
  );
  return workspace;
}

const TO_APPROVE = 'payouts.000002.to-approve.json';

interface Edit {
  readonly reason?: string;
  readonly no?: readonly number[];
  readonly change?: (text: string) => string;
}

/** What an approver does: opens the file, writes why, signs it, drops both. */
function decide(
  workspace: TestWorkspace,
  by: string | undefined,
  { reason = 'as the invoices say', no = [], change }: Edit = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-sign-'));
  const path = join(folder, TO_APPROVE);
  const decision = JSON.parse(workspace.read(TO_APPROVE));
  decision.reason = reason;
  for (const row of decision.rows) if (no.includes(row.line)) row.decision = 'no';
  writeFileSync(path, `${JSON.stringify(decision, undefined, 2)}\n`);
  if (by !== undefined)
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'paydrop', '-f', keyOf(by), path], { stdio: 'pipe' });
  if (change) writeFileSync(path, change(readFileSync(path, 'utf8')));
  if (by !== undefined) copyFileSync(`${path}.sig`, workspace.path('inbox', `${TO_APPROVE}.sig`));
  copyFileSync(path, workspace.path('inbox', TO_APPROVE));
  rmSync(folder, { recursive: true });
}

const statuses = (workspace: TestWorkspace) =>
  workspace.rows('payouts.000002.result.csv').map(({ status = '' }) => (status === 'paid' ? 'submitted' : status));

const answer = (workspace: TestWorkspace, number = 1) =>
  JSON.parse(workspace.read(`payouts.000002.decision.${number}.json`)) as Record<string, unknown>;

describe('a decision that is signed and dropped', () => {
  it('lets the payouts go, is answered and archived with its signature', async () => {
    const workspace = withHeld();
    await workspace.pass();
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
    decide(workspace, 'anna');
    const { decisions } = await workspace.pass({ lookUp: false });
    expect(decisions).toEqual([{ name: TO_APPROVE, number: 1, refused: undefined }]);
    expect(statuses(workspace)).toEqual(['submitted', 'submitted', 'submitted']);
    expect(answer(workspace)).toMatchObject({ accepted: true, person: 'anna', rows: [{ line: 2 }, { line: 3 }] });
    expect(workspace.outbox()).not.toContain(TO_APPROVE);
    for (const end of ['', '.sig'])
      expect(
        readFileSync(workspace.path('data', 'archive', '2026-03-02', `000001.${TO_APPROVE}${end}`)).length,
      ).toBeGreaterThan(0);
  });

  it('stands in show with the key that signed it, and the hash of the signature', async () => {
    const workspace = withHeld();
    await workspace.pass();
    decide(workspace, 'anna', { no: [3] });
    await workspace.pass();
    const shown = async (ref: string) =>
      (await builtProgram().run(['show', ref, '--workspace', workspace.root], { cwd: workspace.root })).stdout;
    const signed = /signed with SHA256:\S{43}, signature [0-9a-f]{12}…/;
    expect(await shown('C1/O1/P1')).toMatch(new RegExp(`anna said yes: .*${signed.source}`));
    expect(await shown('C1/O1/P2')).toMatch(new RegExp(`refused by anna: .*${signed.source}`));
  });

  it('cancels the rows with a no, and lets the others go', async () => {
    const workspace = withHeld();
    await workspace.pass();
    decide(workspace, 'anna', { no: [3] });
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'cancelled', 'submitted']);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
  });

  it('waits for a second person where a tier asks for two', async () => {
    const workspace = withHeld({ approvals: [{ from: { INR: '100.00' }, people: 2 }] });
    await workspace.pass();
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
    decide(workspace, 'ben');
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'submitted', 'submitted']);
  });

  it('does not count any more once its person is gone from the settings', async () => {
    const workspace = withHeld({ approvals: [{ from: { INR: '100.00' }, people: 2 }] });
    await workspace.pass();
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8'));
    delete settings.people.anna;
    settings.people.dora = person('stranger');
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify(settings));
    await workspace.pass({ lookUp: false });
    decide(workspace, 'ben');
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
  });
});

describe('a decision that does not count', () => {
  it.each<[string, string | undefined, Edit, object, string]>([
    ['unsigned', undefined, {}, {}, 'not signed'],
    ['signed with a key of no person', 'stranger', {}, {}, 'SHA256:'],
    ['of the person who dropped the file', 'carl', {}, {}, 'carl dropped payouts.csv'],
    ['changed after it was signed', 'anna', { change: (text) => text.replace('as the', 'as  the') }, {}, 'sign'],
    ['with other line ends', 'anna', { change: (text) => text.replaceAll('\n', '\r\n') }, {}, 'line ends'],
    ['without a reason', 'anna', { reason: ' ' }, {}, 'why you decide so'],
    ['over what the person may decide about', 'anna', {}, { anna: 1 }, 'upTo'],
    ['that is no JSON', 'anna', { change: () => 'yes!' }, {}, 'no JSON'],
  ])('%s changes nothing, and is answered', async (_, by, edit, upTo, words) => {
    const workspace = withHeld({}, 'anna' in upTo ? { anna: person('anna', { upTo: { INR: '150.00' } }) } : {});
    await workspace.pass();
    decide(workspace, by, edit);
    const { decisions } = await workspace.pass({ lookUp: false });
    expect(decisions).toEqual([{ name: TO_APPROVE, number: 1, refused: expect.stringContaining(words) }]);
    expect(answer(workspace)).toMatchObject({ accepted: false, reason: expect.stringContaining(words) });
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
    expect(workspace.outbox()).toContain(TO_APPROVE);
  });

  it('is one under a name of another kind, which says how a decision is called', async () => {
    const workspace = withHeld();
    await workspace.pass();
    copyFileSync(workspace.path('outbox', TO_APPROVE), workspace.path('inbox', 'decided.json'));
    await workspace.pass();
    const { problem } = JSON.parse(workspace.read('decided.json.000003.receipt.json'));
    expect(problem.message).toContain('A decision keeps ".to-approve" in its name, and ".json"');
  });

  it('is one that was dropped a second time', async () => {
    const workspace = withHeld({ approvals: [{ from: { INR: '100.00' }, people: 2 }] });
    await workspace.pass();
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    expect(answer(workspace, 2)).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('anna has decided'),
    });
  });

  it('is one about a payout that has changed since', async () => {
    const workspace = withHeld();
    await workspace.pass();
    decide(workspace, 'anna');
    workspace.drop(
      'change.csv',
      'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nUPDATE,C1,O1,P1,150,2026-03-02,2026-03-05\n',
    );
    await workspace.pass({ lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P3: 1 });
  });

  it('is one about files whose owner is not known, unless the settings allow anyone', async () => {
    const people = { carl: person('carl', { user: 'another' }) };
    const workspace = withHeld({}, people);
    await workspace.pass();
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    expect(answer(workspace)).toMatchObject({ accepted: false, reason: expect.stringContaining('who dropped') });
    const allowed = withHeld({ maker: 'anyone' }, people);
    await allowed.pass();
    decide(allowed, 'anna');
    await allowed.pass({ lookUp: false });
    expect(answer(allowed)).toMatchObject({ accepted: true });
  });
});

describe('a pass that is cut off while it takes in a decision', () => {
  /** One pass that ends before, or after, a call of the store or the inbox, as a crash would end it. */
  async function cutOff(workspace: TestWorkspace, at: 'decide' | 'spool' | 'archive', when: 'before' | 'after') {
    const tools = await workspace.open();
    const cutting = <Port extends object>(port: Port): Port =>
      new Proxy(port, {
        get: (target, name, self) => {
          const call = Reflect.get(target, name, self);
          if (name !== at) return call;
          return async (...asked: unknown[]) => {
            if (when === 'after') await (call as (...asked: unknown[]) => unknown).apply(target, asked);
            throw new Error('cut off');
          };
        },
      });
    try {
      await expect(
        pass({ ...tools, store: cutting(tools.store), inbox: cutting(tools.inbox) }, { ...ONE_PASS, lookUp: false }),
      ).rejects.toThrow('cut off');
    } finally {
      await tools.close();
    }
  }

  it.each((['decide', 'spool', 'archive'] as const).flatMap((at) => [[at, 'before'] as const, [at, 'after'] as const]))(
    'at %s, %s it: the next pass counts it once, and answers it',
    async (at, when) => {
      const workspace = withHeld();
      await workspace.pass({ lookUp: false });
      decide(workspace, 'anna', { no: [3] });
      await cutOff(workspace, at, when);
      await workspace.pass({ lookUp: false });
      expect(statuses(workspace)).toEqual(['submitted', 'cancelled', 'submitted']);
      expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
      expect(answer(workspace)).toMatchObject({ accepted: true, person: 'anna' });
      expect(workspace.outbox().filter((name) => name.includes('.decision.'))).toHaveLength(1);
      expect(readdirSync(workspace.path('inbox'))).toEqual([]);
      const { decisions } = await workspace.pass({ lookUp: false });
      expect(decisions).toEqual([]);
    },
  );
});

describe('a forgotten file', () => {
  it('leaves nothing of the decisions about it but what the audit log has', async () => {
    const workspace = withHeld();
    await workspace.pass();
    decide(workspace, 'stranger');
    await workspace.pass({ lookUp: false });
    decide(workspace, 'anna');
    for (const _ of [1, 2, 3]) await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    workspace.clock.advance(60 * 86_400_000);
    const tools = await workspace.open();
    try {
      const judgement = await judgeForgetting({ ...tools, progress: noProgress }, '2026-04-01');
      const { gone } = await forgetFiles(tools, judgement, { by: 'finance', reason: 'kept for ten years' });
      expect(gone).toContain(2);
    } finally {
      await tools.close();
    }
    expect(workspace.outbox().filter((name) => name.startsWith('payouts.'))).toEqual([]);
    expect(readdirSync(workspace.path('data', 'archive', '2026-03-02')).filter((name) => /payouts/.test(name))).toEqual(
      [],
    );
  });
});
