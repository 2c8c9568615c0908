import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  checkSignature,
  countingYes,
  type DecisionFile,
  type Judgement,
  judge,
  readDecision,
} from '../control/control.ts';
import { isDecisionName, MOST_DECISION_BYTES } from '../domain/decision.ts';
import { rowPlace } from '../domain/instruction.ts';
import type { Claim, Inbox, Spooled } from '../inbox/inbox.ts';
import { localTime } from '../platform/clock.ts';
import { openSha256 } from '../platform/digest.ts';
import { decisionAnswerName, MOST_TO_APPROVE, publish, toApproveName } from '../reports/reports.ts';
import {
  type Decision,
  type DecisionFileRecord,
  type FileRecord,
  type HeldDecision,
  momentOf,
  type Store,
} from '../store/store.ts';
import { type ApprovalTools, type HeldPayout, heldPayouts, noTo, whyUndecidable, yesTo } from './approval.ts';
import { COUNTS_DAYS, daysAfter, decisionAbout, lineOf, rowOf, workspaceId } from './to-approve.ts';

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

/** Takes in every decision that was dropped. Of a yes and a no to the same payout, dropped together, the no counts. */
export async function takeDecisions(tools: DecisionTools, businessDate: string): Promise<DecisionFileRecord[]> {
  const { inbox, store } = tools;
  const claims = (await inbox.claims()).filter(({ name }) => isDecisionName(name));
  const [mayRefuse, others]: [Claim[], Claim[]] = [[], []];
  for (const claim of claims) ((await saysNo(inbox, claim)) ? mayRefuse : others).push(claim);
  const taken: DecisionFileRecord[] = [];
  for (const claim of [...mayRefuse, ...others]) {
    const record = (await store.decisionFile(claim.id)) ?? (await judgeClaim(tools, claim, businessDate));
    if (record) taken.push(record);
  }
  return taken;
}

/**
 * Answers and archives decisions that are taken in. It comes after the sending: no payout waits because an answer can't be
 * written. What is not answered yet is answered by a later pass.
 */
export async function answerDecisions(
  { inbox, store, settings }: DecisionTools,
  taken: readonly DecisionFileRecord[],
): Promise<DecisionTaken[]> {
  const answered: DecisionTaken[] = [];
  for (const { claim, number, name, file, businessDate, answer: content } of taken) {
    const about = file === undefined ? undefined : await store.file(file);
    await publish(settings.outbox, [{ name: decisionAnswerName(about, name, number), content, kind: 'replace' }]);
    await inbox.archive(claim, number, name, businessDate);
    const { reason } = JSON.parse(content) as Answer;
    answered.push({ name, number, refused: reason ?? undefined });
  }
  return answered;
}

async function saysNo(inbox: Inbox, claim: Claim): Promise<boolean> {
  const spooled = await inbox.spool(claim);
  return spooled.kind === 'spooled' && (await firstBytes(spooled.path)).includes('"no"');
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
    const file = judged.about.file ?? (await fileByName(store, claim.name));
    const answer = answerText({ file, decision: claim.name, accepted: false, reason: why });
    await store.noteRefused({ ...dropped, file, answer }, why, momentOf(tools));
  }
  return store.decisionFile(claim.id);
}

