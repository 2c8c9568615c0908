import { closest } from 'fastest-levenshtein';
import { CODES, type CodeDescription } from '../domain/codes.ts';
import { UsageError } from '../platform/failures.ts';
import { type Paper, printJson } from '../platform/terminal.ts';
import { type CommandContext, EXIT } from './context.ts';

export async function explain(
  { paper }: CommandContext,
  asked: string | undefined,
  options: { json?: true },
): Promise<number> {
  if (asked === undefined) {
    if (options.json) printJson(process.stdout, CODES);
    else
      paper.table(
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
  else print(paper, entry);
  return EXIT.done;
}

function print(paper: Paper, { code, scope, origin, title, cause, remedy, example }: CodeDescription): void {
  paper.line(paper.style('bold', code));
  paper.line(title);
  paper.line();
  paper.line(`Cause    ${cause}`);
  paper.line(`Remedy   ${remedy}`);
  paper.line(`Example  ${example.wrong} → ${example.right}`);
  paper.line(
    `Concerns ${scope === 'file' ? 'the whole file' : 'one row'}; ${origin === 'ours' ? "paydrop's own code" : 'a documented code of the order APIs'}`,
  );
}
