import { access, constants, stat } from 'node:fs/promises';
import { closedNow, closedText, holidaysEnd, lacksPeople, peopleNeeded } from '../control/control.ts';
import type { Concern } from '../domain/attention.ts';
import { CURRENCIES_PUBLISHED, isCurrency } from '../domain/iso.ts';
import { stateWithoutRecords, type WorkspaceState, workspaceState } from '../pipeline/pipeline.ts';
import { type Clock, localTime, timestamp } from '../platform/clock.ts';
import { isErrno } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { type Progress, terminalProgress } from '../platform/progress.ts';
import { printJson } from '../platform/terminal.ts';
import {
  openForReading,
  openProvider,
  othersOutbox,
  othersSandbox,
  providerNamed,
  workspaceSettings,
} from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import {
  differenceText,
  otherProviderText,
  otherThan,
  type Store,
  type StoredInstruction,
  upgradeCopies,
  verify,
} from '../store/store.ts';
import { type CommandContext, EXIT, messageOf } from './context.ts';
import { needText } from './counts-text.ts';
import { checkHttp } from './doctor/http.ts';
import { checkBacklog, checkNotify } from './doctor/notify.ts';
import { type Check, checkMachines, checkServer } from './doctor/server.ts';

const YEAR_MS = 366 * 86_400_000;
const DAY_MS = 86_400_000;
/** The most weighty first. */
const STOPS_SENDING: readonly Concern[] = ['look-up-only', 'other-provider', 'paused'];
const UNCLEAR_LISTED = 10_000;

/** A client reference that no instruction has: ours are capitals and digits. */
const NO_SUCH_PAYOUT = {
  customerRef: 'paydrop-doctor',
  orderRef: 'paydrop-doctor',
  instructionRef: 'paydrop-doctor',
  attempt: 1,
  clientRefId: 'paydrop-doctor',
};

