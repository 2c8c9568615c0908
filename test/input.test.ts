/**
 * The input campaign: valid files in every spelling, one mistake at a time, a small file cut and flipped at every byte
 * (TESTS=all; `npm test` takes every eighth), and files of chance. FILES=100000 takes 100,000 files of chance, and
 * more of everything else.
 */
import { readdirSync, symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODES, rowMessage } from '../src/domain/codes.ts';
import { checkInstruction, checkOrder, matchHeader } from '../src/intake/validate.ts';
import { escapeFormula, unescapeFormula } from '../src/platform/formula.ts';
import { dataRows, expectAccounted, expectFates } from './input/accounting.ts';
import { LIMITS, MISTAKES, STANDING_INSTRUCTIONS } from './input/catalogue.ts';
import { fileOfChance } from './input/chance.ts';
import { SMALL, safeTag, smallBytes, survivors } from './input/damage.ts';
import {
  bytesOf,
  CURRENCIES,
  instructionsSheet,
  linesOf,
  ordersSheet,
  STANDING_ORDERS,
  withDebris,
} from './input/files.ts';
import { checksumOf, type Dropped, openTaking, type Taking } from './input/taking.ts';
import { ALL, sampled } from './support/sample.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const FILES = Number(process.env['FILES'] ?? (ALL ? 200 : 80));
const THOROUGH = FILES > 1_000;
const WHOLE = ALL || THOROUGH;
const SHEETS = THOROUGH ? 2_000 : ALL ? 60 : 10;
/** `npm test` damages a small file at every eighth byte. */
const STEP = WHOLE ? 1 : 8;
const PATIENCE_MS = THOROUGH ? 7_200_000 : 60_000;

/** Codes that need more than a file: a link, a setting, a day that passes. */
/** Three are of another API's files (test/order-management-rows.test.ts, test/intake.test.ts, fixtures/cases). */
const TOLD_BELOW = [
  'SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED',
  'CHANGE_NEEDS_APPROVAL',
  'ORDER_NOT_FOUND',
  'ORDER_REF_USED_BY_ANOTHER_CUSTOMER',
  'FILE_NOT_REGULAR',
  'FILE_HAS_ROW_ERRORS',
];

let taking: Taking;
let files = 0;
/** The beginning of every reference of a file's own. */
const nextTag = () => `T${++files}`;

beforeAll(async () => {
  const currencies = Object.values(CURRENCIES).map(({ currency }) => currency);
  taking = await openTaking({ provider: { currencies }, intake: LIMITS });
  await taking.take({ name: 'orders.csv', bytes: Buffer.from(STANDING_ORDERS) });
  await taking.take({ name: 'instructions.csv', bytes: Buffer.from(STANDING_INSTRUCTIONS) });
});

afterAll(() => taking.close());

const sheets = { orders: ordersSheet, instructions: instructionsSheet };

describe.each(['orders', 'instructions'] as const)('a valid %s file', (kind) => {
  it(
    'has exactly its rows taken in, with what they say, however it is spelled',
    async () => {
      await fc.assert(
        fc.asyncProperty(sheets[kind](0), async (sheetOf) => {
          const tag = nextTag();
          const sheet = sheetOf(tag);
          const lines = linesOf(sheet);
          const bytes = bytesOf(lines, sheet.style);
          const [taken] = await taking.take({ name: `${tag}.csv`, bytes });
          if (!taken) throw new Error('nothing was taken in');
          expect(taken.receipt.problem).toBeNull();
          expect(taken.file.kind).toBe(kind);
          expectAccounted(bytes, taken);
          await expectFates(lines, taken, taking.store);
        }),
        { numRuns: SHEETS, endOnFailure: true },
      );
    },
    PATIENCE_MS,
  );
});

describe.each(['orders', 'instructions'] as const)('a valid %s file with what spreadsheets leave in one', (kind) => {
  const draws = fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 60 });
  it(
    'has the same rows taken in, and an error for each line that is none of them',
    async () => {
      await fc.assert(
        fc.asyncProperty(sheets[kind](1), draws, async (sheetOf, drawn) => {
          const tag = nextTag();
          const sheet = sheetOf(tag);
          const lines = withDebris(linesOf(sheet), sheet, drawn);
          const bytes = bytesOf(lines, sheet.style);
          const [taken] = await taking.take({ name: `${tag}.csv`, bytes });
          if (!taken) throw new Error('nothing was taken in');
          expect(taken.receipt.problem).toBeNull();
          expectAccounted(bytes, taken);
          await expectFates(lines, taken, taking.store);
        }),
        { numRuns: SHEETS, endOnFailure: true },
      );
    },
    PATIENCE_MS,
  );
});

