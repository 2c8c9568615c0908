import { SANDBOX_NOTICE } from '../domain/api.ts';
import { sixDigits } from '../domain/file-number.ts';
import { grouped } from '../domain/money.ts';
import { type HeldPayout, heldNamed } from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import {
  eventOf,
  forgettingOf,
  historyLine,
  instructionFacts,
  placeOf,
  type ShownInstruction,
} from '../reports/reports.ts';
import { openRecords } from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type AuditEntry,
  amendmentDiffers,
  instructionDiffers,
  orderDiffers,
  type Store,
  type StoredOrder,
} from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';
import { oneReferenceIn } from './references.ts';
import { askRemote, printRemote } from './show-remote.ts';

const MOST = 1_000;

/** An order's history shows only its latest entries. An instruction's history is shown whole. */
const LATEST_ENTRIES = 40;

type Shown = ShownInstruction;

interface Found {
  readonly ref: Asked;
  readonly orders: readonly StoredOrder[];
  readonly instructions: readonly Shown[];
}

interface Asked {
  readonly customerRef: string;
  readonly orderRef?: string;
  readonly instructionRef?: string;
}

/** Shows a customer's orders and instructions, or an order or an instruction with its payouts and its audit history. */
export async function show(
  { workspace, output, clock }: CommandContext,
  words: readonly string[],
  options: { json?: true; remote?: true },
): Promise<number> {
  const asked = oneReferenceIn(words);
  const given = partsOf(asked);
  const opened = await openRecords(workspace);
  const { store } = opened;
  try {
    const { ref, orders, instructions } = await find(store, given);
    const wanted = ref.instructionRef === undefined ? orders.length + instructions.length : instructions.length;
    if (wanted === 0) throw new UsageError(`there is nothing under ${asked}`);
    const histories = await historiesOf(store, [...orders, ...instructions]);
    const remote = options.remote ? await askRemote(opened, clock, ref, instructions.at(0)) : undefined;
    const differing = differences(orders, instructions, histories);
    if (!options.json) printDifferences(output, differing);
    if (!options.json && opened.settings.provider.baseUrl === 'sandbox')
      output.line(output.style('yellow', SANDBOX_NOTICE));
    if (options.json)
      printJson(process.stdout, {
        orders: withHistories(orders, histories, differing),
        instructions: withHistories(instructions, histories, differing),
        ...(remote && { remote }),
      });
    else if (ref.instructionRef !== undefined)
      for (const instruction of instructions)
        printInstruction(output, instruction, histories.get(instruction.id) ?? [], opened.settings, {
          forgotten: await forgettingOf(
            store.file,
            histories.get(instruction.id) ?? [],
            opened.settings.schedule.timeZone,
          ),
          held: instruction.status === 'held' ? (await heldNamed(store, opened.settings, [instruction]))[0] : undefined,
        });
    else if (ref.orderRef !== undefined)
      printOrder(output, orders, instructions, histories, opened.settings.schedule.timeZone);
    else printCustomer(output, orders, instructions);
    if (remote && !options.json) printRemote(output, remote);
    return differing.size > 0 ? EXIT.attention : EXIT.done;
  } finally {
    await store.close();
  }
}

/**
 * What has these references of ours. A single one that is no customer's is looked for among the references that the
 * provider and the bank know: of the present attempt, and of earlier ones.
 */
async function find(store: Store, ref: Asked): Promise<Found> {
  const orders = await store.ordersOf(ref, MOST);
  const instructions = await store.instructionsOf(ref, MOST);
  if (ref.orderRef !== undefined || orders.length + instructions.length > 0) return { ref, orders, instructions };
  const others: Shown[] = [];
  for (const payout of await store.payouts({ anyReference: ref.customerRef }, 0, MOST))
    others.push(...(await store.instructionsOf(payout, MOST)).filter(({ id }) => id === payout.id));
  return { ref: others[0] ?? ref, orders: [], instructions: others };
}

function partsOf(asked: string): Asked {
  const parts = asked.split('/');
  const [customerRef = '', orderRef, instructionRef] = parts;
  if (parts.includes('') || parts.length > 3)
    throw new UsageError(`${asked}: expected CUSTOMER, CUSTOMER/ORDER or CUSTOMER/ORDER/INSTRUCTION`);
  return {
    customerRef,
    ...(orderRef === undefined ? {} : { orderRef }),
    ...(instructionRef === undefined ? {} : { instructionRef }),
  };
}

async function historiesOf(store: Store, records: readonly { id: number }[]): Promise<Map<number, AuditEntry[]>> {
  const histories = new Map<number, AuditEntry[]>();
  for (const { id } of records) histories.set(id, await store.historyOf(id));
  return histories;
}

/** The records that differ from what the audit log says: each with its references and with what differs. */
type Differing = ReadonlyMap<Shown | StoredOrder, { readonly reference: string; readonly what: string }>;

