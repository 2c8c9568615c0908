/** Webhooks of the provider: what they bring about, and what they can't. */
import { createHmac } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { type PassOptions, type PassSummary, pass } from '../src/pipeline/pass.ts';
import { retry } from '../src/pipeline/resolution.ts';
import { systemClock } from '../src/platform/clock.ts';
import { payoutsNamed } from '../src/provider/webhook.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { openHttp } from '../src/service/http.ts';
import { openSite } from '../src/service/site.ts';
import { openPace } from '../src/service/watch/pace.ts';
import { webhookRoute, webhookSignature } from '../src/service/webhooks.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { builtProgram } from './support/cli.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { ALL } from './support/sample.ts';
import { sent, statuses } from './support/wire.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  ONE_PASS,
  ORDERS,
  payoutRef,
  type RecordsOn,
  recorded,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const SECRET = 'the-secret-of-webhooks';
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const FOR_WEBHOOKS = { ...ONE_PASS, kind: 'arrival', send: false, lookUp: false, lookUpQueued: true } as const;
const MINUTE = 60_000;

/** Payouts that the sandbox has, and calls paid. */
const submitted = madeOnce(async (refs: readonly string[], settings: object = {}, records?: RecordsOn) => {
  const workspace = testWorkspace({ http: { listen: '127.0.0.1:0' }, ...settings }, records);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...refs.map((ref) => instruction(ref))));
  await workspace.pass({ lookUp: false, faults: PAID });
  const { provider, close } = await workspace.open({ faults: PAID });
  for (const ref of [...refs, ...refs]) await provider.lookUp(payoutRef(ref));
  await close();
  return workspace;
});

/** Each look-up moves a payout one step: to processing, and to processed. */
const PAID: FaultScript = { fates: [{ fate: 'processed' }] };

interface Serving extends OpenWorkspace {
  readonly url: URL;
  /** How often the provider was asked about each payout. */
  readonly asked: Map<string, number>;
  post(body: string | Buffer, headers?: Record<string, string>): Promise<number>;
  /** The provider has no clear answer about these, or asks for a wait. */
  readonly unclear: Map<string, { readonly retryAfterMs?: number }>;
  made(options: Partial<PassOptions>): Promise<PassSummary | undefined>;
  /** The statuses after a pass for what webhooks named. */
  passed(): Promise<Record<string, string>>;
}

async function serving(workspace: TestWorkspace, faults: FaultScript = PAID): Promise<Serving> {
  const opened = await workspace.open({ faults });
  onTestFinished(() => opened.close());
  const asked = new Map<string, number>();
  const unclear: Serving['unclear'] = new Map();
  const provider: OpenWorkspace['provider'] = {
    ...opened.provider,
    lookUp: async (payout) => {
      asked.set(payout.instructionRef, (asked.get(payout.instructionRef) ?? 0) + 1);
      const none = unclear.get(payout.instructionRef);
      return none ? { kind: 'unclear', message: 'no answer', ...none } : opened.provider.lookUp(payout);
    },
  };
  const tools = { ...opened, provider };
  const { settings } = tools;
  const site = openSite({ ...tools, clock: systemClock, log: LOG }, () => undefined);
  site.opened(tools);
  if (!settings.http) throw new Error('nothing is served');
  const route = webhookRoute(site, webhookSignature(settings, { PAYDROP_WEBHOOK_SECRET: SECRET }));
  const server = await openHttp(settings.http, [route], { clock: systemClock, log: LOG });
  onTestFinished(() => server.close());
  const path = settings.provider.api === 'payout-orders' ? '/webhooks/payout-orders' : '/webhooks/imburse';
  return {
    ...tools,
    url: server.url,
    asked,
    unclear,
    made: (options) => pass(tools, { ...FOR_WEBHOOKS, ...options }),
    post: async (body, headers = { signature: signed(body) }) => {
      const answer = await fetch(new URL(path, server.url), { method: 'POST', body, headers });
      await answer.arrayBuffer();
      return answer.status;
    },
    passed: async () => {
      await pass(tools, FOR_WEBHOOKS);
      const found = await tools.store.instructionsOf({ customerRef: 'C1' }, 1_000);
      return Object.fromEntries(found.map(({ instructionRef, status }) => [instructionRef, status]));
    },
  };
}

