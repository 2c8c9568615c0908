/**
 * Decisions by folder. For each file with held payouts a pass writes STEM.N.to-approve.json into the outbox. An approver
 * signs it and drops it into the inbox. A pass judges what comes back (control/judge.ts), records it as a whole or not at
 * all, answers it with STEM.N.decision.M.json, and archives it with its signature.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkSignature,
  countingYes,
  type DecisionFile,
  decisionText,
  type HeldRow,
  type Judgement,
  judge,
  readDecision,
  seenDigest,
} from '../control/control.ts';
import { isDecisionName, MOST_DECISION_BYTES } from '../domain/decision.ts';
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor } from '../domain/money.ts';
import type { Claim, Inbox, Spooled } from '../inbox/inbox.ts';
import { localTime } from '../platform/clock.ts';
import { openSha256 } from '../platform/digest.ts';
import { isErrno } from '../platform/durable.ts';
import { decisionAnswerName, MOST_TO_APPROVE, publish, removeReports, toApproveName } from '../reports/reports.ts';
import {
  type Decision,
  type DecisionFileRecord,
  type FileRecord,
  type HeldDecision,
  momentOf,
  type Store,
} from '../store/store.ts';
import { type ApprovalTools, type HeldPayout, heldPayouts, noTo, whyUndecidable, yesTo } from './approval.ts';

export interface DecisionTools extends ApprovalTools {
  readonly inbox: Inbox;
}

/** What became of a dropped decision. */
export interface DecisionTaken {
  readonly name: string;
  readonly number: number;
  /** Why it was refused; undefined where it counts. */
  readonly refused: string | undefined;
}

/** A decision counts for this long after it was written. */
const COUNTS_DAYS = 30;
/** After this long it is written anew, so that there is always time to sign it. */
const ANEW_DAYS = 20;
const DAY_MS = 86_400_000;

/** Takes in every decision that was dropped. */
export async function takeDecisions(tools: DecisionTools, businessDate: string): Promise<DecisionTaken[]> {
  const { inbox, store, settings } = tools;
  const taken: DecisionTaken[] = [];
  for (const claim of await inbox.claims()) {
    if (!isDecisionName(claim.name)) continue;
    const record = (await store.decisionFile(claim.id)) ?? (await judgeClaim(tools, claim, businessDate));
    if (!record) continue;
    const { number, name, file } = record;
    const about = file === undefined ? undefined : await store.file(file);
    const answer = { name: decisionAnswerName(about, name, number), content: record.answer, kind: 'replace' } as const;
    await publish(settings.outbox, [answer]);
    await inbox.archive(claim.id, number, name, record.businessDate);
    const { reason } = JSON.parse(record.answer) as Answer;
    taken.push({ name, number, refused: reason ?? undefined });
  }
  return taken;
}

/** Judges a decision and records what comes of it. Undefined where it is still being written or can't be read now. */
async function judgeClaim(
  tools: DecisionTools,
  claim: Claim,
  businessDate: string,
): Promise<DecisionFileRecord | undefined> {
  const spooled = await tools.inbox.spool(claim);
  if (spooled.kind === 'not-yet') return undefined;
  const { store } = tools;
  const dropped = { claim: claim.id, name: claim.name, businessDate };
  const judged = spooled.kind === 'spooled' ? await judgeSpooled(tools, spooled) : refusedAs(notRead(spooled));
  if (!judged.ok || (await record(tools, judged, dropped)) === 'stale') {
    const why = judged.ok ? 'what it decides about has changed meanwhile' : judged.reason;
    const answer = answerText({ ...judged.about, decision: claim.name, accepted: false, reason: why });
    await store.noteRefused({ ...dropped, file: judged.about.file, answer }, why, momentOf(tools));
  }
  return store.decisionFile(claim.id);
}

/** What a decision is about, as far as it says. */
interface About {
  readonly file: number | undefined;
}

interface DecidedRow {
  readonly line: number;
  readonly customerRef: string;
  readonly orderRef: string;
  readonly instructionRef: string;
  readonly decision: 'yes' | 'no';
  /** What the payout is now. */
  readonly status: string;
}

