/** Approving by folder: a decision that is signed and dropped counts as a whole, or is refused with the reason. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approve } from '../src/commands/held.ts';
import { show } from '../src/commands/show.ts';
import { forgetFiles, judgeForgetting } from '../src/pipeline/forgetting.ts';
import { pass } from '../src/pipeline/pass.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { Output } from '../src/platform/terminal.ts';
import { builtProgram } from './support/cli.ts';
import { ALL, sampled } from './support/sample.ts';
import {
  instructions,
  madeOnce,
  ONE_PASS,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

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

/** The same after a pass, which holds two payouts back and sends the third. */
const heldBack = madeOnce(async (lookUp: boolean, control: object = {}, people: object = {}) => {
  const workspace = withHeld(control, people);
  await workspace.pass({ lookUp });
  return workspace;
});

const TO_APPROVE = 'payouts.000002.to-approve.json';

const SILENT: Output = {
  style: (_, text) => text,
  line: () => undefined,
  table: () => undefined,
  facts: () => undefined,
};

interface Edit {
  readonly reason?: string;
  readonly no?: readonly number[];
  readonly change?: (text: string) => string;
  /** Under which it is dropped. */
  readonly name?: string;
}

/** What an approver does: opens the file, writes why, signs it, drops both. */
function decide(
  workspace: TestWorkspace,
  by: string | undefined,
  { reason = 'as the invoices say', no = [], change, name = TO_APPROVE }: Edit = {},
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
  if (by !== undefined) copyFileSync(`${path}.sig`, workspace.path('inbox', `${name}.sig`));
  copyFileSync(path, workspace.path('inbox', name));
  rmSync(folder, { recursive: true });
}

const statuses = (workspace: TestWorkspace) =>
  workspace.rows('payouts.000002.result.csv').map(({ status = '' }) => (status === 'paid' ? 'submitted' : status));

const answer = (workspace: TestWorkspace, number = 1) =>
  JSON.parse(workspace.read(`payouts.000002.decision.${number}.json`)) as Record<string, unknown>;

