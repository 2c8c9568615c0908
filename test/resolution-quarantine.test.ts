/** What a person decides within the quarantine of a request that may still arrive. */
import { describe, expect, it } from 'vitest';
import { resolve, retry } from '../src/pipeline/resolution.ts';
import type { Provider } from '../src/provider/port.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import {
  instruction,
  instructions,
  ORDERS,
  passWith,
  payoutRef,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const REF = payoutRef('P1');
const DECISION = { by: 'finance', reason: 'the provider has no such payout' };
const PAYS: FaultScript = { fates: [{ fate: 'processed' }] };

describe('within the quarantine of a request', () => {
  const ANSWERS = {
    unreadable: { kind: 'unclear', message: 'what is this', answered: true },
    another: { kind: 'found', status: 'submitted', amount: '1.00', orderRefId: 'X', bankReference: '', message: '' },
  } as const;

  it.each([
    ['answers for another payout', 'another', {}],
    ['can not be read, and provider.giveUpAfter is shorter', 'unreadable', { giveUpAfter: '30s' }],
  ] as const)('a payout whose look-up %s is not paid again, whatever a person says', async (_, answer, settings) => {
    const workspace = testWorkspace({ provider: { quarantine: '10m', ...settings } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    // The request stands still on its way, and arrives minutes later.
    const arriving: (() => Promise<void>)[] = [];
    const submit: Provider['submit'] = async (...request) => {
      arriving.push(async () => {
        const tools = await workspace.open({ faults: PAYS });
        await tools.provider.submit(...request);
        await tools.close();
      });
      return { kind: 'unknown', message: 'no answer' };
    };
    await passWith(workspace, ({ provider }) => ({ provider: { ...provider, submit } }), { lookUp: false });
    const lookUp: Provider['lookUp'] = async ({ clientRefId }) => ({ ...ANSWERS[answer], clientRefId });
    for (let passes = 0; passes < 2; passes++) {
      await passWith(workspace, ({ provider }) => ({ provider: { ...provider, lookUp } }), { send: false });
      workspace.clock.advance(60_000);
    }
    const tools = await workspace.open({ faults: PAYS });
    expect(await resolve(tools, REF, false, DECISION)).toMatchObject({ ok: false });
    await retry(tools, REF, DECISION);
    await tools.close();
    await workspace.pass({ faults: PAYS, lookUp: false });
    for (const arrive of arriving) await arrive();
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
  });

  it('a payout that a person called failed is not paid again once its request turns out to have left just now', async () => {
    const workspace = testWorkspace({ provider: { quarantine: '1m' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const submit = async () => ({ kind: 'unknown', message: 'no answer' }) as const;
    await passWith(workspace, ({ provider }) => ({ provider: { ...provider, submit } }), { lookUp: false });
    workspace.clock.advance(61_000);
    const tools = await workspace.open({ faults: PAYS });
    expect(await resolve(tools, REF, false, DECISION)).toMatchObject({ ok: true });
    const [{ id = 0, version = 0 } = {}] = await tools.store.findInstructions([REF]);
    // As from a machine that was taken for gone: it was sending in the version before it became unclear.
    const late = { id, version: version - 2, from: 'sending', to: 'unknown', unclear: true } as const;
    const at = new Date(workspace.clock.now()).toISOString();
    await tools.store.settle({ changes: [{ ...late, message: 'no answer', sent: { outcome: 'unknown' } }] }, { at });
    const again = await retry(tools, REF, DECISION);
    await tools.close();
    expect(again).toMatchObject({ ok: false });
  });
});
