/**
 * What a power cut would find: the order in which a real `paydrop run` writes, syncs, names and sends, read off its system
 * calls. Needs strace; skipped loudly without.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { builtProgram } from './support/cli.ts';
import { type Call, hasStrace, tracedCalls } from './support/strace.ts';
import { instruction, instructions, ORDERS, temporaryFolder } from './support/workspace.ts';

if (!hasStrace) process.stderr.write('strace is not installed: the order of system calls is not checked\n');

const TRACED = ['pwrite64', 'fsync', 'fdatasync', 'rename', 'link', 'mkdir'];
const WRITES = ['pwrite64', 'write', 'writev'];
const SYNCS = ['fsync', 'fdatasync'];

describe.runIf(hasStrace)('a real run', () => {
  const program = builtProgram();
  let calls: Call[];

  beforeEach(() => {
    if (calls) return;
    const workspace = temporaryFolder();
    mkdirSync(join(workspace, 'inbox'));
    const settings = { intake: { settle: '0s' }, schedule: { timeZone: 'UTC' } };
    writeFileSync(join(workspace, 'paydrop.json'), JSON.stringify(settings));
    writeFileSync(join(workspace, 'inbox', 'orders.csv'), ORDERS);
    writeFileSync(join(workspace, 'inbox', 'payouts.csv'), instructions(instruction('P1'), instruction('P2')));
    calls = tracedCalls(program.main(), ['--workspace', workspace, 'run', '--date', '2026-03-02'], TRACED);
  });

  const isOn = (file: string, names: readonly string[]) => (call: Call) =>
    names.includes(call.name) && pathOf(call).endsWith(file);

  it('has its records and their anchor on the disk before a payout order leaves', () => {
    const orders = calls.flatMap((call, at) => (call.text.includes('"POST /v1/service/payout') ? [at] : []));
    expect(orders).toHaveLength(2);
    for (const at of orders) {
      const before = calls.slice(0, at);
      const recorded = before.findLastIndex(isOn('paydrop.db-wal', WRITES));
      const recordedForGood = before.findLastIndex(isOn('paydrop.db-wal', SYNCS));
      const anchored = before.findLastIndex(isOn('data/anchor', WRITES));
      const anchoredForGood = before.findLastIndex(isOn('data/anchor', SYNCS));
      expect(recorded).toBeGreaterThan(0);
      expect(recordedForGood).toBeGreaterThan(recorded);
      expect(anchored).toBeGreaterThan(recordedForGood);
      expect(anchoredForGood).toBeGreaterThan(anchored);
    }
  });

  it('gives a file its name only when what is in it is on the disk', () => {
    const written = namings(calls).filter(({ at, from }) => calls.slice(0, at).some(isOn(from, WRITES)));
    expect(new Set(written.map(({ from }) => basename(dirname(from))))).toEqual(new Set(['spool', 'outbox', 'data']));
    for (const { at, from, to } of written) {
      const before = calls.slice(0, at);
      expect(before.findLastIndex(isOn(from, SYNCS)), to).toBeGreaterThan(before.findLastIndex(isOn(from, WRITES)));
    }
  });

  it('has a name, and the end of the old one, on the disk before anything that relies on it', () => {
    const named = namings(calls);
    // A claim's folder is named by chance.
    const folderOf = (path: string) =>
      basename(dirname(dirname(path))) === 'work' ? basename(path) : basename(dirname(path));
    expect(new Set(named.map(({ to }) => folderOf(to)))).toEqual(
      new Set(['original', 'side', 'spool', '2026-03-02', 'outbox', 'data']),
    );
    for (const { at, from, to } of named) {
      const rest = calls.slice(at + 1);
      const relied = rest.findIndex((call) => isOn('paydrop.db-wal', WRITES)(call) || isNaming(call));
      const synced = rest.slice(0, relied < 0 ? rest.length : relied).filter(({ name }) => name === 'fsync');
      expect(synced.map(pathOf), to).toEqual(expect.arrayContaining([dirname(to), dirname(from)]));
    }
  });

  it('has a new day of the archive on the disk before the records say that a file lies there', () => {
    const made = calls.findIndex(({ name, text }) => name === 'mkdir' && text.includes('archive/2026-03-02"'));
    expect(made).toBeGreaterThan(0);
    const rest = calls.slice(made + 1);
    const recorded = rest.findIndex(isOn('paydrop.db-wal', WRITES));
    const synced = rest.slice(0, recorded).filter(({ name }) => name === 'fsync');
    expect(synced.map(pathOf)).toContainEqual(expect.stringMatching(/data\/archive$/));
  });
});

function pathOf({ text }: Call): string {
  return /^\d+<([^>]*)>/.exec(text)?.[1] ?? '';
}

function isNaming({ name, text }: Call): boolean {
  return (name === 'rename' || name === 'link') && !/ = -1 E/.test(text);
}

function namings(calls: readonly Call[]): { at: number; from: string; to: string }[] {
  return calls.flatMap((call, at) => {
    const [, from, to] = /^"([^"]*)", "([^"]*)"/.exec(call.text) ?? [];
    return isNaming(call) && from && to ? [{ at, from, to }] : [];
  });
}