describe('one mistake in a valid file', () => {
  const isFirst = (mistake: (typeof MISTAKES)[number]) =>
    MISTAKES.find(({ item }) => item === mistake.item) === mistake;
  const some = sampled(MISTAKES, WHOLE ? 1 : 3);

  it.each(MISTAKES.filter((mistake) => some.includes(mistake) || isFirst(mistake)))(
    '$item: $label',
    async ({ kind, make }) => {
      const chosen = fc.tuple(sheets[kind](3), fc.nat());
      await fc.assert(
        fc.asyncProperty(chosen, async ([sheetOf, n]) => {
          const tag = nextTag();
          const sheet = sheetOf(tag);
          const { lines, bytes, file, earlier, sha256 } = make(sheet, n % (sheet.rows.length - 1));
          if (earlier) await taking.take({ name: `${tag}.earlier.csv`, bytes: earlier });
          const [taken] = await taking.take({ name: `${tag}.csv`, bytes, ...(sha256 === undefined ? {} : { sha256 }) });
          if (!taken) throw new Error('nothing was taken in');
          expect(taken.receipt.problem?.code).toBe(file);
          expectAccounted(bytes, taken);
          if (!file) await expectFates(lines, taken, taking.store);
        }),
        { numRuns: THOROUGH ? 20 : 1, endOnFailure: true },
      );
    },
    PATIENCE_MS,
  );

  it('is made from every item of the catalogue', () => {
    const items = new Set(MISTAKES.map(({ item }) => item));
    expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 26 }, (_, at) => at + 1));
  });

  it('gives every code of a rejection that one can get', () => {
    const given = new Set<string>(MISTAKES.flatMap(({ codes }) => codes));
    const ofRejected = CODES.filter(({ scope }) => scope !== 'payout').map(({ code }) => code);
    expect(ofRejected.filter((code) => !given.has(code))).toEqual(TOLD_BELOW);
  });

  it('is a link, an error in a file that must have none, or an order that never comes', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('bad.csv', instructions(instruction('P1'), instruction('P2', 'five')));
    workspace.drop('early.csv', instructions(instruction('P3').replace('O1', 'O9')));
    symlinkSync(workspace.path('paydrop.json'), workspace.path('inbox', 'link.csv'));
    await workspace.pass();
    const problems = workspace
      .outbox()
      .filter((name) => name.endsWith('.receipt.json'))
      .map((name) => JSON.parse(workspace.read(name)).problem?.code);
    expect(problems).toEqual(['FILE_HAS_ROW_ERRORS', undefined, 'FILE_NOT_REGULAR', undefined]);
    expect(workspace.rows('bad.000001.result.csv').map(({ code }) => code)).toEqual([
      'FILE_HAS_ROW_ERRORS',
      'AMOUNT_FORMAT_NOT_RECOGNISED',
    ]);
    expect(workspace.rows('early.000002.result.csv')).toMatchObject([{ status: 'waiting' }]);
    workspace.clock.advance(25 * 3_600_000);
    await workspace.pass();
    expect(workspace.rows('early.000002.result.csv')).toMatchObject([{ status: 'rejected', code: 'ORDER_NOT_FOUND' }]);
  });
});

/** The same small file again and again, each under a tag of its own and each damaged in another way. */
async function takeDamaged(
  kind: keyof typeof SMALL,
  damages: readonly ((bytes: Buffer) => Buffer)[],
  withChecksum = false,
) {
  const cases = damages.map((damage) => {
    const lines = SMALL[kind](safeTag(++files));
    const whole = smallBytes(lines);
    const bytes = damage(whole);
    const name = `${kind}.${files}.csv`;
    const dropped: Dropped = { name, bytes, ...(withChecksum ? { sha256: checksumOf(whole, name) } : {}) };
    return { lines, bytes, dropped };
  });
  const taken = await taking.take(...cases.map(({ dropped }) => dropped));
  return taken.map((each, at) => ({ ...(cases[at] as (typeof cases)[number]), taken: each }));
}

const lengthOf = (kind: keyof typeof SMALL) => smallBytes(SMALL[kind](safeTag(0))).length;
const places = (kind: keyof typeof SMALL) =>
  Array.from({ length: Math.ceil(lengthOf(kind) / STEP) }, (_, nth) => nth * STEP);

