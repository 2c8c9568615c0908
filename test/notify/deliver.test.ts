/** From what happens to the receivers of its notification: a workspace, passes, and receivers that listen, dawdle or are gone. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import type { Message, Outcome, Send } from '../../src/service/notify/message.ts';
import { failed } from '../../src/service/notify/message.ts';
import { senderTo } from '../../src/service/notify/senders.ts';
import { deliver, deliverAfterPass, openPing, testReceivers } from '../../src/service/notify.ts';
import { parseSettings, type Receiver } from '../../src/settings/settings.ts';
import { httpReceiver, NOTIFY_SECRET } from '../support/receiver.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from '../support/workspace.ts';

const HOUR_MS = 3_600_000;
const [FAST, SLOW] = ['https://fast.example.com/hook', 'https://slow.example.com/hook'];

function notifying(...receivers: readonly object[]): TestWorkspace {
  const workspace = testWorkspace({ notify: receivers });
  workspace.drop('1-orders.csv', ORDERS);
  workspace.drop('2-payouts.csv', instructions(instruction('I1'), instruction('I2', '99.00'), 'damaged'));
  return workspace;
}

/** What each receiver was sent, by its URL. `answers` are the ways to them; the others take all. */
function receivers(answers: Readonly<Record<string, Send>> = {}) {
  const sent = new Map<string, Message[]>();
  const nameOf = (to: Receiver) => (to.kind === 'http' ? to.url.href : to.kind);
  const senderTo = async (to: Receiver) => ({
    send: (message: Message): Promise<Outcome> => {
      const name = nameOf(to);
      sent.set(name, [...(sent.get(name) ?? []), message]);
      return answers[name]?.(message) ?? Promise.resolve({ kind: 'taken' });
    },
    close: async () => {},
  });
  return { senderTo, events: (name: string) => (sent.get(name) ?? []).map(({ event }) => event).sort(), sent };
}

async function delivered(workspace: TestWorkspace, ways: ReturnType<typeof receivers>, gathered = true): Promise<void> {
  const { store, settings, clock, close } = await workspace.open();
  try {
    await deliver(
      { store, settings, clock, senderTo: ways.senderTo },
      { gathered, stop: new AbortController().signal },
    );
  } finally {
    await close();
  }
}

async function backlogOf(workspace: TestWorkspace) {
  const { store, close } = await workspace.open();
  try {
    return await store.backlog();
  } finally {
    await close();
  }
}

const ALL = ['run.finished', 'file.accepted', 'file.rejected', 'payout.paid'];

describe('what a pass does', () => {
  it('is told by the next program, though the program was ended right after it', async () => {
    const workspace = notifying({ to: FAST, on: ALL });
    await workspace.pass();
    await workspace.pass();
    const ways = receivers();
    await delivered(workspace, ways);
    expect(ways.events(FAST)).toEqual([
      ...['file.accepted', 'file.accepted', 'payout.paid', 'run.finished', 'run.finished'],
    ]);
    const again = receivers();
    await delivered(workspace, again);
    expect(again.sent.size).toBe(0);
    expect(await backlogOf(workspace)).toEqual([]);
  });

  it('is told of once more where the answer was lost, under the same id and with the same words', async () => {
    const workspace = notifying({ to: FAST, on: ['run.finished'] });
    await workspace.pass();
    const cutOff = receivers({ [FAST]: () => Promise.reject(new Error('the program is ended here')) });
    await expect(delivered(workspace, cutOff)).rejects.toThrow('ended here');
    const early = receivers();
    await delivered(workspace, early);
    expect(early.sent.size).toBe(0);
    workspace.clock.advance(120_000);
    const ways = receivers();
    await delivered(workspace, ways);
    expect(ways.sent.get(FAST)).toEqual(cutOff.sent.get(FAST));
  });

  it('is the same whether a receiver is told or not, and whatever becomes of that', async () => {
    const outcome = async (workspace: TestWorkspace) => {
      const { run, files, moved, needs } = await workspace.pass();
      return { run, files: files.length, moved, needs, outbox: workspace.outbox() };
    };
    const dead = { to: 'http://127.0.0.1:9/dead', on: ALL };
    const dangling = { to: { command: ['/no/such/program'] }, on: ALL, payouts: 'each' };
    expect(await outcome(notifying(dead, dangling))).toEqual(await outcome(notifying()));
  });
});