export async function doctor(context: CommandContext, options: { json?: true }): Promise<number> {
  const { workspace, output, clock } = context;
  const checks: Check[] = [checkNode(process.versions.node, clock)];
  const loaded = workspaceSettings(workspace);
  if (!loaded.ok) checks.push(...loaded.problems.map((finding) => ({ what: 'settings', ok: false, finding })));
  else {
    checks.push({ what: 'settings', ok: true, finding: `read for ${workspace}` });
    checks.push(...(await checkFolders(loaded.value)));
    checks.push(...(await attempt('outbox', () => checkOwnOutbox(loaded.value))));
    checks.push(...(await checkCopies(loaded.value)));
    checks.push(checkCurrencies(loaded.value, clock));
    checks.push(...checkCalendar(loaded.value, clock));
    checks.push(...checkPeople(loaded.value));
    checks.push(...(await checkNotify(loaded.value)));
    checks.push(...(await checkServer(loaded.value, clock)));
    checks.push(...(await checkHttp(loaded.value, process.env, clock)));
    checks.push(...(await checkRecords(workspace, loaded.value, clock)));
    checks.push(...(await attempt('provider', () => checkBinding(loaded.value))));
    checks.push(...(await checkProvider(loaded.value, clock)));
  }
  if (options.json) printJson(process.stdout, checks);
  else
    for (const { what, ok, finding, note } of checks) {
      const good = note ? output.style('yellow', 'note   ') : output.style('green', 'ok     ');
      const verdict = ok ? good : output.style('red', 'PROBLEM');
      output.line(`${verdict}  ${what.padEnd(9)}  ${finding}`);
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

async function checkOwnOutbox(settings: Settings): Promise<Check[]> {
  const finding = settings.records === 'postgres' ? await othersOutbox(settings) : undefined;
  return finding === undefined ? [] : [{ what: 'outbox', ok: false, finding }];
}

/** The copies that were made before upgrades. They hold payees' data, and stay until they are removed or forgotten. */
async function checkCopies({ data }: Settings): Promise<Check[]> {
  const copies = await upgradeCopies(data).catch(() => []);
  const finding = `${copies.join(', ')} in ${data}: the records as they were before an upgrade; remove what you no longer need`;
  return copies.length === 0 ? [] : [{ what: 'copies', ok: true, note: true, finding }];
}

/** Whether enough people may say yes, and what is not asked of them. */
function checkPeople({ people, control }: Settings): Check[] {
  const what = 'people';
  const needed = Math.max(0, ...control.approvals.map((tier) => tier.people));
  if (people.length === 0) {
    const accounts = needed > 1 ? `; control.approvals asks for ${needed} of them` : '';
    const finding = `none is named: each account that may run paydrop here approves, under its own name${accounts}`;
    return needed === 0 ? [] : [{ what, ok: true, note: true, finding }];
  }
  const [approvers, settlers] = (['approve', 'settle'] as const).map(
    (right) => people.filter(({ may }) => may.has(right)).length,
  ) as [number, number];
  const finding = `${approvers} may approve, ${settlers} may settle`;
  const asked = `control.approvals asks for the yes of ${needed}: no such payout can be approved`;
  const problem = approvers < needed ? asked : tierThatLacks({ people, control });
  const maker =
    'control.maker is "anyone": who drops a file is not compared with who approves it, so see to it that no person can do both';
  return [
    { what, ok: problem === undefined, finding: problem === undefined ? finding : `${finding}, and ${problem}` },
    ...(control.maker === 'anyone' ? [{ what, ok: true, note: true, finding: maker } as const] : []),
  ];
}

/** By control.approvals and `upTo`: the first tier whose amount fewer people may approve than it asks for. */
function tierThatLacks({ people, control }: Pick<Settings, 'people' | 'control'>): string | undefined {
  const tiers = control.approvals.flatMap((tier) =>
    [...tier.from].map(([currency, amountMinor]) =>
      lacksPeople({ currency, amountMinor }, peopleNeeded(control, currency, amountMinor), { people }),
    ),
  );
  return tiers.find((why) => why !== undefined);
}

/**
 * Node's release lines, each with the day on which its support ends. From the release schedule of the Node.js project.
 */
const NODE_ENDS: Readonly<Record<string, string>> = { 20: '2026-04-30', 22: '2027-04-30', 24: '2028-04-30' };

function checkNode(version: string, clock: Clock): Check {
  const what = 'node';
  const end = NODE_ENDS[version.split('.')[0] ?? ''];
  if (end === undefined || timestamp(clock.now()) < end) return { what, ok: true, finding: version };
  return {
    what,
    ok: true,
    note: true,
    finding: `${version}, of a line that is not mended since ${end}: use a newer one`,
  };
}

/** An old list of currencies refuses new ones, and accepts those that were withdrawn since. */
function checkCurrencies({ provider: { currencies } }: Settings, clock: Clock): Check {
  const what = 'currency';
  const unknown = currencies === 'all' ? [] : [...currencies].filter((code) => !isCurrency(code));
  if (unknown.length > 0) {
    const finding = `provider.currencies names what ISO 4217 doesn't list as money: ${unknown.join(', ')}`;
    return { what, ok: false, finding };
  }
  const list = `ISO 4217 as published on ${CURRENCIES_PUBLISHED}`;
  const isOld = clock.now() - Date.parse(CURRENCIES_PUBLISHED) > YEAR_MS;
  return { what, ok: true, ...(isOld ? { note: true, finding: `${list}, over a year ago` } : { finding: list }) };
}

/** Nothing where each day is a banking day and there is no cut-off. */
function checkCalendar(settings: Settings, clock: Clock): Check[] {
  const { days, holidays, cutOff } = settings.calendar;
  if (days === 'all' && cutOff === undefined) return [];
  const what = 'calendar';
  const closed = closedNow(settings, clock.now());
  const today = { what, ok: true, finding: closed ? closedText(closed) : 'today is open for sending' };
  const runsOut = holidaysEnd(settings, clock.now());
  const note = (finding: string): Check => ({ what, ok: true, note: true, finding });
  if (runsOut !== undefined) return [today, note(`${runsOut}: add the dates to come`)];
  if (days === 'banking' && holidays.size === 0)
    return [today, note('no calendar.holidays: what is due is sent on bank holidays, too')];
  return [today];
}

async function checkRecords(workspace: string, settings: Settings, clock: Clock): Promise<Check[]> {
  const opened = await openForReading(workspace).catch((error: Error) => error);
  if (opened instanceof Error) return [{ what: 'database', ok: false, finding: opened.message }];
  if (!opened) return [missingDatabase(await stateWithoutRecords(settings))];
  const { store } = opened;
  const progress = terminalProgress(process.stderr, clock);
  try {
    return [
      await attempt('database', async () => [await checkDamage(store)]),
      await attempt('audit log', () => checkAudit(store, settings, clock, progress)),
      await attempt('standing', () => checkStanding(store, settings, clock)),
      await attempt('machines', () => checkMachines(store, settings)),
      await attempt('notify', () => checkBacklog(store, settings)),
      await attempt('provider', async () => {
        const finding = await othersSandbox(store, settings);
        return finding === undefined ? [] : [{ what: 'provider', ok: false, finding }];
      }),
    ].flat();
  } finally {
    progress.clear();
    await store.close();
  }
}

/** A check that can't be made is a problem of its own. It does not keep the other checks from being made. */
async function attempt(what: string, check: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await check();
  } catch (error) {
    return [{ what, ok: false, finding: messageOf(error) }];
  }
}

async function checkDamage(store: Store): Promise<Check> {
  const damage = await store.damage();
  return { what: 'database', ok: damage === undefined, finding: damage ?? 'sound' };
}

async function checkAudit(store: Store, settings: Settings, clock: Clock, progress: Progress): Promise<Check[]> {
  const { entries, broken, lastAt, difference } = await verify(store, progress);
  const audit =
    broken === undefined
      ? { what: 'audit log', ok: true, finding: `unbroken, ${entries} entries` }
      : { what: 'audit log', ok: false, finding: `entry ${broken} does not follow from the one before it` };
  const records = difference
    ? { what: 'records', ok: false, finding: `not what the audit log says: ${differenceText(difference)}` }
    : { what: 'records', ok: true, finding: 'as the audit log says' };
  const now = timestamp(clock.now());
  const clockOk = lastAt <= now;
  const night = (await store.lastNightly())?.businessDate ?? '';
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  const ahead = night > today ? `; a nightly run of ${night} was made by a clock that was ahead` : '';
  const finding = clockOk ? now + ahead : `it is ${now}, but the last record is of ${lastAt}: the clock was set back`;
  return [audit, ...(broken === undefined ? [records] : []), { what: 'clock', ok: clockOk, finding }];
}

/** Before the first pass there is no database. If there is an anchor, there must be a database. */
function missingDatabase({ needs }: WorkspaceState): Check {
  const doubt = needs.find(({ concern }) => concern === 'look-up-only');
  return { what: 'database', ok: !doubt, finding: doubt ? needText(doubt) : 'not there yet and will be made' };
}

/** checkProvider reports missing secrets, so they are no problem here. */
async function checkBinding(settings: Settings): Promise<Check[]> {
  const opened = await openForReading(settings.workspace).catch(() => undefined);
  try {
    const other = opened && (await otherThan(opened.store, providerNamed(settings, process.env)));
    return other ? [{ what: 'provider', ok: false, finding: otherProviderText(other) }] : [];
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  } finally {
    await opened?.store.close();
  }
}

/**
 * What the runs left behind: whether payouts are sent, how the last run ended, which payouts are unclear and since
 * when.
 */
async function checkStanding(store: Store, settings: Settings, clock: Clock): Promise<Check[]> {
  const { needs, lastRun, underWay, inbox } = await workspaceState(store, settings, clock.now());
  const has = (concern: Concern) => needs.some((one) => one.concern === concern);
  const checkOf = (concern: Concern, what: string, fine: string, passing = false): Check => {
    const need = needs.find((one) => one.concern === concern);
    return { what, ok: !need, finding: need ? needText(need) : fine, ...(passing ? { passing } : {}) };
  };
  const fine = closedNow(settings, clock.now()) ? 'what is due waits for the calendar' : 'what is due is sent';
  const ended = lastRun ? `run ${lastRun.number} ended ${lastRun.endedAt}` : 'none yet';
  const last = underWay ? `${ended}; run ${underWay.number} began ${underWay.startedAt}` : ended;
  return [
    checkOf(STOPS_SENDING.find(has) ?? 'look-up-only', 'sending', fine),
    checkOf('last-run', 'last run', last, true),
    ...inbox.stuck.map(({ name, why }) => ({ what: 'inbox', ok: false, finding: `${name} can't be taken in: ${why}` })),
    checkOf('unreported-files', 'reports', 'as new as the records', true),
    await checkUnclear(store, clock.now()),
  ];
}

/** Look-ups settle most unclear payouts within a day. Older ones need a person. */
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
    const outcome = await provider.lookUp(NO_SUCH_PAYOUT);
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