describe('a small file cut at every byte', () => {
  it('is rejected at every cut when its checksum lies beside it', async () => {
    const cuts = [...places('instructions'), lengthOf('instructions')].map((at) => (b: Buffer) => b.subarray(0, at));
    const taken = await takeDamaged('instructions', cuts, true);
    const whole = taken.pop();
    expect(whole?.taken.receipt).toMatchObject({ problem: null, integrity: { sha256File: 'matched' } });
    for (const { bytes, taken: cut } of taken) {
      expect(cut.receipt.problem?.code, `cut at ${bytes.length}`).toBe('FILE_CHECKSUM_MISMATCH');
      expectAccounted(bytes, cut);
    }
  });

  it.each(['orders', 'instructions'] as const)(
    'without a checksum has every whole line as it was, and says that the last one has no end (%s)',
    async (kind) => {
      const cuts = places(kind).map((at) => (bytes: Buffer) => bytes.subarray(0, at));
      for (const { lines, bytes, taken: cut } of await takeDamaged(kind, cuts)) {
        expectAccounted(bytes, cut);
        if (cut.file.problem) continue;
        const left = survivors(lines, bytes);
        await expectFates(left, cut, taking.store);
        const changed = left.flatMap(({ fate }, at) => (fate.kind === 'any' ? [at + 1] : []));
        expect(changed, `cut at ${bytes.length}`).toEqual(changed.length === 0 ? [] : [left.length]);
        if (changed.length > 0) expect(cut.receipt.integrity.lastLineEnded).toBe(false);
      }
    },
  );
});

describe('a small file with one byte flipped', () => {
  const BITS = [0x01, 0x20, 0x80];

  it.each(['orders', 'instructions'] as const)(
    'has every other line as it was, or a code (%s)',
    async (kind) => {
      const flips = places(kind).flatMap((at) =>
        (THOROUGH ? BITS : [BITS[at % BITS.length] ?? 0]).map((bits) => (bytes: Buffer) => {
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] ?? 0) ^ bits;
          return flipped;
        }),
      );
      let takenIn = 0;
      for (const { lines, bytes, taken: flipped } of await takeDamaged(kind, flips)) {
        expectAccounted(bytes, flipped);
        if (flipped.file.problem) continue;
        takenIn++;
        const left = survivors(lines, bytes);
        expect(left.filter(({ fate }) => fate.kind === 'any').length, bytes.toString()).toBeLessThanOrEqual(2);
        await expectFates(left, flipped, taking.store);
      }
      expect(takenIn).toBeGreaterThan(flips.length / 4);
    },
    PATIENCE_MS,
  );
});

function tally() {
  const counts = new Map<string, number>();
  return {
    add: (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1),
    count: (what: string) => counts.get(what) ?? 0,
    told: () => [...counts].map(([what, count]) => `${count} ${what}`).join(', '),
  };
}

describe('files of chance', () => {
  const A_WORKSPACE = 2_000;
  const AT_ONCE = 100;

  it(
    `are each accounted for (${FILES})`,
    async () => {
      const outcomes = tally();
      for (let begun = 0; begun < FILES; begun += A_WORKSPACE) {
        const own = await openTaking();
        await own.take({ name: 'orders.csv', bytes: Buffer.from(STANDING_ORDERS) });
        const some = fc.sample(fileOfChance, { numRuns: Math.min(A_WORKSPACE, FILES - begun), seed: begun });
        for (let at = 0; at < some.length; at += AT_ONCE) {
          const dropped = some.slice(at, at + AT_ONCE).map((bytes, n) => ({ name: `${at + n}.csv`, bytes }));
          for (const [n, taken] of (await own.take(...dropped)).entries()) {
            const bytes = dropped[n]?.bytes ?? Buffer.alloc(0);
            expect(() => expectAccounted(bytes, taken), JSON.stringify(bytes.toString('latin1'))).not.toThrow();
            outcomes.add(taken.receipt.problem?.code ?? taken.receipt.verdict);
            for (const { status } of taken.rows) outcomes.add(`row ${status}`);
          }
        }
        await own.close();
      }
      if (THOROUGH) process.stdout.write(`${FILES} files of chance: ${outcomes.told()}\n`);
      expect(outcomes.count('accepted') + outcomes.count('partially_accepted')).toBeGreaterThan(FILES / 20);
      expect(outcomes.count('row rejected')).toBeGreaterThan(FILES / 10);
    },
    PATIENCE_MS,
  );

  const PASSED = THOROUGH ? 1_000 : ALL ? 40 : 20;

  it(
    `go through a whole pass (${PASSED})`,
    async () => {
      const workspace = testWorkspace();
      workspace.drop('orders.csv', STANDING_ORDERS);
      const some = fc.sample(fileOfChance, { numRuns: PASSED, seed: -1 });
      some.forEach((bytes, at) => {
        workspace.drop(`chance-${at}.csv`, bytes);
      });
      await workspace.pass();
      const reports = workspace.outbox();
      some.forEach((bytes, at) => {
        const of = (kind: string) => reports.find((name) => name.startsWith(`chance-${at}.`) && name.endsWith(kind));
        const { problem } = JSON.parse(workspace.read(of('.receipt.json') ?? 'no receipt'));
        const lines = problem ? [] : dataRows(bytes).map(({ number }) => String(number));
        const result = of('.result.csv');
        expect(result ? workspace.rows(result).map(({ line }) => line) : []).toEqual(lines);
      });
      expect(readdirSync(workspace.path('inbox'))).toEqual([]);
      expect(readdirSync(workspace.path('data', 'work'))).toEqual([]);
      expect(readdirSync(workspace.path('data', 'archive', '2026-03-02'))).toHaveLength(PASSED + 1);
    },
    PATIENCE_MS,
  );
});

