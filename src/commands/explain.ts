import { closest } from 'fastest-levenshtein';
import { CODES, type CodeDescription } from '../domain/codes.ts';
import { UsageError } from '../platform/failures.ts';
import { type Output, printJson } from '../platform/terminal.ts';
import { type CommandContext, EXIT } from './context.ts';

export async function explain(
  { output }: CommandContext,
  asked: string | undefined,
  options: { json?: true },
): Promise<number> {
  if (asked === undefined) {
    if (options.json) printJson(process.stdout, CODES);
    else
      output.table(
        ['Code', 'Concerns', 'Means'],
        CODES.map(({ code, scope, title }) => [code, scope, title]),
      );
    return EXIT.done;
  }
  const name = asked.toUpperCase();
  const entry = CODES.find(({ code }) => code === name);
  if (!entry)
    throw new UsageError(
      `there is no code ${asked}; the nearest is ${closest(
        name,
        CODES.map(({ code }) => code),
      )}`,
    );
  if (options.json) printJson(process.stdout, entry);
  else print(output, entry);
  return EXIT.done;
}

function print(output: Output, { code, scope, origin, title, cause, remedy, example }: CodeDescription): void {
  output.line(output.style('bold', code));
  output.line(title);
  output.line();
  output.line(`Cause    ${cause}`);
  output.line(`Remedy   ${remedy}`);
  output.line(`Example  ${example.wrong} → ${example.right}`);
  output.line(
    `Concerns ${scope === 'file' ? 'the whole file' : 'one row'}; ${origin === 'ours' ? "paydrop's own code" : 'a documented code of the order APIs'}`,
  );
}
