/** Whether a signed decision counts, by what is known now. It counts as a whole or not at all. */
import type { Person } from '../settings/settings.ts';
import { isBeyond } from './approval.ts';
import { type DecisionFile, type DecisionRow, shown } from './decision-file.ts';
import { signatureProblem, type Verdict } from './signature.ts';

/** A payout that is held, as a decision states it, with its amount as a number. */
export interface HeldRow extends Omit<DecisionRow, 'decision'> {
  readonly amountMinor: bigint;
}

/** What a person decided about a row. */
interface Vote {
  readonly line: number;
  readonly person: string;
  /** The key that the person signed with. */
  readonly fingerprint: string;
  readonly decision: 'yes' | 'no';
}

interface DecidedFile {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
  /** The user who owned it in the inbox. */
  readonly owner: string;
  /** The fingerprints of the keys that this user had in the settings when the file was taken in. */
  readonly ownerKeys: readonly string[];
}

export interface Known {
  readonly people: readonly Person[];
  /** Whether the owner of the file must be one of them. */
  readonly maker: 'person' | 'anyone';
  /** The id of this workspace. */
  readonly workspace: string;
  /** Today's business date. */
  readonly today: string;
  /** The last day that a decision written today is given. No decision counts for longer. */
  readonly latestExpiry: string;
  /** The file under the decision's number. Undefined: there is none. */
  readonly file: DecidedFile | undefined;
  /** The held rows of that file by line. */
  readonly held: ReadonlyMap<number, HeldRow>;
  /** What was decided about those rows as they are now. */
  readonly votes: readonly Vote[];
}

export type Judgement =
  | {
      readonly ok: true;
      readonly person: string;
      readonly fingerprint: string;
      readonly reason: string;
      readonly votes: readonly Vote[];
    }
  /** A sentence without its full stop. */
  | { readonly ok: false; readonly reason: string };

interface Signer {
  readonly person: Person;
  readonly fingerprint: string;
}

/** Judges a decision. `signature` is the verdict on its `.sig` file; undefined where there is none. */
export function judge(decision: DecisionFile, signature: Verdict | undefined, known: Known): Judgement {
  const signer = signerOf(signature, known.people, 'approve');
  if (typeof signer === 'string') return { ok: false, reason: signer };
  const { person, fingerprint } = signer;
  const reason = problemOf(decision, signer, known);
  if (reason !== undefined) return { ok: false, reason };
  const votes = decision.rows.map(({ line, decision }) => ({ line, person: person.name, fingerprint, decision }));
  return { ok: true, person: person.name, fingerprint, reason: decision.reason, votes };
}

/** A payout that a person settles, with the file that states it. */
export interface Settled {
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly file: Pick<DecidedFile, 'name' | 'owner' | 'ownerKeys'> | undefined;
}

/**
 * The person who signed, if the person may settle these payouts; or why not, in a sentence without its full stop. The same
 * holds as for approving: no own file, no larger amount than the person may decide about.
 */
export function settlerOf(
  signature: Verdict,
  payouts: readonly Settled[],
  { people, maker }: Pick<Known, 'people' | 'maker'>,
): Signer | string {
  const signer = signerOf(signature, people, 'settle');
  if (typeof signer === 'string') return signer;
  for (const payout of payouts) {
    const own = ownFile(signer, { people, maker, file: payout.file });
    if (own !== undefined) return own;
    if (isBeyond(payout, signer.person))
      return `it is more than ${signer.person.name} may decide about (upTo in the settings)`;
  }
  return signer;
}

/** The person who signed; or why the signature is none of a person's who may do this. */
function signerOf(
  signature: Verdict | undefined,
  people: readonly Person[],
  right: 'approve' | 'settle',
): Signer | string {
  if (!signature)
    return 'the decision is not signed: sign it with ssh-keygen -Y sign -n paydrop, and drop the .sig file with it';
  if (signature.kind !== 'good') return signatureProblem(signature);
  const { fingerprint } = signature.key;
  const person = people.find(({ keys }) => keys.some((key) => key.fingerprint === fingerprint));
  if (!person) return signatureProblem({ kind: 'unknown-key', fingerprint });
  if (!person.may.has(right)) return `${person.name} may not ${right}, by the settings`;
  return { person, fingerprint };
}

