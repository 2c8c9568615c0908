import { describe, expect, it, test } from 'vitest';
import { isBlank, lookAlike, trimBlanks, unwanted, unwantedControl, visible } from '../src/domain/characters.ts';

/** Whatever any other program may take for a blank: White_Space of Unicode, and what has no width or no ink. */
const OTHER_BLANKS = [
  ...[0x85, 0xa0, 0xad, 0x115f, 0x1160, 0x1680, 0x180e, 0x2000, 0x2003, 0x2007, 0x200a, 0x200b, 0x2028, 0x2029],
  ...[0x202f, 0x205f, 0x2060, 0x2800, 0x3000, 0x3164, 0xfeff, 0xffa0, 0x0b, 0x0c, 0x0d],
].map((code) => String.fromCodePoint(code));

describe('blanks', () => {
  it('are spaces and tabs', () => {
    expect(trimBlanks(' \t a b\t ')).toBe('a b');
    expect([isBlank(''), isBlank(' \t'), isBlank('a')]).toEqual([true, true, false]);
  });

  test.each(OTHER_BLANKS)('are not %j, which is never dropped and never lets through unsaid', (other) => {
    expect(isBlank(other)).toBe(false);
    expect(trimBlanks(`${other}a${other}`)).toBe(`${other}a${other}`);
    for (const text of [other, `${other}a`, `a${other}`, `${other}${other}`]) expect(unwanted(text)).toBeDefined();
  });

  it('take nothing of a value that JavaScript would trim', () => {
    for (const other of OTHER_BLANKS) {
      for (const text of [`${other}a`, `a${other}`, other]) {
        if (unwanted(text) === undefined) expect(text.trim()).toBe(text);
      }
    }
  });
});

describe('a character that is not wanted', () => {
  test.each([
    ['\u00a0', 'U+00A0 (no-break space) at character 1'],
    ['100.00\u00a0', 'U+00A0 (no-break space) at character 7'],
    ['😀 \u3000', 'U+3000 (ideographic space) at character 3'],
    ['\u2004a', 'U+2004 (a kind of space) at character 1'],
    ['a\u202eb', 'U+202E at character 2'],
    ['\u200d', 'U+200D (zero-width joiner) at character 1'],
  ])('in %j is told by number and place', (text, told) => {
    expect(unwanted(text)).toBe(told);
  });

  test.each(['', 'a b', '山田\u3000太郎', '12\u00a0kg', '👩\u200d🌾', '\u200fשלום!\u200f', 'José'])(
    'is none in %j',
    (text) => {
      expect(unwanted(text)).toBeUndefined();
    },
  );

  it('may stand nowhere if it is a control', () => {
    expect(unwantedControl('a\u009bb')).toBe('U+009B at character 2');
    expect(unwantedControl('a\u00a0')).toBeUndefined();
  });
});

describe('a character that looks like another', () => {
  test.each([
    ['С01', 'U+0421 (Cyrillic) at character 1'],
    ['PΑ1', 'U+0391 (Greek) at character 2'],
    ['Ｐ1', 'U+FF30 (full width) at character 1'],
    ['PI–01', 'U+2013 (en dash) at character 3'],
    ['é１', 'U+FF11 (full width) at character 2'],
    ['P\u200e1', 'U+200E (left-to-right mark) at character 2'],
    ['٥', "U+0665 (another script's digit) at character 1"],
  ])('in %j is told by number and place', (text, told) => {
    expect(lookAlike(text)).toBe(told);
  });

  test.each(['C01 \t~', '₹5', 'é😀', 'a\u202eb'])('is none in %j', (text) => {
    expect(lookAlike(text)).toBeUndefined();
  });
});

it('shows what does not show', () => {
  expect(visible('a b')).toBe('a b');
  expect(visible('a\u00a0\u200b\u202e\u3164é')).toBe('a<U+00A0><U+200B><U+202E><U+3164>é');
});
