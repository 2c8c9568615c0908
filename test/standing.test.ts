/** outbox/index.html: the page over all files, written by each pass. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { closeFile } from '../src/pipeline/pipeline.ts';
import { instruction, instructions, needs, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const PAGE = 'index.html';

/** A file with a row to correct, and two with nothing to do. */
async function mixed(): Promise<TestWorkspace> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('wrong.csv', instructions(instruction('P1'), instruction('P2', 'much')));
  workspace.drop('right.csv', instructions(instruction('P3')));
  await workspace.pass();
  return workspace;
}

/** The section that a heading begins, without its markup. */
function section(workspace: TestWorkspace, heading: string): string {
  const text = workspace.read(PAGE).replace(/<style>[\s\S]*<\/style>/, '');
  const [, rest = ''] = text.split(`>${heading}</h2>`);
  return (rest.split('</section>')[0] ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

describe('the page over all files', () => {
  it('says who needs to do what, in which file', async () => {
    const workspace = await mixed();
    expect(section(workspace, 'Who needs to do what')).toMatch(/^The sender of the file 1 row to correct : repair /);
    expect(section(workspace, 'Files that need action')).toMatch(
      /All of them, oldest first: 1 file .*00000\d wrong\.csv .* 1 row to correct \(the sender of the file\) paydrop close --file [23] --reason TEXT$/,
    );
  });

  it('names commands whole, with the number of the file', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ faults: { faults: [{ on: 'post', fault: { kind: 'decline' } }] } });
    expect(section(workspace, 'Files that need action')).toContain(
      'paydrop retry --file 2 --status declined --reason TEXT',
    );
    const text = workspace.read(PAGE).replace(/<\/?span[^>]*>/g, '');
    for (const [, command = ''] of text.matchAll(/paydrop ((?:close|retry|resolve)[^;:<.]*)/g))
      expect(command).toContain('--reason TEXT');
  });

  it('names the file whose payouts wait for their order', async () => {
    const workspace = testWorkspace();
    workspace.drop('early.csv', instructions(instruction('P1')));
    await workspace.pass();
    expect(section(workspace, 'Who needs to do what')).toMatch(/^The sender of the orders 1 payout without its order /);
    expect(section(workspace, 'Files that need action')).toContain('early.csv');
    expect(section(workspace, 'Latest files')).toContain('Needs attention');
  });

  it('says that there is nothing to do once that is so', async () => {
    const workspace = await mixed();
    const tools = await workspace.open();
    const files = await tools.store.files();
    const wrong = files.find(({ name }) => name === 'wrong.csv')?.number ?? 0;
    await closeFile(tools, wrong, { by: 'anna', reason: 'not owed' });
    await tools.close();
    await workspace.pass();
    expect(section(workspace, 'Who needs to do what')).toBe('Nothing to do.');
    expect(workspace.read(PAGE)).not.toContain('Files that need action');
    expect(await needs(workspace)).toEqual([]);
  });

  it('leads to the pages of files and runs, all of which are there', async () => {
    const workspace = await mixed();
    await workspace.pass();
    const links = [...workspace.read(PAGE).matchAll(/href="([^"]+)"/g)].map(([, name = '']) => name);
    expect(new Set(links).size).toBe(5);
    for (const name of links) expect(existsSync(workspace.path('outbox', name)), name).toBe(true);
  });

  it('sums the payouts by status and currency', async () => {
    const workspace = await mixed();
    expect(section(workspace, 'Payouts by status and currency')).toMatch(/submitted INR 2 420\.00/);
  });

  it('names 50 files that need action and how many there are, the oldest first', async () => {
    const workspace = testWorkspace();
    for (let file = 1; file <= 52; file++) workspace.drop(`f${file}.csv`, `nothing of ours, ${file}\n`);
    await workspace.pass();
    const text = section(workspace, 'Files that need action');
    expect(text).toContain('The oldest 50 of 52 files; paydrop status --files lists all');
    expect(text).toMatch(/000050 .*/);
    expect(text).not.toContain('000051');
    expect(section(workspace, 'Latest files')).toMatch(/^The latest 50 of 52 files .* 000052 /);
  });

  it('has the same bytes, and is not written again, where nothing changed', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass({ kind: 'arrival' });
    const before = { text: workspace.read(PAGE), ...statOf(workspace) };
    await workspace.pass({ kind: 'arrival' });
    expect({ text: workspace.read(PAGE), ...statOf(workspace) }).toEqual(before);
    unlinkSync(workspace.path('outbox', PAGE));
    await workspace.pass({ kind: 'arrival' });
    expect(workspace.read(PAGE)).toBe(before.text);
  });

  it('says when paydrop watch makes the next nightly run, and that paydrop run is made by what starts it', async () => {
    const workspace = testWorkspace({ schedule: { timeZone: 'Europe/Berlin' } });
    await workspace.pass({ kind: 'run' });
    expect(workspace.read(PAGE)).toContain('The next run is made by the next <code>paydrop run</code>');
    await workspace.pass({ kind: 'nightly' });
    expect(workspace.read(PAGE)).toMatch(
      /Next nightly run: <time datetime="2026-03-03T02:00">.*2026-03-03 02:00<\/span> \(Europe\/Berlin\)/,
    );
  });

  it('says that nothing is sent in the next nightly run, where that is of no banking day', async () => {
    const workspace = testWorkspace({ calendar: { days: 'banking' } });
    workspace.clock.setWall('2026-03-06T03:00:00Z');
    await workspace.pass({ kind: 'nightly', businessDate: '2026-03-06' });
    expect(workspace.read(PAGE)).toContain('Nothing is sent in it: 7 March is a Saturday.');
  });
});

function statOf(workspace: TestWorkspace) {
  const { ino, mtimeMs } = statSync(workspace.path('outbox', PAGE));
  return { ino, mtimeMs };
}

describe('what has the name of that page and is not ours', () => {
  const put: [what: string, put: (path: string) => void][] = [
    ['a page of another program', (path) => writeFileSync(path, '<!doctype html><title>Team</title>')],
    ['an empty file', (path) => writeFileSync(path, '')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link', (path) => symlinkSync('/etc/hostname', path)],
  ];
  it.each(put)('is left alone, and said: %s', async (_, make) => {
    const workspace = testWorkspace();
    mkdirSync(workspace.path('outbox'));
    const path = workspace.path('outbox', PAGE);
    make(path);
    const { ino } = statSync(path);
    const summary = await workspace.pass();
    expect(summary.needs).toMatchObject([
      { concern: 'foreign-index', weight: 'unfinished', why: `${path} is there and is not paydrop's` },
    ]);
    expect(statSync(path).ino).toBe(ino);
    expect(await needs(workspace)).toEqual(['1 foreign-index']);
    rmSync(path, { recursive: true });
    expect((await workspace.pass()).needs).toEqual([]);
    expect(readFileSync(path, 'utf8')).toContain('content="paydrop index"');
    expect(await needs(workspace)).toEqual([]);
  });
});
