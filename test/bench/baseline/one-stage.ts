/**
 * One stage of a pass, timed without the start of the process and the stages around it. Arguments: send or look-up, the
 * workspace, the business date. Or `list`, which makes ready what is due, and a file besides, for a JSON line
 * `[CLIENT REFERENCE, BODY]` of each.
 */
import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { reconcile } from '../../../src/pipeline/reconcile.ts';
import { release } from '../../../src/pipeline/release.ts';
import { submit } from '../../../src/pipeline/submit.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import type { Payout } from '../../../src/provider/port.ts';
import { openWorkspace } from '../../../src/service/workspace.ts';
import type { StoredInstruction } from '../../../src/store/port.ts';

const [stage, workspace = '', businessDate = '', listed = ''] = process.argv.slice(2);
const tools = await openWorkspace({ workspace, clock: systemClock });
const { signal } = new AbortController();
const startedMs = performance.now();
const done = await (stage === 'list' ? list() : stage === 'send' ? send() : lookUp());
const seconds = (performance.now() - startedMs) / 1000;
await tools.close();
process.stdout.write(JSON.stringify({ seconds, done, peakMB: process.resourceUsage().maxRSS / 1000 }));

async function list(): Promise<number> {
  await tools.store.judging(businessDate, () => release(tools, businessDate));
  const ready = await tools.store.list('ready', { afterId: 0, limit: 10_000_000 });
  writeFileSync(listed, `${ready.map(lineOf).join('\n')}\n`);
  return ready.length;
}

async function send(): Promise<number> {
  const { sent, stopped } = await submit(tools, businessDate, signal);
  if (stopped) throw new Error(stopped);
  return sent;
}

async function lookUp(): Promise<number> {
  const { lookedUp, stopped } = await reconcile(tools, signal, { endedToo: false });
  if (stopped) throw new Error(stopped);
  return lookedUp;
}

/** The payout-order API is told no more than these of a payout. */
function lineOf({ payout, clientRefId, amountMinor, currency }: StoredInstruction): string {
  if (amountMinor === undefined || currency === undefined) throw new Error(`${clientRefId} is ready without an amount`);
  const told = { ...payout, clientRefId, amountMinor, currency } as Payout;
  return JSON.stringify([clientRefId, tools.provider.body(told)]);
}
