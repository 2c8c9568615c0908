/**
 * Every folder of fixtures/cases is a test: its files are dropped, its passes made, and what it is about in the outbox is
 * compared with what is expected, byte for byte.
 *
 *     UPDATE_CASES=1 npx vitest run test/cases.test.ts
 *
 * rewrites what is expected, for a person to read in the diff. What a case's folder may hold stands in fixtures/cases.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it, test } from 'vitest';
import {
  CASES,
  type Case,
  caseNames,
  compared,
  type Decided,
  drop,
  expectedOutbox,
  PAGES_CSS,
  readCase,
  repeated,
  rewriteExpected,
  stylesIn,
  textsIn,
  WORKSPACE_ID,
} from '../fixtures/cases.ts';
import { CODES } from '../src/domain/codes.ts';
import { approve, heldNamed, refuse } from '../src/pipeline/approval.ts';
import { timestamp } from '../src/platform/clock.ts';
import { OWNER_FILE } from '../src/service/outbox-of.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { sampled } from './support/sample.ts';
import { type RecordsOn, type TestWorkspace, temporaryFolder, testWorkspace } from './support/workspace.ts';

const UPDATES = process.env['UPDATE_CASES'] === '1';

/** The outbox after the last pass; each pass is a process of its own. */
async function outcomeOf(
  { settings, signed, faults, passes }: Case,
  records: RecordsOn = 'sqlite',
): Promise<Readonly<Record<string, string>>> {
  const workspace = testWorkspace(settings, records);
  const { clock } = workspace;
  if (signed) await withTools(workspace, ({ store }) => store.setFact('workspace-id', WORKSPACE_ID));
  for (const pass of passes) {
    if (pass.at !== undefined) clock.advance(Date.parse(pass.at) - clock.now());
    if (pass.people) setPeople(workspace, pass.people);
    if (pass.decided.length > 0) await decide(workspace, pass.decided);
    drop(pass, workspace.root);
    const businessDate = timestamp(clock.now()).slice(0, 10);
    await workspace.pass({ businessDate, waitForSettling: pass.waits, ...(faults ? { faults } : {}) });
  }
  const { [OWNER_FILE]: _, ...texts } = textsIn(workspace.path('outbox'));
  return texts;
}

function setPeople(workspace: TestWorkspace, people: object): void {
  const path = workspace.path('paydrop.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), people }));
}

/** As `paydrop approve` and `paydrop refuse` do. */
async function decide(workspace: TestWorkspace, decided: readonly Decided[]): Promise<void> {
  await withTools(workspace, async (tools) => {
    for (const { payout, says, by, reason } of decided) {
      const [customerRef = '', orderRef = '', instructionRef = ''] = payout.split('/');
      const [held] = await heldNamed(tools.store, tools.settings, [{ customerRef, orderRef, instructionRef }]);
      if (!held) throw new Error(`${payout} is not held back`);
      const outcome = await (says === 'yes' ? approve : refuse)(tools, [held], { by, reason });
      if (!outcome.ok) throw new Error(outcome.why.join(' '));
    }
  });
}

async function withTools(workspace: TestWorkspace, work: (tools: OpenWorkspace) => Promise<unknown>): Promise<void> {
  const tools = await workspace.open();
  try {
    await work(tools);
  } finally {
    await tools.close();
  }
}

describe('dropping', () => {
  test.each(UPDATES ? caseNames() : sampled(caseNames(), 5))('%s', async (name) => {
    const given = readCase(join(CASES, name));
    const outbox = await outcomeOf(given);
    const toCompare = compared(given, outbox);
    if (UPDATES) rewriteExpected(given, toCompare);
    expect(toCompare).toEqual(expectedOutbox(given));
    const leavesRunsOut = !Object.keys(toCompare).some((name) => name.startsWith('run.'));
    if (leavesRunsOut) expect(endsToldByRuns(outbox)).toEqual(endsOfMovedRows(outbox));
  });
});

describe.skipIf(!hasPostgres)('dropping, with records on PostgreSQL', () => {
  test.each(sampled(caseNames(), 24, 1))('%s', async (name) => {
    const given = readCase(join(CASES, name));
    expect(compared(given, await outcomeOf(given, 'postgres'))).toEqual(expectedOutbox(given));
  });
});

test('all pages have the one style sheet', async () => {
  const styles = stylesIn(await outcomeOf(readCase(join(CASES, 'orders-alone'))));
  expect(styles.length).toBeGreaterThan(2);
  if (UPDATES) writeFileSync(PAGES_CSS, styles[0] ?? '');
  expect(new Set(styles)).toEqual(new Set([readFileSync(PAGES_CSS, 'utf8')]));
});

describe('the cases', () => {
  it('show every code at least once', () => {
    const shown = new Set(caseNames().flatMap((name) => codesIn(expectedOutbox(readCase(join(CASES, name))))));
    const missing = CODES.map(({ code }) => code).filter((code) => !shown.has(code));
    expect(missing, 'codes that no case shows').toEqual([]);
  });

  it('hold no file that they have from the one they begin with', () => {
    const found = caseNames().flatMap((name) => repeated(readCase(join(CASES, name))).map((file) => `${name}/${file}`));
    expect(found).toEqual([]);
  });

  it.each([
    ['a file that is none of its parts', 'notes.txt', '', 'notes.txt is no part of a case'],
    ['a key that is not known', 'case.json', '{"setings":{}}', 'setings'],
    ['a script of faults that is none', 'case.json', '{"faults":{"faults":[{"on":"put"}]}}', 'is no script of faults'],
  ])('are refused for %s', (_, name, content, reason) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'inbox'));
    writeFileSync(join(folder, name), content);
    expect(() => readCase(folder)).toThrow(reason);
  });
});

/** What rows are at last by what the runs say that changed, as `file line status`. */
function endsToldByRuns(outbox: Readonly<Record<string, string>>): string[] {
  const changes = Object.keys(outbox)
    .filter((name) => /^run\.\d{6}\.changes\.csv$/.test(name))
    .flatMap((name) => rowsOf(outbox[name]));
  const last = new Map(changes.map(({ file, line, to }) => [`${file} ${line}`, to]));
  return [...last].map(([row, status]) => `${row} ${status}`).sort();
}

/** The same of rows that were sent or are held back, by result.csv. */
function endsOfMovedRows(outbox: Readonly<Record<string, string>>): string[] {
  return Object.keys(outbox)
    .flatMap((name) => {
      const [, file] = /\.(\d{6})\.result\.csv$/.exec(name) ?? [];
      const rows = file === undefined ? [] : rowsOf(outbox[name]);
      const moved = rows.filter(({ attempts, status }) => attempts !== '0' || status === 'held');
      return moved.map(({ line, status }) => `${file} ${line} ${status}`);
    })
    .sort();
}

function rowsOf(csv = ''): Record<string, string>[] {
  return parse(csv, { columns: true });
}

function codesIn(outbox: Readonly<Record<string, string>>): string[] {
  return Object.entries(outbox)
    .filter(([name]) => /\.(?:errors|result|changes)\.csv$/.test(name))
    .flatMap(([, csv]) => rowsOf(csv).flatMap(({ code = '' }) => code.split(' ')));
}