function differences(
  orders: readonly StoredOrder[],
  instructions: readonly Shown[],
  histories: ReadonlyMap<number, AuditEntry[]>,
): Differing {
  const found = new Map<Shown | StoredOrder, { reference: string; what: string }>();
  const noteDifference = (record: Shown | StoredOrder, refs: readonly string[], what: string | undefined) => {
    if (what !== undefined) found.set(record, { reference: refs.join('/'), what });
  };
  const historyOf = ({ id }: { id: number }) => histories.get(id) ?? [];
  for (const order of orders)
    noteDifference(order, [order.customerRef, order.orderRef], orderDiffers(order, historyOf(order)));
  for (const shown of instructions) {
    const { customerRef, orderRef, instructionRef } = shown;
    const what = instructionDiffers(shown, historyOf(shown)) ?? amendmentDiffers(shown, historyOf(shown));
    noteDifference(shown, [customerRef, orderRef, instructionRef], what);
  }
  return found;
}

function printDifferences(output: Output, differing: Differing): void {
  if (differing.size === 0) return;
  for (const { reference, what } of differing.values()) {
    const words = `NOT WHAT THE AUDIT LOG SAYS: ${reference} was altered in the database: ${what}`;
    output.line(`${output.style('red', '!')} ${words}`);
  }
  output.line('Go by the history. paydrop audit verify checks all records; nothing altered is sent.');
  output.line();
}

function withHistories(
  records: readonly (Shown | StoredOrder)[],
  histories: ReadonlyMap<number, AuditEntry[]>,
  differing: Differing,
): object[] {
  return records.map((record) => ({
    ...record,
    differs: differing.get(record)?.what ?? null,
    history: (histories.get(record.id) ?? []).map((entry) => ({ seq: entry.seq, ...eventOf(entry) })),
  }));
}

function printCustomer(output: Output, orders: readonly StoredOrder[], instructions: readonly Shown[]): void {
  output.table(
    ['Order', 'Currency', 'Country', 'Scheme'],
    orders.map(({ customerRef, orderRef, currency, country, scheme }) => [
      `${customerRef}/${orderRef}`,
      currency,
      country,
      scheme,
    ]),
  );
  if (orders.length === MOST) output.line(`Only the first ${MOST} are shown.`);
  printInstructions(output, instructions);
}

function printOrder(
  output: Output,
  orders: readonly StoredOrder[],
  instructions: readonly Shown[],
  histories: ReadonlyMap<number, AuditEntry[]>,
  timeZone: string,
): void {
  if (orders.length === 0) output.line('The order itself is not there yet.');
  for (const order of orders) {
    const { id, customerRef, orderRef, currency, country, scheme, metadata } = order;
    output.facts([
      ['Order', `${customerRef}/${orderRef}`],
      ['Currency', currency],
      ['Country', country],
      ['Scheme', scheme],
      ...metadata.map(([name, value]): [string, string] => [`metadata.${name}`, value]),
      ...registrationOf(order),
      ['Taken in', `from ${placeOf(id)}`],
    ]);
  }
  printInstructions(output, instructions);
  const entries = [...orders.map(({ id }) => ({ id, instructionRef: '' })), ...instructions]
    .flatMap(({ id, instructionRef }) => (histories.get(id) ?? []).map((entry) => ({ entry, instructionRef })))
    .sort((a, b) => a.entry.seq - b.entry.seq);
  if (entries.length === 0) return;
  output.line();
  output.line(output.style('bold', 'History'));
  output.table(
    ['>Entry', `At (${timeZone})`, '>Run', 'Instruction', 'Change', 'Details'],
    entries.slice(-LATEST_ENTRIES).map(({ entry, instructionRef }) => {
      const { seq, at, run, change, details } = historyLine(entry, timeZone);
      return [seq, at, run, instructionRef, change, details];
    }),
  );
  if (entries.length > LATEST_ENTRIES)
    output.line(`These are the latest ${LATEST_ENTRIES} of ${entries.length}; --json has them all.`);
}

function registrationOf({ registration, registrationMessage }: StoredOrder): [string, string][] {
  if (registration === 'none') return [];
  return [['At the provider', registrationMessage ? `${registration}: ${registrationMessage}` : registration]];
}

function printInstructions(output: Output, instructions: readonly Shown[]): void {
  if (instructions.length === 0) return;
  output.line();
  output.table(
    ['Instruction', '>Amount', 'Currency', 'Open', 'Due', 'Status', 'Client reference', 'File', '>Line'],
    instructions.map((shown) => [
      `${shown.customerRef}/${shown.orderRef}/${shown.instructionRef}`,
      grouped(shown.amount),
      shown.currency,
      shown.openDate,
      shown.dueDate,
      shown.status,
      shown.sends === 0 ? '' : shown.clientRefId,
      sixDigits(shown.file),
      String(shown.line),
    ]),
  );
  if (instructions.length === MOST) output.line(`Only the first ${MOST} are shown.`);
}

function printInstruction(
  output: Output,
  shown: Shown,
  history: readonly AuditEntry[],
  { provider: { api }, schedule: { timeZone } }: Settings,
  { forgotten, held }: { readonly forgotten: string; readonly held: HeldPayout | undefined },
): void {
  output.facts(instructionFacts(shown, { api, timeZone, forgotten, held }));
  output.line();
  if (history.length === 0) output.line('Nothing has changed since it was taken in.');
  else
    output.table(
      ['>Entry', `At (${timeZone})`, '>Run', 'Change', 'Details'],
      history.map((entry) => {
        const { seq, at, run, change, details } = historyLine(entry, timeZone);
        return [seq, at, run, change, details];
      }),
    );
}
