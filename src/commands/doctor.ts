import { access, constants, stat } from 'node:fs/promises';
import type { Concern } from '../attention.ts';
import { type Clock, timestamp } from '../clock.ts';
import { loadSettings, type Settings } from '../config.ts';
import { isErrno } from '../durable.ts';
import { UsageError } from '../failures.ts';
import { terminalProgress } from '../progress.ts';
import { standing } from '../standing.ts';
import type { Store, StoredInstruction } from '../store.ts';
import { printJson } from '../terminal.ts';
import { openForReading, openProvider } from '../workspace.ts';
import { verifyAudit } from './audit.ts';
import { type CommandContext, EXIT } from './context.ts';
import { needText } from './counts-text.ts';

interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly finding: string;
  /** Nobody needs to change anything: it may be over by itself. */
  readonly passing?: true;
}

const DAY_MS = 86_400_000;
const UNCLEAR_LISTED = 10_000;

/** A reference that no instruction has: client references are capitals and digits. */
const NOBODYS_PAYOUT = {
  customerRef: 'paydrop-doctor',
  orderRef: 'paydrop-doctor',
  instructionRef: 'paydrop-doctor',
  attempt: 1,
  clientRefId: 'paydrop-doctor',
};

export async function doctor(context: CommandContext, options: { json?: true }): Promise<number> {
  const { workspace, paper, clock } = context;
  const checks: Check[] = [];
  const loaded = loadSettings(workspace);
  if (!loaded.ok) checks.push(...loaded.problems.map((finding) => ({ what: 'settings', ok: false, finding })));
  else {
    checks.push({ what: 'settings', ok: true, finding: `read for ${workspace}` });
    checks.push(...(await checkFolders(loaded.value)));
    checks.push(...(await checkRecords(workspace, loaded.value, clock)));
    checks.push(...(await checkProvider(loaded.value, clock)));
  }
  if (options.json) printJson(process.stdout, checks);
  else
    for (const { what, ok, finding } of checks) {
      const verdict = ok ? paper.style('green', 'ok     ') : paper.style('red', 'PROBLEM');
      paper.line(`${verdict}  ${what.padEnd(9)}  ${finding}`);
    }
  const problems = checks.filter(({ ok }) => !ok);
  if (problems.length === 0) return EXIT.done;
  return problems.every(({ passing }) => passing) ? EXIT.unfinished : EXIT.usage;
}

async function checkFolders(settings: Settings): Promise<Check[]> {
  const checks: Check[] = [];
  const devices = new Set<number>();
  for (const name of ['inbox', 'outbox', 'data'] as const) {
    const path = settings[name];
    const there = await stat(path).catch((error: unknown) => error as Error);
    if (there instanceof Error) {
      const ok = isErrno(there, 'ENOENT');
      checks.push({ what: name, ok, finding: ok ? `${path} is not there yet and will be made` : there.message });
      continue;
    }
    const writable = await access(path, constants.R_OK | constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    );
    const isPrivate = name !== 'data' || (there.mode & 0o077) === 0;
    if (name !== 'outbox') devices.add(there.dev);
    const finding = !writable
      ? 'may not be written'
      : isPrivate
        ? 'can be used'
        : 'can be read by others: chmod 700 it';
    checks.push({ what: name, ok: writable && isPrivate, finding: `${path} ${finding}` });
  }
  if (devices.size > 1)
    checks.push({ what: 'folders', ok: false, finding: 'inbox and data are on different ones: put both on one' });
  return checks;
}

