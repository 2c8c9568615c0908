/**
 * Payouts that are alike, as a pass reads them. Thousands of files may pay the same to one payee: a large group is read
 * once for all of them, and what a file has of it is added when the file is judged.
 */
import { type AskedAlike, openAlikeGroup } from '../../control/control.ts';
import type { AlikePart, PayeeAmount, Store } from '../../store/store.ts';

/** Those of a file, or of a page of payouts, each with all that it is like. */
export type AlikeGroups = (parts: readonly AlikePart[]) => Promise<AskedAlike[]>;

/** Smaller groups are read again, so that those that are kept are few. */
const LARGE = 200;

/** How many groups are read at once. */
const PAGE = 1_000;

export function openAlikeGroups(store: Store): AlikeGroups {
  const kept = new Map<string, AskedAlike['group']>();
  return async (parts) => {
    const found: AskedAlike[] = [];
    for (let at = 0; at < parts.length; at += PAGE) {
      const page = parts.slice(at, at + PAGE);
      const missing = page.filter((part) => !part.whole && !kept.has(keyOf(part)));
      const whole = missing.length === 0 ? [] : await store.allAlike(missing);
      const read = new Map(whole.map((group) => [keyOf(group), group.payouts]));
      for (const part of page) {
        const key = keyOf(part);
        const group = (part.whole ? undefined : kept.get(key)) ?? openAlikeGroup(read.get(key) ?? []);
        group.add(part.payouts);
        if (group.size() >= LARGE) kept.set(key, group);
        found.push({ group, asked: part.payouts.filter(({ asked }) => asked) });
      }
    }
    return found;
  };
}

function keyOf({ payee, currency, amountMinor }: PayeeAmount): string {
  return `${currency} ${amountMinor} ${payee}`;
}
