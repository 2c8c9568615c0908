/** What is told of a payout beside its history, as `paydrop show` and the console tell it. */
import { API, type Api } from '../domain/api.ts';
import { whoAndWhy } from '../domain/decision.ts';
import { grouped } from '../domain/money.ts';
import { secondIn } from '../platform/clock.ts';
import type { ResultRow, StoredInstruction } from '../store/store.ts';
import { placeOf } from './history.ts';

/** An instruction with its line of result.csv. */
export type ShownInstruction = StoredInstruction & ResultRow & { readonly file: number };

/** Why it is held back, and who has said yes. */
interface Held {
  readonly reasons: readonly string[];
  readonly yes: readonly string[];
  readonly needed: number;
}

interface Told {
  readonly api: Api;
  readonly timeZone: string;
  /** By whom its texts were forgotten, when and why; empty where they were not. */
  readonly forgotten: string;
  readonly held: Held | undefined;
}

export function instructionFacts(
  shown: ShownInstruction,
  { api, timeZone, forgotten, held }: Told,
): (readonly [name: string, text: string])[] {
  const secondOf = (at: string) => `${secondIn(timeZone, at)} ${timeZone}`;
  return [
    ['Instruction', `${shown.customerRef}/${shown.orderRef}/${shown.instructionRef}`],
    ['Status', shown.message ? `${shown.status}: ${shown.message}` : shown.status],
    ...(held ? heldFacts(held) : []),
    ...(shown.answerSince === ''
      ? []
      : [['Last answer', `${shown.answer} (since ${secondOf(shown.answerSince)})`] as [string, string]]),
    ...(shown.closed ? [['Closed', `by ${whoAndWhy(shown.closed)}`] as [string, string]] : []),
    ['Amount', `${grouped(shown.amount)} ${shown.currency || '(currency not known: the order is missing)'}`],
    ['Open, due', `${shown.openDate}, ${shown.dueDate}${shown.late ? ' (sent late)' : ''}`],
    ...(forgotten ? [['Texts forgotten', forgotten] as [string, string]] : contentFacts(shown, api)),
    ['Client reference', shown.clientRefId],
    ['Provider order', shown.orderRefId],
    ['Bank reference', shown.bankReference],
    ['Sent', shown.sends === 0 ? 'not yet' : shown.sends === 1 ? 'once' : `${shown.sends} times`],
    ['Taken in', `${secondOf(shown.receivedAt)} from ${placeOf(shown.contentRow)}`],
  ];
}

function payoutFacts({ payout }: ShownInstruction): [string, string][] {
  const { contactId, purpose, mode, narration, remark } = payout;
  return [
    ['Payee', contactId],
    ['Payout', [purpose, mode, narration, remark].join(' · ')],
  ];
}

function managedFacts({ content }: ShownInstruction): [string, string][] {
  const { metadata = [], ...cells } = content.managed ?? {};
  const stated = Object.entries(cells).filter(([, value]) => value !== '');
  return [...stated, ...metadata.map(([name, value]): [string, string] => [`metadata.${name}`, value])];
}

function contentFacts(shown: ShownInstruction, api: Api): [string, string][] {
  return API[api].content === 'details' ? payoutFacts(shown) : managedFacts(shown);
}

function heldFacts({ reasons, yes, needed }: Held): [string, string][] {
  const who = yes.length === 0 ? '' : `: ${yes.join(', ')}`;
  return [
    ['Held back for', reasons.join(' ')],
    ['Yes so far', `${yes.length} of ${needed}${who}`],
  ];
}
