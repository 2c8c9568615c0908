import { closeFile, closePayouts } from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { printJson } from '../platform/terminal.ts';
import { openForDeciding } from '../service/service.ts';
import type { Decision } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';
import { type DecisionOptions, personWith } from './person.ts';
import { instructionRefIn, referencesIn } from './references.ts';

interface CloseOptions extends DecisionOptions {
  readonly file?: number;
  readonly json?: true;
}

/**
 * Records a person's decision that something needs nothing more here. It closes everything that is named, or nothing.
 */
export async function close(context: CommandContext, asked: readonly string[], options: CloseOptions): Promise<number> {
  const { file, json } = options;
  if ((file === undefined) === (asked.length === 0))
    throw new UsageError('name payouts as CUSTOMER/ORDER/INSTRUCTION, or a file with --file N, not both');
  const decision = personWith(options);
  const refs = referencesIn(asked).map(instructionRefIn);
  const { store, run } = await openForDeciding(context.workspace);
  try {
    const tools = { store, clock: context.clock, run };
    if (file === undefined) {
      const closed = await closePayouts(tools, refs, decision);
      if (!closed.ok) throw new UsageError(...closed.why);
      const payouts = closed.payouts.map(({ customerRef, orderRef, instructionRef, status }) => ({
        reference: `${customerRef}/${orderRef}/${instructionRef}`,
        status,
      }));
      if (json) printClosed({ payouts, file: null }, decision);
      else for (const { reference, status } of payouts) printClosing(context, `${reference} is ${status}, and closed.`);
      return EXIT.done;
    }
    const closed = await closeFile(tools, file, decision);
    if (!closed.ok) throw new UsageError(...closed.why);
    const { rows } = closed;
    if (json) printClosed({ payouts: [], file: { file, rows } }, decision);
    else if (rows === 0) printClosing(context, `File ${file} was not taken in, and is closed.`);
    else
      printClosing(
        context,
        `${rows} rejected ${rows === 1 ? 'row' : 'rows'} of file ${file} ${rows === 1 ? 'is' : 'are'} closed.`,
      );
    return EXIT.done;
  } finally {
    await store.close();
  }
}

function printClosing({ output }: CommandContext, what: string): void {
  output.line(`${what} Nothing is paid or changed by that. The reports follow with the next run.`);
}

function printClosed(what: object, { by, reason, ticket }: Decision): void {
  printJson(process.stdout, { ...what, by, reason, ticket: ticket ?? null });
}