describe('64 KB in one cell', () => {
  const BYTES = 65_536;
  const REPEATED = ['a', '0', '1.', '.', '-', "'", ' ', '	', '=', '"', '{', '0-', '‮', '́', '😀', '2026-'].map((unit) =>
    unit.repeat(BYTES / unit.length),
  );
  const WORST = REPEATED.flatMap((text) => [text, `${text}!`, `1${text}`, `'${text}x`]);
  /** At most this many looks at each character. A check that is quadratic takes thousands of times as long. */
  const MOST_LOOKS = 1_000;

  /** Of the processor, which others on this machine don't make longer. */
  const timeOf = (work: () => unknown) => {
    const begun = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(begun);
    return user + system;
  };
  const lookAtEach = (text: string) => {
    let sum = 0;
    for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at);
    return sum;
  };
  const headerOf = (columns: string) => {
    const matched = matchHeader(columns.split(','), {});
    if ('problem' in matched) throw new Error(matched.problem.message);
    return matched.header;
  };
  const asOrder = headerOf('customerRef,orderRef,currency,country,scheme,metadata.x,errors');
  const asInstruction = headerOf(
    'customerRef,orderRef,instructionRef,amount,openDate,dueDate,action,contactId,purpose,mode,narration,direction,errors',
  );

  const CHECKS: readonly [what: string, check: (text: string) => unknown, texts?: readonly string[]][] = [
    [
      'an order',
      (text) =>
        checkOrder(
          asOrder,
          asOrder.columns.map(() => text),
          { currencies: 'all' },
        ),
    ],
    [
      'an instruction',
      (text) =>
        checkInstruction(
          asInstruction,
          asInstruction.columns.map(() => text),
        ),
    ],
    ['a heading', (text) => matchHeader(['amount', text], {})],
    // One character each, so that another one at the beginning or the end makes no other case.
    ['many headings', (text) => matchHeader(['amount', ...text.slice(0, BYTES / 16).split('')], {}), REPEATED],
    ['the protection against formulas', (text) => unescapeFormula(escapeFormula(text))],
    ['a message', (text) => rowMessage({ code: 'AMOUNT_FORMAT_NOT_RECOGNISED', column: 'amount', value: text })],
  ];

  // Each check begins with another text, so that each text comes up.
  const checks = CHECKS.map(
    ([what, check, texts = WORST], nth) => [what, check, sampled(texts, WHOLE ? 1 : 5, nth)] as const,
  );

  it.each(checks)('takes %s no longer than its length', (_, check, texts) => {
    const lookNow = () => timeOf(() => WORST.map(lookAtEach)) / WORST.length;
    const look = lookNow();
    for (const text of texts) {
      const looks = (each: number) => timeOf(() => check(text)) / each;
      const first = looks(look);
      const isSlow = first > MOST_LOOKS && looks(lookNow()) > MOST_LOOKS && looks(lookNow()) > MOST_LOOKS;
      expect(first > MOST_LOOKS * 10 || isSlow, JSON.stringify(text.slice(0, 9))).toBe(false);
    }
  });
});
