/**
 * Every folder of fixtures/cases is a test: its files are dropped, its passes made, and the outbox compared with what is
 * expected, byte for byte. Pages (*.html) are left out except where a case asks for them, to keep differences readable.
 *
 *     UPDATE_CASES=1 npx vitest run test/cases.test.ts
 *
 * rewrites what is expected, for a person to read in the diff. What a case's folder may hold stands in fixtures/cases.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it, test } from 'vitest';
import {
  CASES,
  type Case,
  caseNames,
  drop,
  expectedOutbox,
  outboxTexts,
  readCase,
  rewriteExpected,
} from '../fixtures/cases.ts';
import { CODES } from '../src/domain/codes.ts';
import { timestamp } from '../src/platform/clock.ts';
import { temporaryFolder, testWorkspace } from './support/workspace.ts';

/** The outbox after the last pass; each pass is a process of its own. */
async function outcomeOf({ settings, faults, pages, passes }: Case): Promise<Record<string, string>> {
  const workspace = testWorkspace(settings);
  const { clock } = workspace;
  for (const pass of passes) {
    if (pass.at !== undefined) clock.advance(Date.parse(pass.at) - clock.now());
    drop(pass, workspace.root);
    const businessDate = timestamp(clock.now()).slice(0, 10);
    await workspace.pass({ businessDate, waitForSettling: pass.waits, ...(faults ? { faults } : {}) });
  }
  return outboxTexts(workspace.path('outbox'), pages);
}

describe('dropping', () => {
  test.each(caseNames())('%s', async (name) => {
    const given = readCase(join(CASES, name));
    const outbox = await outcomeOf(given);
    if (process.env['UPDATE_CASES'] === '1') rewriteExpected(given, outbox);
    expect(outbox).toEqual(expectedOutbox(given));
  });
});

describe('the cases', () => {
  it('show every code at least once', () => {
    const shown = new Set(caseNames().flatMap((name) => codesIn(expectedOutbox(readCase(join(CASES, name))))));
    const missing = CODES.map(({ code }) => code).filter((code) => !shown.has(code));
    expect(missing, 'codes that no case shows').toEqual([]);
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

function codesIn(outbox: Readonly<Record<string, string>>): string[] {
  return Object.entries(outbox)
    .filter(([name]) => name.endsWith('.errors.csv'))
    .flatMap(([, csv]) => (parse(csv, { columns: true }) as { code: string }[]).map(({ code }) => code));
}
