/** The people who may decide, as the settings name them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSettings, settingsFrom } from '../../src/settings/settings.ts';

const line = (name: string) =>
  readFileSync(join(import.meta.dirname, '..', 'control', 'signatures', `${name}.pub`), 'utf8').trim();
const ED25519 = line('ed25519');
const ECDSA = line('ecdsa-256');
const ANNA = { may: ['approve', 'settle'], keys: [ED25519], user: 'anna', upTo: { INR: '500000.00' } };
const BEN = { may: ['approve'], keys: [ECDSA] };

const problems = (people: unknown) => {
  const read = parseSettings({ people }, '.');
  return read.ok ? [] : read.problems;
};

describe('people', () => {
  it('are none where the settings name none', () => {
    expect(parseSettings({}, '.')).toMatchObject({ ok: true, value: { people: [] } });
  });

  it('have rights, keys, a user and amounts; without a user their name is it', () => {
    const read = parseSettings({ people: { anna: ANNA, ben: BEN } }, '.');
    const people = read.ok ? read.value.people : [];
    expect(people).toMatchObject([
      { name: 'anna', user: 'anna', upTo: new Map([['INR', 50_000_000n]]) },
      { name: 'ben', user: 'ben', upTo: undefined },
    ]);
    expect(people.map(({ may }) => [...may])).toEqual([['approve', 'settle'], ['approve']]);
    expect(people.map(({ keys }) => keys.map(({ fingerprint }) => fingerprint))).toEqual([
      ['SHA256:zy1dNOFLzX7YduPnCO1ZRz50mw8SBTkx1z64z4v76tk'],
      ['SHA256:lNzL0KeGTfG5y3tWjJRJ4EG+zX006KqP78xkwvY2FZ0'],
    ]);
  });

  it.each(['ecdsa-384', 'ecdsa-521', 'rsa-2048', 'rsa-3072', 'sk-ed25519', 'sk-ecdsa'])(
    'have keys of the kind %s',
    (kind) => {
      expect(problems({ anna: { ...ANNA, keys: [line(kind)] } })).toEqual([]);
    },
  );

  const other = ED25519.replace(/ed25519$/, 'another comment');

  it.each<[string, unknown, string]>([
    [
      'an unknown right',
      { anna: { ...ANNA, may: ['approve', 'pay'] } },
      'people.anna.may.1: expected "approve" or "settle"',
    ],
    ['no right', { anna: { ...ANNA, may: [] } }, 'people.anna.may: expected "approve", "settle" or both'],
    [
      'rights left out',
      { anna: { keys: [ED25519] } },
      'people.anna.may: Invalid input: expected array, received undefined',
    ],
    [
      'no key',
      { anna: { ...ANNA, keys: [] } },
      'people.anna.keys: expected at least one key: a decision counts when it is signed',
    ],
    [
      'keys left out',
      { anna: { may: ['approve'] } },
      'people.anna.keys: Invalid input: expected array, received undefined',
    ],
    [
      'a key that was cut off',
      { anna: { ...ANNA, keys: [ED25519.slice(0, 60)] } },
      'people.anna.keys.0: can\'t be read: copy the whole line of the .pub file, such as "ssh-ed25519 AAAA… anna"',
    ],
    [
      'a key that is no text',
      { anna: { ...ANNA, keys: [3] } },
      'people.anna.keys.0: expected the line of a .pub file as text',
    ],
    [
      'a key of a refused kind',
      { anna: { ...ANNA, keys: [ECDSA, line('dsa')] } },
      'people.anna.keys.1: is of the kind ssh-dss, which is not taken',
    ],
    [
      'a key that is too short',
      { anna: { ...ANNA, keys: [line('rsa-1024')] } },
      'people.anna.keys.0: is an RSA key of 1024 bits, and fewer than 2048 are not taken',
    ],
    [
      'a key twice',
      { anna: { ...ANNA, keys: [ED25519, ECDSA, other] } },
      'people.anna.keys.2: is the same key as people.anna.keys.0, and a key stands for one person once',
    ],
    [
      'the key of another person',
      { anna: ANNA, ben: { ...BEN, keys: [ECDSA, other] } },
      'people.ben.keys.1: is the same key as people.anna.keys.0, and a key stands for one person once',
    ],
    [
      'the user of another person',
      { anna: ANNA, ben: { ...BEN, user: 'anna' } },
      'people.ben.user: "anna" is people.anna.user already, and a user is one person',
    ],
    [
      "a user that is another person's name",
      { ben: BEN, anna: { ...ANNA, user: 'ben' } },
      'people.anna.user: "ben" is people.ben.user already, and a user is one person',
    ],
    [
      'an unknown currency',
      { anna: { ...ANNA, upTo: { XYZ: '1' } } },
      'people.anna.upTo.XYZ: expected an ISO 4217 code such as "INR" as the name of the amount',
    ],
    [
      'an amount with too many decimals',
      { anna: { ...ANNA, upTo: { INR: '1.001' } } },
      'people.anna.upTo.INR: expected at most 2 decimals, which is what INR has',
    ],
    [
      'no amount',
      { anna: { ...ANNA, upTo: {} } },
      'people.anna.upTo: expected at least one currency, such as {"INR": "500000.00"}',
    ],
    [
      'an unknown member, with the nearest known one',
      { anna: { ...ANNA, upto: {} } },
      'people.anna.upto: there is no such setting; the nearest is people.anna.upTo',
    ],
    ['a person without a name', { ' ': ANNA }, 'people. : expected the name of a person'],
    [
      'a name with a blank at its end',
      { 'anna ': ANNA },
      'people.anna : expected a name without blanks at its beginning and end',
    ],
    [
      'a name with a blank at its end that is no space',
      { 'anna\u00a0': ANNA },
      "people.anna\u00a0: expected a name without characters that don't show, found U+00A0 (no-break space) at character 5",
    ],
    ['a list', [ANNA], 'people: Invalid input: expected record, received array'],
    [
      'a name that an object of JavaScript takes for something else',
      JSON.parse(`{"__proto__": ${JSON.stringify(ANNA)}}`),
      'people.__proto__: "__proto__" is no name that can be used here',
    ],
    [
      'a currency of such a name',
      { anna: { ...ANNA, upTo: JSON.parse('{"INR": "1", "__proto__": "1"}') } },
      'people.anna.upTo.__proto__: "__proto__" is no name that can be used here',
    ],
  ])('are refused with the place: %s', (_, people, problem) => {
    expect(problems(people)).toEqual([problem]);
  });

  it('are refused when a person is named twice, which JSON itself allows', () => {
    const text = `{"people": {"anna": ${JSON.stringify(ANNA)}, "anna": ${JSON.stringify(BEN)}}}`;
    expect(settingsFrom(text, 'paydrop.json', '.')).toEqual({
      ok: false,
      problems: ['people.anna: is given twice; leave one of the two out'],
    });
  });

  it('may have names that objects have of themselves', () => {
    expect(problems({ constructor: ANNA, toString: BEN })).toEqual([]);
  });
});
