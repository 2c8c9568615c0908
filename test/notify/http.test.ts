/** Notifications over HTTP, at a receiver that really listens. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { httpSender } from '../../src/service/notify/http.ts';
import type { Message, Outcome } from '../../src/service/notify/message.ts';
import { keysIn } from '../../src/service/notify/signature.ts';
import { testClock } from '../support/clock.ts';
import { type HttpReceiver, httpReceiver, NOTIFY_SECRET } from '../support/receiver.ts';

const MESSAGE: Message = {
  id: 'msg_1',
  event: 'file.accepted',
  at: '2026-03-02T00:59:00.000Z',
  details: { name: 'päyouts\r\nX-Evil: 1.csv' },
  sandbox: true,
};
const SECOND = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;

async function sentTo({ url }: Pick<HttpReceiver, 'url'>, secrets = NOTIFY_SECRET): Promise<Outcome> {
  const sender = await httpSender(new URL('/hook/T0KEN?team=1', url), keysIn(secrets), 1, testClock());
  try {
    return await sender.send(MESSAGE);
  } finally {
    await sender.close();
  }
}

describe('a notification over HTTP', () => {
  it('is a signed POST that any library of Standard Webhooks checks', async () => {
    const receiver = await httpReceiver();
    expect(await sentTo(receiver, `${NOTIFY_SECRET} ${SECOND}`)).toEqual({ kind: 'taken' });
    const [{ method, path, headers, body } = await receiver.nth(1)] = receiver.received;
    expect([method, path, headers['content-type']]).toEqual(['POST', '/hook/T0KEN?team=1', 'application/json']);
    expect(headers['webhook-id']).toBe('msg_1');
    expect(headers['webhook-timestamp']).toBe(String(Date.parse('2026-03-02T01:00:00Z') / 1000));
    const signed = `msg_1.${headers['webhook-timestamp']}.${body}`;
    const made = [Buffer.alloc(32, 7), Buffer.alloc(24, 1)].map(
      (key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    );
    expect(headers['webhook-signature']).toBe(made.join(' '));
    expect(JSON.parse(body)).toEqual({
      ...{ type: 'file.accepted', timestamp: MESSAGE.at, sandbox: true, data: MESSAGE.details },
    });
  });

  it('has nothing in its headers that came from a file', async () => {
    const receiver = await httpReceiver();
    await sentTo(receiver);
    const { headers } = await receiver.nth(1);
    expect(Object.keys(headers).sort()).toEqual([
      ...['accept-encoding', 'connection', 'content-length', 'content-type', 'host', 'user-agent'],
      ...['webhook-id', 'webhook-signature', 'webhook-timestamp'],
    ]);
    expect(JSON.stringify(headers)).not.toMatch(/evil|whsec/i);
  });

  it.each([
    [200, { kind: 'taken' }],
    [299, { kind: 'taken' }],
    [301, { kind: 'failed', trouble: 'answered 301, and redirects are not followed', of: 'receiver' }],
    [400, { kind: 'failed', trouble: 'answered 400', of: 'message' }],
    [401, { kind: 'failed', trouble: 'answered 401', of: 'receiver' }],
    [410, { kind: 'failed', trouble: 'answered 410: it wants nothing more', of: 'receiver', gone: true }],
    [413, { kind: 'failed', trouble: 'answered 413', of: 'message' }],
    [429, { kind: 'failed', trouble: 'answered 429', of: 'receiver', retryAfterMs: 120_000 }],
    [503, { kind: 'failed', trouble: 'answered 503', of: 'receiver', retryAfterMs: 120_000 }],
  ])('that is answered with %i is judged as the specification says', async (status, outcome) => {
    const after = status === 429 || status === 503 ? { 'retry-after': '120' } : {};
    const receiver = await httpReceiver((response) =>
      response.writeHead(status, { location: '/elsewhere', ...after }).end('words of the receiver'),
    );
    expect(await sentTo(receiver)).toEqual(outcome);
    expect(receiver.received).toHaveLength(1);
  });

  it('that gets no answer, or finds nobody, is not taken', async () => {
    const broken = await httpReceiver((response) => response.destroy());
    expect(await sentTo(broken)).toMatchObject({ kind: 'failed', of: 'receiver' });
    expect(await sentTo({ url: 'http://127.0.0.1:9' })).toEqual({
      ...{ kind: 'failed', trouble: 'could not connect (ECONNREFUSED)', of: 'receiver' },
    });
  });
});
