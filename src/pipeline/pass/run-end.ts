/** The end of a run: it is recorded first, with what its reports say of that moment, and reported then. */
import type { InstructionStatus, Verdict } from '../../domain/status.ts';
import {
  publish,
  type ReportContext,
  runReports,
  type TakenFile,
  takenFile,
  verdictOf,
} from '../../reports/reports.ts';
import type { Settings } from '../../settings/settings.ts';
import {
  type AtEnd,
  momentOf,
  type RunChange,
  type RunDecision,
  type RunRecord,
  type Store,
  type Timing,
} from '../../store/store.ts';
import { type ReportedFiles, unlessUnbalanced } from './file-reports.ts';

/** The number of changes that are read and reported at once. */
const PAGE = 500;

interface EndTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
  readonly report: ReportContext;
}

/**
 * Ends a run, then publishes what it changed. After a crash in between, the same reports are written again. The end of
 * the run also takes over the decisions that persons made since the last run ended. A pass on arrival without changes
 * and decisions leaves no run behind. A run that took in a file whose rows don't add up stays open.
 */
export async function closeRun(
  tools: EndTools,
  run: RunRecord,
  reported?: ReportedFiles,
  unfinished?: string,
): Promise<RunContents & { kept: boolean; goesOn?: true }> {
  const { store, settings, report } = tools;
  let { isWhole, ...contents } = await contentsOf(tools, run, reported);
  const idle = contents.files.length === 0 && contents.changes === 0;
  if (isWhole && run.kind === 'arrival' && run.finishedAt === '' && idle && (await nothingDecided(store))) {
    if (await store.dropRun(run.number)) return { ...contents, kept: false };
    // Another machine is in it, or has recorded something in it since.
    ({ isWhole, ...contents } = await contentsOf(tools, run, reported));
  }
  if (!isWhole) return { ...contents, kept: true };
  const { open, verdicts } = contents;
  const atEnd = { open, verdicts, undone: unfinished ?? contents.undone, moved: contents.moved };
  const ended = run.finishedAt === '' ? await store.endRun(run.number, momentOf(tools), atEnd) : run;
  // The last machine that is in the run ends and reports it.
  if (!ended) return { ...contents, kept: true, goesOn: true };
  const files = contents.files.map(({ file, summary }) => ({
    ...file,
    verdict: verdicts[file.number] ?? verdictOf(file, summary),
  }));
  const sources = {
    changes: () => changesOf(store, run.number),
    decisions: () => decisionsOf(store, run.number),
    undone: atEnd.undone,
  };
  const reports = await runReports(ended, sources, files, open, report);
  // Another machine may have changed rows since an earlier try to report the run.
  const isKept = run.finishedAt !== '' && settings.records === 'postgres';
  const kept = isKept ? reports.map((one) => ({ ...one, kind: 'kept' as const })) : reports;
  await store.runReported(run.number, await publish(settings.outbox, kept));
  return { ...contents, kept: true };
}

async function nothingDecided(store: Store): Promise<boolean> {
  return (await store.runDecisions(undefined, 0, 1)).length === 0;
}

interface RunContents extends Omit<AtEnd, 'verdicts'> {
  /** The files this run registered, with what became of their rows. */
  readonly files: readonly TakenFile[];
  /** Payouts by the status this run left them in, of those that it moved. */
  readonly moved: Readonly<Partial<Record<InstructionStatus, number>>>;
  /** On each file, by number: as of the run's end, if it has ended. */
  readonly verdicts: Readonly<Record<number, Verdict>>;
  /** The number of payouts that moved, or of which something else was learned. */
  readonly changes: number;
}

export async function contentsOf(
  { store }: Pick<EndTools, 'store'>,
  run: RunRecord,
  reported?: ReportedFiles,
): Promise<RunContents & { readonly isWhole: boolean }> {
  const files: TakenFile[] = [];
  let isWhole = true;
  for (const number of await store.filesOfRun(run.number)) {
    const taken = reported?.get(number) ?? (await unlessUnbalanced(takenFile(store, number)));
    if (typeof taken === 'string') isWhole = false;
    else files.push(taken);
  }
  const moved: Partial<Record<InstructionStatus, number>> = {};
  let changes = 0;
  for (const { to, onlyAnswer, count } of await store.runMoved(run.number)) {
    changes += count;
    if (!onlyAnswer) moved[to] = count;
  }
  const atEnd = (await store.atEnd(run.number)) ?? { open: await store.statusCounts() };
  const verdicts = atEnd.verdicts ?? verdictsOn(files);
  return { files, moved, changes, ...atEnd, verdicts, isWhole };
}

function verdictsOn(files: readonly TakenFile[]): Record<number, Verdict> {
  return Object.fromEntries(files.map(({ file, summary }) => [file.number, verdictOf(file, summary)]));
}

async function* changesOf(store: Store, run: number): AsyncGenerator<readonly RunChange[]> {
  for (let afterId = 0; ; ) {
    const page = await store.runChanges(run, afterId, PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    afterId = last.id;
  }
}

async function* decisionsOf(store: Store, run: number): AsyncGenerator<readonly RunDecision[]> {
  for (let afterSeq = 0; ; ) {
    const page = await store.runDecisions(run, afterSeq, PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    afterSeq = last.seq;
  }
}
