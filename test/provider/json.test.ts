import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/provider/json.ts';

describe('JSON that says one thing only', () => {
  it.each([
    ['a member named twice', '{"code":"0x0200","code":"0x0202"}'],
    ['a member named twice further in', '{"data":[{"a":1},{"b":{"c":1,"c":1}}]}'],
    ['the same name written in two ways', '{"code":1,"c\\u006fde":2}'],
    ['text behind the value', '{} {}'],
    ['nothing', ''],
    ['brackets without end', '['.repeat(60_000)],
  ])('refuses %s', (_, text) => {
    expect(parseJson(text)).toBeUndefined();
  });

  it('takes the same name in different objects, and colons and quotes inside of strings', () => {
    const value = { a: { a: '": {"a":1}' }, 'b": ': ['\\"', { a: null }], '': 'x":' };
    expect(parseJson(JSON.stringify(value, undefined, 2))).toEqual({ value });
  });

  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        const rewritten = JSON.stringify(JSON.parse(text));
        expect(JSON.stringify(parseJson(rewritten)?.value)).toBe(rewritten);
      }),
    );
  });

  it('stands nesting as deep as an answer can be', () => {
    const deep = '['.repeat(30_000) + ']'.repeat(30_000);
    expect(() => parseJson(deep)).not.toThrow();
  });
});