type Judged = { readonly about: About } & (
  | {
      readonly ok: true;
      readonly decision: Decision;
      readonly held: readonly HeldDecision[];
      readonly rows: readonly DecidedRow[];
    }
  | { readonly ok: false; readonly reason: string }
);

function refusedAs(reason: string, about: About = { file: undefined }): Judged {
  return { ok: false, reason, about };
}

function notRead(spooled: Exclude<Spooled, { kind: 'spooled' | 'not-yet' }>): string {
  if (spooled.kind === 'too-large') return `the file has ${spooled.size} bytes, and no decision is that large`;
  return `it is ${spooled.what}, not a plain file with one name`;
}

async function judgeSpooled(
  tools: ApprovalTools,
  { path, signature }: Extract<Spooled, { kind: 'spooled' }>,
): Promise<Judged> {
  return judgeBytes(tools, await firstBytes(path), signature);
}

/** Enough to see that the file is too large. */
async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_DECISION_BYTES + 1), 0, MOST_DECISION_BYTES + 1, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Judges the bytes of a decision with its signature against what the records say now. */
async function judgeBytes(tools: ApprovalTools, bytes: Buffer, signature: Buffer | undefined): Promise<Judged> {
  const { store, settings } = tools;
  if (settings.people.length === 0)
    return refusedAs('no person is named in the settings (people), so no signature counts here');
  const read = await readDecision(bytes);
  if (!read.ok) return refusedAs(read.reason);
  const { decision } = read;
  const file = await store.file(decision.file);
  const about = { file: file?.number };
  const barred = await whyUndecidable(tools);
  if (barred !== undefined) return refusedAs(barred, about);
  const keys = settings.people.flatMap((person) => person.keys);
  const verdict = signature && (await checkSignature(signature, bytes, keys));
  const held = await heldPayouts(store, settings, decision.file);
  const judgement = await judge(decision, verdict, await known(tools, decision, file, held));
  if (!judgement.ok) return refusedAs(judgement.reason, about);
  return { ...decided(tools, judgement, held, signature ?? Buffer.alloc(0)), about };
}

async function known(
  { store, settings, clock }: ApprovalTools,
  decision: DecisionFile,
  file: FileRecord | undefined,
  held: readonly HeldPayout[],
): Promise<Parameters<typeof judge>[2]> {
  const { people, control } = settings;
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  return {
    people,
    maker: control.maker,
    workspace: await workspaceId(store),
    today,
    latestExpiry: daysAfter(today, COUNTS_DAYS),
    file: file && {
      number: file.number,
      name: file.name,
      sha256: file.sha256,
      owner: file.maker?.user ?? '',
      ownerKeys: file.maker?.keys ?? [],
    },
    held: new Map(held.filter(({ payout }) => isOf(payout, decision.file)).map((one) => [lineOf(one), rowOf(one)])),
    votes: held.flatMap((one) => votesOn(one, settings.people)),
  };
}

function isOf({ contentRow }: HeldPayout['payout'], file: number): boolean {
  return rowPlace(contentRow).file === file;
}

function lineOf({ payout }: HeldPayout): number {
  return rowPlace(payout.contentRow).line;
}

/** Only a yes to all reasons that stand now is a vote that can't be given again. */
function votesOn(one: HeldPayout, people: ApprovalTools['settings']['people']): Parameters<typeof judge>[2]['votes'] {
  const { payout, reasons, approvals } = one;
  const [first = '', ...others] = reasons;
  const toAll = countingYes(payout, approvals, first, people).filter(({ person }) =>
    others.every((code) => countingYes(payout, approvals, code, people).some((other) => other.person === person)),
  );
  return toAll.map(({ person, key }) => ({ line: lineOf(one), person, fingerprint: key, decision: 'yes' }));
}

