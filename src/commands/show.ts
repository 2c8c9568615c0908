import { UsageError } from '../failures.ts';
import type { AuditEntry, ResultRow, StoredInstruction, StoredOrder } from '../store.ts';
import { type Paper, printJson } from '../terminal.ts';
import { openForReading } from '../workspace.ts';
import { type CommandContext, EXIT } from './context.ts';
import { sixDigits } from './pass-text.ts';

const MOST = 1_000;

type Shown = StoredInstruction & ResultRow & { file: number };

/** A customer's orders and instructions; for a single instruction its whole record with its audit history. */
export async function show(
  { workspace, paper }: CommandContext,
  asked: string,
  options: { json?: true },
): Promise<number> {
  const [customerRef = '', orderRef, instructionRef, ...rest] = asked.split('/');
  if (customerRef === '' || rest.length > 0)
    throw new UsageError(`${asked}: expected CUSTOMER, CUSTOMER/ORDER or CUSTOMER/ORDER/INSTRUCTION`);
  const opened = await openForReading(workspace);
  if (!opened) throw new UsageError('nothing has been taken in in this workspace yet');
  const { store } = opened;
  try {
    const ref = { customerRef, ...(orderRef ? { orderRef } : {}), ...(instructionRef ? { instructionRef } : {}) };
    const orders = await store.ordersOf(ref, MOST);
    const instructions = await store.instructionsOf(ref, MOST);
    if (orders.length + instructions.length === 0 || (instructionRef && instructions.length === 0))
      throw new UsageError(`there is nothing under ${asked}`);
    const histories = instructionRef ? await Promise.all(instructions.map(({ id }) => store.historyOf(id))) : [];
    if (options.json) {
      const withHistory = instructions.map((instruction, at) => ({
        ...instruction,
        history: histories[at]?.map(parsed),
      }));
      printJson(process.stdout, { orders, instructions: withHistory });
      return EXIT.done;
    }
    if (!instructionRef) printList(paper, orders, instructions);
    else for (const [at, instruction] of instructions.entries()) printOne(paper, instruction, histories[at] ?? []);
    return EXIT.done;
  } finally {
    await store.close();
  }
}

function printList(paper: Paper, orders: readonly StoredOrder[], instructions: readonly Shown[]): void {
  paper.table(
    ['Order', 'Currency', 'Country', 'Scheme', 'Metadata'],
    orders.map(({ customerRef, orderRef, currency, country, scheme, metadata }) => [
      `${customerRef}/${orderRef}`,
      currency,
      country,
      scheme,
      metadata.map(([name, value]) => `${name}=${value}`).join(' '),
    ]),
  );
  paper.line();
  paper.table(
    ['Instruction', '>Amount', 'Currency', 'Open', 'Due', 'Status', 'Client reference', 'File', '>Line'],
    instructions.map((shown) => [
      `${shown.customerRef}/${shown.orderRef}/${shown.instructionRef}`,
      shown.amount,
      shown.currency ?? '',
      shown.openDate,
      shown.dueDate,
      shown.status,
      shown.clientRefId,
      sixDigits(shown.file),
      String(shown.line),
    ]),
  );
  if (instructions.length === MOST) paper.line(`Only the first ${MOST} are shown.`);
}

function printOne(paper: Paper, shown: Shown, history: readonly AuditEntry[]): void {
  const { payout } = shown;
  const facts: [string, string][] = [
    ['Instruction', `${shown.customerRef}/${shown.orderRef}/${shown.instructionRef}`],
    ['Status', shown.message ? `${shown.status}: ${shown.message}` : shown.status],
    ['Amount', `${shown.amount} ${shown.currency ?? '(currency not known yet)'}`],
    ['Open, due', `${shown.openDate}, ${shown.dueDate}${shown.late ? ' (sent late)' : ''}`],
    ['Payee', payout.contactId],
    ['Payout', [payout.purpose, payout.mode, payout.narration, payout.remark].join(' · ')],
    ['Client reference', shown.clientRefId],
    ['Provider order', shown.orderRefId],
    ['Bank reference', shown.bankReference],
    ['Sent', `${shown.sends} times`],
    ['From', `file ${sixDigits(shown.file)}, line ${shown.line}`],
  ];
  paper.table(
    ['Field', 'Value'],
    facts.filter(([, value]) => value !== ''),
  );
  paper.line();
  paper.table(
    ['>Entry', 'At', 'What'],
    history.map((entry) => {
      const { seq: _seq, at, ...what } = parsed(entry);
      return [
        String(entry.seq),
        String(at),
        Object.entries(what)
          .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join(', '),
      ];
    }),
  );
}

function parsed(entry: AuditEntry): Record<string, unknown> {
  return JSON.parse(entry.body) as Record<string, unknown>;
}
