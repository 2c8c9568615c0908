/**
 * What provider and network do to a payout that no single answer tells: answers in any order, late ones, doubled ones.
 * FAULTS=all tries many more orders and delays.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type InstructionStatus, TRANSITIONS } from '../src/domain/status.ts';
import { type PassSummary, pass, type Tools } from '../src/pipeline/pass.ts';
import { reconcile } from '../src/pipeline/reconcile.ts';
import type { LookUpOutcome, Provider } from '../src/provider/port.ts';
import { readLedger, startSandbox } from '../src/sandbox/sandbox.ts';
import { openWorkspace } from '../src/service/workspace.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const MINUTE = 60_000;
const RUNS = process.env['FAULTS'] === 'all' ? 15 : 1;
const LONG_MS = 600_000;
const refs = (count: number) => Array.from({ length: count }, (_, at) => `P${at + 1}`);

function delivery(count: number, settings: object = {}): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...refs(count).map((ref) => instruction(ref))));
  return workspace;
}

const rows = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv');

/** One pass with everything that a run does, with another provider or another environment. */
async function passWith(
  workspace: TestWorkspace,
  change: (tools: Tools) => Partial<Tools>,
  env: NodeJS.ProcessEnv = {},
): Promise<PassSummary> {
  const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
  const options = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true, send: true, lookUp: true } as const;
  try {
    const summary = await pass({ ...tools, ...change(tools) }, { ...options, stop: new AbortController().signal });
    if (!summary) throw new Error('this run was done already');
    return summary;
  } finally {
    await tools.close();
  }
}

