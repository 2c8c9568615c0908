/**
 * The memory of `paydrop watch` with all that it serves and tells, under requests for a long time. `BENCH_MINUTES` says how
 * long.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, type Result, result } from './comparison.ts';
import { configure, type Ground, takeIn } from './ground.ts';
import { grouped } from './intake.ts';
import { ENVIRONMENT, freePort, output } from './programs.ts';

const REQUESTS_A_SECOND = 20;
const MINUTES = Number(process.env['BENCH_MINUTES'] ?? 60);
const SAMPLE_EVERY_MS = 5_000;
const WEBHOOK_SECRET = 'the-secret-of-webhooks';
const ENV = {
  ...ENVIRONMENT,
  PAYDROP_WEBHOOK_SECRET: WEBHOOK_SECRET,
  PAYDROP_NOTIFY_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
};

/** The last third of the time beside the second: the first has the growth of any program that begins. */
export async function serving(ground: Ground): Promise<Result[]> {
  const { payouts } = ground.sizes;
  const workspace = ground.copy(await ground.withOrders(), 'serving');
  await takeIn(ground.built, workspace, ground.input('payouts', { rows: payouts }));
  const told = createServer((request, response) => request.resume().on('end', () => response.end())).listen(0);
  const { port } = told.address() as AddressInfo;
  const on = ['run.finished', 'file.accepted', 'payout.paid', 'person.needed'];
  configure(workspace, 'http://127.0.0.1:9', {
    http: { listen: `127.0.0.1:${await freePort()}` },
    notify: [{ to: `http://127.0.0.1:${port}/`, on }],
  });
  const service = spawn(process.execPath, [ground.built.main, 'watch'], {
    cwd: workspace,
    env: ENV,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const origin = await originOf(service);
    const samples = await underRequests(service, requestsTo(origin, await signedIn(ground, workspace, origin)));
    const third = Math.floor(samples.length / 3);
    const [before, after] = [samples.slice(third, 2 * third), samples.slice(2 * third)].map(median);
    const about = {
      name: 'serving',
      what: `paydrop watch, ${grouped(payouts)} payouts, ${REQUESTS_A_SECOND} requests a second for ${MINUTES} minutes: memory of the last third`,
      against: 'the second third',
      unit: 'MB',
      rounds: 1,
    } as const;
    return [result(about, { atLeast: 1.1, aim: 1.02 }, after ?? Number.NaN, before ?? Number.NaN)];
  } finally {
    if (service.exitCode === null && service.kill('SIGTERM')) await once(service, 'exit');
    told.close();
  }
}

async function originOf(service: ChildProcess): Promise<URL> {
  if (!service.stderr) throw new Error('the service has no log');
  const lines = createInterface({ input: service.stderr });
  for await (const line of lines) {
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url === undefined) continue;
    lines.close();
    service.stderr.resume();
    return new URL(url);
  }
  throw new Error('the service ended before it served');
}

/** The cookie of a session. */
async function signedIn({ built }: Ground, workspace: string, origin: URL): Promise<string> {
  const link = await output(process.execPath, built.main, '--workspace', workspace, 'sign-in', 'bench', '--json');
  const token = new URL((JSON.parse(link ?? '') as { link: string }).link).searchParams.get('token') ?? '';
  const answer = await fetch(new URL('/sign-in', origin), {
    method: 'POST',
    redirect: 'manual',
    headers: { 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ token }),
  });
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
  if (cookie === undefined) throw new Error(`nobody is signed in: ${answer.status}`);
  return cookie;
}

type Request = () => Promise<Response>;

/** What is asked, in turns: pages, metrics, and webhooks of payouts that are there, that are not, and that are forged. */
function requestsTo(origin: URL, cookie: string): Request[] {
  const page = (path: string) => () => fetch(new URL(path, origin), { headers: { cookie } });
  const webhook = (clientRefId: string, secret: string) => () => {
    const body = JSON.stringify({ event: 'payout.transfer.success', code: '0x0200', data: { clientRefId } });
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    return fetch(new URL('/webhooks/payout-orders', origin), { method: 'POST', body, headers: { signature } });
  };
  const pages = ['/', '/held', '/needs', '/files', '/file?number=2', '/runs', '/search?status=ready', '/settings'];
  return [
    ...pages.map(page),
    page('/healthz'),
    page('/readyz'),
    page('/metrics'),
    webhook('NOBODY', WEBHOOK_SECRET),
    webhook('NOBODY', 'another secret'),
  ];
}

/** The memory in MB, each few seconds. Throws when the service answers with an error of its own. */
async function underRequests(service: ChildProcess, requests: readonly Request[]): Promise<number[]> {
  const samples: number[] = [];
  const endMs = performance.now() + MINUTES * 60_000;
  let sampleMs = performance.now() + SAMPLE_EVERY_MS;
  for (let at = 0; performance.now() < endMs; at++) {
    const nextMs = performance.now() + 1_000 / REQUESTS_A_SECOND;
    const answer = await (requests[at % requests.length] as Request)();
    await answer.arrayBuffer();
    if (answer.status >= 500) throw new Error(`${answer.url} answered ${answer.status}`);
    if (performance.now() >= sampleMs) {
      samples.push(residentMB(service));
      sampleMs += SAMPLE_EVERY_MS;
    }
    await sleep(Math.max(0, nextMs - performance.now()));
  }
  return samples;
}

function residentMB({ pid }: ChildProcess): number {
  const kB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kB) / 1_000;
}
