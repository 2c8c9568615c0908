/** Lets through what may be sent of the payouts that are ready. */
import { rowPlace } from '../../domain/instruction.ts';
import { orderKey } from '../../domain/order.ts';
import type { Provider } from '../../provider/provider.ts';
import {
  type Change,
  instructionDiffers,
  momentOf,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../../store/store.ts';
import { alteredNow } from '../altered.ts';
import type { Cover } from '../balance.ts';
import type { Line, Pacer } from '../flow.ts';
import { isLetGoAfter } from '../let-go.ts';
import { lookUpEarlier, nameOf } from '../look-ups.ts';

interface SieveTools extends Timing {
  readonly store: Store;
  readonly provider: Provider;
  readonly judgedAfter?: number;
}

/**
 * Lets through only instructions that are as they were read, and that the account covers. Of those that are paid again,
 * it lets through only those that no earlier attempt has paid by now.
 */
export interface Sieve {
  sift(page: readonly StoredInstruction[]): Promise<StoredInstruction[]>;
  /** Keeps back the instructions of altered orders. `orders` holds what differs, by orderKey. */
  leaveOut(page: readonly StoredInstruction[], orders: ReadonlyMap<string, string>): void;
  /** The number of instructions kept back, the first of them, and why. */
  leftOut(): string | undefined;
}

export function openSieve(tools: SieveTools, line: Line, pace: Pacer, cover: Cover): Sieve {
  const { store, provider, judgedAfter } = tools;
  let number = 0;
  let first = '';
  let undecided = '';
  const keepBack = ({ id, customerRef, orderRef, instructionRef }: StoredInstruction, what: string) => {
    const { file, line } = rowPlace(id);
    number++;
    first ||= `${customerRef}/${orderRef}/${instructionRef} (file ${file}, line ${line}): ${what}`;
  };
  /** Needed only before an attempt is first sent. After that the attempt itself is looked up. */
  const isStillUnpaid = async (instruction: StoredInstruction): Promise<boolean> => {
    if (instruction.attempt === 1 || instruction.unclearSends > 0) return true;
    const earlier = await lookUpEarlier(provider, instruction, line, pace);
    if (earlier?.kind === 'alive') {
      const { id, version } = instruction;
      const message = `it was to be paid again, and the provider says that ${earlier.words}`;
      const unknown: Change = { id, version, from: 'ready', to: 'unknown', message };
      const manual: Change = { id, version: version + 1, from: 'unknown', to: 'manual', message };
      await store.settle({ changes: [unknown, manual] }, momentOf(tools));
    }
    if (earlier?.kind === 'unclear')
      undecided ||= `whether an earlier attempt of ${nameOf(instruction)} was paid could not be told: ${earlier.message}`;
    return earlier?.kind === 'over';
  };
  // A payout that may have arrived may have been taken from the balance already.
  const isCovered = (instruction: StoredInstruction) => instruction.unclearSends > 0 || cover.covers(instruction);
  return {
    sift: async (page) => {
      const sound: StoredInstruction[] = [];
      const histories = await store.historiesOf(page.map(({ id }) => id));
      for (const [at, instruction] of page.entries()) {
        const history = histories[at] ?? [];
        if (instructionDiffers(instruction, history) !== undefined) {
          const what = await alteredNow(store, instruction);
          if (what !== undefined) keepBack(instruction, what);
        } else if (judgedAfter !== undefined && isLetGoAfter(judgedAfter, history)) continue;
        else if ((await isStillUnpaid(instruction)) && isCovered(instruction)) sound.push(instruction);
      }
      return sound;
    },
    leaveOut: (page, orders) => {
      for (const instruction of page) {
        const what = orders.get(orderKey(instruction));
        if (what !== undefined) keepBack(instruction, `its order: ${what}`);
      }
    },
    leftOut: () => {
      const altered = `${number} not sent, because the records are not what was read. The first: ${first}`;
      const reasons = [number > 0 ? altered : '', undecided, cover.missing() ?? ''];
      return reasons.filter((reason) => reason !== '').join('; ') || undefined;
    },
  };
}
