/** What is written for approvers: for each file with held payouts, the decision as it would be if all were approved. */
import { randomUUID } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { decisionText, type HeldRow, seenDigest } from '../control/control.ts';
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor } from '../domain/money.ts';
import { localTime } from '../platform/clock.ts';
import { openSha256 } from '../platform/digest.ts';
import { isErrno } from '../platform/durable.ts';
import { MOST_TO_APPROVE, publish, removeReports, toApproveName } from '../reports/reports.ts';
import type { FileRecord, Store } from '../store/store.ts';
import { type ApprovalTools, type HeldPayout, heldPayouts } from './approval.ts';

/** A decision counts for this long after it was written. */
export const COUNTS_DAYS = 30;
/** After this long it is written anew, so that there is always time to sign it. */
const ANEW_DAYS = 20;
const DAY_MS = 86_400_000;

const WORKSPACE_ID = 'workspace-id';

/** Tells this workspace from every other one, so that no decision about another one counts here. */
export async function workspaceId(store: Store): Promise<string> {
  const known = await store.fact(WORKSPACE_ID);
  if (known) return known;
  const id = randomUUID();
  await store.setFact(WORKSPACE_ID, id);
  return id;
}

/** The decision about held payouts of one file, with a yes for each, written on a date. */
export async function decisionAbout(
  store: Store,
  file: FileRecord,
  held: readonly HeldPayout[],
  written: string,
): Promise<string> {
  return decisionText({
    workspace: await workspaceId(store),
    file: file.number,
    name: file.name,
    sha256: file.sha256,
    written,
    expires: daysAfter(written, COUNTS_DAYS),
    rows: held.map((one) => {
      const { amountMinor: _, ...row } = rowOf(one);
      return row;
    }),
  });
}

export function lineOf({ payout }: HeldPayout): number {
  return rowPlace(payout.contentRow).line;
}

export function rowOf(one: HeldPayout): HeldRow {
  const { payout, reasons } = one;
  const { customerRef, orderRef, instructionRef, currency = '', amountMinor = 0n, payee, content } = payout;
  return {
    line: lineOf(one),
    customerRef,
    orderRef,
    instructionRef,
    amount: formatMinor(amountMinor, currencyExponent(currency) ?? 0),
    currency,
    payee,
    openDate: content.openDate,
    dueDate: content.dueDate,
    reasons: [...reasons],
    seen: seenDigest(payout),
    amountMinor,
  };
}

export function daysAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The fact that keeps which decisions lie in the outbox. */
const TO_APPROVE = 'to-approve';

/** By the name in the outbox. */
type ToApprove = Readonly<Record<string, { readonly written: string; readonly sha256: string }>>;

/**
 * Writes what is to be approved, for each file with held payouts, and takes back what nothing is held of any more. While
 * the settings name no person who may approve, no signature counts, and nothing is written.
 */
export async function publishToApprove(tools: ApprovalTools): Promise<void> {
  const { store, settings, clock } = tools;
  const before = JSON.parse((await store.fact(TO_APPROVE)) || '{}') as ToApprove;
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  const now: Record<string, ToApprove[string]> = {};
  for (const [number, held] of await heldByFile(tools)) {
    const file = await store.file(number);
    if (!file || held.length > MOST_TO_APPROVE) continue;
    const name = toApproveName(file);
    const { written: earlier = '', sha256 } = before[name] ?? {};
    const written = isFresh(earlier, today) ? earlier : today;
    const text = await decisionAbout(store, file, held, written);
    now[name] = { written, sha256: openSha256().update(text).digest('hex') };
    const isThere = await lstat(join(settings.outbox, name)).catch(absent);
    if (sha256 !== now[name].sha256 || !isThere)
      await publish(settings.outbox, [{ name, content: text, kind: 'replace' }]);
  }
  const gone = Object.keys(before).filter((name) => now[name] === undefined);
  if (gone.length > 0) await removeReports(settings.outbox, gone);
  const noted = Object.keys(now).length === 0 ? '' : JSON.stringify(now);
  if (noted !== ((await store.fact(TO_APPROVE)) ?? '')) await store.setFact(TO_APPROVE, noted);
}

/** A date ahead of today is of a clock that was ahead once: such a decision would be refused as one made to last. */
function isFresh(written: string, today: string): boolean {
  return written !== '' && written <= today && daysAfter(written, ANEW_DAYS) > today;
}

function absent(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT')) throw error;
}

async function heldByFile({ store, settings }: ApprovalTools): Promise<Map<number, HeldPayout[]>> {
  const byFile = new Map<number, HeldPayout[]>();
  if (!settings.people.some(({ may }) => may.has('approve'))) return byFile;
  for (const one of await heldPayouts(store, settings)) {
    const { file } = rowPlace(one.payout.contentRow);
    const ofFile = byFile.get(file);
    if (ofFile) ofFile.push(one);
    else byFile.set(file, [one]);
  }
  return byFile;
}
