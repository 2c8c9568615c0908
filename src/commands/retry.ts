/**
 * Pays again what finally failed: one payout, or many at once after their totals were shown. The provider is asked
 * about each payout first.
 */

import { type InstructionRef, rowId, rowPlace } from '../domain/instruction.ts';
import { FINAL_FAILURES, type InstructionStatus } from '../domain/status.ts';
import { type Decided, type RetriedAll, retryAll } from '../pipeline/pipeline.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { printJson } from '../platform/terminal.ts';
import { openForAsking, openForDeciding, providerNamed } from '../service/service.ts';
import {
  type Decision,
  otherProviderText,
  otherThan,
  type StatusCount,
  type Store,
  type StoredInstruction,
} from '../store/store.ts';
import { type CommandContext, confirmed, EXIT, stopWithWords } from './context.ts';
import { countsJson, printCounts } from './counts-text.ts';
import { instructionRefIn, referencesIn } from './references.ts';
import { type SettlingOptions, settlingBy } from './settling.ts';

interface RetryOptions extends SettlingOptions {
  readonly file?: number;
  readonly status?: string;
  readonly code?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** The payouts that the command names or chooses, with their totals. */
interface Chosen {
  readonly refs: readonly InstructionRef[];
  readonly totals: readonly StatusCount[];
}

const PAGE = 1_000;

const FINISHES = 'look-ups under way are finished and recorded, the other payouts stay as they are.';

export async function retry(context: CommandContext, asked: readonly string[], options: RetryOptions): Promise<number> {
  const named = referencesIn(asked);
  const refs = named.map(instructionRefIn);
  const statuses = statusesIn(options.status);
  const isChoice = options.file !== undefined || options.status !== undefined || options.code !== undefined;
  if (isChoice === refs.length > 0)
    throw new UsageError('name payouts as CUSTOMER/ORDER/INSTRUCTION, or choose them by --file, --status or --code');
  const opened = await openForDeciding(context.workspace);
  const { store } = opened;
  try {
    const chosen = isChoice ? await chosenBy(store, statuses, options) : await chosenNames(store, refs);
    if (chosen.refs.length === 0)
      throw new UsageError(
        `nothing that is ${FINAL_FAILURES.join(', ')} was chosen by this: there is nothing to pay again`,
      );
    const isOne = refs.length === 1;
    if (!isOne && !(await isMeant(context, chosen, options))) {
      context.output.line('Nothing was changed.');
      return EXIT.done;
    }
    const decision = await settlingBy({ ...opened, clock: context.clock }, options, 'paid again', chosen.refs);
    const retried = await ask(context, opened, chosen.refs, decision);
    if (options.json) printJson(process.stdout, asJson(chosen, retried));
    else if (!isOne) print(context, chosen, retried);
    else printOne(context, named[0] ?? '', retried.decided[0]);
    return exitOf(retried);
  } finally {
    await store.close();
  }
}

function statusesIn(status: string | undefined): readonly InstructionStatus[] {
  const found = FINAL_FAILURES.filter((one) => status === undefined || one === status);
  if (found.length === 0) throw new UsageError(`--status ${status}: expected one of ${FINAL_FAILURES.join(', ')}`);
  return found;
}

/**
 * Leaves out payouts that a person has closed, because they may have been paid in another way. Such a payout is paid
 * again only if the command names it.
 */
async function chosenBy(
  store: Store,
  statuses: readonly InstructionStatus[],
  { file, code }: RetryOptions,
): Promise<Chosen> {
  const found: StoredInstruction[] = [];
  const beginning = file === undefined ? 0 : rowId(file, 0);
  for (const status of statuses)
    for (let afterId = beginning; ; ) {
      const page = await store.list(status, { afterId, limit: PAGE, ...(code !== undefined && { code }) });
      const fitting = page.filter(({ id }) => file === undefined || rowPlace(id).file === file);
      const closed = await store.closedPayouts(fitting.map(({ id }) => id));
      found.push(...fitting.filter((_, at) => closed[at] === undefined));
      const last = page.at(-1);
      if (!last || fitting.length < page.length) break;
      afterId = last.id;
    }
  return chosenOf(found.sort((a, b) => a.id - b.id));
}

/**
 * All payouts that the command names. Those that do not exist are included, so that the command reports them with the
 * rest.
 */
async function chosenNames(store: Store, refs: readonly InstructionRef[]): Promise<Chosen> {
  const found = await store.findInstructions(refs);
  const { totals } = chosenOf(found.flatMap((one) => (one && FINAL_FAILURES.includes(one.status) ? [one] : [])));
  return { refs, totals };
}

function chosenOf(instructions: readonly StoredInstruction[]): Chosen {
  const totals = new Map<string, StatusCount>();
  for (const { status, currency = '', amountMinor = 0n, receivedAt } of instructions) {
    const key = `${status} ${currency}`;
    const sum = totals.get(key) ?? { status, currency, count: 0, amountMinor: 0n, oldest: receivedAt };
    const oldest = receivedAt < sum.oldest ? receivedAt : sum.oldest;
    totals.set(key, { ...sum, count: sum.count + 1, amountMinor: sum.amountMinor + amountMinor, oldest });
  }
  const refs = instructions.map(({ customerRef, orderRef, instructionRef }) => ({
    customerRef,
    orderRef,
    instructionRef,
  }));
  return { refs, totals: [...totals.values()] };
}

async function isMeant({ output }: CommandContext, { totals }: Chosen, { yes, json }: RetryOptions): Promise<boolean> {
  if (json && !yes) throw new UsageError('--json asks nothing: say --yes as well, to pay again what this chooses');
  if (!json) {
    printCounts(output, totals);
    output.line();
  }
  if (yes) return true;
  const count = totals.reduce((sum, one) => sum + one.count, 0);
  const question = `Look up ${count === 1 ? 'this payout' : `these ${count} payouts`} at the provider, and pay again what has failed there?`;
  const answer = await confirmed(question);
  if (answer === undefined) throw new UsageError('there is no terminal to ask at: say --yes to pay these again');
  return answer;
}

async function ask(
  { clock }: CommandContext,
  { settings, store, run }: Awaited<ReturnType<typeof openForDeciding>>,
  refs: readonly InstructionRef[],
  decision: Decision,
): Promise<RetriedAll> {
  // The settings may name another provider since the last run recorded which one they name.
  const other = await otherThan(store, providerNamed(settings, process.env));
  if (other) throw new UsageError(otherProviderText(other));
  const progress = terminalProgress(process.stderr, clock);
  const stop = stopWithWords(clock, progress, FINISHES);
  const { provider, close } = await openForAsking(settings, process.env, clock, store);
  try {
    return await retryAll({ store, provider, clock, settings, progress, run }, refs, decision, stop);
  } finally {
    progress.clear();
    await close();
  }
}

function printOne({ output }: CommandContext, name: string, decided: Decided | undefined): void {
  if (decided?.ok === false && decided.moved) output.line(`${name}: ${decided.why}`);
  else if (decided?.ok)
    output.line(`${name} was ${decided.before.status} and is ${decided.to}. The reports follow with the next run.`);
  else if (decided?.unclear) throw new UnavailableError(`${name}: ${decided.why}`);
  else if (decided) throw new UsageError(`${name}: ${decided.why}`);
}

function print({ output }: CommandContext, { refs }: Chosen, { decided, stopped }: RetriedAll): void {
  const refused = refusedOf(refs, decided);
  output.line(
    `${decided.length - refused.length} of ${decided.length} are ready to be paid again; the reports follow with the next run.`,
  );
  if (stopped !== undefined) output.line(`${output.style('yellow', '!')} Looking up was stopped: ${stopped}`);
  if (refused.length === 0) return;
  output.line();
  output.table(
    ['Not paid again', 'Why'],
    refused.map(({ reference, why }) => [reference, why]),
  );
}

function asJson({ refs, totals }: Chosen, { decided, stopped }: RetriedAll): object {
  return {
    chosen: refs.length,
    totals: countsJson(totals),
    ready: refs.filter((_, at) => decided[at]?.ok).map(nameOf),
    refused: refusedOf(refs, decided),
    stopped: stopped ?? null,
  };
}

function refusedOf(
  refs: readonly InstructionRef[],
  decided: readonly Decided[],
): { reference: string; why: string; unclear: boolean }[] {
  return refs.flatMap((ref, at) => {
    const one = decided[at];
    return !one || one.ok ? [] : [{ reference: nameOf(ref), why: one.why, unclear: one.unclear === true }];
  });
}

/** The same statuses as for a pass: 3 where a later try may succeed, 1 where some need a person. */
function exitOf({ decided }: RetriedAll): number {
  if (decided.some((one) => !one.ok && one.unclear)) return EXIT.unfinished;
  return decided.every(({ ok }) => ok) ? EXIT.done : EXIT.attention;
}

function nameOf({ customerRef, orderRef, instructionRef }: InstructionRef): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}
