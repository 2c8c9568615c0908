import { anyOf, commandsOf, optionsWithValue, valueBranches } from './branches.ts';
import type { Place, Values } from './places.ts';

/** For bash 4 and later, without the package bash-completion. */
export function bashScript(places: readonly Place[]): string {
  return `# Completes paydrop in bash. Load it with: source <(paydrop completion bash)
_paydrop() {
  local at command="" word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  # bash makes three words of --option=value.
  if [[ $word == "=" ]]; then word=""; elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$command \${COMP_WORDS[at]}" in
    ${anyOf(optionsWithValue(places))})
      at=$((at + 1))
      if [[ \${COMP_WORDS[at]} == "=" ]]; then at=$((at + 1)); fi
      ;;
    ${anyOf(commandsOf(places))}) command="\${command:+$command }\${COMP_WORDS[at]}" ;;
    esac
  done
  COMPREPLY=()
  case "$command $before" in
${valueBranches(places, offer)}
  esac
  case "$command" in
${places.map(branch).join('\n')}
  esac
}
complete -F _paydrop paydrop`;
}

function branch({ path, commands, options, argument }: Place): string {
  const names = options.flatMap((option) => option.names);
  const others = commands.length > 0 ? commands.map(({ name }) => name) : argument;
  return `    "${path}") if [[ $word == -* ]]; then ${offer(names)}; else ${offer(others)}; fi ;;`;
}

function offer(values: Values): string {
  if (values === 'unknown') return ':';
  if (values === 'files') return namesOf('-f');
  if (values === 'folders') return namesOf('-d');
  return `mapfile -t COMPREPLY < <(compgen -W "${values.join(' ')}" -- "$word")`;
}

/** compopt, which adds what names with blanks need, works in a completion alone. */
function namesOf(kind: string): string {
  return `compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen ${kind} -- "$word")`;
}