function rowOf(one: HeldPayout): HeldRow {
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

function decided(
  tools: ApprovalTools,
  { person, fingerprint, reason, votes }: Extract<Judgement, { ok: true }>,
  held: readonly HeldPayout[],
  signature: Buffer,
): Omit<Extract<Judged, { ok: true }>, 'about'> {
  const decision: Decision = { by: person, reason, key: fingerprint, signature: hexOf(signature) };
  const byLine = new Map(held.map((one) => [lineOf(one), one]));
  const decisions = votes.flatMap((vote) => {
    const one = byLine.get(vote.line);
    if (!one) return [];
    return [{ one, vote, held: vote.decision === 'yes' ? yesTo(one, decision, tools) : noTo(one, decision) }];
  });
  return {
    ok: true,
    decision,
    held: decisions.map((each) => each.held),
    rows: decisions.map(({ one, vote, held: { change } }) => {
      const { customerRef, orderRef, instructionRef } = one.payout;
      return { line: vote.line, customerRef, orderRef, instructionRef, decision: vote.decision, status: change.to };
    }),
  };
}

function record(
  tools: ApprovalTools,
  { decision, held, rows, about }: Extract<Judged, { ok: true }>,
  dropped: Pick<DecisionFileRecord, 'claim' | 'name' | 'businessDate'>,
): Promise<'decided' | 'stale'> {
  const { by, key } = decision;
  const said = { person: by, key: key ?? '', why: decision.reason };
  const answer = answerText({ ...about, decision: dropped.name, accepted: true, ...said, rows });
  return tools.store.decide(held, decision, momentOf(tools), { ...dropped, file: about.file, answer });
}

/** What the approver reads. `reason`: why the decision does not count. */
interface Answer {
  readonly file: number | undefined;
  readonly decision: string;
  readonly accepted: boolean;
  readonly reason?: string;
  readonly person?: string;
  readonly key?: string;
  readonly why?: string;
  readonly rows?: readonly object[];
}

function answerText(answer: Answer): string {
  return `${JSON.stringify({ format: 'paydrop decision answer', version: 1, ...answer, file: answer.file ?? null }, undefined, 2)}\n`;
}

export type SignedOutcome =
  | { readonly ok: true; readonly payouts: readonly { readonly reference: string; readonly status: string }[] }
  | { readonly ok: false; readonly why: string };

/** A decision that a command has signed. It is judged as one that was dropped, and leaves no file behind. */
export async function decideSigned(tools: ApprovalTools, bytes: Buffer, signature: Buffer): Promise<SignedOutcome> {
  const judged = await judgeBytes(tools, bytes, signature);
  if (!judged.ok) return { ok: false, why: judged.reason };
  const outcome = await tools.store.decide(judged.held, judged.decision, momentOf(tools));
  return outcome === 'stale'
    ? { ok: false, why: 'what it decides about has changed meanwhile' }
    : {
        ok: true,
        payouts: judged.rows.map(({ customerRef, orderRef, instructionRef, status }) => ({
          reference: `${customerRef}/${orderRef}/${instructionRef}`,
          status,
        })),
      };
}

const WORKSPACE_ID = 'workspace-id';

/** Tells this workspace from every other one, so that no decision about another one counts here. */
async function workspaceId(store: Store): Promise<string> {
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

function daysAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

function hexOf(bytes: Buffer | string): string {
  return openSha256().update(bytes).digest('hex');
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
    const written = daysAfter(earlier || today, ANEW_DAYS) > today && earlier !== '' ? earlier : today;
    const text = await decisionAbout(store, file, held, written);
    now[name] = { written, sha256: hexOf(text) };
    const isThere = await lstat(join(settings.outbox, name)).catch(absent);
    if (sha256 !== now[name].sha256 || !isThere)
      await publish(settings.outbox, [{ name, content: text, kind: 'replace' }]);
  }
  const gone = Object.keys(before).filter((name) => now[name] === undefined);
  if (gone.length > 0) await removeReports(settings.outbox, gone);
  const noted = Object.keys(now).length === 0 ? '' : JSON.stringify(now);
  if (noted !== ((await store.fact(TO_APPROVE)) ?? '')) await store.setFact(TO_APPROVE, noted);
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
