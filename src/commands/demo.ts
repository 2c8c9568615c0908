import { copyFile, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isDecisionName } from '../domain/decision.ts';
import { clientRefId, type InstructionRef } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { add, compare, type Decimal, formatDecimal, formatMinor, grouped, parseDecimal } from '../domain/money.ts';
import { factsOf } from '../domain/status.ts';
import { approve, heldPayouts, type PassSummary, pass } from '../pipeline/pipeline.ts';
import { makeFolder } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { INSTALLED } from '../platform/installed.ts';
import { signWith, trialKey } from '../platform/ssh-keygen.ts';
import type { Output } from '../platform/terminal.ts';
import { type FaultScript, readLedger } from '../sandbox/sandbox.ts';
import { LEDGER, type OpenWorkspace, openWorkspace } from '../service/service.ts';
import type { StatusCount } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';
import { printPass } from './pass-text.ts';

const FILES = new URL('fixtures/demo/', INSTALLED);
const WORTH_A_LOOK = /^index\.html$|^run\..*\.html$|^03-payouts-with-mistakes.*\.(html|csv)$/;
const QUARANTINE_MS = 1_000;
const APPROVER = 'approver';
const KEY = 'approver-key';
const WHY = 'compared with the order';
const SETTINGS = {
  intake: { settle: '0s' },
  provider: { quarantine: `${QUARANTINE_MS}ms` },
  schedule: { timeZone: 'UTC' },
  control: { limits: { payout: { JPY: '40000' } } },
};

const reference = (customerRef: string, orderRef: string, instructionRef: string) =>
  clientRefId({ customerRef, orderRef, instructionRef }, 1);

/** One payout for each thing that can happen to a payout after it was sent. */
const WHAT_GOES_WRONG: FaultScript = {
  faults: [
    { on: 'post', clientRefId: reference('BRIMLOW', 'SO-1002', 'PI-0004'), attempts: [1], fault: { kind: 'reset' } },
    {
      on: 'post',
      clientRefId: reference('NORDAVIA', 'SO-2002', 'PI-0013'),
      attempts: [1],
      fault: { kind: 'error', status: 502 },
    },
    {
      on: 'post',
      clientRefId: reference('NORDAVIA', 'SO-2002', 'PI-0012'),
      fault: { kind: 'decline', message: 'Daily limit of the payee is used up' },
    },
  ],
  fates: [
    {
      clientRefId: reference('PELLUMA', 'PO.3002', 'PI-0018'),
      fate: 'failed',
      message: 'Beneficiary account is closed',
    },
    {
      clientRefId: reference('PELLUMA', 'PO.3003', 'PI-0019'),
      fate: 'reversed',
      message: 'Returned by the beneficiary bank',
    },
    { fate: 'processed' },
  ],
};

/**
 * Makes four passes over the example files, with a yes after the first, and prints all as it happens. Ends with the
 * totals, which must agree.
 */
export async function demo({ output, clock }: CommandContext, options: { keep?: string }): Promise<number> {
  const root =
    options.keep === undefined ? await mkdtemp(join(tmpdir(), 'paydrop-demo-')) : await emptyFolder(options.keep);
  const key = await trialKey(join(root, KEY), APPROVER);
  // The demo drops the files and signs as one account, so it can't ask that they are two persons.
  const people = key === undefined ? {} : { [APPROVER]: { may: ['approve'], keys: [key] } };
  const control = { ...SETTINGS.control, ...(key !== undefined && { maker: 'anyone' }) };
  await writeFile(join(root, 'paydrop.json'), `${JSON.stringify({ ...SETTINGS, control, people }, null, 2)}\n`);
  const tools = await openWorkspace({ workspace: root, clock, sandbox: { faults: WHAT_GOES_WRONG } });
  try {
    const dropped = await dropAll(tools.settings.inbox, '');
    title(output, 'Monday: these files are dropped into the inbox');
    for (const name of dropped) output.line(`  ${name}`);
    output.line();
    print(output, tools, await onePass(tools, '2026-03-02'));

    title(output, 'A payout over the limit of paydrop.json is held back, until a person says yes');
    await sayYes(output, tools, key && join(root, KEY));

    title(
      output,
      'Later: what was approved is sent, and the provider is asked what became of each payout; nothing is sent on a guess',
    );
    await clock.sleep(QUARANTINE_MS);
    print(output, tools, await onePass(tools, '2026-03-02'));

    title(output, 'Tuesday: what opens today is sent, and a bank returns money that was paid');
    print(output, tools, await onePass(tools, '2026-03-03'));

    title(output, 'By mistake, everything is dropped once more under other names');
    await dropAll(tools.settings.inbox, 'again-');
    print(output, tools, await onePass(tools, '2026-03-03'));

    title(output, 'Does every cent add up?');
    const adds = printBalance(output, await tools.store.statusCounts(), join(tools.settings.data, LEDGER));
    output.line();
    output.line('Open these in a browser and a spreadsheet:');
    for (const name of (await readdir(tools.settings.outbox)).sort())
      if (WORTH_A_LOOK.test(name)) output.line(`  ${join(tools.settings.outbox, name)}`);
    output.line();
    output.line('What happened to one payout, a year later:');
    output.line(`  paydrop show PELLUMA/PO.3003/PI-0019 --workspace ${root}`);
    output.line();
    output.line(`All of it is in ${root}; remove that folder when you have seen enough.`);
    return adds ? EXIT.done : EXIT.unfinished;
  } finally {
    await tools.close();
  }
}

