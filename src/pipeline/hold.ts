/**
 * Decides which payouts are held back, before anything is sent. Each pass does this in three steps. The payouts of files
 * that are not judged yet are judged. Those that are held are judged once more: a reason may be gone, or decided. What is
 * due then is sent within the limits of the day, in the order of file and line.
 *
 * A payout that may have arrived is not judged any more: it is looked up, and sent again under its reference alone.
 */
import {
  type AskedAlike,
  codesText,
  type DaySums,
  hasDayLimits,
  laterFiles,
  openDaySums,
  type Reason,
  reasonsFor,
  reasonsText,
  resemblances,
  suspicionOf,
  undecided,
} from '../control/control.ts';
import { rowPlace } from '../domain/instruction.ts';
import { TRANSITIONS } from '../domain/status.ts';
import { startOfDay, timestamp } from '../platform/clock.ts';
import { sha256 } from '../platform/digest.ts';
import type { ControlSettings, Settings } from '../settings/settings.ts';
import {
  type Change,
  type FileRecord,
  momentOf,
  type PayoutTerms,
  type PayoutToJudge,
  type Resemblance,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../store/store.ts';
import { type AlikeGroups, openAlikeGroups } from './hold/alike-groups.ts';

export interface HoldTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
}

const PAGE = 1_000;

/** The fact that keeps which settings the payouts were judged by. */
const JUDGED_BY = 'judged-by';

/** Returns the entry of the audit log after which the payouts were judged. */
export async function hold(tools: HoldTools, businessDate: string): Promise<number> {
  const { seq } = await tools.store.auditHead();
  await judgeAnewBy(tools);
  const ground = openGround(tools);
  // A file may make it necessary to judge later ones anew, but never earlier ones: so this ends.
  for (let files = await tools.store.filesToJudge(); files.length > 0; files = await tools.store.filesToJudge())
    for (const file of files) await judgeFile(ground, file);
  const due = await judgeHeld(ground, businessDate);
  await keepWithinDay(ground, businessDate, due);
  return seq;
}

/** Why a payout that the provider has may not become what a row asks for. */
export type ChangeJudge = (
  instruction: StoredInstruction,
  row: number,
  becomes: PayoutTerms,
) => Promise<readonly Reason[]>;

/**
 * Judges changes of what the provider has, each as if the payout were new and had these terms. A change can't wait for a
 * yes, so it is asked for only where there is no reason. Its payout counts on the days on which it was sent: what is
 * added to it must fit there, together with what was added before. With `countsReady`, also together with what is ready:
 * other machines may be about to send it.
 */
export function openChangeJudge(tools: HoldTools, businessDate: string, countsReady = false): ChangeJudge {
  const { store, settings } = tools;
  const { control } = settings;
  const days = new Map<string, Promise<DaySums>>();
  const openSums = async (date: string): Promise<DaySums> => {
    const sums = openDaySums(control, await store.sentOn(date, dayBegins(date, settings)));
    if (!countsReady || date !== businessDate) return sums;
    for (const before of [true, false]) for await (const payout of readyPayouts(store, before)) sums.add(payout);
    return sums;
  };
  const sumsOf = (date: string) => {
    const sums = days.get(date) ?? openSums(date);
    days.set(date, sums);
    return sums;
  };
  return async ({ id, content: { managed } }, row, becomes) => {
    const [now] = await store.toJudge([id]);
    if (!now) return [];
    const own = becomes.content.managed?.financialInstrumentId ?? '';
    const payee = own || (managed?.financialInstrumentId ? becomes.payout.contactId : now.payee);
    const changed = {
      ...now,
      ...becomes,
      contentRow: row,
      payee,
      payeeIsKnown: now.payeeIsKnown && payee === now.payee,
    };
    const reasons = reasonsFor(changed, await openGround(tools).around(changed, undefined), control);
    const isSame = changed.currency === now.currency && payee === now.payee;
    const added = { ...changed, amountMinor: becomes.amountMinor - (isSame ? (now.amountMinor ?? 0n) : 0n) };
    if (!hasDayLimits(control) || added.amountMinor <= 0n) return reasons;
    const dates = await store.sentDates(id);
    const sums = await Promise.all((dates.length > 0 ? dates : [businessDate]).map(sumsOf));
    // From here on nothing else is judged until this is counted: changes are judged at the same time.
    const all = [...reasons, ...sums.flatMap((day) => day.objections(added))];
    if (all.length === 0) for (const day of sums) day.add(added);
    return all;
  };
}

function dayBegins(businessDate: string, { schedule }: Settings): string {
  return timestamp(startOfDay(businessDate, schedule.timeZone));
}

/** When the settings change, all that may be sent is judged by the new ones. */
async function judgeAnewBy({ store, settings }: HoldTools): Promise<void> {
  const now = settingsDigest(settings);
  const before = await store.fact(JUDGED_BY);
  if (before === now) return;
  // Records without this fact were judged by nothing but what holds without settings.
  await store.judgeAllAnew();
  // Their pages say who may approve.
  for (const file of new Set((await store.largestHeld()).map((held) => held.file))) await store.markStale(file);
  await store.setFact(JUDGED_BY, now);
}