async function checkRecords(workspace: string, settings: Settings, clock: Clock): Promise<Check[]> {
  const opened = await openForReading(workspace).catch((error: Error) => error);
  if (opened instanceof Error) return [{ what: 'database', ok: false, finding: opened.message }];
  if (!opened) return [{ what: 'database', ok: true, finding: 'not there yet and will be made' }];
  const { store } = opened;
  const progress = terminalProgress(process.stderr, clock);
  try {
    const damage = await store.damage();
    const database = { what: 'database', ok: damage === undefined, finding: damage ?? 'sound' };
    const { entries, broken, lastAt } = await verifyAudit(store, progress);
    const audit =
      broken === undefined
        ? { what: 'audit log', ok: true, finding: `unbroken, ${entries} entries` }
        : { what: 'audit log', ok: false, finding: `entry ${broken} does not follow from the one before it` };
    const now = timestamp(clock.now());
    const clockOk = lastAt <= now;
    const finding = clockOk ? now : `it is ${now}, but the last record is of ${lastAt}: the clock was set back`;
    return [database, audit, { what: 'clock', ok: clockOk, finding }, ...(await checkStanding(store, settings, clock))];
  } finally {
    progress.clear();
    await store.close();
  }
}

/** What runs leave behind: whether anything is sent, how the last one ended, what is unclear and for how long. */
async function checkStanding(store: Store, settings: Settings, clock: Clock): Promise<Check[]> {
  const { needs, lastRun, underWay } = await standing(store, settings, clock.now());
  const told = (concern: Concern, what: string, fine: string, passing = false): Check => {
    const need = needs.find((one) => one.concern === concern);
    return { what, ok: !need, finding: need ? needText(need) : fine, ...(passing ? { passing } : {}) };
  };
  const ended = lastRun ? `run ${lastRun.number} ended ${lastRun.endedAt}` : 'none yet';
  const last = underWay ? `${ended}; run ${underWay.number} began ${underWay.startedAt}` : ended;
  return [
    told('look-up-only', 'sending', 'what is due is sent'),
    told('last-run', 'last run', last, true),
    told('unreported-files', 'reports', 'as new as the records', true),
    await checkUnclear(store, clock.now()),
  ];
}

/** Look-ups clear most of it within a day; what is older needs a person. */
async function checkUnclear(store: Store, nowMs: number): Promise<Check> {
  const unclear: StoredInstruction[] = [];
  for (const status of ['unknown', 'manual'] as const)
    unclear.push(...(await store.list(status, { afterId: 0, limit: UNCLEAR_LISTED })));
  const since = unclear.map(({ unclearAt, updatedAt }) => unclearAt || updatedAt).sort()[0];
  if (since === undefined) return { what: 'payouts', ok: true, finding: 'none unknown, none manual' };
  const days = Math.floor((nowMs - Date.parse(since)) / DAY_MS);
  const age = days < 1 ? 'less than a day' : days === 1 ? 'a day' : `${days} days`;
  const finding = `${unclear.length} unknown or manual, the oldest since ${since} (${age}): see paydrop status`;
  return { what: 'payouts', ok: days < 1, finding };
}

async function checkProvider(settings: Settings, clock: Clock): Promise<Check[]> {
  const what = 'provider';
  const { baseUrl } = settings.provider;
  if (baseUrl === 'sandbox') return [{ what, ok: true, finding: 'the bundled sandbox: no money moves' }];
  const closers: (() => unknown)[] = [];
  try {
    const provider = await openProvider(settings, process.env, clock, undefined, closers);
    const outcome = await provider.lookUp(NOBODYS_PAYOUT);
    if (outcome.kind === 'not-found')
      return [{ what, ok: true, finding: `${baseUrl.origin} answers, and takes the credentials` }];
    if (outcome.kind === 'found') return [{ what, ok: false, finding: 'it knows a payout that cannot exist' }];
    if (outcome.stopLine !== undefined) return [{ what, ok: false, finding: outcome.stopLine }];
    return [{ what, ok: false, finding: `${baseUrl.origin}: ${outcome.message}`, passing: true }];
  } catch (error) {
    if (error instanceof UsageError) return error.problems.map((finding) => ({ what, ok: false, finding }));
    throw error;
  } finally {
    for (const close of closers) await close();
  }
}
