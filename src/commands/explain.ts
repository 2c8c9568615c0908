import { allExplained, type Explained, explainedAs } from '../domain/explained.ts';
import { UsageError } from '../platform/failures.ts';
import { nearest } from '../platform/nearest.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import { type CommandContext, EXIT } from './context.ts';

export async function explain(
  { output }: CommandContext,
  asked: string | undefined,
  options: { json?: true },
): Promise<number> {
  const all = allExplained();
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
  const entry = explainedAs(asked, all);
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
