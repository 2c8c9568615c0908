import { CODES, type CodeDescription } from '../domain/codes.ts';
import { PROVIDER_CODES, type ProviderCode } from '../domain/provider-codes.ts';
import { factsOf, ROW_STATUSES, type RowStatus } from '../domain/status.ts';
import { UsageError } from '../platform/failures.ts';
import { nearest } from '../platform/nearest.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import { type CommandContext, EXIT } from './context.ts';

/** What can be explained: a code of ours or of the order APIs, an answer of the payout-order API, a status. */
interface Explained {
  readonly code: string;
  readonly concerns: string;
  readonly title: string;
  /** The same for machines. */
  readonly json: object;
  readonly facts: readonly (readonly [name: string, text: string])[];
}

export async function explain(
  { output }: CommandContext,
  asked: string | undefined,
  options: { json?: true },
): Promise<number> {
  const all = [...CODES.map(ofRow), ...PROVIDER_CODES.map(ofProvider), ...ROW_STATUSES.map(ofStatus)];
  if (asked === undefined) {
    if (options.json)
      printJson(
        process.stdout,
        all.map(({ json }) => json),
      );
    else
      output.table(
        ['Code', 'Concerns', 'Means'],
        all.map(({ code, concerns, title }) => [code, concerns, title]),
      );
    return EXIT.done;
  }
  const name = asked.trim().toLowerCase();
  const entry = all.find(({ code }) => code.toLowerCase() === name);
  if (!entry) throw new UsageError(unknownCode(asked, all));
  if (options.json) printJson(process.stdout, entry.json);
  else print(output, entry);
  return EXIT.done;
}

function unknownCode(asked: string, all: readonly Explained[]): string {
  const names = all.map(({ code }) => code);
  const near = nearest(asked.trim(), names, (name) => name.toLowerCase());
  const advice = near ? `the nearest is ${near}` : 'paydrop explain lists all codes and statuses';
  return `there is no code ${asked}; ${advice}. A code that only the provider has is explained by the words beside it`;
}

function print(output: Output, { code, title, facts }: Explained): void {
  output.line(output.style('bold', code));
  output.line(title);
  output.line();
  const widest = Math.max(...facts.map(([name]) => name.length));
  for (const [name, text] of facts) output.line(`${name.padEnd(widest)} ${text}`);
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
