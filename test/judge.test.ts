/** Which signed decisions count, and what an approver reads where one does not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DecisionFile, decisionText, readDecision } from '../src/control/decision-file.ts';
import { type HeldRow, judge, type Known } from '../src/control/judge.ts';
import { checkSignature, type Verdict } from '../src/control/signature.ts';
import { readSshKeyLine, type SshKey } from '../src/platform/ssh-key.ts';
import { type Person, parseSettings } from '../src/settings/settings.ts';

const FOLDER = join(import.meta.dirname, 'control', 'signatures');
const line = (name: string) => readFileSync(join(FOLDER, `${name}.pub`), 'utf8').trim();
const keyOf = (name: string): SshKey => {
  const read = readSshKeyLine(line(name));
  if (!read.ok) throw new Error(read.why);
  return read.key;
};

const ANNA_KEY = keyOf('ed25519');
const BEN_KEY = keyOf('ecdsa-256');
const anna = { may: ['approve', 'settle'], keys: [line('ed25519'), line('sk-ed25519')], upTo: { INR: '500.00' } };
const ben = { may: ['approve'], keys: [line('ecdsa-256')], user: 'b.meyer' };
const caro = { may: ['settle'], keys: [line('ecdsa-384')] };

function peopleOf(people: object): readonly Person[] {
  const read = parseSettings({ people }, '.');
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.value.people;
}

const PEOPLE = peopleOf({ anna, ben, caro });

const held = (at: number, amountMinor: bigint): HeldRow => ({
  line: at,
  customerRef: 'C1',
  orderRef: 'O1',
  instructionRef: `P${at - 1}`,
  amount: `${amountMinor / 100n}.${String(amountMinor % 100n).padStart(2, '0')}`,
  amountMinor,
  currency: 'INR',
  payee: 'contact-1',
  openDate: '2026-03-01',
  dueDate: '2026-03-05',
  reasons: ['APPROVAL_REQUIRED'],
  seen: `seen-${at}`,
});
const ROWS = [held(2, 21_000n), held(3, 950n), held(4, 50_000n)];
const FILE = { number: 2, name: 'payouts.csv', sha256: 'f'.repeat(64), owner: 'sftp', ownerKeys: [] };
const KNOWN: Known = {
  maker: 'anyone',
  people: PEOPLE,
  workspace: 'w-1',
  today: '2026-03-03',
  latestExpiry: '2026-03-10',
  file: FILE,
  held: new Map(ROWS.map((row) => [row.line, row])),
  votes: [],
};

function decisionOf(change: (text: string) => string = (text) => text): DecisionFile {
  const { name, sha256, number: file } = FILE;
  const rows = ROWS.map(({ amountMinor: _, ...row }) => row);
  const text = decisionText({
    workspace: 'w-1',
    file,
    name,
    sha256,
    written: '2026-03-02',
    expires: '2026-03-09',
    rows,
  });
  const read = readDecision(Buffer.from(change(text.replace('"reason": ""', '"reason": "checked"'))));
  if (!read.ok) throw new Error(read.reason);
  return read.decision;
}

const DECISION = decisionOf();
const by = (key: SshKey): Verdict => ({ kind: 'good', key });
const vote = (at: number, person: string, key: SshKey) =>
  ({ line: at, person, fingerprint: key.fingerprint, decision: 'yes' }) as const;
const changedRow = (at: number, change: Partial<HeldRow>) =>
  new Map(ROWS.map((row) => [row.line, row.line === at ? { ...row, ...change } : row]));

describe('a signed decision', () => {
  it('counts as a vote on each of its rows', () => {
    const decision = decisionOf((text) => text.replace('"decision": "yes"', '"decision": "no"'));
    expect(judge(decision, by(ANNA_KEY), KNOWN)).toEqual({
      ok: true,
      person: 'anna',
      fingerprint: ANNA_KEY.fingerprint,
      reason: 'checked',
      votes: [{ ...vote(2, 'anna', ANNA_KEY), decision: 'no' }, vote(3, 'anna', ANNA_KEY), vote(4, 'anna', ANNA_KEY)],
    });
  });

  it('counts beside that of another person, on its last day, and about some of the rows', () => {
    const some = { ...DECISION, rows: DECISION.rows.slice(1) };
    const votes = [vote(2, 'anna', ANNA_KEY), vote(3, 'anna', ANNA_KEY)];
    expect(judge(some, by(BEN_KEY), { ...KNOWN, today: '2026-03-09', votes })).toMatchObject({
      ok: true,
      votes: [{ line: 3 }, { line: 4 }],
    });
  });

  it('counts up to the very amount of a person', () => {
    expect(judge(DECISION, by(ANNA_KEY), KNOWN).ok).toBe(true);
  });

  it('is told good by its signature: of these bytes, by this person', () => {
    const message = readFileSync(join(FOLDER, 'message.json'));
    const keys = PEOPLE.flatMap((person) => person.keys);
    const verdict = checkSignature(readFileSync(join(FOLDER, 'sk-ed25519.sig')), message, keys);
    expect(judge(DECISION, verdict, KNOWN)).toMatchObject({ ok: true, person: 'anna' });
  });

  it.each<[string, Partial<DecisionFile>, Verdict | undefined, Partial<Known>, string]>([
    [
      'is not signed',
      {},
      undefined,
      {},
      'the decision is not signed: sign it with ssh-keygen -Y sign -n paydrop, and drop the .sig file with it',
    ],
    [
      'was changed after it was signed',
      {},
      { kind: 'other-bytes', key: ANNA_KEY },
      {},
      'the signature does not fit the file: it was changed after it was signed, or another file was signed',
    ],
    [
      'is signed by two',
      {},
      { kind: 'several' },
      {},
      'the .sig file has more than one signature: each person signs and drops a copy of their own',
    ],
    [
      'is signed with a key that was taken from the settings meanwhile',
      {},
      by(ANNA_KEY),
      { people: peopleOf({ ben }) },
      `the key ${ANNA_KEY.fingerprint} belongs to no person in the settings`,
    ],
    ['is by a person who may only settle', {}, by(keyOf('ecdsa-384')), {}, 'caro may not approve, by the settings'],
    ['is for another workspace', { workspace: 'w-2' }, by(ANNA_KEY), {}, 'the decision is for another workspace'],
    [
      'comes before the file that it decides on',
      {},
      by(ANNA_KEY),
      { file: undefined },
      'there is no file with the number 2 here yet',
    ],
    [
      'is about other bytes',
      { sha256: 'e'.repeat(64) },
      by(ANNA_KEY),
      {},
      'the decision is about another file than number 2, which is payouts.csv',
    ],
    [
      'is about a file of another name',
      { name: 'small.csv' },
      by(ANNA_KEY),
      {},
      'the decision is about another file than number 2, which is payouts.csv',
    ],
    [
      'has expired',
      {},
      by(ANNA_KEY),
      { today: '2026-03-10' },
      'the decision counted until 2026-03-09, and today is 2026-03-10',
    ],
    [
      'was made to last longer',
      { expires: '2099-12-31' },
      by(ANNA_KEY),
      {},
      '"expires" is 2099-12-31, which is later than paydrop allows',
    ],
    [
      'is by the person who dropped the file',
      {},
      by(BEN_KEY),
      { file: { ...FILE, owner: 'b.meyer' } },
      'ben dropped payouts.csv, and another person must decide about it',
    ],
    [
      'is by that person with their other key',
      {},
      by(keyOf('sk-ed25519')),
      { file: { ...FILE, owner: 'anna' } },
      'anna dropped payouts.csv, and another person must decide about it',
    ],
    [
      'is by that person under another name with the same key',
      {},
      by(BEN_KEY),
      { file: { ...FILE, owner: 'root', ownerKeys: [BEN_KEY.fingerprint] } },
      'ben dropped payouts.csv, and another person must decide about it',
    ],
    [
      'is by that person under another name, where settings had the key twice',
      {},
      by(BEN_KEY),
      {
        file: { ...FILE, owner: 'b.meyer' },
        people: [...peopleOf({ benjamin: { ...ben, user: 'benjamin' } }), ...PEOPLE],
      },
      'benjamin dropped payouts.csv, and another person must decide about it',
    ],
    [
      'is about a row that is not held any more',
      {},
      by(ANNA_KEY),
      {
        held: new Map([
          [2, ROWS[0] as HeldRow],
          [4, ROWS[2] as HeldRow],
        ]),
      },
      'line 3 (C1 / O1 / P2) is not held any more',
    ],
    [
      'is about rows that are all gone',
      {},
      by(ANNA_KEY),
      { held: new Map() },
      'line 2 (C1 / O1 / P1) and 2 more are not held any more',
    ],
    [
      'shows another amount than the payout has',
      {},
      by(ANNA_KEY),
      { held: changedRow(3, { amount: '9500.00' }) },
      'line 3 (C1 / O1 / P2) has changed since the decision was written: amount is "9500.00" now, and "9.50" in the decision',
    ],
    [
      'shows another payee than the payout has',
      {},
      by(ANNA_KEY),
      { held: changedRow(3, { payee: 'contact-2' }) },
      'line 3 (C1 / O1 / P2) has changed since the decision was written: payee is "contact-2" now, and "contact-1" in the decision',
    ],
    [
      'was written before there was one reason more',
      {},
      by(ANNA_KEY),
      { held: changedRow(4, { reasons: ['APPROVAL_REQUIRED', 'PAYEE_NOT_KNOWN'] }) },
      'line 4 (C1 / O1 / P3) has changed since the decision was written: it is held because of APPROVAL_REQUIRED, PAYEE_NOT_KNOWN now',
    ],
    [
      'was written before what it does not show changed',
      {},
      by(ANNA_KEY),
      { held: changedRow(2, { seen: 'seen-9' }) },
      'line 2 (C1 / O1 / P1) has changed since the decision was written: what is not shown of it is other than it was',
    ],
    [
      'is about more than the person may decide about',
      {},
      by(ANNA_KEY),
      { people: peopleOf({ anna: { ...anna, upTo: { INR: '499.99' } }, ben }) },
      'line 4 (C1 / O1 / P3): more than anna may decide about (upTo in the settings)',
    ],
    [
      'is about a currency in which the person may decide about nothing',
      {},
      by(ANNA_KEY),
      { people: peopleOf({ anna: { ...anna, upTo: { EUR: '1000000' } }, ben }) },
      'line 2 (C1 / O1 / P1) and 2 more: more than anna may decide about (upTo in the settings)',
    ],
    [
      'is the second one of a person',
      {},
      by(ANNA_KEY),
      { votes: [vote(3, 'anna', ANNA_KEY)] },
      'anna has decided about line 3 (C1 / O1 / P2) already',
    ],
    [
      'is the second one of a person, with another key',
      {},
      by(keyOf('sk-ed25519')),
      { votes: [vote(3, 'anna', ANNA_KEY), vote(4, 'anna', ANNA_KEY), vote(3, 'ben', BEN_KEY)] },
      'anna has decided about line 3 (C1 / O1 / P2) and 1 more already',
    ],
    [
      'is the second one with a key, under another name',
      {},
      by(BEN_KEY),
      { votes: [vote(2, 'benjamin', BEN_KEY)] },
      'benjamin has decided about line 2 (C1 / O1 / P1) already, with the same key',
    ],
  ])('is refused as a whole, with the reason, when it %s', (_, change, signature, known, reason) => {
    expect(judge({ ...DECISION, ...change }, signature, { ...KNOWN, ...known })).toEqual({ ok: false, reason });
  });

  it('that comes again is refused as a second vote', () => {
    const first = judge(DECISION, by(ANNA_KEY), KNOWN);
    const votes = first.ok ? first.votes : [];
    expect(judge(DECISION, by(ANNA_KEY), { ...KNOWN, votes })).toEqual({
      ok: false,
      reason: 'anna has decided about line 2 (C1 / O1 / P1) and 2 more already',
    });
  });

  it.each(['customerRef', 'orderRef', 'instructionRef', 'currency', 'openDate', 'dueDate'] as const)(
    'is refused when %s of a payout is other than it shows',
    (name) => {
      const judged = judge(DECISION, by(BEN_KEY), { ...KNOWN, held: changedRow(2, { [name]: 'other' }) });
      expect(judged).toMatchObject({ ok: false, reason: expect.stringContaining(`: ${name} is "other" now`) });
    },
  );
});
