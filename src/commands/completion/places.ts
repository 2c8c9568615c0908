/** What may be written where on the command line, from the commands as the command line itself knows them. */
import { CODES } from '../../domain/codes.ts';
import { FINAL_FAILURES, INSTRUCTION_STATUSES } from '../../domain/status.ts';

/** The part of a command of commander that is read here. */
export interface Described {
  readonly registeredArguments: readonly { name(): string; argChoices?: string[] | undefined }[];
  name(): string;
  createHelp(): {
    visibleCommands(command: never): Described[];
    visibleOptions(command: never): DescribedOption[];
    subcommandDescription(command: never): string;
  };
}

interface DescribedOption {
  readonly flags: string;
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly description: string;
  readonly argChoices?: string[] | undefined;
}

/** A place on the command line: behind the program, or behind a command. */
export interface Place {
  /** The commands before it with blanks between them; empty behind the program. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly OptionHere[];
  readonly argument: Values;
}

interface OptionHere {
  /** As `--json`. The long name comes first where there is one. */
  readonly names: readonly [string, ...string[]];
  readonly about: string;
  /** Undefined for an option without a value. */
  readonly value: Values | undefined;
}

/** What completes a value: words, names in the current folder, or nothing that is known here. */
export type Values = readonly string[] | 'files' | 'folders' | 'unknown';

/** What completes a value by what the command line calls it: `--status <status>`. */
const BY_NAME: Readonly<Record<string, Values>> = {
  file: 'files',
  dir: 'folders',
  code: CODES.map(({ code }) => code),
  status: INSTRUCTION_STATUSES,
  failure: FINAL_FAILURES,
};

/** Every command has its own of these, or none. */
const NOT_FOR_ALL = ['--help', '--version'];

/** All places, each before those behind its commands. An option of the program may stand behind each command. */
export function placesOf(program: Described): Place[] {
  const { options } = visibleOf(program);
  const forAll = options.filter(({ long = '' }) => !NOT_FOR_ALL.includes(long)).map(optionHere);
  const placesFrom = (command: Described, path: string, beside: readonly string[]): Place[] => {
    const visible = visibleOf(command);
    const commands = visible.commands.map((one) => ({ name: one.name(), about: visible.about(one) }));
    const names = commands.map(({ name }) => name);
    const [argument] = command.registeredArguments;
    const here: Place = {
      path,
      commands,
      options: [...visible.options.map(optionHere), ...(path === '' ? [] : forAll)],
      // `paydrop help [command]`
      argument: argument?.name() === 'command' ? beside : valuesOf(argument?.name(), argument?.argChoices),
    };
    return [here, ...visible.commands.flatMap((one) => placesFrom(one, `${path} ${one.name()}`.trim(), names))];
  };
  return placesFrom(program, '', []);
}

/** What the help of a command shows. */
function visibleOf(command: Described) {
  const help = command.createHelp();
  // commander wants a whole Command, which it gave us.
  const whole = command as never;
  return {
    commands: help.visibleCommands(whole),
    options: help.visibleOptions(whole),
    about: (one: Described) => help.subcommandDescription(one as never),
  };
}

function optionHere({ flags, short, long, description, argChoices }: DescribedOption): OptionHere {
  const [first = flags, ...others] = [long, short].filter((name) => name !== undefined);
  const [, valueName] = /[<[]([\w-]+)/.exec(flags) ?? [];
  const value = valueName === undefined ? undefined : valuesOf(valueName, argChoices);
  return { names: [first, ...others], about: description, value };
}

function valuesOf(name = '', choices?: readonly string[]): Values {
  return choices ?? BY_NAME[name] ?? 'unknown';
}
