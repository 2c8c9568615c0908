/** A decision that was refused stays where an operator looks, until it does not matter any more. */
import { chmodSync, copyFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keyFile, personWith, signatureOf } from '../fixtures/people.ts';
import { builtProgram } from './support/cli.ts';
import { dropped, row } from './support/held.ts';
import { instructions, madeOnce, needs, type TestWorkspace } from './support/workspace.ts';

const program = builtProgram();
const SETTINGS = {
  control: { approvals: [{ from: { INR: '100.00' }, people: 2 }] },
  people: { anna: personWith('anna'), ben: personWith('ben'), carl: personWith('carl') },
};
const TO_APPROVE = 'payouts.000002.to-approve.json';
const WHY = 'was refused: the decision is not signed';
const ANSWER = 'payouts.000002.decision.1.json';

/** Two held payouts, and a decision about them that is not signed. */
const withRefused = madeOnce(async () => {
  const workspace = dropped(SETTINGS, row('P1', '150'), row('P2', '250'));
  await workspace.pass();
  drop(workspace, undefined);
  await workspace.pass();
  return workspace;
});

function drop(workspace: TestWorkspace, by: 'anna' | 'ben' | undefined, name = TO_APPROVE, of = TO_APPROVE) {
  const decision = workspace.read(of).replace('"reason": ""', '"reason": "compared"');
  if (by) workspace.drop(`${name}.sig`, signatureOf(decision, by));
  workspace.drop(name, decision);
}

const run = (workspace: TestWorkspace, ...args: string[]) =>
  program.run([...args, '--workspace', workspace.root], { cwd: workspace.root });
const status = async (workspace: TestWorkspace) => (await run(workspace, 'status')).stdout;
const isShown = async (workspace: TestWorkspace) => (await needs(workspace)).includes('1 refused-decisions');

describe('a refused decision', () => {
  it('is named in status and on both pages, with why and its answer', async () => {
    const workspace = await withRefused();
    const text = await status(workspace);
    expect(text).toContain(
      `! 1 decision was refused: ${ANSWER} says why: read the answer, then decide anew (an approver).`,
    );
    expect(text).toContain(`    ${TO_APPROVE} ${WHY}`);
    for (const name of ['index.html', 'payouts.000002.report.html']) {
      expect(workspace.read(name)).toContain(WHY);
      expect(workspace.read(name)).toContain(`<a href="${ANSWER}">`);
    }
    await workspace.pass();
    expect(await isShown(workspace)).toBe(true);
    expect(JSON.parse((await run(workspace, 'status', '--json')).stdout).needsAPerson).toContainEqual(
      expect.objectContaining({ what: 'refused-decisions', count: 1, weight: 'person' }),
    );
  });

  it('is gone once a later decision about its file counts, though something stays held', async () => {
    const workspace = await withRefused();
    drop(workspace, 'anna');
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['2 held']);
    for (const name of ['index.html', 'payouts.000002.report.html'])
      expect(workspace.read(name)).not.toContain('was refused');
  });

  it('gives way to a later one that is refused as well', async () => {
    const workspace = await withRefused();
    drop(workspace, undefined, 'payouts.000002.to-approve-anna.json');
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['2 held', '1 refused-decisions']);
    expect(await status(workspace)).toContain('payouts.000002.to-approve-anna.json was refused');
  });

  it('is gone once a person decides by command', async () => {
    const workspace = await withRefused();
    const key = workspace.path('key');
    copyFileSync(keyFile('anna'), key);
    chmodSync(key, 0o600);
    const said = await run(workspace, 'approve', 'C1/O1/P1', '--yes', '--reason', 'compared', '--key', key);
    expect(said).toMatchObject({ status: 0 });
    expect(await needs(workspace)).toEqual(['2 held']);
  });

  it('is gone once nothing of its file is held any more', async () => {
    const workspace = await withRefused();
    workspace.drop('more.csv', instructions(row('Q1', '150')));
    workspace.drop(
      'changes.csv',
      'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nDELETE,C1,O1,P1,,,\nDELETE,C1,O1,P2,,,\n',
    );
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['1 held']);
  });

  it('about another file leaves it as it is', async () => {
    const workspace = await withRefused();
    workspace.drop('more.csv', instructions(row('Q1', '150')));
    await workspace.pass();
    drop(workspace, 'anna', 'more.000003.to-approve.json', 'more.000003.to-approve.json');
    await workspace.pass();
    expect(await needs(workspace)).toEqual(['3 held', '1 refused-decisions']);
  });
});

describe('a refused decision that does not say what it is about', () => {
  it('is about the file of its name', async () => {
    const workspace = dropped(SETTINGS, row('P1', '150'));
    await workspace.pass();
    workspace.drop('more.csv', instructions(row('Q1', '150')));
    await workspace.pass();
    workspace.drop('more.000003.to-approve.json', 'yes!');
    await workspace.pass();
    drop(workspace, 'anna');
    await workspace.pass();
    expect(await isShown(workspace)).toBe(true);
    expect(workspace.read('more.000003.report.html')).toContain('the file is no JSON');
    expect(workspace.read('payouts.000002.report.html')).not.toContain('was refused');
  });

  it.each(['a.to-approve.json', 'other.000002.to-approve.json', 'payouts.000077.to-approve.json'])(
    'and whose name does not either stays until the next decision: %s',
    async (name) => {
      const workspace = dropped(SETTINGS, row('P1', '150'));
      await workspace.pass();
      workspace.drop(name, 'yes!');
      await workspace.pass();
      expect(await needs(workspace)).toEqual(['1 held', '1 refused-decisions']);
      drop(workspace, 'anna');
      await workspace.pass();
      expect(await needs(workspace)).toEqual(['1 held']);
    },
  );

  it('is not shown where nothing is held', async () => {
    const workspace = dropped(SETTINGS, row('P1', '50'));
    await workspace.pass();
    workspace.drop('a.to-approve.json', 'yes!');
    await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    expect(await isShown(workspace)).toBe(false);
  });
});

it('a signature whose decision is not there yet is left alone, and told as that', async () => {
  const workspace = dropped(SETTINGS, row('P1', '150'));
  await workspace.pass();
  workspace.drop(`${TO_APPROVE}.sig`, signatureOf('{}', 'anna'));
  const { stdout } = await run(workspace, 'run', '--date', '2026-03-02');
  expect(stdout).toContain(`! A signature, left alone until its decision is dropped as well: ${TO_APPROVE}.sig`);
  expect(stdout).not.toContain('unfinished work');
});