function signed(body: string | Buffer, secret = SECRET): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

function event(ref: string, status = 'processed'): string {
  const { clientRefId } = payoutRef(ref);
  const name = { processed: 'success', failed: 'failed', reversed: 'reverse' }[status];
  const data = {
    orderRefId: 'ORD1',
    clientRefId,
    contactId: 'CONT_1',
    amount: 210,
    status,
    utr: 'UTR1',
    name: 'A Payee',
  };
  return JSON.stringify({ event: `payout.transfer.${name}`, code: '0x0200', data });
}

describe('a webhook', () => {
  it('has the payout that it names looked up, and no other', async () => {
    const { post, passed, asked } = await serving(await submitted(['P1', 'P2']));
    expect(await post(event('P1'))).toBe(200);
    expect(await passed()).toEqual({ P1: 'paid', P2: 'submitted' });
    expect([...asked]).toEqual([['P1', 1]]);
  });

  it('is a hint and no evidence: what the provider says when it is asked counts', async () => {
    const { post, passed } = await serving(await submitted(['P1']));
    expect(await post(event('P1', 'failed'))).toBe(200);
    expect(await passed()).toEqual({ P1: 'paid' });
  });

  it('changes nothing by itself', async () => {
    const { post, store } = await serving(await submitted(['P1']));
    const before = await store.auditHead();
    expect(await post(event('P1'))).toBe(200);
    expect(await store.auditHead()).toEqual(before);
  });

  it('that comes a hundred times, out of order, brings about one look-up', async () => {
    const { post, passed, asked } = await serving(await submitted(['P1', 'P2']));
    const events = [event('P1', 'reversed'), event('P1'), event('P2'), event('P1')];
    for (let round = 0; round < 25; round++) await Promise.all(events.map((body) => post(body)));
    expect(await passed()).toEqual({ P1: 'paid', P2: 'paid' });
    expect(Object.fromEntries(asked)).toEqual({ P1: 1, P2: 1 });
  });

  it('that comes again after the look-up has the payout looked up again, a minute later', async () => {
    const workspace = await submitted(['P1']);
    const { post, passed, asked } = await serving(workspace);
    await post(event('P1'));
    await passed();
    await post(event('P1'));
    await passed();
    expect(asked.get('P1')).toBe(1);
    workspace.clock.advance(MINUTE + 1_000);
    await passed();
    expect(asked.get('P1')).toBe(2);
  });

  it('of a payout that is long paid is followed, for a return by the bank', async () => {
    const workspace = await submitted(['P1']);
    const { post, passed, asked } = await serving(workspace);
    await post(event('P1'));
    await passed();
    workspace.clock.advance(30 * 24 * 60 * MINUTE);
    await post(event('P1', 'reversed'));
    expect(await passed()).toEqual({ P1: 'paid' });
    expect(asked.get('P1')).toBe(2);
  });

  it('of an unknown payout is answered and leaves nothing', async () => {
    const { post, passed, asked, store } = await serving(await submitted(['P1']));
    expect(await post(event('P1').replaceAll(payoutRef('P1').clientRefId, 'NOBODY'))).toBe(200);
    await passed();
    expect(asked.size).toBe(0);
    expect(await store.removeQueuedLookUps('9999', 10)).toBe(0);
  });

  it('that was kept outlives the process', async () => {
    const workspace = await submitted(['P1']);
    const { post, close } = await serving(workspace);
    expect(await post(event('P1'))).toBe(200);
    await close();
    const { passed } = await serving(workspace);
    expect(await passed()).toEqual({ P1: 'paid' });
  });

  it('that was kept by a program which ended before it answered comes again, and brings about one look-up', async () => {
    const workspace = await submitted(['P1']);
    const { post, store, close } = await serving(workspace);
    const queueLookUps = store.queueLookUps;
    store.queueLookUps = async (...names) => {
      await queueLookUps(...names);
      throw new Error('the program is ended here');
    };
    expect(await post(event('P1'))).toBe(500);
    await close();
    const again = await serving(workspace);
    expect(await again.post(event('P1'))).toBe(200);
    expect(await again.passed()).toEqual({ P1: 'paid' });
    expect([...again.asked]).toEqual([['P1', 1]]);
  });

  it('is refused where it could not be kept, and kept when it comes again', async () => {
    const workspace = await submitted(['P1']);
    const { post, url, close } = await serving(workspace);
    await close();
    expect([url.protocol, await post(event('P1'))]).toEqual(['http:', 500]);
  });

  it('wakes the service once for all of a moment', async () => {
    const workspace = await submitted(['P1']);
    const tools = await workspace.open();
    onTestFinished(() => tools.close());
    const moments: (() => void)[] = [];
    const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => moments.push(resolve)) };
    let woken = 0;
    const site = openSite({ ...tools, clock, log: LOG }, () => void woken++);
    site.opened(tools);
    const route = webhookRoute(site, webhookSignature(tools.settings, { PAYDROP_WEBHOOK_SECRET: SECRET }));
    const body = event('P1');
    const url = new URL('http://localhost/webhooks/payout-orders');
    const { signal: gone } = new AbortController();
    const headers = { signature: signed(body) };
    const post = () => route({ method: 'POST', url, headers, body: async () => Buffer.from(body), gone });
    await Promise.all(Array.from({ length: 50 }, post));
    expect([moments.length, woken]).toEqual([1, 0]);
    moments[0]?.();
    await vi.waitFor(() => expect(woken).toBe(1));
    await post();
    expect(moments).toHaveLength(2);
  });
});

