/** The file in which people decide: what paydrop writes, and what it takes when it comes back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionRead, decisionText, readDecision } from '../src/control/decision-file.ts';
import { MOST_DECISION_BYTES } from '../src/domain/decision.ts';

const ROW = {
  line: 2,
  customerRef: 'C1',
  orderRef: 'O1',
  instructionRef: 'P1',
  amount: '210.00',
  currency: 'INR',
  payee: 'contact-1',
  openDate: '2026-03-01',
  dueDate: '2026-03-05',
  reasons: ['APPROVAL_REQUIRED'],
  seen: 'aa11',
};
const WRITTEN = {
  workspace: 'w-1',
  file: 2,
  name: 'payouts.csv',
  sha256: 'f'.repeat(64),
  written: '2026-03-02',
  expires: '2026-03-09',
  rows: [ROW, { ...ROW, line: 3, instructionRef: 'P2', amount: '9.50' }],
};
const TEXT = decisionText(WRITTEN);
const SIGNED = TEXT.replace('"reason": ""', '"reason": "checked with the bank"');

const reasonOf = (read: DecisionRead) => (read.ok ? 'read' : read.reason);
const read = (text: string) => reasonOf(readDecision(Buffer.from(text)));
/** The text with a change, which must be one. */
const changed = (from: string | RegExp, to: string, text = SIGNED) => {
  const other = text.replace(from, to);
  if (other === text) throw new Error(`there is no ${from}`);
  return other;
};

