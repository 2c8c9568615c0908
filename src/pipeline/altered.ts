/**
 * Whether a record is what the audit log says of it. Another machine or a command may change a record between its
 * reading and that of its history. So what seems to differ is read once more, both at one moment.
 */
import { amendmentDiffers, instructionDiffers, type Store, type StoredInstruction } from '../store/store.ts';

/** How an instruction differs from its history; undefined where it doesn't, or is another by now. */
export async function alteredNow(store: Store, { id }: Pick<StoredInstruction, 'id'>): Promise<string | undefined> {
  const [found] = await store.instructionsWithHistory(id - 1, 1);
  if (found?.record.id !== id) return undefined;
  const { record, history } = found;
  return instructionDiffers(record, history) ?? amendmentDiffers(record, history);
}
