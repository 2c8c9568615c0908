/**
 * Crash sweep by ports: a pass is stopped before, and after, its n-th effect on store, inbox and provider, for n = 1, 2, …
 * until it completes. Whatever the point, the next passes must end with the same reports, and with each payout once in
 * the provider's ledger.
 */
import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyAudit } from '../src/commands/audit.ts';
import { type PassOptions, pass } from '../src/pipeline.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

/** More effects than any pass of this test has. */
const MOST_EFFECTS = 400;
const QUARANTINE_MS = 2_000;
const MOST_PASSES = 8;

/** What a pass can move without anything new from outside. */
const MOVING = ['ready', 'sending', 'unknown', 'submitted'];

const FATES = { fates: [{ narration: 'P1', fate: 'reversed' as const }, { fate: 'processed' as const }] };

const ONE_PASS: PassOptions = {
  kind: 'run',
  businessDate: '2026-03-02',
  waitForSettling: true,
  send: true,
  lookUp: true,
  stop: new AbortController().signal,
};

/** Nothing here depends on what a disk keeps, and its syncs would take most of the time. */
const MEMORY = '/dev/shm';
const ROOM_BYTES = 1_000_000_000;

function hasRoomInMemory(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ROOM_BYTES;
}

class Crash extends Error {}

function dropNight(workspace: TestWorkspace): void {
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    'payouts.csv',
    instructions(
      instruction('P1'),
      instruction('P2', 'two'),
      instruction('P3'),
      instruction('P4', '4', '2026-03-09', '2026-03-10'),
      'C1,O9,P5,5,2026-03-02,2026-03-06,waits',
    ),
  );
  workspace.drop('payouts-again.csv', instructions(instruction('P1'), instruction('P3', '9')));
  workspace.drop(
    'zz-changes.csv',
    'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nDELETE,C1,O1,P4,,,\n',
  );
}

/** A pass whose ports stop the world at the n-th effect; true when it got through to its end. */
async function passStoppedAt(workspace: TestWorkspace, n: number, when: 'before' | 'after'): Promise<boolean> {
  let effects = 0;
  const stopping = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function' || name === 'close') return value;
        return (...args: unknown[]) => {
          effects++;
          if (when === 'before' && effects >= n) throw new Crash();
          const result: unknown = value.apply(target, args);
          if (when === 'before' || !(result instanceof Promise)) return result;
          const at = effects;
          return result.then((done: unknown) => {
            if (at >= n) throw new Crash();
            return done;
          });
        };
      },
    });
  const tools = await workspace.open({ faults: FATES });
  try {
    await pass(
      { ...tools, store: stopping(tools.store), inbox: stopping(tools.inbox), provider: stopping(tools.provider) },
      ONE_PASS,
    );
    return true;
  } catch (error) {
    if (error instanceof Crash) return false;
    throw error;
  } finally {
    await tools.close();
  }
}

/** Passes, with the quarantine over in between, until one moves nothing and there is nothing that it could move. */
async function settle(workspace: TestWorkspace): Promise<void> {
  const tools = await workspace.open({ faults: FATES });
  try {
    for (let passes = 0; passes < MOST_PASSES; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      const summary = await pass(tools, ONE_PASS);
      const isStill = Object.keys(summary?.moved ?? {}).length === 0;
      if (isStill && !summary?.open.some(({ status }) => MOVING.includes(status))) return;
    }
  } finally {
    await tools.close();
  }
  throw new Error(`${workspace.root} has not come to rest after ${MOST_PASSES} passes`);
}

/** The files' CSV reports, less how often and when something was sent: that a crash may change. */
function statement(workspace: TestWorkspace): Record<string, unknown> {
  const names = workspace.outbox().filter((name) => name.endsWith('.csv') && !name.startsWith('run.'));
  const timeless = (row: Record<string, string>) => ({ ...row, attempts: '', submittedAt: '', updatedAt: '' });
  return Object.fromEntries(
    names.map((name) => [
      name,
      name.endsWith('.result.csv') ? workspace.rows(name).map(timeless) : workspace.read(name),
    ]),
  );
}

async function expectSound(workspace: TestWorkspace, expected: Record<string, unknown>, point: string): Promise<void> {
  expect(statement(workspace), point).toEqual(expected);
  const accepted = workspace.ledger().filter((entry) => entry.kind === 'accepted');
  expect(new Set(accepted.map((entry) => entry.clientRefId)).size, point).toBe(accepted.length);
  expect(accepted.length, point).toBe(2);
  expect(readdirSync(workspace.path('data', 'work')), point).toEqual([]);
  expect(readdirSync(workspace.path('data', 'spool')), point).toEqual([]);
  expect(readdirSync(workspace.path('inbox')), point).toEqual([]);
  const tools = await workspace.open();
  expect(await verifyAudit(tools.store), point).toMatchObject({ broken: undefined });
  await tools.close();
}

describe('a pass stopped anywhere', () => {
  beforeAll(() => {
    if (hasRoomInMemory()) vi.stubEnv('TMPDIR', MEMORY);
  });

  it.each(['before', 'after'] as const)(
    '%s an effect is finished by the next ones, to the same reports and the same ledger',
    async (when) => {
      const undisturbed = testWorkspace();
      dropNight(undisturbed);
      await undisturbed.pass({ faults: FATES });
      await settle(undisturbed);
      const expected = statement(undisturbed);

      let points = 0;
      for (let n = 1; n < MOST_EFFECTS; n++) {
        const workspace = testWorkspace();
        dropNight(workspace);
        if (await passStoppedAt(workspace, n, when)) break;
        points++;
        await settle(workspace);
        await expectSound(workspace, expected, `stopped ${when} effect ${n}`);
      }
      expect(points).toBeGreaterThan(30);
      expect(points).toBeLessThan(MOST_EFFECTS - 1);
    },
    300_000,
  );
});