describe('a decision', () => {
  it('is written with a yes for each row, and read when it says why', () => {
    expect(TEXT.split('\n').slice(0, 12)).toEqual([
      '{',
      '  "format": "paydrop decision",',
      '  "version": 1,',
      '  "workspace": "w-1",',
      '  "file": 2,',
      '  "name": "payouts.csv",',
      `  "sha256": "${'f'.repeat(64)}",`,
      '  "written": "2026-03-02",',
      '  "expires": "2026-03-09",',
      '  "reason": "",',
      '  "rows": [',
      '    {',
    ]);
    expect(readDecision(Buffer.from(SIGNED))).toEqual({
      ok: true,
      decision: {
        format: 'paydrop decision',
        version: 1,
        ...WRITTEN,
        reason: 'checked with the bank',
        rows: WRITTEN.rows.map((row) => ({ ...row, decision: 'yes' })),
      },
    });
  });

  it('has the same bytes whatever the order of what it is made of', () => {
    const { rows, ...head } = WRITTEN;
    const turned = rows.map((row) => Object.fromEntries(Object.entries(row).reverse()) as typeof ROW);
    expect(decisionText({ rows: turned, ...head })).toBe(TEXT);
  });

  it('may say no for some rows', () => {
    const decided = readDecision(Buffer.from(changed('"yes"', '"no"')));
    expect(decided.ok && decided.decision.rows.map(({ decision }) => decision)).toEqual(['no', 'yes']);
  });

  it.each<[string, string]>([
    ['with CR LF', SIGNED.replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${SIGNED}`],
    ['in one line', JSON.stringify(JSON.parse(SIGNED))],
    [
      'without the rows that are left to others',
      JSON.stringify({ ...JSON.parse(SIGNED), rows: [JSON.parse(SIGNED).rows[1]] }),
    ],
  ])('is read as editors leave it: %s', (_, text) => {
    expect(read(text)).toBe('read');
  });

  const deep = '{"a":'.repeat(1e6);
  const rowsTwice = (change: object) => {
    const decision = JSON.parse(SIGNED);
    return JSON.stringify({ ...decision, rows: [...decision.rows, { ...decision.rows[0], ...change }] });
  };

  it.each<[string, string | Buffer, string]>([
    ['is empty', '', 'the file is no JSON: change no more than "decision" and "reason" in it'],
    [
      'is another text',
      'action,customerRef\n',
      'the file is no JSON: change no more than "decision" and "reason" in it',
    ],
    [
      'has more after its end',
      `${SIGNED}}`,
      'the file is no JSON in line 46: change no more than "decision" and "reason" in it',
    ],
    ['is UTF-16', Buffer.from(SIGNED, 'utf16le'), 'the file is not UTF-8: save it as UTF-8'],
    ['is Latin-1', Buffer.from(changed('checked', 'geprüft'), 'latin1'), 'the file is not UTF-8: save it as UTF-8'],
    ['is of 100 MB', Buffer.alloc(100e6, ' '), 'the file is larger than 20 MB, and no decision is'],
    ['is nested without end', deep, 'the file is no decision: it has lists or objects within its rows'],
    [
      'is nested without end in a member that comes again',
      changed('"file": 2', `"file": ${deep}1${'}'.repeat(1e6)}, "file": 2`),
      'the file is no decision: it has lists or objects within its rows',
    ],
    [
      'has millions of rows with nothing in them',
      `{"rows":[${'{},'.repeat(6_600_000)}{}]}`,
      'the file has more values than any decision',
    ],
    [
      'has millions of reasons',
      `{"rows":[{"reasons":[${'1,'.repeat(9_900_000)}1]}]}`,
      'the file has more values than any decision',
    ],
    [
      'has as many rows with nothing in them as are read',
      changed(/"rows": \[/, `"rows": [${'{},'.repeat(400_000)}`),
      '"line" of row 1: it is missing, a whole number is expected',
    ],
    ['is a list', '[]', 'the file: expected a decision, as paydrop writes it'],
    ['is null', 'null', 'the file: expected a decision, as paydrop writes it'],
    ['says nowhere why', TEXT, '"reason": expected why you decide so: write it between the quotes'],
    [
      'says why in blanks alone',
      changed('checked with the bank', ' '),
      '"reason": expected why you decide so: write it between the quotes',
    ],
    [
      'says why in characters that do not show',
      changed('checked with the bank', '\\u200b \\u3000'),
      '"reason": expected why you decide so: write it between the quotes',
    ],
    ['says why without end', changed('checked', 'x'.repeat(1_001)), '"reason": expected at most 1000 characters'],
    [
      'says why with a control character',
      changed('checked', '\\u001b[2J'),
      '"reason": expected text without control characters, found U+001B at character 1',
    ],
    [
      'is of another format',
      changed('paydrop decision', 'paydrop'),
      '"format": expected "paydrop decision", which such a file begins with',
    ],
    [
      'is of a later version',
      changed('"version": 1', '"version": 2'),
      '"version": expected 1: another version of paydrop wrote the file',
    ],
    ['lacks its workspace', changed('  "workspace": "w-1",\n', ''), '"workspace": it is missing, text is expected'],
    ['has a file with decimals', changed('"file": 2', '"file": 2.5'), '"file": expected a whole number'],
    ['has a number as text', changed('"line": 3', '"line": "3"'), '"line" of row 2: expected a whole number'],
    ['has no line', changed('"line": 3', '"line": 0'), '"line" of row 2: expected a whole number from 1 on'],
    ['has an amount as number', changed('"210.00"', '210.00'), '"amount" of row 1: expected text'],
    ['has no date', changed('2026-03-09', 'never'), '"expires": expected a date such as "2026-03-02"'],
    ['decides something else', changed('"yes"', '"maybe"'), '"decision" of row 1: expected "yes" or "no"'],
    ['decides in capitals', changed('"yes"', '"Yes"'), '"decision" of row 1: expected "yes" or "no"'],
    [
      'leaves a decision out',
      changed('"seen": "aa11",\n      "decision": "yes"', '"seen": "aa11"'),
      '"decision" of row 1: it is missing, "yes" or "no" is expected',
    ],
    ['has an unknown member', changed('"file"', '"approve": "all", "file"'), '"approve" is no part of a decision'],
    [
      'has an unknown member of a row',
      changed('"payee"', '"iban": "x", "payee"'),
      '"iban" of row 1 is no part of a decision',
    ],
    [
      'has an unknown member with an unseen name',
      changed('"payee"', '"\u202ea": "x", "payee"'),
      '"<U+202E>a" of row 1 is no part of a decision',
    ],
    [
      'has a member of a strange name',
      changed('"payee"', '"__proto__": "x", "payee"'),
      '"__proto__" of row 1 is no part of a decision',
    ],
    [
      'has a member twice',
      changed('"amount": "9.50"', '"amount": "9.50", "amount": "9.50"'),
      '"amount" of row 2 is given twice',
    ],
    [
      'decides twice',
      changed('"decision": "yes"', '"decision": "no", "decision": "yes"'),
      '"decision" of row 1 is given twice',
    ],
    ['has its rows twice', changed('"rows": [', '"rows": [], "rows": ['), '"rows" is given twice'],
    ['has no rows', JSON.stringify({ ...JSON.parse(SIGNED), rows: [] }), '"rows": expected at least one row'],
    ['has something else for a row', JSON.stringify({ ...JSON.parse(SIGNED), rows: ['all'] }), 'row 1: expected a row'],
    ['has a line twice', rowsTwice({ instructionRef: 'P9' }), 'line 2 is there twice'],
    ['has a payout twice', rowsTwice({ line: 9 }), 'C1 / O1 / P1 is there twice'],
  ])('is refused as a whole, in a sentence, when it %s', (_, content, reason) => {
    expect(reasonOf(readDecision(Buffer.from(content as string)))).toBe(reason);
  });

  it('is read or refused, whatever its bytes are', () => {
    const cut = fc
      .tuple(fc.nat(SIGNED.length), fc.string({ maxLength: 5 }), fc.nat(30))
      .map(([at, text, length]) => SIGNED.slice(0, at) + text + SIGNED.slice(at + length));
    fc.assert(
      fc.property(fc.oneof(cut, fc.string(), fc.json()), (text) => {
        expect(read(text)).toMatch(/^\S.*[^.]$/);
      }),
    );
  });

  it('is read at its largest', () => {
    const rows = Array.from({ length: 40_000 }, (_, at) => ({ ...ROW, line: at + 2, instructionRef: `P${at}` }));
    const bytes = Buffer.from(decisionText({ ...WRITTEN, rows }).replace('"reason": ""', '"reason": "all checked"'));
    expect(bytes.length).toBeLessThan(MOST_DECISION_BYTES);
    const largest = readDecision(bytes);
    expect(largest.ok && largest.decision.rows.length).toBe(40_000);
  });
});
