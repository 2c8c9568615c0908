/** What JSON.parse does not say of a text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasMoreValues, isDeeper, repeatedNames } from '../src/platform/json-text.ts';

describe('names that occur twice', () => {
  it.each<[string, string, string[]]>([
    ['in one object', '{"a": 1, "b": 2, "a": 3}', ['a']],
    ['within others, with the path', '{"rows": [{"a": 1}, {"a": {"b": [], "b": 1}}]}', ['rows.1.a.b']],
    ['written differently', '{"a": 1, "\\u0061": 2}', ['a']],
    ['beside a text that ends in a backslash', '{"a\\\\": "\\\\", "a\\\\": "\\""}', ['a\\']],
    ['three times', '{"a": 1, "a": 2, "a": 3}', ['a', 'a']],
  ])('are found: %s', (_, json, found) => {
    expect(repeatedNames(json)).toEqual(found);
  });

  it.each([
    '{"a": {"a": 1}, "b": {"a": 1}}',
    '["a", "a", {"b": ["b", "b"]}]',
    '{"a": "b", "b": "a"}',
    '{"a": ["{", "}", ":", ","], ",": ":"}',
    '"a"',
    '1',
  ])('are none in %s', (json) => {
    expect(repeatedNames(json)).toEqual([]);
  });

  it('are none in what a program writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, space) => {
        expect(repeatedNames(JSON.stringify(value, null, space))).toEqual([]);
      }),
    );
  });
});

describe('a text that is nested', () => {
  it('is found to be deeper than a number of levels, or not', () => {
    expect(isDeeper('[{"a": [1]}]', 3)).toBe(false);
    expect(isDeeper('[{"a": [[1]]}]', 3)).toBe(true);
    expect(isDeeper('[[], [], "[[[["]', 2)).toBe(false);
    expect(isDeeper('"[[[[', 2)).toBe(false);
  });

  it.each(['"\\'.repeat(1e6), '\\"'.repeat(1e6), `"${'\\'.repeat(2e6)}`, '['.repeat(2e6)])(
    'is gone through once, whatever it holds',
    (text) => {
      expect(isDeeper(text, 3)).toBe(text.startsWith('['));
    },
  );
});

describe('a text of many values', () => {
  it('is found to have more than a number of them, or not', () => {
    expect(hasMoreValues('[1, "a,[{", {"b": null}]', 5)).toBe(false);
    expect(hasMoreValues('[1, "a,[{", {"b": null}]', 4)).toBe(true);
    expect(hasMoreValues('1', 1)).toBe(false);
    expect(hasMoreValues('"[[[[', 1)).toBe(false);
  });
});