describe('webhooks of payouts that the provider has no clear answer about', () => {
  const ONE_BY_ONE = { provider: { concurrency: 1 } };
  const refsOf = (count: number) => Array.from({ length: count }, (_, at) => `P${at + 10}`);

  it('stop no other look-ups, and leave a run finished', async () => {
    const named = refsOf(12);
    const { post, made, unclear, asked } = await serving(await submitted([...named, 'P1', 'P2'], ONE_BY_ONE));
    for (const ref of named) {
      unclear.set(ref, {});
      await post(event(ref));
    }
    const summary = await made({ kind: 'nightly', lookUp: true });
    expect(summary?.unfinished).toBeUndefined();
    expect(summary?.queueStopped).toContain('10 look-ups in a row got no clear answer');
    expect(summary?.moved).toEqual({ paid: 2 });
    expect(Object.fromEntries(asked)).toMatchObject({ P1: 1, P2: 1 });
  });

  it('are each asked about, and before those asked again', async () => {
    const workspace = await submitted(refsOf(25), ONE_BY_ONE);
    const { post, made, unclear, asked } = await serving(workspace);
    for (const ref of refsOf(25)) {
      unclear.set(ref, {});
      await post(event(ref));
    }
    for (const most of [10, 20, 25]) {
      expect((await made({}))?.unfinished).toBeUndefined();
      workspace.clock.advance(MINUTE + 1_000);
      expect(asked.size).toBe(most);
    }
  });

  it('wait themselves where the provider asks for a wait, and hold up nothing', async () => {
    const workspace = await submitted(['P1'], ONE_BY_ONE);
    const { post, made, unclear, asked, passed } = await serving(workspace);
    unclear.set('P1', { retryAfterMs: 10 * MINUTE });
    await post(event('P1'));
    const begun = workspace.clock.monotonic();
    expect((await made({}))?.queueStopped).toBe('the provider asks for a wait');
    expect(workspace.clock.monotonic() - begun).toBeLessThan(MINUTE);
    expect(asked.get('P1')).toBe(1);
    unclear.clear();
    workspace.clock.advance(MINUTE + 1_000);
    expect(await passed()).toEqual({ P1: 'paid' });
  });

  it('hold back those alone, with growing pauses', async () => {
    const workspace = await submitted(['P1'], ONE_BY_ONE);
    const { made } = await serving(workspace);
    const { clock } = workspace;
    const summary = await made({});
    if (!summary) throw new Error('no pass was made');
    const pace = openPace({ clock, log: LOG });
    for (const seconds of [30, 60, 120, 240, 300, 300]) {
      pace.note(FOR_WEBHOOKS, { ...summary, queueStopped: 'no answer' }, 0);
      expect([pace.mayTry(), pace.lookUpDue(), pace.queueDue()]).toEqual([true, true, false]);
      expect(pace.untilQueueMs()).toBe(seconds * 1_000);
    }
    clock.advance(300_000);
    pace.note(FOR_WEBHOOKS, summary, 0);
    expect(pace.queueDue()).toBe(true);
  });
});

