/** A command in this process, where its start is not what is tested: that takes most of the time of a short one. */
import { vi } from 'vitest';
import type { CommandContext } from '../../src/commands/context.ts';
import type { TestWorkspace } from './workspace.ts';

/** What the command writes to stdout, with options as on the command line: `'--bank-reference', '123'`. */
export async function printedBy<Options extends object>(
  command: (context: CommandContext, options: Options) => Promise<number>,
  { root, clock }: TestWorkspace,
  defaults: object,
  ...given: readonly string[]
): Promise<{ status: number; stdout: string }> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text.toString();
    return true;
  });
  const line = (text = '') => void process.stdout.write(`${text}\n`);
  const output = { style: (_: unknown, text: string) => text, line, table: () => undefined, facts: () => undefined };
  try {
    const options = { ...defaults, ...optionsOf(given) } as Options;
    return { status: await command({ workspace: root, clock, output }, options), stdout };
  } finally {
    write.mockRestore();
  }
}

function optionsOf(given: readonly string[]): Record<string, string> {
  const nameOf = (flag: string) =>
    flag.slice('--'.length).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    given.flatMap((word, at) => (word.startsWith('--') ? [[nameOf(word), given[at + 1] ?? '']] : [])),
  );
}
