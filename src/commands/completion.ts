/** `paydrop completion`: a script with which a shell completes the command line, made of the commands themselves. */
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { type Described, placesOf } from './completion/places.ts';
import { zshScript } from './completion/zsh.ts';
import { type CommandContext, EXIT } from './context.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `called` is this command; the command above it describes all others. */
export async function completion(
  { output }: CommandContext,
  shell: keyof typeof SCRIPTS,
  _options: object,
  called: { readonly parent: Described | null },
): Promise<number> {
  if (!called.parent) throw new Error('completion must be a command of the program');
  for (const line of SCRIPTS[shell](placesOf(called.parent)).split('\n')) output.line(line);
  return EXIT.done;
}
