/** What the provider itself shows of a customer, an order or an instruction. */
import type { Clock } from '../platform/clock.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import type { Output } from '../platform/terminal.ts';
import type { RecordCalls, RemoteRecord } from '../provider/provider.ts';
import { openForAsking } from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import type { Store, StoredInstruction } from '../store/store.ts';

interface Asked {
  readonly customerRef: string;
  readonly orderRef?: string;
  readonly instructionRef?: string;
}

export interface Remote {
  readonly record: unknown;
  readonly history: unknown;
}

/** Throws UnavailableError when there is no clear answer. */
export async function askRemote(
  { settings, store }: { readonly settings: Settings; readonly store: Pick<Store, 'fact'> },
  clock: Clock,
  asked: Asked,
  instruction: StoredInstruction | undefined,
): Promise<Remote> {
  const { provider, close } = await openForAsking(settings, process.env, clock, store);
  try {
    const { records } = provider;
    if (!records) throw new UsageError(`with provider.api "${settings.provider.api}" the provider shows no records`);
    const [record, history] = await bothOf(records, asked, instruction);
    return { record: shown(record), history: shown(history) };
  } finally {
    await close();
  }
}

export function printRemote(output: Output, { record, history }: Remote): void {
  for (const [title, value] of [
    ['At the provider', record],
    ['History at the provider', history],
  ] as const) {
    output.line();
    output.line(output.style('bold', title));
    for (const line of JSON.stringify(value, null, 2).split('\n')) output.line(line);
  }
}

async function bothOf(
  records: RecordCalls,
  { customerRef, orderRef, instructionRef }: Asked,
  instruction: StoredInstruction | undefined,
): Promise<readonly [RemoteRecord, RemoteRecord]> {
  if (orderRef === undefined) return [await records.customer(customerRef), await records.customerHistory(customerRef)];
  const order = { customerRef, orderRef };
  if (instructionRef === undefined || !instruction)
    return [await records.order(order), await records.orderHistory(order)];
  return [await records.instruction(instruction), await records.instructionHistory(instruction)];
}

/** Null where the provider says that there is no such record. */
function shown(record: RemoteRecord): unknown {
  switch (record.kind) {
    case 'found':
      return record.value;
    case 'not-found':
      return null;
    case 'unclear':
      throw new UnavailableError(`the provider gave no clear answer: ${record.message}`);
  }
}