/** The file that a decision is about by its name, where it does not say so itself. */
async function fileByName(store: Store, name: string): Promise<number | undefined> {
  const [stem, number] = /^.*\.(\d{6})(?=\.to-approve)/.exec(name) ?? [];
  const file = number === undefined ? undefined : await store.file(Number(number));
  return file && !file.forgotten && toApproveName(file).startsWith(`${stem}.`) ? file.number : undefined;
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

/**
 * Judges the bytes of a decision with its signature against what the records say now. `signed` is what the signature is
 * of, where that is not the decision itself.
 */
async function judgeBytes(
  tools: ApprovalTools,
  bytes: Buffer,
  signature: Buffer | undefined,
  signed = bytes,
): Promise<Judged> {
  const { store, settings } = tools;
  if (settings.people.length === 0)
    return refusedAs('no person is named in the settings (people), so no signature counts here');
  const read = await readDecision(bytes);
  if (!read.ok) return refusedAs(read.reason);
  const { decision } = read;
  const file = await store.file(decision.file);
  // Its texts are gone. What a decision says of them is not written down again.
  if (file?.forgotten) return refusedAs(`file ${file.number} is forgotten, and nothing of it is held`);
  const about = { file: file?.number };
  const barred = await whyUndecidable(tools);
  if (barred !== undefined) return refusedAs(barred, about);
  const keys = settings.people.flatMap((person) => person.keys);
  const verdict = signature && (await checkSignature(signature, signed, keys));
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

/** Only a yes to all reasons that stand now is a vote that can't be given again. */
function votesOn(one: HeldPayout, people: ApprovalTools['settings']['people']): Parameters<typeof judge>[2]['votes'] {
  const { payout, reasons, approvals } = one;
  const [first = '', ...others] = reasons;
  const toAll = countingYes(payout, approvals, first, people).filter(({ person }) =>
    others.every((code) => countingYes(payout, approvals, code, people).some((other) => other.person === person)),
  );
  return toAll.map(({ person, key }) => ({ line: lineOf(one), person, fingerprint: key, decision: 'yes' }));
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

/** A decision about one file. */
export interface DecisionMade {
  readonly file: number;
  readonly bytes: Buffer;
}

/** The same with its signature. */
interface SignedDecision extends DecisionMade {
  readonly signature: Buffer;
  /** What the person has signed to open the session in which the decision was made; undefined: the decision itself. */
  readonly session?: Buffer;
}

/** The decisions about these payouts, one a file and as many rows as a file may have, as an approver would edit them. */
export async function decisionsAbout(
  { store, settings, clock }: ApprovalTools,
  chosen: readonly HeldPayout[],
  word: 'yes' | 'no',
  reason: string,
): Promise<DecisionMade[]> {
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  const byFile = new Map<number, HeldPayout[]>();
  for (const one of chosen) {
    const { file } = rowPlace(one.payout.contentRow);
    const ofFile = byFile.get(file);
    if (ofFile) ofFile.push(one);
    else byFile.set(file, [one]);
  }
  const made: DecisionMade[] = [];
  for (const [number, ofFile] of byFile) {
    const file = await store.file(number);
    if (!file) throw new Error(`There is no file ${number}`);
    for (let at = 0; at < ofFile.length; at += MOST_TO_APPROVE) {
      const text = await decisionAbout(store, file, ofFile.slice(at, at + MOST_TO_APPROVE), today);
      const decision = JSON.parse(text) as { rows: object[] };
      const rows = decision.rows.map((row) => ({ ...row, decision: word }));
      made.push({
        file: number,
        bytes: Buffer.from(`${JSON.stringify({ ...decision, reason, rows }, undefined, 2)}\n`),
      });
    }
  }
  return made;
}

/**
 * Decisions that a person has signed, each by itself or with the session in which they were made. They are judged as
 * those that were dropped, and leave no file behind. All of them are judged before the first is recorded: where one does
 * not count, none does.
 */
export async function decideSigned(tools: ApprovalTools, signed: readonly SignedDecision[]): Promise<SignedOutcome> {
  const all: Extract<Judged, { ok: true }>[] = [];
  for (const { file, bytes, signature, session } of signed) {
    const judged = await judgeBytes(tools, bytes, signature, session);
    if (!judged.ok) return { ok: false, why: `file ${file}: ${judged.reason}` };
    all.push(judged);
  }
  for (const [at, { held, decision, about }] of all.entries())
    if ((await tools.store.decide(held, decision, momentOf(tools))) === 'stale') {
      const before = at === 0 ? '' : '; what was decided about the files before it stands';
      return { ok: false, why: `file ${about.file}: what it decides about has changed meanwhile${before}` };
    }
  const payouts = all.flatMap(({ rows }) =>
    rows.map(({ customerRef, orderRef, instructionRef, status }) => ({
      reference: `${customerRef}/${orderRef}/${instructionRef}`,
      status,
    })),
  );
  return { ok: true, payouts };
}

function hexOf(bytes: Buffer | string): string {
  return openSha256().update(bytes).digest('hex');
}
