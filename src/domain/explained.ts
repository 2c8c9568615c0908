/** Codes and statuses in words, as `paydrop explain` and the console tell them. */
import { CODES, type CodeDescription } from './codes.ts';
import { PROVIDER_CODES, type ProviderCode } from './provider-codes.ts';
import { factsOf, ROW_STATUSES, type RowStatus } from './status.ts';

/** What can be explained: a code of ours or of the order APIs, an answer of the payout-order API, a status. */
export interface Explained {
  readonly code: string;
  readonly concerns: string;
  readonly title: string;
  /** The same for machines. */
  readonly json: object;
  readonly facts: readonly (readonly [name: string, text: string])[];
}

/** Everything that can be explained. */
export function allExplained(): Explained[] {
  return [...CODES.map(ofRow), ...PROVIDER_CODES.map(ofProvider), ...ROW_STATUSES.map(ofStatus)];
}

/** What is explained under that name, whatever its letter case. */
export function explainedAs(asked: string, all: readonly Explained[] = allExplained()): Explained | undefined {
  const name = asked.trim().toLowerCase();
  return all.find(({ code }) => code.toLowerCase() === name);
}

const CONCERNED: Readonly<Record<CodeDescription['scope'], string>> = {
  row: 'one row',
  payout: 'one payout, which is held back',
  file: 'the whole file',
};

function ofRow(entry: CodeDescription): Explained {
  const { code, scope, origin, title, cause, remedy, example } = entry;
  const whose = origin === 'ours' ? "paydrop's own code" : 'a documented code of the order APIs';
  return {
    ...{ code, concerns: scope, title, json: entry },
    facts: [
      ['Cause', cause],
      ['Remedy', remedy],
      ['Example', `${example.wrong} → ${example.right}`],
      ['Concerns', `${CONCERNED[scope]}; ${whose}`],
    ],
  };
}

function ofProvider({ code, name, means, remedy }: ProviderCode): Explained {
  return {
    ...{ code, concerns: 'payout', title: `The provider's answer: ${name}` },
    json: { code, scope: 'payout', origin: 'provider', title: name, cause: means, remedy },
    facts: [
      ['Means', means],
      ['Remedy', remedy],
      ['Concerns', 'one payout; a documented code of the payout-order API'],
    ],
  };
}

function ofStatus(status: RowStatus): Explained {
  const { words, need, next } = factsOf(status);
  const todo = need ? `${need.who}: ${need.task}` : 'Nothing to do.';
  const after = next.length === 0 ? 'It is the end.' : next.join(', ');
  return {
    ...{ code: status, concerns: 'status', title: words },
    json: { code: status, scope: 'status', title: words, remedy: todo, next },
    facts: [
      ['To do', todo],
      ['May become', after],
    ],
  };
}