function settingsDigest({ control, people }: Settings): string {
  const { approvals, limits, balance: _, ...rest } = control;
  const amounts = (of: ReadonlyMap<string, bigint>) =>
    [...of].map(([currency, minor]) => `${currency} ${minor}`).sort();
  const tiers = approvals.map(({ from, people }) => [people, amounts(from)]);
  const { payout, file } = limits;
  const approvers = people
    .filter(({ may }) => may.has('approve'))
    .map(({ name, user, keys, upTo }) => [
      name,
      user,
      keys.map(({ fingerprint }) => fingerprint),
      upTo && amounts(upTo),
    ]);
  return sha256(JSON.stringify([tiers, [payout, file].map(amounts), rest, approvers]));
}

/** What is asked of each file and payout, and is the same for many. */
interface Ground {
  readonly tools: HoldTools;
  /** What this pass has held back already. */
  readonly justHeld: Set<number>;
  /** Whether anything was ever paid to a payee, of those that were asked about. */
  readonly knownPayees: Map<string, boolean>;
  readonly around: (payout: PayoutToJudge, alike: Resemblance | undefined) => Promise<Parameters<typeof reasonsFor>[1]>;
  readonly fileOf: (number: number) => Promise<JudgedFile>;
  readonly alikeAmong: AlikeGroups;
}

/** What a file comes to by currency, where that may be over a limit. */
async function sumsToLimit(
  store: Store,
  number: number,
  { limits }: ControlSettings,
): Promise<ReadonlyMap<string, bigint>> {
  const most = [...limits.file.values()];
  if (most.length === 0) return new Map();
  const atMost = await store.statesAtMost(number);
  return most.every((limit) => atMost <= limit) ? new Map() : store.statedSums(number);
}

interface JudgedFile {
  readonly file: FileRecord;
  readonly lastRow: number | undefined;
  readonly sums: ReadonlyMap<string, bigint>;
}

function openGround(tools: HoldTools): Ground {
  const { store, settings } = tools;
  const files = new Map<number, JudgedFile>();
  const fileOf = async (number: number) => {
    const known = files.get(number);
    if (known) return known;
    const file = await store.file(number);
    if (!file) throw new Error(`There is no file ${number}`);
    const sums = await sumsToLimit(store, number, settings.control);
    const found = { file, lastRow: await store.lastRowOf(number), sums };
    files.set(number, found);
    return found;
  };
  return {
    tools,
    justHeld: new Set(),
    knownPayees: new Map(),
    fileOf,
    alikeAmong: openAlikeGroups(store),
    around: async ({ contentRow, currency = '' }, resemblance) => {
      const { file, lastRow, sums } = await fileOf(rowPlace(contentRow).file);
      return { file, lastRow, fileSum: sums.get(currency) ?? 0n, resemblance };
    },
  };
}

async function judgeFile(ground: Ground, number: number): Promise<void> {
  const { store, settings } = ground.tools;
  const { control } = settings;
  await store.beginJudging(number);
  const { file, lastRow, sums } = await ground.fileOf(number);
  const groups = await ground.alikeAmong(await store.alikeIn(number));
  const alike = alikeOf(groups, control);
  const held = [...alike.values()].filter(
    ({ code }) => code !== 'POSSIBLE_DUPLICATE' || control.possibleDuplicates === 'hold',
  );
  const suspects = await store.suspects(
    number,
    suspicionOf(file, lastRow, sums, control),
    new Set(held.map(({ instruction }) => instruction)),
  );
  for (let at = 0; at < suspects.length; at += PAGE) {
    const page = await store.toJudge(suspects.slice(at, at + PAGE), ground.knownPayees);
    // What is held is judged below. What a person has refused meanwhile, or another machine has taken, is not held back.
    const judged = page.filter(({ status }) => status !== 'held' && TRANSITIONS[status].includes('held'));
    await judge(ground, judged, alike);
  }
  // Each of these marks its file as not judged.
  for (const later of laterFiles(groups, number)) await store.beginJudging(later);
  await store.judged(number, [...alike.values()]);
}

/** Holds back those of the payouts that have a reason which no person has decided. */
async function judge(
  ground: Ground,
  payouts: readonly PayoutToJudge[],
  alike: ReadonlyMap<number, Resemblance>,
): Promise<void> {
  const { tools } = ground;
  const { store } = tools;
  const standing = await standingReasons(ground, payouts, alike);
  const changes = payouts.flatMap((payout, at) => holding(payout, standing[at] ?? []));
  if (changes.length === 0) return;
  await store.hold(changes, momentOf(tools));
  for (const { id } of changes) ground.justHeld.add(id);
}

/** For each payout, the reasons that no person has decided. */
async function standingReasons(
  { tools, around }: Ground,
  payouts: readonly PayoutToJudge[],
  alike: ReadonlyMap<number, Resemblance>,
): Promise<Reason[][]> {
  const { control } = tools.settings;
  const approvals = await tools.store.approvalsOf(payouts.map(({ id }) => id));
  const standing: Reason[][] = [];
  for (const [at, payout] of payouts.entries()) {
    const reasons = reasonsFor(payout, await around(payout, alike.get(payout.id)), control);
    standing.push(undecided(payout, reasons, approvals[at] ?? [], tools.settings));
  }
  return standing;
}

