/** Who may settle payouts, where the settings name people: as an approval, such a decision is signed. */
import { checkSignature, settlerOf } from '../control/control.ts';
import { type InstructionRef, rowPlace } from '../domain/instruction.ts';
import { openSha256 } from '../platform/digest.ts';
import type { Settings } from '../settings/settings.ts';
import type { Decision, Store } from '../store/store.ts';

/** The signature, and the bytes that it is of: of the decision, or of the session in which it is made. */
interface Signed {
  readonly signature: Buffer;
  readonly bytes: Buffer;
}

/** What a decision has of the person who signed; or why that person may not decide this, without a full stop. */
export async function settler(
  { store, settings }: { readonly store: Store; readonly settings: Settings },
  { signature, bytes }: Signed,
  refs: readonly InstructionRef[],
): Promise<Required<Pick<Decision, 'by' | 'key' | 'signature'>> | string> {
  const { people, control } = settings;
  const keys = people.flatMap((person) => person.keys);
  const verdict = await checkSignature(signature, bytes, keys);
  const signer = await settlerOf(verdict, await payoutsOf(store, refs), { people, maker: control.maker });
  if (typeof signer === 'string') return signer;
  const { person, fingerprint } = signer;
  return { by: person.name, key: fingerprint, signature: openSha256().update(signature).digest('hex') };
}

async function payoutsOf(store: Store, refs: readonly InstructionRef[]): Promise<Parameters<typeof settlerOf>[1]> {
  const payouts: Parameters<typeof settlerOf>[1][number][] = [];
  for (const payout of await store.findInstructions(refs)) {
    if (!payout) continue;
    const file = await store.file(rowPlace(payout.contentRow).file);
    const { amountMinor = 0n, currency = '' } = payout;
    const owner = file?.maker?.user ?? '';
    payouts.push({
      amountMinor,
      currency,
      file: file && { name: file.name, owner, ownerKeys: file.maker?.keys ?? [] },
    });
  }
  return payouts;
}
