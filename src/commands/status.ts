import { readdir } from 'node:fs/promises';
import type { InstructionStatus } from '../instruction.ts';
import { SANDBOX_NOTICE } from '../report.ts';
import { printJson } from '../terminal.ts';
import { openForReading, reportContext } from '../workspace.ts';
import { type CommandContext, EXIT } from './context.ts';
import { printCounts, sixDigits } from './pass-text.ts';

const OPEN: readonly InstructionStatus[] = [
  'waiting',
  'scheduled',
  'held',
  'ready',
  'sending',
  'unknown',
  'manual',
  'submitted',
];
const FOR_A_PERSON: Partial<Record<InstructionStatus, string>> = {
  waiting: 'their order is not there yet: drop the orders file',
  held: 'held back',
  unknown: 'no clear answer from the provider yet: they are looked up at every run',
  manual: 'only a person can tell what became of them: ask the provider',
};
const LATEST_FILES = 10;
const HOUR_MS = 3_600_000;

export async function status({ workspace, paper, clock }: CommandContext, options: { json?: true }): Promise<number> {
  const opened = await openForReading(workspace);
  if (!opened) {
    if (options.json) printJson(process.stdout, { files: 0, counts: [], oldestOpen: null, lastNightly: null });
    else paper.line('Nothing has been taken in yet: drop files into the inbox and start paydrop run.');
    return EXIT.done;
  }
  const { settings, store } = opened;
  try {
    const [files, counts, lastNightly] = [await store.files(), await store.statusCounts(), await store.lastNightly()];
    const inInbox = (await readdir(settings.inbox)).filter((name) => !name.startsWith('.'));
    const open = counts.filter((count) => OPEN.includes(count.status));
    const oldestOpen = open.map(({ oldest }) => oldest).sort()[0];
    const { sandbox } = reportContext(settings).provider;
    if (options.json) {
      printJson(process.stdout, {
        sandbox,
        files: files.length,
        inInbox,
        counts,
        oldestOpen: oldestOpen ?? null,
        lastNightly: lastNightly ?? null,
      });
      return EXIT.done;
    }
    if (sandbox) paper.line(paper.style('yellow', SANDBOX_NOTICE));
    paper.line(`${files.length} files taken or refused so far, ${inInbox.length} in the inbox.`);
    paper.line();
    paper.table(
      ['File', 'Name', 'Received', '>Rows', 'Not taken in because'],
      files
        .slice(-LATEST_FILES)
        .map((file) => [
          sixDigits(file.number),
          file.name,
          file.receivedAt.slice(0, 16).replace('T', ' '),
          String(file.progress.rows),
          file.problem?.code ?? '',
        ]),
    );
    if (counts.length > 0) {
      paper.line();
      printCounts(paper, counts);
    }
    paper.line();
    for (const { status: name, count, currency } of counts) {
      const why = FOR_A_PERSON[name];
      if (why) paper.line(`${paper.style('yellow', '!')} ${count} ${currency} ${name}: ${why}.`);
    }
    if (oldestOpen !== undefined)
      paper.line(`The oldest open one was received ${hours(clock.now() - Date.parse(oldestOpen))} ago.`);
    paper.line(
      lastNightly ? `The last nightly run was for ${lastNightly.businessDate}.` : 'There was no nightly run yet.',
    );
    return EXIT.done;
  } finally {
    await store.close();
  }
}

function hours(ms: number): string {
  const whole = Math.floor(ms / HOUR_MS);
  return whole < 48 ? `${whole} h` : `${Math.floor(whole / 24)} days`;
}
