/** Payouts that are held back: shown by file and reason, approved, refused. */
import { lacksApprovers, pauseFileIn, whyPaused } from '../control/control.ts';
import { describeCode } from '../domain/codes.ts';
import { sixDigits } from '../domain/file-number.ts';
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor, grouped } from '../domain/money.ts';
import {
  approve as approveHeld,
  decideSigned,
  decisionsAbout,
  type HeldPayout,
  heldNamed,
  heldPayouts,
  refuse as refuseHeld,
} from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { signWith } from '../platform/ssh-keygen.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import { openForDeciding, openRecords } from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import type { StatusCount, Store } from '../store/store.ts';
import { type CommandContext, confirmed, EXIT } from './context.ts';
import { countsJson, printCounts } from './counts-text.ts';
import { accountThatCounts, checkWhoSays, type DecisionOptions, personWith } from './person.ts';
import { instructionRefIn, referencesIn } from './references.ts';

const NO_SUCH = 'there is no such instruction';

interface HeldOptions {
  readonly file?: number;
  readonly json?: true;
}

interface DecideOptions extends DecisionOptions, HeldOptions {
  readonly yes?: true;
  /** The key to sign with, where the settings name people. */
  readonly key?: string;
}

/** `paydrop held`: what is held back, why, and who has said yes so far. */
export async function held({ workspace, output }: CommandContext, { file, json }: HeldOptions): Promise<number> {
  const { store, settings } = await openRecords(workspace);
  try {
    if (file !== undefined) await fileNamed(store, file);
    const payouts = await heldPayouts(store, settings, file);
    const lacking = await lackingOf(store, settings, payouts);
    if (json)
      printJson(process.stdout, { held: payouts.map(heldJson), totals: countsJson(totalsOf(payouts)), lacking });
    else if (payouts.length === 0) output.line('Nothing is held back.');
    else await printHeld(output, store, payouts);
    if (!json) for (const { why } of lacking) output.line(`${output.style('yellow', '!')} ${why}.`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}

/** `paydrop approve`: a person's yes. A payout goes on once enough people have said yes to each of its reasons. */
export async function approve(context: CommandContext, asked: readonly string[], options: DecideOptions) {
  return decide(context, asked, options, {
    question: 'Let them go?',
    does: 'approve',
    word: 'yes',
    sends: true,
    decide: approveHeld,
    said: (to) =>
      to === 'held'
        ? 'has this yes, and needs another one'
        : `is approved, and ${to}: the next run that may send it does`,
  });
}

/** `paydrop refuse`: a person's no. The payouts are cancelled, and never sent. */
export async function refuse(context: CommandContext, asked: readonly string[], options: DecideOptions) {
  return decide(context, asked, options, {
    question: 'Cancel them? They are never sent.',
    does: 'refuse',
    word: 'no',
    sends: false,
    decide: refuseHeld,
    said: () => 'is cancelled, and never sent',
  });
}

interface Deciding {
  readonly question: string;
  readonly does: string;
  readonly word: 'yes' | 'no';
  /** Whether the payouts may be sent then. */
  readonly sends: boolean;
  readonly decide: typeof approveHeld;
  readonly said: (to: string) => string;
}

async function decide(
  context: CommandContext,
  asked: readonly string[],
  options: DecideOptions,
  deciding: Deciding,
): Promise<number> {
  const { output, workspace } = context;
  const named = referencesIn(asked);
  if ((options.file === undefined) === (named.length === 0))
    throw new UsageError('name payouts as CUSTOMER/ORDER/INSTRUCTION, or a file with --file N, not both');
  const opened = await openForDeciding(workspace);
  const { store, settings } = opened;
  try {
    checkWhoSays(settings.people, options);
    const say = settings.people.length === 0 ? unsigned(options) : signed(options);
    const chosen = await choose(store, settings, named, options.file);
    if (!options.json) {
      await printHeld(output, store, chosen);
      output.line();
    }
    if (!(await isMeant(deciding, options))) {
      output.line('Nothing was changed.');
      return EXIT.done;
    }
    const decided = await say({ ...opened, clock: context.clock }, chosen, deciding);
    if (options.json) printJson(process.stdout, decided);
    else {
      for (const { reference, status } of decided.payouts) output.line(`${reference} ${deciding.said(status)}.`);
      output.line('The reports follow with the next run.');
      const paused = deciding.sends ? await whyPaused(store, () => pauseFileIn(workspace)) : undefined;
      if (paused !== undefined) output.line(`Sending is ${paused}.`);
    }
    return EXIT.done;
  } finally {
    await store.close();
  }
}

async function choose(
  store: Store,
  settings: Settings,
  named: readonly string[],
  file: number | undefined,
): Promise<HeldPayout[]> {
  if (file !== undefined) {
    await fileNamed(store, file);
    const found = await heldPayouts(store, settings, file);
    if (found.length === 0) throw new UsageError(`nothing of file ${file} is held back`);
    return found;
  }
  const refs = named.map(instructionRefIn);
  const found = await heldNamed(store, settings, refs);
  const missing = named.flatMap((name, at) => (found[at] === undefined ? [{ name, at }] : []));
  if (missing.length > 0) {
    const known = await store.findInstructions(refs);
    const whyNot = (at: number) => (known[at] ? `it is ${known[at].status}, and not held back` : NO_SUCH);
    throw new UsageError(...missing.map(({ name, at }) => `${name}: ${whyNot(at)}`));
  }
  return [...new Map(found.flatMap((one) => (one ? [[one.payout.id, one] as const] : []))).values()];
}

async function fileNamed(store: Store, number: number): Promise<void> {
  if (!(await store.file(number)))
    throw new UsageError(`there is no file ${number} in this workspace; paydrop status lists them`);
}

async function isMeant({ question, does }: Deciding, { yes, json }: DecideOptions): Promise<boolean> {
  if (yes) return true;
  if (json) throw new UsageError(`--json asks nothing: say --yes as well, to ${does} what was chosen`);
  const answer = await confirmed(question);
  if (answer === undefined) throw new UsageError(`there is no terminal to ask at: say --yes to ${does} these`);
  return answer;
}

/** A table for each file, then what each reason comes to. */
async function printHeld(output: Output, store: Store, payouts: readonly HeldPayout[]): Promise<void> {
  const files = groupedBy(payouts, ({ payout }) => rowPlace(payout.contentRow).file);
  for (const [number, ofFile] of [...files].sort(([a], [b]) => a - b)) {
    output.line(output.style('bold', `File ${sixDigits(number)} ${(await store.file(number))?.name ?? ''}`));
    output.table(
      ['>Line', 'Customer/order/instruction', 'Payee', '>Amount', 'Currency', 'Open', 'Yes', 'Why'],
      ofFile.map((one) => [
        String(rowPlace(one.payout.contentRow).line),
        nameOf(one),
        one.payout.payeeIsKnown ? one.payout.payee : `${one.payout.payee} (new)`,
        grouped(amountOf(one)),
        one.payout.currency ?? '',
        one.payout.content.openDate,
        yesText(one),
        one.why,
      ]),
    );
    output.line();
  }
  output.table(
    ['Reason', '>Payouts', 'What it means'],
    reasonCounts(payouts).map(({ code, count }) => [code, String(count), describeCode(code)?.title ?? '']),
  );
  output.line();
  printCounts(output, totalsOf(payouts));
}

/** The files of which something can't be approved as the settings are, and why. */
async function lackingOf(
  store: Store,
  settings: Settings,
  payouts: readonly HeldPayout[],
): Promise<{ readonly file: number; readonly why: string }[]> {
  const found: { file: number; why: string }[] = [];
  for (const [number, ofFile] of groupedBy(payouts, ({ payout }) => rowPlace(payout.contentRow).file)) {
    const file = await store.file(number);
    const held = ofFile.map(({ reasons, payout: { currency = '', amountMinor = 0n } }) => {
      return { file: number, currency, amountMinor, reasons };
    });
    const why = file && lacksApprovers(held, file, settings);
    if (why !== undefined) found.push({ file: number, why });
  }
  return found;
}

/** `1 of 2: anna` */
function yesText({ yes, needed }: HeldPayout): string {
  return `${yes.length} of ${needed}${yes.length === 0 ? '' : `: ${yes.join(', ')}`}`;
}

function reasonCounts(payouts: readonly HeldPayout[]): { code: string; count: number }[] {
  const codes = groupedBy(
    payouts.flatMap(({ reasons }) => reasons),
    (code) => code,
  );
  return [...codes].map(([code, all]) => ({ code, count: all.length }));
}

function totalsOf(payouts: readonly HeldPayout[]): StatusCount[] {
  const totals = groupedBy(payouts, ({ payout }) => payout.currency ?? '');
  const byCurrency = [...totals].sort(([a], [b]) => (a < b ? -1 : 1));
  return byCurrency.map(([currency, all]) => ({
    status: 'held',
    currency,
    count: all.length,
    amountMinor: all.reduce((sum, { payout }) => sum + (payout.amountMinor ?? 0n), 0n),
    oldest: all.map(({ payout }) => payout.receivedAt).sort()[0] ?? '',
  }));
}

function heldJson(one: HeldPayout): object {
  const { payout, reasons, why, yes, needed } = one;
  const { file, line } = rowPlace(payout.contentRow);
  return {
    reference: nameOf(one),
    file,
    line,
    payee: payout.payee,
    payeeIsKnown: payout.payeeIsKnown,
    amount: amountOf(one),
    currency: payout.currency ?? null,
    openDate: payout.content.openDate,
    dueDate: payout.content.dueDate,
    reasons,
    why,
    yes,
    needed,
  };
}

interface Decided {
  readonly payouts: readonly { readonly reference: string; readonly status: string }[];
  readonly reason: string;
  /** Where a person has signed, the answer says who: the audit log has it. */
  readonly by?: string;
  readonly ticket?: string | null;
}

type Tools = Parameters<typeof approveHeld>[0];
type Say = (tools: Tools, chosen: readonly HeldPayout[], deciding: Deciding) => Promise<Decided>;

/** Where the settings name no people, the person who runs the command decides. */
function unsigned(options: DecideOptions): Say {
  const decision = { ...personWith(options), account: accountThatCounts() };
  return async (tools, chosen, { decide: decideHeld }) => {
    const outcome = await decideHeld(tools, chosen, decision);
    if (!outcome.ok) throw new UsageError(...outcome.why);
    const { by, reason, ticket = null } = decision;
    return {
      payouts: outcome.decided.map(({ held: one, to }) => ({ reference: nameOf(one), status: to })),
      by,
      reason,
      ticket,
    };
  };
}

/** Where they do, the same decision as by folder is made for each file, signed by ssh-keygen, and judged as any other. */
function signed({ reason, key, ticket }: DecideOptions): Say {
  if (key === undefined)
    throw new UsageError(
      '--key FILE: paydrop.json names people, so a decision counts when one of them signs it. Name your key file, or its .pub with the agent',
    );
  const why = reason.trim() + (ticket === undefined ? '' : ` (ticket ${ticket})`);
  if (reason.trim() === '') throw new UsageError('--reason: say why, for the auditor who asks a year later');
  return async (tools, chosen, { word }) => {
    const decisions: Parameters<typeof decideSigned>[1][number][] = [];
    for (const made of await decisionsAbout(tools, chosen, word, why))
      decisions.push({ ...made, signature: await signWith(key, made.bytes) });
    const outcome = await decideSigned(tools, decisions);
    if (!outcome.ok) throw new UsageError(outcome.why);
    return { payouts: outcome.payouts, reason: why };
  };
}

function groupedBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

function amountOf({ payout: { amountMinor = 0n, currency = '' } }: HeldPayout): string {
  return formatMinor(amountMinor, currencyExponent(currency) ?? 0);
}

function nameOf({ payout: { customerRef, orderRef, instructionRef } }: HeldPayout): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}
