import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type AuditEvent, CHAIN_START, nextEntry, verifyChain } from '../src/store/audit.ts';
import type { AuditEntry } from '../src/store/port.ts';

const at = '2026-11-21T02:00:00.000Z';

function chainOf(...events: AuditEvent[]): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const event of events) entries.push(nextEntry(entries.at(-1) ?? CHAIN_START, event));
  return entries;
}

const five = () => chainOf(...[1, 2, 3, 4, 5].map((number) => ({ type: 'status', at, number })));

describe('an audit entry', () => {
  it('has a body with sorted keys, no spaces and nothing undefined', () => {
    const [entry] = chainOf({
      type: 'status',
      at,
      to: 'paid',
      from: 'ready',
      code: undefined,
      list: [{ b: 1, a: true }],
    });
    expect(entry?.body).toBe(`{"at":"${at}","from":"ready","list":[{"a":true,"b":1}],"to":"paid","type":"status"}`);
  });

  it('keeps text exactly, whatever is in it', () => {
    const message = 'a "quote", a\nline, \u2028, é, 😀, __proto__';
    const [entry] = chainOf({ type: 'status', at, message });
    expect(JSON.parse(entry?.body ?? '')).toEqual({ type: 'status', at, message });
  });

  it('has a hash that any reader can compute from the one before it', () => {
    const [first, second] = chainOf({ type: 'one', at }, { type: 'two', at });
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(first?.hash).toBe(sha256('0'.repeat(64) + first?.body));
    expect(second?.hash).toBe(sha256(`${first?.hash}${second?.body}`));
  });

  it('refuses a number that is not an exact integer', () => {
    expect(() => chainOf({ type: 'status', at, amount: 0.1 })).toThrow('0.1');
    expect(() => chainOf({ type: 'status', at, amount: 2 ** 53 })).toThrow('exact integer');
  });
});

describe('checking the audit chain', () => {
  it('accepts an untouched one and says where it stands', () => {
    const entries = five();
    expect(verifyChain(entries)).toEqual({ broken: false, head: { seq: 5, hash: entries[4]?.hash } });
    expect(verifyChain([])).toEqual({ broken: false, head: CHAIN_START });
  });

  it('goes on from page to page', () => {
    const entries = five();
    const first = verifyChain(entries.slice(0, 2));
    if (first.broken) throw new Error('the first page is broken');
    expect(verifyChain(entries.slice(2), first.head)).toMatchObject({ broken: false, head: { seq: 5 } });
  });

  const tampered: [string, (entries: AuditEntry[]) => AuditEntry[], number][] = [
    ['changed', (all) => all.map((entry) => (entry.seq === 3 ? { ...entry, body: `${entry.body} ` } : entry)), 3],
    [
      'given another hash',
      (all) => all.map((entry) => (entry.seq === 3 ? { ...entry, hash: '0'.repeat(64) } : entry)),
      3,
    ],
    ['removed', (all) => all.filter(({ seq }) => seq !== 3), 3],
    ['removed and renumbered', (all) => all.filter(({ seq }) => seq !== 3).map((e, i) => ({ ...e, seq: i + 1 })), 3],
    ['put in', (all) => [...all.slice(0, 2), nextEntry(all[1] as AuditEntry, { type: 'x', at }), ...all.slice(2)], 4],
    ['swapped', ([a, b, c, d, e]) => [a, b, d, c, e] as AuditEntry[], 3],
    [
      'changed and hashed again',
      (all) => [...all.slice(0, 2), nextEntry(all[1] as AuditEntry, { type: 'x', at }), ...all.slice(3)],
      4,
    ],
    ['removed at the start', (all) => all.slice(1), 1],
  ];
  it.each(tampered)('names the first broken entry when one was %s', (_, tamper, seq) => {
    expect(verifyChain(tamper(five()))).toEqual({ broken: true, seq });
  });
});
