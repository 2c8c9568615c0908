/**
 * The HTTP client alone: signs and sends, reads each answer to its end and checks its status; nothing is stored.
 * Arguments: post or get, the origin, how many at once, and a file with a JSON line `[CLIENT REFERENCE, BODY]` for each.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';

const [verb, origin = '', concurrency, file = ''] = process.argv.slice(2);
const PATH = '/v1/service/payout/orders';
const clientKey = process.env['PAYDROP_CLIENT_KEY'];
const clientSecret = process.env['PAYDROP_CLIENT_SECRET'];
const saltKey = process.env['PAYDROP_SALT_KEY'];
const authorization = `Basic ${Buffer.from(`${clientKey}:${clientSecret}`).toString('base64')}`;
const payouts = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as [clientRefId: string, body: string]);
const pool = new Pool(origin, { connections: Number(concurrency), pipelining: 1 });
let next = 0;
let done = 0;

function sign(request: string): string {
  return createHash('sha256').update(`${request}${clientKey}####${saltKey}`).digest('hex');
}

function exchange(clientRefId: string, json: string): Promise<void> {
  const post = verb === 'post';
  const path = post ? PATH : `${PATH}/${encodeURIComponent(clientRefId)}`;
  const signature = sign(post ? Buffer.from(json).toString('base64') + path : path);
  const headers = { 'content-type': 'application/json', accept: 'application/json', authorization, signature };
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    pool.dispatch(
      { method: post ? 'POST' : 'GET', path, headers, body: post ? json : null },
      {
        onRequestStart() {},
        onResponseStart(_, status) {
          if (status === 200) done++;
        },
        onResponseData(_, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          Buffer.concat(chunks).toString();
          resolve();
        },
        onResponseError(_, error) {
          reject(error);
        },
      },
    );
  });
}

async function worker(): Promise<void> {
  for (let payout = payouts[next++]; payout; payout = payouts[next++]) await exchange(...payout);
}

const startedMs = performance.now();
await Promise.all(Array.from({ length: Number(concurrency) }, worker));
const seconds = (performance.now() - startedMs) / 1000;
await pool.close();
process.stdout.write(JSON.stringify({ seconds, done, peakMB: process.resourceUsage().maxRSS / 1000 }));