describe('many webhooks', () => {
  it('take a few seconds of a pass, and the others wait for the next', async () => {
    const refs = Array.from({ length: 20 }, (_, at) => `P${at}`);
    const workspace = await submitted(refs, { provider: { concurrency: 1, requestsPerMinute: 60 } });
    const { post, made, asked } = await serving(workspace);
    for (const ref of refs) await post(event(ref));
    const begun = workspace.clock.monotonic();
    const summary = await made({});
    expect(workspace.clock.monotonic() - begun).toBeLessThan(10_000);
    expect([summary?.unfinished, summary?.queueStopped]).toEqual([undefined, undefined]);
    expect(asked.size).toBeGreaterThan(3);
    expect(asked.size).toBeLessThan(8);
    for (let more = 0; more < 5; more++) await made({});
    expect(Object.fromEntries(asked)).toEqual(Object.fromEntries(refs.map((ref) => [ref, 1])));
  });

  it('are looked up one a pass where the provider allows less', async () => {
    const workspace = await submitted(['P1', 'P2'], { provider: { concurrency: 2, requestsPerMinute: 1 } });
    const { post, made, asked } = await serving(workspace);
    for (const ref of ['P1', 'P2']) await post(event(ref));
    await made({});
    expect(asked.size).toBe(1);
    await made({});
    expect(asked.size).toBe(2);
  });
});

describe('a webhook that is not from the provider', () => {
  it.each<[string, (body: string) => Record<string, string>]>([
    ['has no signature', () => ({})],
    ['is signed with another secret', (body) => ({ signature: signed(body, 'another') })],
    ['has the signature of another body', (body) => ({ signature: signed(`${body} `) })],
    ['has half a signature', (body) => ({ signature: signed(body).slice(0, 32) })],
    ['has a signature that is no hex', () => ({ signature: 'z'.repeat(64) })],
    ['has an empty signature', () => ({ signature: '' })],
  ])('is refused where it %s', async (_, headersOf) => {
    const { post, store } = await serving(await submitted(['P1']));
    const body = event('P1');
    expect(await post(body, headersOf(body))).toBe(401);
    expect(await store.removeQueuedLookUps('9999', 10)).toBe(0);
  });

  it('is checked by its bytes, not by what they mean', async () => {
    const { post } = await serving(await submitted(['P1']));
    const body = event('P1');
    expect(await post(` ${body}`, { signature: signed(body) })).toBe(401);
    const odd = Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0x20, 0x7d])]);
    expect(await post(odd, { signature: signed(odd) })).toBe(200);
  });

  it('of ten megabytes is refused before it is read', async () => {
    const { post } = await serving(await submitted(['P1']));
    const body = Buffer.alloc(10 * 1024 * 1024, 0x20);
    expect(await post(body, { signature: signed(body) })).toBe(413);
  });
});

