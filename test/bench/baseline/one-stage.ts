/**
 * One stage of a pass by the built program, timed without the start of the process and the stages around it.
 * Arguments: send or look-up, the folder of the built program, the workspace, the business date. Or `list`, which makes
 * ready what is due, and a file besides, for a JSON line `[CLIENT REFERENCE, BODY]` of each.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';

const [stage, dist = '', workspace = '', businessDate = '', listed = ''] = process.argv.slice(2);
const load = (name: string) => import(pathToFileURL(join(dist, name)).href);
const { openWorkspace } = await load('workspace.js');
const tools = await openWorkspace({ workspace });
const { signal } = new AbortController();
let done = 0;
let startedMs = performance.now();
if (stage === 'list') {
  const { release } = await load('release.js');
  await release(tools, businessDate);
  const ready = await tools.store.list('ready', { afterId: 0, limit: 10_000_000 });
  const lines = ready.map((payout: never) => JSON.stringify(lineOf(payout)));
  writeFileSync(listed, `${lines.join('\n')}\n`);
  done = ready.length;
} else if (stage === 'send') {
  const { submit } = await load('submit.js');
  startedMs = performance.now();
  const { sent, stopped } = await submit(tools, businessDate, signal);
  if (stopped) throw new Error(stopped);
  done = sent;
} else {
  const { reconcile } = await load('reconcile.js');
  startedMs = performance.now();
  const { lookedUp, stopped } = await reconcile(tools, signal, { paidToo: false });
  if (stopped) throw new Error(stopped);
  done = lookedUp;
}
const seconds = (performance.now() - startedMs) / 1000;
await tools.close();
process.stdout.write(JSON.stringify({ seconds, done, peakMB: process.resourceUsage().maxRSS / 1000 }));

function lineOf(payout: { payout: object; clientRefId: string; amountMinor: bigint; currency: string }) {
  const { clientRefId, amountMinor, currency } = payout;
  return [clientRefId, tools.provider.body({ ...payout.payout, clientRefId, amountMinor, currency })];
}