describe('a decision that is signed and dropped', () => {
  it('lets the payouts go, is answered and archived with its signature', async () => {
    const workspace = await heldBack(true);
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
    const workspace = await heldBack(true);
    decide(workspace, 'anna', { no: [3] });
    await workspace.pass();
    const shown = async (ref: string) =>
      (await builtProgram().run(['show', ref, '--workspace', workspace.root], { cwd: workspace.root })).stdout;
    const signed = /signed with SHA256:\S{43}, signature [0-9a-f]{12}…/;
    expect(await shown('C1/O1/P1')).toMatch(new RegExp(`anna said yes: .*${signed.source}`));
    expect(await shown('C1/O1/P2')).toMatch(new RegExp(`refused by anna: .*${signed.source}`));
  });

  it('cancels the rows with a no, and lets the others go', async () => {
    const workspace = await heldBack(true);
    decide(workspace, 'anna', { no: [3] });
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'cancelled', 'submitted']);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
  });

  it('stands in the history of each payout with the key and the signature, be it a yes or a no', async () => {
    const workspace = await heldBack(false);
    decide(workspace, 'anna', { no: [3] });
    await workspace.pass({ lookUp: false });
    const sig = readFileSync(workspace.path('data', 'archive', '2026-03-02', `000001.${TO_APPROVE}.sig`));
    const hash = createHash('sha256').update(sig).digest('hex').slice(0, 12);
    const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-l', '-f', `${keyOf('anna')}.pub`])
      .toString()
      .split(' ');
    const lines: string[] = [];
    const table: Output['table'] = (_, rows) => void lines.push(...rows.map((row) => row.join(' ')));
    for (const ref of ['C1/O1/P1', 'C1/O1/P2'])
      await show({ workspace: workspace.root, clock: workspace.clock, output: { ...SILENT, table } }, [ref], {});
    const signed = lines.filter((line) => line.includes(`signed with ${fingerprint}, signature ${hash}…`));
    expect(signed).toEqual([expect.stringContaining('anna said yes'), expect.stringContaining('refused by anna')]);
  });

  it('that says no counts before one that says yes to the same payouts, whatever they are called', async () => {
    const workspace = await heldBack(true);
    decide(workspace, 'anna', { name: 'payouts.000002.to-approve-anna.json' });
    decide(workspace, 'ben', { no: [2, 3], name: 'payouts.000002.to-approve-ben.json' });
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['cancelled', 'cancelled', 'submitted']);
  });

  it('waits for a second person where a tier asks for two', async () => {
    const workspace = await heldBack(true, { approvals: [{ from: { INR: '100.00' }, people: 2 }] });
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
    decide(workspace, 'ben');
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'submitted', 'submitted']);
  });

  it('does not count any more once its person is gone from the settings', async () => {
    const workspace = await heldBack(true, { approvals: [{ from: { INR: '100.00' }, people: 2 }] });
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

describe('a yes to what its person may not decide about any more', () => {
  function setUpTo(workspace: TestWorkspace, upTo: object) {
    const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8'));
    settings.people.anna.upTo = upTo;
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify(settings));
  }

  it('holds back anew what is not sent, where upTo is lower by then', async () => {
    const workspace = await heldBack(false);
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false, send: false });
    expect(statuses(workspace)).toEqual(['ready', 'ready', 'submitted']);
    setUpTo(workspace, { INR: '100.00' });
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'held', 'submitted']);
  });

  it('is not the first of two', async () => {
    const workspace = await heldBack(false, { approvals: [{ from: { INR: '100.00' }, people: 2 }] });
    decide(workspace, 'anna');
    await workspace.pass({ lookUp: false });
    setUpTo(workspace, { INR: '100.00' });
    decide(workspace, 'ben');
    await workspace.pass({ lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'held', 'submitted']);
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
    const workspace = await heldBack(
      true,
      {},
      'anna' in upTo ? { anna: person('anna', { upTo: { INR: '150.00' } }) } : {},
    );
    decide(workspace, by, edit);
    const { decisions } = await workspace.pass({ lookUp: false });
    expect(decisions).toEqual([{ name: TO_APPROVE, number: 1, refused: expect.stringContaining(words) }]);
    expect(answer(workspace)).toMatchObject({ accepted: false, reason: expect.stringContaining(words) });
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
    expect(workspace.outbox()).toContain(TO_APPROVE);
  });

  it('is one whose name is in another encoding: it is no CSV file, and its signature is with it', async () => {
    const workspace = await heldBack(true);
    const name = Buffer.concat([Buffer.from('a.to-approve - '), Buffer.alloc(8, 0x83), Buffer.from('.json')]);
    const inbox = (end: string) => Buffer.concat([Buffer.from(`${workspace.path('inbox')}/`), name, Buffer.from(end)]);
    writeFileSync(inbox('.sig'), 'no signature');
    writeFileSync(inbox(''), workspace.read(TO_APPROVE).replace('"reason": ""', '"reason": "checked"'));
    const { decisions, files } = await workspace.pass({ lookUp: false });
    expect(decisions).toMatchObject([{ refused: expect.stringContaining('none that ssh-keygen') }]);
    expect(files).toEqual([]);
  });

  it('is one under a name of another kind, which says how a decision is called', async () => {
    const workspace = await heldBack(true);
    copyFileSync(workspace.path('outbox', TO_APPROVE), workspace.path('inbox', 'decided.json'));
    await workspace.pass();
    const { problem } = JSON.parse(workspace.read('decided.json.000003.receipt.json'));
    expect(problem.message).toContain('A decision keeps ".to-approve" in its name, and ".json"');
  });

  it('is one that was dropped a second time', async () => {
    const workspace = await heldBack(true, { approvals: [{ from: { INR: '100.00' }, people: 2 }] });
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
    const workspace = await heldBack(true);
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
    const workspace = await heldBack(true, {}, people);
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

describe('a decision or a signature that is no plain file', () => {
  const GIGABYTES = ALL ? 2 : 0.2;
  const MAKE: Record<string, (path: string) => void> = {
    'a folder': (path) => {
      mkdirSync(path);
      writeFileSync(join(path, 'within'), 'x');
    },
    'a link to nothing': (path) => symlinkSync('/nowhere', path),
    'a link to a file': (path) => symlinkSync('/etc/hostname', path),
    'a link to itself': (path) => symlinkSync(path, path),
    'a named pipe': (path) => execFileSync('mkfifo', [path]),
    'a file with two names': (path) => linkSync(`${keyOf('anna')}.pub`, path),
    [`a file of ${GIGABYTES} GB`]: (path) => {
      writeFileSync(path, '');
      truncateSync(path, GIGABYTES * 1_000_000_000);
    },
    empty: (path) => writeFileSync(path, ''),
  };

  it.each(Object.keys(MAKE))('but %s is answered once, and ends no pass', async (kind) => {
    const workspace = await heldBack(false);
    decide(workspace, 'anna');
    const names = readdirSync(workspace.path('inbox')).sort();
    rmSync(workspace.path('inbox', `${TO_APPROVE}.sig`));
    MAKE[kind]?.(workspace.path('inbox', `${TO_APPROVE}.sig`));
    MAKE[kind]?.(workspace.path('inbox', 'b.to-approve.json'));
    writeFileSync(workspace.path('inbox', 'b.to-approve.json.sig'), 'x');
    expect(names).toEqual([TO_APPROVE, `${TO_APPROVE}.sig`]);
    const { decisions, stuck } = await workspace.pass({ lookUp: false });
    expect(decisions.map(({ refused }) => typeof refused)).toEqual(['string', 'string']);
    expect(stuck).toEqual([]);
    expect((await workspace.pass({ lookUp: false })).decisions).toEqual([]);
    expect(readdirSync(workspace.path('inbox'))).toEqual([]);
    expect(readdirSync(workspace.path('data', 'work'))).toEqual([]);
    expect(statuses(workspace)).toEqual(['held', 'held', 'submitted']);
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

  const CALLS = ['decide', 'spool', 'archive'] as const;
  const POINTS = (['before', 'after'] as const).flatMap((when) => CALLS.map((at) => [at, when] as const));

  it.each(sampled(POINTS, 2))('at %s, %s it: the next pass counts it once, and answers it', async (at, when) => {
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
  });
});

describe('a decision whose answer has no place in the outbox', () => {
  it('counts, keeps no payout waiting, and is answered once there is a place', async () => {
    const workspace = await heldBack(false);
    decide(workspace, 'anna', { no: [3] });
    const place = workspace.path('outbox', 'payouts.000002.decision.1.json');
    mkdirSync(place);
    await expect(workspace.pass({ lookUp: false })).rejects.toThrow('decision.1.json');
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
    rmdirSync(place);
    await workspace.pass({ lookUp: false });
    expect(answer(workspace)).toMatchObject({ accepted: true });
    expect(readdirSync(workspace.path('inbox'))).toEqual([]);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
  });
});

describe('a signed yes by command', () => {
  const say = (workspace: TestWorkspace, by: string, ...refs: string[]) =>
    approve({ workspace: workspace.root, clock: workspace.clock, output: SILENT }, refs, {
      reason: 'as the invoices say',
      key: keyOf(by),
      yes: true,
    });

  it('to payouts of two files counts for both, or for none where one of them may not be decided', async () => {
    const workspace = withHeld({}, { anna: person('anna', { upTo: { INR: '150.00' } }) });
    workspace.drop(
      'rent.csv',
      instructions('C1,O1,R1,150,2026-03-02,2026-03-05,', 'C1,O1,R2,151,2026-03-02,2026-03-05,'),
    );
    await workspace.pass({ lookUp: false });
    await expect(say(workspace, 'anna', 'C1/O1/P1', 'C1/O1/R2')).rejects.toThrow('file 3: line 3 (C1 / O1 / R2)');
    await workspace.pass({ lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P3: 1 });
    await say(workspace, 'anna', 'C1/O1/P1', 'C1/O1/R1');
    await workspace.pass({ lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1, R1: 1 });
  });
});

describe('a forgotten file', () => {
  it('leaves nothing of the decisions about it but what the audit log has', async () => {
    const workspace = await heldBack(true);
    decide(workspace, 'stranger');
    await workspace.pass({ lookUp: false });
    decide(workspace, 'anna');
    const kept = readFileSync(workspace.path('inbox', TO_APPROVE), 'utf8');
    const signature = readFileSync(workspace.path('inbox', `${TO_APPROVE}.sig`), 'utf8');
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
    workspace.drop(`${TO_APPROVE}.sig`, signature);
    workspace.drop(TO_APPROVE, kept);
    await workspace.pass({ lookUp: false });
    const [late = ''] = workspace.outbox().filter((name) => name.includes('.decision.'));
    expect(JSON.parse(workspace.read(late))).toMatchObject({ reason: expect.stringContaining('file 2 is forgotten') });
    expect(workspace.read(late)).not.toContain('C1');
  });
});
