import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbersAsWritten, parseJson } from '../../src/provider/json.ts';

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

describe('numbers as they are written', () => {
  it('become texts, and nothing else does', () => {
    const written =
      '{"amount": 210.10,"a":[-0.5,{"\\u0061mount" : -0.5e+21}],"b":"\\"amount\\":1","c":{"amount":"7","amounts":1},"d":{"amount":null}}';
    expect(JSON.parse(numbersAsWritten(written, 'amount'))).toEqual({
      amount: '210.10',
      a: [-0.5, { amount: '-0.5e+21' }],
      b: '"amount":1',
      c: { amount: '7', amounts: 1 },
      d: { amount: null },
    });
  });

  it('leave everything else of any JSON as it is', () => {
    const names = fc.constantFrom('amount', 'other', '": 1', '\\');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(names, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.constant(null)),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(names, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (stated, indent) => {
        const written = JSON.stringify(stated, undefined, indent);
        const asText = (name: string, member: unknown) =>
          name === 'amount' && typeof member === 'number' ? String(member) : member;
        expect(JSON.parse(numbersAsWritten(written, 'amount'))).toEqual(JSON.parse(written, asText));
      }),
    );
  });
});