describe('a receiver', () => {
  it('that takes nothing is asked with growing pauses, holds up no other, and is given up after three days', async () => {
    const workspace = notifying({ to: FAST, on: ['run.finished'] }, { to: SLOW, on: ['run.finished'] });
    await workspace.pass();
    let tries = 0;
    const ways = receivers({
      [SLOW]: async () => {
        tries++;
        return failed('answered 503');
      },
    });
    await delivered(workspace, ways);
    expect(ways.events(FAST)).toEqual(['run.finished']);
    expect(await backlogOf(workspace)).toMatchObject([{ waiting: 1, givenUp: 0, trouble: 'answered 503' }]);
    for (let hour = 0; hour < 72; hour++) {
      workspace.clock.advance(HOUR_MS);
      await delivered(workspace, ways);
    }
    expect(tries).toBeGreaterThan(7);
    expect(tries).toBeLessThan(12);
    expect(await backlogOf(workspace)).toMatchObject([{ waiting: 0, givenUp: 1, trouble: 'answered 503' }]);
  });

  it('that never answers holds up no other', async () => {
    const workspace = notifying({ to: SLOW, on: ALL }, { to: FAST, on: ALL });
    await workspace.pass();
    const waiting: ((outcome: Outcome) => void)[] = [];
    const ways = receivers({ [SLOW]: () => new Promise((resolve) => waiting.push(resolve)) });
    const all = delivered(workspace, ways);
    await expect.poll(() => ways.events(FAST)).toEqual(['file.accepted', 'file.accepted', 'run.finished']);
    for (const letGo of waiting) letGo({ kind: 'taken' });
    await all;
  });

  it('whose try is cut off leaves the records open until the others are told', async () => {
    const workspace = notifying({ to: SLOW, on: ['run.finished'] }, { to: FAST, on: ['run.finished'] });
    await workspace.pass();
    const waiting: ((outcome: Outcome) => void)[] = [];
    const ways = receivers({
      [SLOW]: () => Promise.reject(new Error('cut off')),
      [FAST]: () => new Promise((resolve) => waiting.push(resolve)),
    });
    const all = delivered(workspace, ways).catch((error: Error) => error.message);
    await expect.poll(() => waiting.length).toBe(1);
    expect(await Promise.race([all, new Promise((resolve) => setImmediate(resolve, 'open'))])).toBe('open');
    for (const letGo of waiting) letGo({ kind: 'taken' });
    expect(await all).toBe('cut off');
    expect(await backlogOf(workspace)).toMatchObject([{ waiting: 1, trouble: '' }]);
  });

  it("that is a program which can't be started counts as tried, and holds up no other", async () => {
    const receiver = await httpReceiver();
    const command = [`${process.execPath}/told`];
    const on = ['run.finished'];
    const workspace = notifying({ to: { command }, on }, { to: receiver.url, on });
    await workspace.pass();
    await afterPass(workspace, { PAYDROP_NOTIFY_SECRET: NOTIFY_SECRET });
    expect(receiver.received).toHaveLength(1);
    expect(await backlogOf(workspace)).toMatchObject([{ waiting: 1, trouble: "it can't be started (ENOTDIR)" }]);
  });

  it('is tested beside others, whatever becomes of them', async () => {
    const receiver = await httpReceiver();
    const on = ['paused'];
    const notify = [
      { to: { command: [`${process.execPath}/told`] }, on },
      { to: receiver.url, on },
    ];
    const { settings, clock, close } = await testWorkspace({ notify }).open();
    await close();
    const tested = await testReceivers(settings, { PAYDROP_NOTIFY_SECRET: NOTIFY_SECRET }, clock);
    expect(tested.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'failed', trouble: "it can't be started (ENOTDIR)" },
      { kind: 'taken' },
    ]);
  });

  it('that there is no way to takes nothing, and is tested beside others', async () => {
    const receiver = await httpReceiver();
    const notify = [{ to: receiver.url, on: ['paused'] }];
    const { settings, clock, close } = await testWorkspace({ notify }).open();
    await close();
    const [known] = settings.notify as [Receiver];
    const nowhere = { ...known, kind: 'http', url: new URL('ftp://127.0.0.1/hook') } as const;
    const env = { PAYDROP_NOTIFY_SECRET: NOTIFY_SECRET };
    const tested = await testReceivers({ ...settings, notify: [nowhere, known] }, env, clock);
    expect(tested.map(({ outcome }) => outcome)).toEqual([
      { kind: 'failed', trouble: 'it could not be tried (TypeError)', of: 'receiver' },
      { kind: 'taken' },
    ]);
  });

  it.each([[{ command: [process.execPath, '--version'] }], ['http://127.0.0.1:9/hook']])(
    'has a failed try where the try throws, and nothing of what it says is told (%o)',
    async (to) => {
      const parsed = parseSettings({ notify: [{ to, on: ['paused'] }] }, '.');
      if (!parsed.ok) throw new Error(parsed.problems.join());
      const [receiver] = parsed.value.notify as [Receiver];
      const { send, close } = await senderTo(
        receiver,
        parsed.value,
        { PAYDROP_NOTIFY_SECRET: NOTIFY_SECRET },
        systemClock,
      );
      const details = {
        toJSON: () => {
          throw new RangeError('a secret');
        },
      };
      const message = { id: 'msg_1', event: 'paused', at: '2026-03-02T00:59:00.000Z', details, sandbox: true } as const;
      const outcome = await send(message as unknown as Message);
      expect(outcome).toEqual({ kind: 'failed', trouble: 'it could not be tried (RangeError)', of: 'receiver' });
      await close();
    },
  );

  it('that the settings no longer name is given up after three days', async () => {
    const workspace = notifying({ to: FAST, on: ['run.finished'] });
    await workspace.pass();
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ notify: [{ to: SLOW, on: ['paused'] }] }));
    await delivered(workspace, receivers());
    expect(await backlogOf(workspace)).toMatchObject([{ waiting: 1, givenUp: 0 }]);
    workspace.clock.advance(73 * HOUR_MS);
    await delivered(workspace, receivers());
    expect(await backlogOf(workspace)).toMatchObject([{ waiting: 0, givenUp: 1 }]);
  });

  it('without its secret is a receiver that takes nothing, and its trouble says what is missing', async () => {
    const { url } = await httpReceiver();
    const workspace = notifying({ to: url, on: ['run.finished'] });
    await workspace.pass();
    await afterPass(workspace, {});
    expect(await backlogOf(workspace)).toMatchObject([
      { trouble: expect.stringContaining('PAYDROP_NOTIFY_SECRET is not') },
    ]);
  });

  it('is told after a pass, also of sums that are being gathered', async () => {
    const receiver = await httpReceiver();
    const workspace = notifying({ to: receiver.url, on: ['payout.paid'] });
    await workspace.pass();
    await workspace.pass();
    await afterPass(workspace, { PAYDROP_NOTIFY_SECRET: NOTIFY_SECRET });
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
      {
        ...{ type: 'payout.paid', sandbox: true },
        data: { payouts: [{ status: 'paid', currency: 'INR', count: 2, amount: '309.00' }] },
      },
    ]);
  });
});

async function afterPass(workspace: TestWorkspace, env: NodeJS.ProcessEnv): Promise<void> {
  const { settings, close } = await workspace.open();
  await close();
  const address = workspace.database ? { PAYDROP_DATABASE_URL: await workspace.database() } : {};
  await deliverAfterPass(settings, { ...env, ...address }, workspace.clock);
}

describe('the address that is asked about nightly runs', () => {
  it('is asked in the order of what happened, however long it takes to answer', async () => {
    const receiver = await httpReceiver((response, _, nth) => {
      if (nth > 1) response.end();
      else setImmediate(() => response.end());
    });
    const ping = openPing(new URL('/check/abc/', receiver.url));
    ping.started();
    ping.failed();
    ping.started();
    ping.ended();
    await ping.settled();
    expect(receiver.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...['GET /check/abc/start', 'GET /check/abc/fail', 'GET /check/abc/start', 'GET /check/abc/'],
    ]);
  });

  it('that is gone, or is none, is of no interest', async () => {
    for (const url of [new URL('http://127.0.0.1:9/check'), undefined]) {
      const ping = openPing(url);
      ping.started();
      ping.ended();
      await ping.settled();
    }
  });
});
