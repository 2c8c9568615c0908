import { minuteIn } from '../platform/clock.ts';
import { printJson } from '../platform/terminal.ts';
import { openRecords } from '../service/service.ts';
import type { MachineRecord } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';

/** Which machines share the records, which of them are alive, and what each has in hand. */
export async function machines({ workspace, output }: CommandContext, options: { json?: true }): Promise<number> {
  const { store, settings } = await openRecords(workspace);
  try {
    const known = await store.machines();
    const isShared = settings.records === 'postgres';
    if (options.json)
      printJson(process.stdout, isShared ? known : known.map((one) => ({ ...one, name: settings.machine })));
    else if (!isShared)
      output.line(
        `The records are in a file of this machine, which alone works on them: ${known.map(inHand).join('') || 'nothing in hand'}.`,
      );
    else if (known.length === 0) output.line('No machine has worked on these records yet.');
    else {
      const { timeZone } = settings.schedule;
      output.table(
        ['Machine', 'Version', `Since (${timeZone})`, 'State', '>Sending', '>Files half taken in', '>Files to report'],
        known.map(({ name, version, since, alive, sending, halfTaken, toReport }) => [
          name,
          version,
          minuteIn(timeZone, since),
          alive ? 'alive' : 'gone',
          ...[sending, halfTaken, toReport].map(String),
        ]),
      );
    }
    return EXIT.done;
  } finally {
    await store.close();
  }
}

function inHand({ sending, halfTaken, toReport }: MachineRecord): string {
  return `${sending} being sent, ${halfTaken} files half taken in, ${toReport} files to report`;
}
