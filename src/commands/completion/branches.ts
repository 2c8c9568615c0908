/** What the scripts for bash and zsh share: branches of their `case`, over the words before the one to complete. */
import type { Place, Values } from './places.ts';

/** Each option that takes a value, as the command and the option. */
export function optionsWithValue(places: readonly Place[]): string[] {
  return places.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) => (value === undefined ? [] : names.map((name) => `${path} ${name}`))),
  );
}

/** Each command, as the commands above it and its name. */
export function commandsOf(places: readonly Place[]): string[] {
  return places.flatMap(({ path, commands }) => commands.map(({ name }) => `${path} ${name}`));
}

/** One branch a line, each for an option whose value is to be completed. */
export function valueBranches(places: readonly Place[], offer: (values: Values) => string): string {
  return places
    .flatMap(({ path, options }) =>
      options.flatMap(({ names, value }) =>
        value === undefined ? [] : [`    ${anyOf(names.map((name) => `${path} ${name}`))}) ${offer(value)}; return ;;`],
      ),
    )
    .join('\n');
}

/** A pattern that matches each of these words. */
export function anyOf(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(' | ');
}