/** The change that holds a payout for these reasons; none where there is no reason, or it is held for them already. */
function holding({ id, version, status, code }: PayoutToJudge, reasons: readonly Reason[]): Change[] {
  const codes = codesText(reasons);
  if (reasons.length === 0 || (status === 'held' && code === codes)) return [];
  return [{ id, version, from: status, to: 'held', code: codes, message: reasonsText(reasons) }];
}

/** The same for a payout that is held: also where the reasons have other words than before, such as a new limit. */
function heldStill(payout: PayoutToJudge, reasons: readonly Reason[]): Change[] {
  return payout.why === reasonsText(reasons) ? [] : holding({ ...payout, code: '' }, reasons);
}

function alikeOf(
  groups: readonly AskedAlike[],
  { possibleDuplicates, possibleDuplicateDays }: ControlSettings,
): Map<number, Resemblance> {
  const days = possibleDuplicates === 'off' ? undefined : possibleDuplicateDays;
  return new Map(resemblances(groups, days).map((one) => [one.instruction, one]));
}

const LET_GO = 'nothing holds it back any more';

/**
 * Lets go what nothing holds back any more. With limits of the day, what is due stays as it is and is returned: the last
 * step decides about it.
 */
async function judgeHeld(ground: Ground, businessDate: string): Promise<PayoutToJudge[]> {
  const { store, settings } = ground.tools;
  const due: PayoutToJudge[] = [];
  for await (const { payout, standing } of heldPayouts(ground)) {
    const isDue = payout.content.openDate <= businessDate;
    if (standing.length === 0 && isDue && hasDayLimits(settings.control)) {
      due.push(payout);
      continue;
    }
    const { id, version } = payout;
    const to = isDue ? 'ready' : 'scheduled';
    const change: Change[] =
      standing.length > 0 ? heldStill(payout, standing) : [{ id, version, from: 'held', to, message: LET_GO }];
    if (change.length > 0) await store.hold(change, momentOf(ground.tools));
  }
  return due;
}

interface HeldPayout {
  readonly payout: PayoutToJudge;
  readonly standing: Reason[];
}

async function* heldPayouts(ground: Ground): AsyncGenerator<HeldPayout> {
  const { store, settings } = ground.tools;
  for (let afterId = 0; ; ) {
    const page = await store.heldIds(afterId, PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    afterId = last;
    const ids = page.filter((id) => !ground.justHeld.has(id));
    const payouts = (await store.toJudge(ids, ground.knownPayees)).filter(({ status }) => status === 'held');
    const alike = alikeOf(await ground.alikeAmong(await store.alikeTo(ids)), settings.control);
    const standing = await standingReasons(ground, payouts, alike);
    for (const [at, payout] of payouts.entries()) yield { payout, standing: standing[at] ?? [] };
  }
}

/** Sends no more on a day than its limits allow. What fits goes, in the order of file and line; the rest is held. */
async function keepWithinDay(ground: Ground, businessDate: string, held: readonly PayoutToJudge[]): Promise<void> {
  const { store, settings } = ground.tools;
  const { control } = settings;
  if (!hasDayLimits(control)) return;
  const sums = openDaySums(control, await store.sentOn(businessDate, dayBegins(businessDate, settings)));
  // What may have arrived is sent again whatever the limits say, so it comes first.
  for await (const payout of readyPayouts(store, true)) sums.add(payout);
  for await (const payout of merged(held, readyPayouts(store, false))) await sendWithin(ground, payout, sums);
}

async function* readyPayouts(store: Store, sentBefore: boolean): AsyncGenerator<PayoutToJudge> {
  for (let afterId = 0; ; ) {
    const page = await store.list('ready', { afterId, limit: PAGE, sentBefore });
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
    yield* (await store.toJudge(page.map(({ id }) => id))).filter(({ status }) => status === 'ready');
  }
}

/** Both in the order of their ids. */
async function* merged(
  some: readonly PayoutToJudge[],
  others: AsyncIterable<PayoutToJudge>,
): AsyncGenerator<PayoutToJudge> {
  let at = 0;
  for await (const other of others) {
    for (let one = some[at]; one && one.id < other.id; one = some[++at]) yield one;
    yield other;
  }
  yield* some.slice(at);
}

async function sendWithin({ tools }: Ground, payout: PayoutToJudge, sums: DaySums): Promise<void> {
  const { store, settings } = tools;
  const [approvals = []] = await store.approvalsOf([payout.id]);
  const objections = undecided(payout, sums.objections(payout), approvals, settings);
  const { id, version, status } = payout;
  if (objections.length === 0) sums.add(payout);
  const change: Change[] =
    objections.length > 0
      ? holding(payout, objections)
      : status === 'held'
        ? [{ id, version, from: 'held', to: 'ready', message: LET_GO }]
        : [];
  if (change.length > 0) await store.hold(change, momentOf(tools));
}