describe('answers of look-ups in any order', () => {
  const kinds = ['submitted', 'paid', 'failed', 'reversed', 'not-found', 'unclear'] as const;
  type Kind = (typeof kinds)[number];

  function answer(kind: Kind, clientRefId: string): LookUpOutcome {
    if (kind === 'not-found') return { kind };
    if (kind === 'unclear') return { kind, message: 'no clear answer' };
    const found = { orderRefId: `O-${clientRefId}`, clientRefId, amount: '210.00', bankReference: '', message: '' };
    return { kind: 'found', status: kind, ...found };
  }

  /** What the answers come to, one by one; the quarantine lasts. */
  function after(status: InstructionStatus, kind: Kind): InstructionStatus[] {
    if (kind === 'not-found' || kind === 'unclear' || kind === status) return [];
    if (status === 'paid') return kind === 'reversed' ? ['reversed'] : [];
    if (status !== 'submitted' && status !== 'unknown') return [];
    return kind === 'reversed' ? ['paid', 'reversed'] : [kind];
  }

  it.each([true, false])(
    'take a payout along legal steps alone, one version a step, and never back (taken: %s)',
    async (clear) => {
      const sequence = fc.array(fc.constantFrom(...kinds), { minLength: 8, maxLength: 8 });
      const sequences = fc.array(sequence, { minLength: 40, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(sequences, async (perPayout) => {
          const workspace = delivery(perPayout.length, { provider: { quarantine: '1h', concurrency: 4 } });
          const first = clear
            ? {}
            : { faults: { faults: [{ on: 'post' as const, fault: { kind: 'reset' as const } }] } };
          // Ten unclear answers in a row end a pass, so unclear first sends need more than one.
          for (let passes = 0; passes < (clear ? 1 : 5); passes++) await workspace.pass({ lookUp: false, ...first });
          const tools = await workspace.open();
          const started = new Map<string, InstructionStatus>();
          const given = new Map<string, Kind[]>();
          for (const status of ['submitted', 'unknown'] as const)
            for (const { clientRefId } of await tools.store.list(status, { afterId: 0, limit: 100 })) {
              started.set(clientRefId, status);
              given.set(clientRefId, []);
            }
          const lookUp: Provider['lookUp'] = async ({ clientRefId }) => {
            const before = given.get(clientRefId) ?? [];
            const kind = perPayout[[...given.keys()].indexOf(clientRefId)]?.[before.length] ?? 'unclear';
            before.push(kind);
            return answer(kind, clientRefId);
          };
          const provider = { ...tools.provider, lookUp };
          for (let round = 0; round < 8; round++) await reconcile({ ...tools, provider }, new AbortController().signal);
          expect(started.size).toBeGreaterThan(30);
          for (const found of await tools.store.instructionsOf({ customerRef: 'C1' }, 100)) {
            const begun = started.get(found.clientRefId);
            if (begun === undefined) continue;
            const steps: InstructionStatus[] = [begun];
            for (const kind of given.get(found.clientRefId) ?? []) steps.push(...after(steps.at(-1) ?? begun, kind));
            const entries = (await tools.store.historyOf(found.id)).map(({ body }) => JSON.parse(body));
            const history = entries.filter(({ type }) => type === 'status').map(({ to }) => to as string);
            const at = history.indexOf(begun);
            expect(history.slice(at)).toEqual(steps);
            expect(found.status).toBe(steps.at(-1));
            expect(found.version).toBe(1 + history.length);
            for (const [index, to] of steps.slice(1).entries())
              expect(TRANSITIONS[steps[index] ?? begun]).toContain(to);
          }
          await tools.close();
        }),
        { numRuns: RUNS },
      );
    },
    LONG_MS,
  );
});

describe('a provider that takes a request late and shows it later', () => {
  interface Late {
    readonly provider: Pick<Provider, 'submit' | 'lookUp'>;
    posts(): number;
    taken(): number;
  }

  /** Gives no answer, takes a reference once after `delayMs`, and shows it `lagMs` after that. */
  function lateProvider(workspace: TestWorkspace, delayMs: number, lagMs: number): Late {
    const takenAt: number[] = [];
    let posts = 0;
    const now = () => workspace.clock.monotonic();
    return {
      posts: () => posts,
      taken: () => takenAt.length,
      provider: {
        submit: async () => {
          posts++;
          if (takenAt.length > 0 && now() >= (takenAt[0] ?? 0))
            return { kind: 'unknown', message: 'the provider already knows this reference' };
          if (takenAt.length === 0) takenAt.push(now() + delayMs);
          return { kind: 'unknown', message: 'no answer' };
        },
        lookUp: async ({ clientRefId }) => {
          if (takenAt.length === 0 || now() < (takenAt[0] ?? 0) + lagMs) return { kind: 'not-found' };
          const found = { orderRefId: 'O-1', clientRefId, amount: '210', bankReference: 'B-1', message: '' };
          return { kind: 'found', status: 'paid', ...found };
        },
      },
    };
  }

  async function untilPaid(workspace: TestWorkspace, late: Late): Promise<void> {
    for (let minutes = 0; minutes <= 90; minutes += 5) {
      await passWith(workspace, (tools) => ({ provider: { ...tools.provider, ...late.provider } }));
      if (rows(workspace)[0]?.['status'] === 'paid') return;
      workspace.clock.advance(5 * MINUTE);
    }
  }

  it(
    'is never asked again while delay and lag are within the quarantine',
    async () => {
      const minutes = fc.integer({ min: 0, max: 14 });
      await fc.assert(
        fc.asyncProperty(minutes, minutes, async (delay, lag) => {
          fc.pre(delay + lag < 15);
          const workspace = delivery(1, { provider: { quarantine: '15m' } });
          const late = lateProvider(workspace, delay * MINUTE, lag * MINUTE);
          await untilPaid(workspace, late);
          expect(rows(workspace)).toMatchObject([{ status: 'paid', bankReference: 'B-1' }]);
          expect({ posts: late.posts(), taken: late.taken() }).toEqual({ posts: 1, taken: 1 });
        }),
        { numRuns: 4 * RUNS },
      );
    },
    LONG_MS,
  );

  it.each([
    ['longer than the quarantine', 40, 0],
    ['shown only long after it', 5, 60],
  ])('%s is asked again under the same reference, and its refusal then is not believed', async (_, delay, lag) => {
    const workspace = delivery(1, { provider: { quarantine: '15m' } });
    const late = lateProvider(workspace, delay * MINUTE, lag * MINUTE);
    await untilPaid(workspace, late);
    expect(rows(workspace)).toMatchObject([{ status: 'paid' }]);
    expect(late.posts()).toBeGreaterThan(1);
    expect(late.taken()).toBe(1);
  });

  it('is not paid twice when the clock is set forward over the quarantine', async () => {
    const workspace = delivery(1, { provider: { quarantine: '15m' } });
    const late = lateProvider(workspace, 10 * MINUTE, 0);
    await passWith(workspace, (tools) => ({ provider: { ...tools.provider, ...late.provider } }));
    workspace.clock.setWall('2026-03-02T09:00:00Z');
    await untilPaid(workspace, late);
    expect(rows(workspace)).toMatchObject([{ status: 'paid' }]);
    expect(late.taken()).toBe(1);
  });
});

describe('on the way to the provider', () => {
  async function provider(): Promise<{ ledgerPath: string; origin: string }> {
    const ledgerPath = testWorkspace().path('ledger');
    const sandbox = await startSandbox({ seed: 1, ledgerPath, faults: { fates: [{ fate: 'processed' }] } });
    onTestFinished(() => sandbox.close());
    return { ledgerPath, origin: sandbox.baseUrl.origin };
  }

  const settings = (origin: string) => ({
    provider: { baseUrl: origin, currencies: ['INR', 'JPY'], quarantine: '15m' },
  });
  const accepted = (ledgerPath: string) =>
    [...readLedger(ledgerPath)].flatMap((entry) => (entry.kind === 'accepted' ? [entry] : []));

  it('a request that the network doubles is paid once, and the refusal of its double is not believed', async () => {
    const { ledgerPath, origin } = await provider();
    const doubling = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = 'GET', url = '/' } = request;
      const headers = new Headers(request.headers as Record<string, string>);
      for (const name of ['host', 'connection', 'content-length', 'transfer-encoding']) headers.delete(name);
      const send = () =>
        fetch(origin + url, { method, headers, ...(method === 'POST' ? { body: Buffer.concat(chunks) } : {}) });
      if (method === 'POST') await (await send()).text();
      const answer = await send();
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(await answer.text());
    });
    await new Promise<void>((resolve) => doubling.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void doubling.closeAllConnections());
    onTestFinished(() => void doubling.close());
    const workspace = delivery(3, settings(`http://127.0.0.1:${(doubling.address() as AddressInfo).port}`));
    await passWith(workspace, () => ({}), SANDBOX_SECRETS);
    await passWith(workspace, () => ({}), SANDBOX_SECRETS);
    expect(rows(workspace)).toMatchObject(Array(3).fill({ status: 'paid', attempts: '1' }));
    expect(accepted(ledgerPath)).toHaveLength(3);
  });

  it('keys that were changed at the provider stop the line, and with the new ones the same bytes are sent', async () => {
    const { ledgerPath, origin } = await provider();
    const workspace = delivery(20, settings(origin));
    const old = await passWith(workspace, () => ({}), { ...SANDBOX_SECRETS, PAYDROP_SALT_KEY: 'last-years-salt' });
    expect(old.unfinished).toContain('signature');
    const statuses = rows(workspace).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'unknown').length).toBeLessThan(3);
    expect(new Set(statuses)).toEqual(new Set(['unknown', 'ready']));
    expect(accepted(ledgerPath)).toEqual([]);
    for (let passes = 0; passes < 3; passes++) {
      workspace.clock.advance(15 * MINUTE);
      await passWith(workspace, () => ({}), SANDBOX_SECRETS);
    }
    expect(new Set(rows(workspace).map(({ status }) => status))).toEqual(new Set(['paid']));
    const tools = await openWorkspace({ workspace: workspace.root, env: SANDBOX_SECRETS, clock: workspace.clock });
    for (const { clientRefId, bodySha256 } of accepted(ledgerPath)) {
      const sent = (await tools.store.instructionsOf({ customerRef: 'C1' }, 100)).find(
        (found) => found.clientRefId === clientRefId,
      );
      const intents = (await tools.store.historyOf(sent?.id ?? 0)).flatMap(
        ({ body }) => (JSON.parse(body).bodySha256 as string | undefined) ?? [],
      );
      expect(new Set(intents)).toEqual(new Set([bodySha256]));
    }
    await tools.close();
  });
});