/** The first thing that speaks against the decision. */
function problemOf(decision: DecisionFile, signer: Signer, known: Known): string | undefined {
  return wrongPlace(decision, known) ?? ownFile(signer, known) ?? wrongRows(decision.rows, signer, known);
}

function wrongPlace(decision: DecisionFile, { workspace, today, latestExpiry, file }: Known): string | undefined {
  if (decision.workspace !== workspace) return 'the decision is for another workspace';
  if (!file || file.number !== decision.file) return `there is no file with the number ${decision.file} here yet`;
  if (file.sha256 !== decision.sha256 || file.name !== decision.name)
    return `the decision is about another file than number ${file.number}, which is ${file.name}`;
  if (decision.expires < today) return `the decision counted until ${decision.expires}, and today is ${today}`;
  if (decision.expires > latestExpiry) return `"expires" is ${decision.expires}, which is later than paydrop allows`;
  return undefined;
}

/** Who drops a file does not let it go: not under another name with the same key either. */
function ownFile(
  { person, fingerprint }: Signer,
  { people, maker, file }: Pick<Known, 'people' | 'maker'> & Pick<Settled, 'file'>,
): string | undefined {
  const makers = people.filter(({ user }) => user === file?.owner);
  if (makers.length === 0 && maker === 'person')
    return `who dropped ${file?.name} is not known: its owner ${file?.owner ?? ''} is no person of the settings (control.maker)`;
  const keys = [...makers.flatMap(({ keys }) => keys.map((key) => key.fingerprint)), ...(file?.ownerKeys ?? [])];
  return makers.some(({ name }) => name === person.name) || keys.includes(fingerprint)
    ? `${person.name} dropped ${file?.name}, and another person must decide about it`
    : undefined;
}

function wrongRows(rows: readonly DecisionRow[], { person, fingerprint }: Signer, known: Known): string | undefined {
  const { held } = known;
  const gone = rows.filter(({ line }) => !held.has(line));
  if (gone.length > 0) return `${named(gone)} ${gone.length === 1 ? 'is' : 'are'} not held any more`;
  for (const row of rows) {
    const change = changeOf(row, held.get(row.line));
    if (change !== undefined) return `${named([row])} has changed since the decision was written: ${change}`;
  }
  const beyond = rows.filter(({ line }) => isBeyond(held.get(line), person));
  if (beyond.length > 0) return `${named(beyond)}: more than ${person.name} may decide about (upTo in the settings)`;
  const lines = new Map(rows.map((row) => [row.line, row]));
  const mine = (vote: Vote) => vote.person === person.name || vote.fingerprint === fingerprint;
  const votes = known.votes.filter((vote) => lines.has(vote.line) && mine(vote));
  const again = [...new Set(votes.map(({ line }) => line))].flatMap((line) => lines.get(line) ?? []);
  if (again.length === 0) return undefined;
  const others = votes.find((vote) => vote.person !== person.name);
  return others === undefined
    ? `${person.name} has decided about ${named(again)} already`
    : `${others.person} has decided about ${named(again)} already, with the same key`;
}

/** What a person sees of a payout, besides why it is held. */
const COMPARED = [
  'customerRef',
  'orderRef',
  'instructionRef',
  'amount',
  'currency',
  'payee',
  'openDate',
  'dueDate',
] as const satisfies (keyof DecisionRow)[];

/** What differs between the row as it was decided about and as it is; undefined where nothing does. */
function changeOf(row: DecisionRow, held: HeldRow | undefined): string | undefined {
  for (const name of COMPARED)
    if (row[name] !== held?.[name])
      return `${name} is "${shown(held?.[name] ?? '')}" now, and "${shown(row[name])}" in the decision`;
  if (JSON.stringify(row.reasons) !== JSON.stringify(held?.reasons))
    return `it is held because of ${held?.reasons.join(', ')} now`;
  return row.seen === held?.seen ? undefined : 'what is not shown of it is other than it was';
}

/** `line 7 (C1 / O1 / P3) and 2 more` */
function named(rows: readonly DecisionRow[]): string {
  const [first] = rows;
  if (!first) return 'no row';
  const { line, customerRef, orderRef, instructionRef } = first;
  const more = rows.length > 1 ? ` and ${rows.length - 1} more` : '';
  return `line ${line} (${[customerRef, orderRef, instructionRef].map(shown).join(' / ')})${more}`;
}
