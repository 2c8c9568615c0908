import { anyOf, commandsOf, optionsWithValue, valueBranches } from './branches.ts';
import type { Place, Values } from './places.ts';

/** For zsh 5: to be loaded by `source`, or as the file `_paydrop` in a folder of `fpath`. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef paydrop
# Completes paydrop in zsh. Load it after compinit with: source <(paydrop completion zsh)
_paydrop() {
  local at command="" before=\${words[CURRENT - 1]}
  local -a offered
  if [[ $PREFIX == --*=* ]]; then before=\${PREFIX%%=*}; compset -P 1 "*="; fi
  for ((at = 2; at < CURRENT; at++)); do
    case "$command \${words[at]}" in
    ${anyOf(optionsWithValue(places))}) at=$((at + 1)) ;;
    ${anyOf(commandsOf(places))}) command="\${command:+$command }\${words[at]}" ;;
    esac
  done
  case "$command $before" in
${valueBranches(places, offer)}
  esac
  case "$command" in
${places.map(branch).join('\n')}
  esac
}
if [[ \${funcstack[1]-} == _paydrop ]]; then _paydrop "$@"; else compdef _paydrop paydrop; fi`;
}

function branch({ path, commands, options, argument }: Place): string {
  const names = options.flatMap((option) => option.names.map((name) => ({ name, about: option.about })));
  const others = commands.length > 0 ? told('command', commands) : offer(argument);
  return `    "${path}")
      if [[ $PREFIX == -* ]]; then ${told('option', names)}
      else ${others}; fi
      ;;`;
}

/** Names with what they mean. */
function told(what: string, names: readonly { readonly name: string; readonly about: string }[]): string {
  const items = names.map(({ name, about }) => quoted(`${name}:${about.replaceAll(':', '\\:')}`));
  return `offered=(${items.join(' ')}); _describe ${what} offered`;
}

function offer(values: Values): string {
  if (values === 'unknown') return ':';
  if (values === 'files') return '_files';
  if (values === 'folders') return '_files -/';
  return `compadd -- ${values.join(' ')}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
