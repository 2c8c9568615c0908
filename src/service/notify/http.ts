/** Notifications over HTTP, as Standard Webhooks has them. */
import type { Clock } from '../../platform/clock.ts';
import { type HttpOutcome, openHttp, retryAfterMs } from '../../provider/provider.ts';
import { bodyOf, failed, type Outcome, type Send } from './message.ts';
import { signatures } from './signature.ts';

/** The specification recommends 15 to 30 seconds. */
const DEADLINE_MS = 15_000;
/** Answers are not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

const GONE = 410;
/** Another body may be taken. */
const OF_THE_BODY = [400, 413, 422];

export interface HttpSender {
  readonly send: Send;
  close(): Promise<void>;
}

export async function httpSender(url: URL, keys: readonly Buffer[], atOnce: number, clock: Clock): Promise<HttpSender> {
  const client = await openHttp({
    origin: url,
    concurrency: atOnce,
    timeoutMs: DEADLINE_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  return {
    close: () => client.close(),
    async send(message) {
      const body = bodyOf(message);
      const nowMs = clock.now();
      const timestampS = Math.floor(nowMs / 1000);
      const outcome = await client.send({
        method: 'POST',
        path: url.pathname + url.search,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'paydrop',
          'webhook-id': message.id,
          'webhook-timestamp': String(timestampS),
          'webhook-signature': signatures(keys, message.id, timestampS, body),
        },
        body,
      });
      return judged(outcome, nowMs);
    },
  };
}

/** The status codes as the specification has them: any 2xx is a success, and nothing else is. */
function judged(outcome: HttpOutcome, nowMs: number): Outcome {
  if (outcome.kind !== 'response') return failed(outcome.message);
  const { status, retryAfter } = outcome;
  if (status >= 200 && status <= 299) return { kind: 'taken' };
  if (status === GONE)
    return { kind: 'failed', trouble: 'answered 410: it wants nothing more', of: 'receiver', gone: true };
  const redirect = status >= 300 && status <= 399 ? ', and redirects are not followed' : '';
  return {
    kind: 'failed',
    trouble: `answered ${status}${redirect}`,
    of: OF_THE_BODY.includes(status) ? 'message' : 'receiver',
    retryAfterMs: retryAfterMs(retryAfter, nowMs),
  };
}
