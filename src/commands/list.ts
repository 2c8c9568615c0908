import { SANDBOX_NOTICE } from '../domain/api.ts';
import { sixDigits } from '../domain/file-number.ts';
import { grouped } from '../domain/money.ts';
import { minuteIn } from '../platform/clock.ts';
import { printJson } from '../platform/terminal.ts';
import { openRecords } from '../service/service.ts';
import type { ListedPayout } from '../store/store.ts';
import { type ChoiceOptions, choiceOf, jsonOf } from './choice.ts';
import { type CommandContext, EXIT } from './context.ts';

type ListOptions = ChoiceOptions & { readonly limit: number; readonly json?: true };

/** Shows the payouts that are asked for, in the order of file and line, and how many more there are. */
export async function list({ workspace, output }: CommandContext, options: ListOptions): Promise<number> {
  const { store, settings } = await openRecords(workspace);
  try {
    const { timeZone } = settings.schedule;
    const choice = choiceOf(options, timeZone);
    await store.standStill();
    const payouts = await store.payouts(choice, 0, options.limit);
    const more = payouts.length < options.limit ? 0 : (await store.payoutCount(choice)) - payouts.length;
    if (options.json) {
      printJson(process.stdout, { payouts: payouts.map(jsonOf), more });
      return EXIT.done;
    }
    if (settings.provider.baseUrl === 'sandbox') output.line(output.style('yellow', SANDBOX_NOTICE));
    if (payouts.length === 0) output.line('There is no such payout.');
    else
      output.table(
        [
          'Customer/order/instruction',
          'Payee',
          '>Amount',
          'Currency',
          'Status',
          `Since (${timeZone})`,
          'Bank reference',
          'File',
          '>Line',
        ],
        payouts.map((payout) => cellsOf(payout, timeZone)),
      );
    if (more > 0) output.line(`… and ${more} more: narrow the list down, or raise --limit.`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}

function cellsOf(payout: ListedPayout, timeZone: string): string[] {
  const { customerRef, orderRef, instructionRef, contactId, amount, currency, status, updatedAt } = payout;
  return [
    `${customerRef}/${orderRef}/${instructionRef}`,
    contactId,
    grouped(amount),
    currency || 'not known',
    status,
    minuteIn(timeZone, updatedAt),
    payout.bankReference,
    sixDigits(payout.file),
    String(payout.line),
  ];
}