describe('a signed body', () => {
  const posted = async (body: string | Buffer) => {
    const { post, passed, asked } = await serving(await submitted(['P1']));
    const status = await post(body);
    await passed();
    return [status, asked.size];
  };

  it.each<[string, string | Buffer, number]>([
    ['that is no JSON', '{"event"', 400],
    ['that is empty', '', 400],
    ['of bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), 400],
    ['that names nothing', '{"event": "account.updated", "data": {"clientRefId": 7}}', 200],
    ['of a hundred thousand brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 200],
    [
      'of a prototype',
      '{"__proto__": {"clientRefId": "X"}, "constructor": {"instructionRef": "P1", "orderRef": []}}',
      200,
    ],
    [
      'of references with characters that none has',
      '{"clientRefId": "a\\u0000", "x": {"clientRefId": "\\ud800"}}',
      200,
    ],
    ['of a reference as long as a book', JSON.stringify({ clientRefId: 'x'.repeat(100_000) }), 200],
  ])('%s harms nothing', async (_, body, status) => {
    expect(await posted(body)).toEqual([status, 0]);
  });
});

describe('the names in a body', () => {
  const named = (value: unknown) => payoutsNamed(Buffer.from(JSON.stringify(value)));

  it('are none with a control in it, half a character, or too many characters', () => {
    const refs = ['a\u0000b', 'a\nb', 'a\ud800', 'x'.repeat(101), 'R1'];
    expect(named(refs.map((clientRefId) => ({ clientRefId })))).toEqual([{ clientRefId: 'R1' }]);
    expect(named({ orderRef: 'O1', instructionRef: 'I\u0000' })).toEqual([]);
  });

  it('are a thousand at most, written in short transactions', async () => {
    const { post, store } = await serving(await submitted(['P1']));
    const queueLookUps = vi.spyOn(store, 'queueLookUps');
    expect(await post(JSON.stringify(Array.from({ length: 1_500 }, (_, at) => ({ clientRefId: `R${at}` }))))).toBe(200);
    const sizes = queueLookUps.mock.calls.map(([names]) => names.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200);
  });
});

describe.each<RecordsOn>(['sqlite', ...(hasPostgres ? (['postgres'] as const) : [])])(
  'names with characters that no reference has, with records on %s',
  (on) => {
    const ODD = ['P\u0000', '\u0000', 'P1\u0000', '\ud800', 'P\udfff1', '\ud83d', '\u0007'];

    it('are answered, and hold up none that come with them or beside them', async () => {
      const { post, passed, asked, store } = await serving(await submitted(['P1', 'P2', 'P3'], {}, on));
      const { clientRefId } = payoutRef('P3');
      const bodies = ODD.flatMap((odd) => [
        JSON.stringify({ event: 'x', data: { clientRefId: odd } }),
        JSON.stringify({ customerRef: odd, orderRef: odd, instructionRef: odd, [odd]: odd }),
        JSON.stringify({ orderRef: 'O1', instructionRef: odd, metadata: { [odd]: odd } }),
        JSON.stringify([{ clientRefId: odd }, { [odd]: { clientRefId } }, { customerRef: odd, clientRefId: odd }]),
      ]);
      const all = [event('P1'), ...bodies, event('P2')];
      expect(await Promise.all(all.map((body) => post(body)))).toEqual(all.map(() => 200));
      expect(await passed()).toEqual({ P1: 'paid', P2: 'paid', P3: 'paid' });
      expect(Object.fromEntries(asked)).toEqual({ P1: 1, P2: 1, P3: 1 });
      expect(await store.hindrance()).toBeUndefined();
    });

    it('in bytes that are no text are answered, and hold up no others', async () => {
      const { post, passed } = await serving(await submitted(['P1'], {}, on));
      const half = Buffer.concat([
        Buffer.from('{"clientRefId": "P'),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.from('"}'),
      ]);
      const zero = Buffer.from('{"clientRefId": "P\u0000"}');
      expect(await Promise.all([post(half), post(zero), post(event('P1'))])).toEqual([200, 400, 200]);
      expect(await passed()).toEqual({ P1: 'paid' });
    });
  },
);

describe('a batch of events about instructions', () => {
  const MANAGED = { provider: { api: 'order-management' } };
  const FILES = API_FILES['order-management'];

  async function managed(http: object = {}): Promise<Serving> {
    const workspace = testWorkspace({ http: { listen: '127.0.0.1:0', ...http }, ...MANAGED });
    workspace.drop('orders.csv', FILES.orders);
    workspace.drop('payouts.csv', FILES.instructions('P1', 'P2', 'P3'));
    await workspace.pass({ lookUp: false, faults: PAID });
    const { provider, close } = await workspace.open({ faults: PAID });
    for (const ref of ['P1', 'P2', 'P3', 'P1', 'P2', 'P3']) await provider.lookUp(payoutRef(ref));
    await close();
    return serving(workspace);
  }

  const batch = JSON.stringify({
    events: [
      { type: 'INSTRUCTION_SETTLED', orderRef: 'O1', instructionRef: 'P1', metadata: { project: 'Solar roof' } },
      { type: 'ORDER_CHANGED', orderRef: 'O1', customerRef: 'C1', instructions: [{ instructionRef: 'P3' }] },
      { type: 'INSTRUCTION_SETTLED', orderRef: 'O1', instructionRef: 'P9' },
    ],
  });

  it('has each that it names looked up, though it is not known how they are signed', async () => {
    const { post, passed } = await managed();
    expect(await post(batch, {})).toBe(200);
    expect(await passed()).toEqual({ P1: 'paid', P2: 'submitted', P3: 'paid' });
  });

  it('has a payout looked up that was paid again, which it names by the client reference', async () => {
    const faults: FaultScript = { fates: [{ instructionRef: 'P1', fate: 'failed' }, ...(PAID.fates ?? [])] };
    const workspace = testWorkspace({ http: { listen: '127.0.0.1:0' }, ...MANAGED });
    workspace.drop('orders.csv', FILES.orders);
    workspace.drop('payouts.csv', FILES.instructions('P1'));
    const tools = await serving(workspace, faults);
    const all = { kind: 'run', send: true, lookUp: true, lookUpQueued: false } as const;
    for (let step = 0; step < 3; step++) await tools.made(all);
    expect(await retry(tools, payoutRef('P1'), { by: 'finance', reason: 'reopened' })).toMatchObject({ ok: true });
    await tools.made({ ...all, lookUp: false });
    tools.asked.clear();
    const { clientRefId } = payoutRef('P1', 2);
    const events = [{ type: 'INSTRUCTION_SETTLED', orderRef: 'O1', instructionRef: clientRefId }];
    expect(await tools.post(JSON.stringify({ events }), {})).toBe(200);
    await tools.passed();
    expect([...tools.asked]).toEqual([['P1', 1]]);
  });

  it('is verified as the settings say', async () => {
    const { post, passed } = await managed({ webhooks: { header: 'X-Hook', algorithm: 'sha512', encoding: 'base64' } });
    const signature = createHmac('sha512', SECRET).update(batch).digest('base64');
    expect(await post(batch, { 'x-hook': signed(batch) })).toBe(401);
    expect(await post(batch, {})).toBe(401);
    expect(await post(batch, { 'x-hook': signature })).toBe(200);
    expect((await passed())['P1']).toBe('paid');
  });
});

describe('the service', () => {
  const program = builtProgram();

  it('looks up what a webhook names within seconds, long before it would by itself', async () => {
    const workspace = testWorkspace({ http: { listen: '127.0.0.1:0' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    await workspace.pass({ lookUp: false, faults: PAID });
    const env = { PAYDROP_WEBHOOK_SECRET: SECRET };
    const service = program.start(['watch', '--workspace', workspace.root], { env });
    // Its first pass looks up both, and finds them on their way.
    await vi.waitFor(() => expect(existsSync(workspace.path('data/metrics.prom'))).toBe(true), { timeout: 15_000 });
    expect(await recorded(workspace)).toMatchObject({ submitted: 2 });
    const url = new URL('/webhooks/payout-orders', /"url":"([^"]+)"/.exec(service.stderr())?.[1]);
    const body = event('P1');
    const refused = await fetch(url, { method: 'POST', body, headers: { signature: signed(body, 'another') } });
    const taken = await fetch(url, { method: 'POST', body, headers: { signature: signed(body) } });
    expect([refused.status, taken.status]).toEqual([401, 200]);
    await vi.waitFor(async () => expect(await recorded(workspace)).toMatchObject({ paid: 1, submitted: 1 }), {
      timeout: 15_000,
      interval: 50,
    });
    service.process.kill('SIGTERM');
    expect((await service.ended).status).toBe(0);
  });

  it.runIf(ALL)('has kept each webhook that it answered with 200 when it is killed amid many', async () => {
    const refs = Array.from({ length: 60 }, (_, at) => `P${at}`);
    const workspace = testWorkspace({ http: { listen: '127.0.0.1:0' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(...refs.map((ref) => instruction(ref))));
    await workspace.pass({ lookUp: false, faults: PAID });
    const env = { PAYDROP_WEBHOOK_SECRET: SECRET };
    const service = program.start(['watch', '--workspace', workspace.root], { env });
    await vi.waitFor(() => expect(existsSync(workspace.path('data/metrics.prom'))).toBe(true), { timeout: 15_000 });
    const url = new URL('/webhooks/payout-orders', /"url":"([^"]+)"/.exec(service.stderr())?.[1]);
    const answered: string[] = [];
    const postSome = async () => {
      for (let ref = refs.shift(); ref !== undefined && answered.length < 20; ref = refs.shift()) {
        const body = event(ref);
        const { status } = await fetch(url, { method: 'POST', body, headers: { signature: signed(body) } });
        if (status === 200) answered.push(ref);
        if (answered.length >= 20) service.process.kill('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: 4 }, postSome));
    expect((await service.ended).signal).toBe('SIGKILL');
    const { passed } = await serving(workspace);
    const found = await passed();
    expect(answered.filter((ref) => found[ref] !== 'paid')).toEqual([]);
    expect(Object.values(found).filter((status) => status === 'submitted').length).toBeGreaterThan(20);
  });

  it('does not begin with a secret that others can read', async () => {
    const workspace = testWorkspace({ http: { listen: '127.0.0.1:0' } });
    const file = workspace.path('secret');
    writeFileSync(file, SECRET, { mode: 0o644 });
    const env = { PAYDROP_WEBHOOK_SECRET_FILE: file };
    const { status, stderr } = await program.run(['watch', '--workspace', workspace.root], { env });
    expect(status).toBe(2);
    expect(stderr).toContain('can be read by others than its owner');
    expect(stderr).not.toContain(SECRET);
  });

  it('takes no webhooks without a secret to check them by', async () => {
    const tools = await testWorkspace({ http: { listen: '127.0.0.1:0' } }).open();
    onTestFinished(() => tools.close());
    const site = openSite({ ...tools, log: LOG }, () => undefined);
    const route = webhookRoute(site, webhookSignature(tools.settings, {}));
    const url = new URL('http://localhost/webhooks/payout-orders');
    const { signal: gone } = new AbortController();
    const asked = { method: 'POST', url, headers: {}, body: async () => Buffer.from(event('P1')), gone };
    expect((await route(asked))?.status).toBe(404);
    expect((await route({ ...asked, method: 'GET' }))?.status).toBe(405);
    expect(await route({ ...asked, url: new URL('http://localhost/webhooks/imburse') })).toBeUndefined();
  });
});

/** A hundred connections have as many each. */
const EACH = ALL ? 100 : 5;

describe(`${100 * EACH} webhooks at once`, () => {
  it('are each answered or turned away, and one look-up a payout follows', { timeout: 240_000 }, async () => {
    const refs = Array.from({ length: 20 }, (_, at) => `P${at}`);
    const { url, passed, asked, store } = await serving(await submitted(refs));
    const request = (ref: string, close: boolean) => {
      const body = event(ref);
      const more = close ? 'Connection: close\r\n' : '';
      const head = `Host: ${url.host}\r\nSignature: ${signed(body)}\r\nContent-Length: ${body.length}\r\n${more}`;
      return `POST /webhooks/payout-orders HTTP/1.1\r\n${head}\r\n${body}`;
    };
    const before = process.memoryUsage().rss;
    const connections = Array.from({ length: 100 }, (_, at) =>
      sent(url, ...Array.from({ length: EACH }, (_, n) => request(refs[(at + n) % refs.length] ?? '', n === EACH - 1))),
    );
    const answers = (await Promise.all(connections)).flatMap(statuses);
    // 408 and 503 turn away what a slow machine can't take in time.
    expect(answers.filter((status) => ![200, 408, 503].includes(status))).toEqual([]);
    expect(answers.filter((status) => status === 200).length).toBeGreaterThan(100);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    expect(new Set(Object.values(await passed()))).toEqual(new Set(['paid']));
    expect([...asked.values()]).toEqual(refs.map(() => 1));
    expect(await store.removeQueuedLookUps('9999', 1_000)).toBe(refs.length);
  });
});