/**
 * What an approver does: writes why into the decision that lies in the outbox, signs it, and drops both into the inbox.
 * Without a key to sign with, the same by command.
 */
async function sayYes(output: Output, tools: OpenWorkspace, key: string | undefined): Promise<void> {
  const { store, settings } = tools;
  const held = await heldPayouts(store, settings);
  output.line('paydrop held shows it:');
  output.table(
    ['Customer/order/instruction', '>Amount', 'Currency', 'Why'],
    held.map(({ payout, why }) => [
      nameOf(payout),
      grouped(formatMinor(payout.amountMinor ?? 0n, currencyExponent(payout.currency ?? '') ?? 0)),
      payout.currency ?? '',
      why,
    ]),
  );
  output.line();
  if (key === undefined) {
    const decided = await approve(tools, held, { by: 'demo', reason: WHY });
    if (!decided.ok) throw new Error(decided.why.join(' '));
    output.line('The demo says yes for you, as this would:');
    for (const { payout } of held) output.line(`  paydrop approve ${nameOf(payout)} --reason "${WHY}"`);
    return;
  }
  output.line('The demo says yes for you: it writes why, signs with a key of its own and drops both files:');
  for (const name of (await readdir(settings.outbox)).filter(isDecisionName)) {
    const text = await readFile(join(settings.outbox, name), 'utf8');
    const decision = Buffer.from(text.replace('"reason": ""', `"reason": "${WHY}"`));
    await writeFile(join(settings.inbox, `${name}.sig`), await signWith(key, decision));
    await writeFile(join(settings.inbox, name), decision);
    for (const dropped of [`${name}.sig`, name]) output.line(`  ${dropped}`);
  }
}

function nameOf({ customerRef, orderRef, instructionRef }: InstructionRef): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}

/** The demo writes settings and drops files, so it never runs in a folder that is already in use. */
async function emptyFolder(asked: string): Promise<string> {
  const root = resolve(asked);
  await makeFolder(root);
  if ((await readdir(root)).length > 0) throw new UsageError(`--keep ${asked}: the folder must be new or empty`);
  return root;
}

async function dropAll(inbox: string, prefix: string): Promise<string[]> {
  const names = (await readdir(FILES)).sort();
  for (const name of names) await copyFile(new URL(name, FILES), join(inbox, prefix + name));
  return names;
}

async function onePass(tools: OpenWorkspace, businessDate: string): Promise<PassSummary> {
  const stop = new AbortController().signal;
  const summary = await pass(tools, {
    kind: 'run',
    businessDate,
    waitForSettling: true,
    send: true,
    lookUp: true,
    stop,
  });
  if (!summary) throw new Error('a run by hand is never done already');
  return summary;
}

function title(output: Output, text: string): void {
  output.line();
  output.line(output.style('bold', `── ${text}`));
  output.line();
}

function print(output: Output, tools: OpenWorkspace, summary: PassSummary): void {
  printPass(output, summary, true, tools.settings.outbox);
}

/** Prints the provider's own ledger against our records, for each currency. Returns false when they differ. */
function printBalance(output: Output, counts: readonly StatusCount[], ledgerPath: string): boolean {
  const zero: Decimal = { units: 0n, scale: 0 };
  const ours = new Map<string, Decimal>();
  for (const { status, currency, amountMinor } of counts) {
    if (factsOf(status).there !== 'yes') continue;
    const amount = { units: amountMinor, scale: currencyExponent(currency) ?? 0 };
    ours.set(currency, add(ours.get(currency) ?? zero, amount));
  }
  const accepted = [...readLedger(ledgerPath)].filter((entry) => entry.kind === 'accepted');
  const references = new Set(accepted.map(({ clientRefId }) => clientRefId));
  const total = (amounts: Iterable<Decimal>) => [...amounts].reduce(add, zero);
  const theirs = total(accepted.map(({ amount }) => parseDecimal(amount) ?? zero));
  const mine = total(ours.values());
  for (const [currency, amount] of ours)
    output.line(`  our records, ${currency}: ${grouped(formatDecimal(amount, currencyExponent(currency)))}`);
  output.line(`  our records, control total: ${grouped(formatDecimal(mine))}`);
  output.line(
    `  the provider's ledger:      ${grouped(formatDecimal(theirs, mine.scale))}, ${accepted.length} payouts under ${references.size} references`,
  );
  const adds = compare(theirs, mine) === 0 && references.size === accepted.length;
  output.line(
    adds ? output.style('green', '  They agree, and nothing was paid twice.') : output.style('red', '  THEY DIFFER.'),
  );
  return adds;
}
