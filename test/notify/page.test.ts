/** docs/notifications.md: each body that it shows is one that a receiver gets. */
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NOTIFY_EVENTS } from '../../src/domain/notification.ts';
import { bodyOf } from '../../src/service/notify/message.ts';
import { keysIn } from '../../src/service/notify/signature.ts';
import { deliver } from '../../src/service/notify.ts';
import { parseSettings } from '../../src/settings/settings.ts';
import { examplesIn } from '../support/examples.ts';
import { instruction, instructions, ORDERS, payoutRef, testWorkspace } from '../support/workspace.ts';

const PAGE = 'docs/notifications.md';
const EXAMPLES = examplesIn(PAGE);
const BLOCKS = EXAMPLES.filter(({ heading }) => heading === 'Check the signature');
const EVENTS = Object.keys(NOTIFY_EVENTS);

/** The block under the heading of an event. */
function shown(event: string): unknown {
  const block = EXAMPLES.find(({ heading }) => heading === event);
  return block && JSON.parse(block.text);
}

const HOOKS = ['https://sums.example.com', 'https://each.example.com'] as const;

/** What is told of a few days in which all of it happens: the last of each event, to one who gets sums, and to one who doesn't. */
async function story(): Promise<Map<string, unknown>> {
  const notify = [
    { to: HOOKS[0], on: EVENTS },
    { to: HOOKS[1], on: ['payout.paid'], payouts: 'each' },
  ];
  const workspace = testWorkspace({ notify, control: { limits: { payout: { INR: '500000.00' } } } });
  const delivered = new Map<string, unknown>();
  const deliverAll = async () => {
    const { store, settings, clock, close } = await workspace.open();
    const senderTo = async ({ payouts }: { payouts: string }) => ({
      close: async () => {},
      send: async (message: Parameters<typeof bodyOf>[0]) => {
        delivered.set(`${message.event} ${payouts}`, JSON.parse(bodyOf(message)));
        return { kind: 'taken' } as const;
      },
    });
    await deliver({ store, settings, clock, senderTo }, { gathered: true, stop: new AbortController().signal });
    await close();
  };
  const { clientRefId } = payoutRef('I2');
  const reversed = { clientRefId: payoutRef('I3').clientRefId, fate: 'reversed', message: 'Returned' } as const;
  const fates = [{ clientRefId, fate: 'failed', message: 'Closed' } as const, reversed, { fate: 'processed' } as const];
  const faults = { fates };
  workspace.drop('orders.csv', ORDERS);
  await workspace.pass({ faults });
  workspace.drop('empty.csv', '');
  await workspace.pass({ faults });
  await deliverAll();
  const rows = [instruction('I1'), instruction('I2', '99.00'), instruction('I3'), instruction('I4', '600000.00')];
  workspace.drop('payouts.csv', instructions(...rows, 'damaged'));
  writeFileSync(workspace.path('PAUSE'), '');
  await workspace.pass({ faults });
  rmSync(workspace.path('PAUSE'));
  for (let times = 0; times < 3; times++) await workspace.pass({ faults });
  await deliverAll();
  workspace.clock.advance(3 * 86_400_000);
  await workspace.pass({ faults, kind: 'nightly', businessDate: '2026-03-05' });
  await deliverAll();
  return delivered;
}

/** Each of what is told, with its own times in the place of those that the page has. */
function comparable(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body, (_, value) => (isTime(value) ? 'a time' : value)));
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value);
}

describe('the page about notifications', () => {
  it('shows one body of each event, as a receiver gets it', async () => {
    const delivered = await story();
    const bodies = Object.fromEntries(
      EVENTS.map((event) => [event, comparable(delivered.get(`${event} each`) ?? delivered.get(`${event} totals`))]),
    );
    if (process.env['SHOW_BODIES'])
      for (const [key, body] of delivered) process.stderr.write(`${key} ${JSON.stringify(body)}\n`);
    expect(Object.fromEntries(EVENTS.map((event) => [event, comparable(shown(event))]))).toEqual(bodies);
    const sums = EXAMPLES.find(({ heading }) => heading === 'What payouts look like');
    expect(comparable(JSON.parse(sums?.text ?? '{}'))).toEqual(comparable(delivered.get('payout.paid totals')));
  });

  it('shows settings that are settings', () => {
    const [block] = EXAMPLES.filter(({ heading }) => heading === 'Settings');
    expect(parseSettings(JSON.parse(block?.text ?? ''), '.')).toMatchObject({ ok: true });
  });

  it('shows a command that makes a secret', () => {
    const [, command = ''] = /\$ (.*)/.exec(BLOCKS[0]?.text ?? '') ?? [];
    const secret = execFileSync('sh', ['-c', command], { encoding: 'utf8' });
    expect(keysIn(secret)).toEqual([expect.objectContaining({ length: 32 })]);
  });

  it('checks a signature in Node as it says', async () => {
    const code = `${BLOCKS[1]?.text ?? ''}\nexport { isFromPaydrop };`;
    const { isFromPaydrop } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    const key = Buffer.alloc(32, 7);
    const [id, body] = ['msg_1', '{"type":"paused"}'];
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signed = (text: string) => `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
    const headers = (signature: string, at = timestamp) => ({
      ...{ 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature },
    });
    const secret = `whsec_${key.toString('base64')}`;
    const good = signed(`${id}.${timestamp}.${body}`);
    expect(isFromPaydrop(headers(good), body, secret)).toBe(true);
    expect(isFromPaydrop(headers(`v1,AAAA ${good}`), body, secret)).toBe(true);
    expect(isFromPaydrop(headers(good), `${body} `, secret)).toBe(false);
    expect(isFromPaydrop(headers('v1,AAAA'), body, secret)).toBe(false);
    expect(isFromPaydrop(headers(signed(`${id}.1.${body}`), '1'), body, secret)).toBe(false);
  });
});
