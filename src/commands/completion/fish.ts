import { commandsOf, optionsWithValue } from './branches.ts';
import type { Place, Values } from './places.ts';

/** For fish 3: to be loaded by `source`, or as the file `paydrop.fish` in fish's folder `completions`. */
export function fishScript(places: readonly Place[]): string {
  return `# Completes paydrop in fish. Load it with: paydrop completion fish | source
function __paydrop_behind
    set -l command ""
    set -l is_value 0
    for word in (commandline -opc)[2..]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch "$command $word"
            case ${optionsWithValue(places).map(quoted).join(' ')}
                set is_value 1
            case ${commandsOf(places).map(quoted).join(' ')}
                set command (string trim "$command $word")
        end
    end
    test "$command" = "$argv[1]"
end
complete -c paydrop -f
${places.flatMap(linesOf).join('\n')}`;
}

function linesOf({ path, commands, options, argument }: Place): string[] {
  const here = `complete -c paydrop -n ${quoted(`__paydrop_behind "${path}"`)}`;
  return [
    ...commands.map(({ name, about }) => `${here} -a ${name} -d ${quoted(about)}`),
    ...(commands.length > 0 || argument === 'unknown' ? [] : [`${here} ${offer(argument)}`]),
    ...options.map(({ names, about, value }) => {
      const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
      const taken = value === undefined ? '' : value === 'unknown' ? ' -x' : ` -r ${offer(value)}`;
      return `${here} ${flags.join(' ')}${taken} -d ${quoted(about)}`;
    }),
  ];
}

function offer(values: Exclude<Values, 'unknown'>): string {
  if (values === 'files') return '-F';
  return `-f -a ${values === 'folders' ? "'(__fish_complete_directories)'" : quoted(values.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
