/** Whether enough people may say yes to what is held, and where an operator reads that they may not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacksApprovers } from '../src/control/approvers.ts';
import { parseSettings } from '../src/settings/settings.ts';
import type { LargestHeld } from '../src/store/port.ts';
import { builtProgram } from './support/cli.ts';
import { dropped, row } from './support/held.ts';
import { ALL } from './support/sample.ts';
import type { TestWorkspace } from './support/workspace.ts';

const key = (name: string) =>
  readFileSync(join(import.meta.dirname, 'control', 'signatures', `${name}.pub`), 'utf8').trim();
const [ANNA, BEN, CARL] = ['ed25519', 'ecdsa-256', 'rsa-3072'].map(key) as [string, string, string];
const approves = (line: string, more: object = {}) => ({ may: ['approve'], keys: [line], ...more });
const CONTROL = {
  approvals: [
    { from: { INR: '0.01' }, people: 1 },
    { from: { INR: '500.00' }, people: 2 },
  ],
};

function rules(people: object, control: object = CONTROL) {
  const parsed = parseSettings({ control, people }, '.');
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

const held = (amountMinor: bigint, ...reasons: string[]): LargestHeld => ({
  ...{ file: 2, currency: 'INR', amountMinor },
  reasons: reasons.length === 0 ? ['APPROVAL_REQUIRED'] : reasons,
});

const by = (user: string) => ({ name: 'payouts.csv', maker: { user, uid: 1001, keys: [] } });

describe('what is held', () => {
  const TWO = {
    anna: approves(ANNA),
    ben: approves(BEN, { upTo: { INR: '500.00' } }),
    carl: { may: ['settle'], keys: [CARL] },
  };

  it.each<[string, object, bigint, string[], string | undefined]>([
    ['enough people may approve', TWO, 50_000n, [], undefined],
    ['upTo ends below', TWO, 50_001n, [], '2 people must approve 500.01 INR, and only anna may'],
    ['one person is enough', TWO, 49_999n, [], undefined],
    ['a limit needs one person', TWO, 90_000n, ['PAYOUT_LIMIT_EXCEEDED'], undefined],
    ['a day will let it go', { carl: TWO.carl }, 90_000n, ['DAY_LIMIT_EXCEEDED'], undefined],
    [
      'the day and a tier hold it',
      { carl: TWO.carl },
      1n,
      ['APPROVAL_REQUIRED', 'DAY_LIMIT_EXCEEDED'],
      'one person must approve 0.01 INR, and none of the people may',
    ],
    [
      'people are named and none may approve',
      { carl: TWO.carl },
      5n,
      ['LAST_LINE_NOT_ENDED'],
      'one person must approve 0.05 INR, and none of the people may',
    ],
    ['no people are named and one is enough', {}, 49_999n, [], undefined],
    [
      'no people are named and two must agree',
      {},
      50_000n,
      [],
      '2 people must approve 500.00 INR, and "people" names none: that takes 2 accounts that may run paydrop here',
    ],
  ])('where %s', (_, people, amountMinor, reasons, why) => {
    expect(lacksApprovers([held(amountMinor, ...reasons)], by('carl'), rules(people))).toBe(why);
  });

  it('needs people besides the one who dropped the file', () => {
    const two = { anna: approves(ANNA), ben: approves(BEN) };
    expect(lacksApprovers([held(50_000n)], by('ben'), rules(two))).toBe(
      '2 people must approve 500.00 INR, and only anna may: ben dropped payouts.csv',
    );
    expect(lacksApprovers([held(49_999n)], by('ben'), rules(two))).toBeUndefined();
  });

  it('needs an owner who is a person, unless the settings allow anyone', () => {
    const why = 'who dropped payouts.csv is not known: its owner ftp is no person of the settings (control.maker)';
    expect(lacksApprovers([held(5n)], by('ftp'), rules(TWO))).toBe(why);
    expect(lacksApprovers([held(5n)], by('ftp'), rules(TWO, { ...CONTROL, maker: 'anyone' }))).toBeUndefined();
    expect(lacksApprovers([], by('ftp'), rules(TWO))).toBeUndefined();
  });
});

describe('a tier that asks for more people than may approve', () => {
  const program = builtProgram();
  const WHY = '2 people must approve 5,000.00 INR, and only anna may';
  const people = { anna: approves(ANNA), carl: { may: ['settle'], keys: [CARL], user: userInfo().username } };
  const run = (workspace: TestWorkspace, ...args: string[]) =>
    program.run([...args, '--workspace', workspace.root], { cwd: workspace.root });
  const set = (workspace: TestWorkspace, more: object) => {
    const path = workspace.path('paydrop.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...more }));
  };

  it.runIf(ALL)('is named by run, status, both pages, until enough people may', async () => {
    const workspace = dropped({ people, control: CONTROL }, row('P1', '5000'), row('P2', '5'));
    const first = await run(workspace, 'run', '--date', '2026-03-02');
    expect(first).toMatchObject({ status: 1, stdout: expect.stringContaining(`2 payouts held back: ${WHY}: `) });
    const status = async () => (await run(workspace, 'status')).stdout;
    expect(await status()).toContain(`! 2 payouts held back: ${WHY}: `);
    expect((await run(workspace, 'held')).stdout).toContain(`! ${WHY}.\n`);
    expect(JSON.parse((await run(workspace, 'held', '--json')).stdout)).toMatchObject({
      lacking: [{ file: 2, why: WHY }],
    });
    const pages = () => ['index.html', 'payouts.000002.report.html'].map((name) => workspace.read(name));
    for (const page of pages()) expect(page).toContain(WHY);
    set(workspace, { people: { ...people, ben: approves(BEN) } });
    expect((await run(workspace, 'run', '--date', '2026-03-02')).stdout).not.toContain('must approve');
    expect(await status()).not.toContain('must approve');
    for (const page of pages()) expect(page).not.toContain('must approve');
  });

  it('is named where no people are, too', async () => {
    const workspace = dropped({ control: CONTROL }, row('P1', '5000'), row('P2', '5'));
    const { needs } = await workspace.pass();
    const why = expect.stringContaining('2 people must approve 5,000.00 INR, and "people" names none');
    expect(needs).toContainEqual(expect.objectContaining({ concern: 'held', count: 2, why }));
  });
});
