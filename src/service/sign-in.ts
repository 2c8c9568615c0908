/**
 * Who may use the console. A person gets a link that opens one session. Where the settings name people, the link counts
 * only with a signature by that person's key, and so does all that is decided in the session: it is checked anew at each
 * request against the people that the settings name then.
 */
import { randomBytes } from 'node:crypto';
import { checkSignature, signatureProblem } from '../control/control.ts';
import { workspaceId } from '../pipeline/pipeline.ts';
import { type Clock, timestamp } from '../platform/clock.ts';
import { sha256 } from '../platform/digest.ts';
import { UsageError } from '../platform/failures.ts';
import type { Settings } from '../settings/settings.ts';
import type { Session, SignIn, Store } from '../store/store.ts';

/** How long a link may be used. */
const LINK_MINUTES = 10;
/** How long a session lasts. */
export const SESSION_HOURS = 8;

const MINUTE_MS = 60_000;
/** For how long after the link was made its signature counts: the link is used, and its session ends, before that. */
const SIGNED_FOR_MS = (LINK_MINUTES + SESSION_HOURS * 60) * MINUTE_MS;
const TOKEN_BYTES = 32;

interface SignInTools {
  readonly store: Store;
  /** As paydrop.json is now. */
  readonly settings: Pick<Settings, 'people'>;
  readonly clock: Clock;
}

/** Who is signed in. */
export interface SignedIn {
  readonly person: string;
  /** The account that asked for the link; empty where the person's key has signed. */
  readonly account: string;
  /** What the key has signed, and its signature; undefined where the settings name no people. */
  readonly signed: { readonly bytes: Buffer; readonly signature: Buffer } | undefined;
  /** A timestamp. */
  readonly endsAt: string;
}

/** What the link has in it, and until when it may be used. */
interface NewLink {
  readonly token: string;
  readonly expiresAt: string;
}

/** Makes a link for who may run the program here, where the settings name no people. */
export async function linkFor(
  { store, clock }: SignInTools,
  { person, account }: Pick<SignIn, 'person' | 'account'>,
): Promise<NewLink> {
  const { token, link, madeAt, expiresAt } = await newLink(store, clock);
  await store.keepSignIn({ link, person, account, statement: '', signature: '', madeAt, expiresAt });
  return { token, expiresAt };
}

/**
 * Makes a link for one of the people. `sign` makes a signature of the bytes, as ssh-keygen writes it. Throws a UsageError
 * where it is none by a key of that person.
 */
export async function signedLinkFor(
  tools: SignInTools,
  person: string,
  sign: (bytes: Buffer) => Promise<Buffer>,
): Promise<NewLink> {
  const { store, settings, clock } = tools;
  const keys = keysOf(settings, person);
  if (!keys) throw new UsageError(`${person}: paydrop.json names no such person (people)`);
  const { token, link, madeAt, expiresAt } = await newLink(store, clock);
  const statement = await statementOf(store, { person, link, madeAt });
  const bytes = Buffer.from(statement);
  const signature = await sign(bytes);
  const verdict = await checkSignature(signature, bytes, keys);
  if (verdict.kind !== 'good')
    throw new UsageError(
      verdict.kind === 'unknown-key'
        ? `the key ${verdict.fingerprint} is none of ${person}'s in the settings`
        : await signatureProblem(verdict),
    );
  const text = signature.toString('latin1');
  await store.keepSignIn({ link, person, account: '', statement, signature: text, madeAt, expiresAt });
  return { token, expiresAt };
}

async function newLink(
  store: Store,
  clock: Clock,
): Promise<{ token: string } & Omit<SignIn, 'person' | 'account' | 'statement' | 'signature'>> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const nowMs = await store.commonTime(clock.now());
  const expiresAt = timestamp(nowMs + LINK_MINUTES * MINUTE_MS);
  return { token, link: sha256(token), madeAt: timestamp(nowMs), expiresAt };
}

/** What a person's key signs: it says for how long what is decided in the browser counts as signed. */
async function statementOf(
  store: Store,
  { person, link, madeAt: at }: Pick<SignIn, 'person' | 'link' | 'madeAt'>,
): Promise<string> {
  const what = `what ${person} decides in the console within ${SESSION_HOURS} hours`;
  const workspace = await workspaceId(store);
  return `${JSON.stringify({ format: 'paydrop sign-in', version: 1, workspace, person, at, link, what }, undefined, 2)}\n`;
}

/** Whom a link would sign in; undefined where it was used, is late, or does not count. */
export async function personOfLink(tools: SignInTools, token: string): Promise<string | undefined> {
  const found = await tools.store.signIn(sha256(token), await now(tools));
  return found && (await counts(tools, found)) ? found.person : undefined;
}

/** Uses a link. Returns the session's token; undefined where the link was used, is late, or does not count. */
export async function openSession(tools: SignInTools, token: string): Promise<string | undefined> {
  if ((await personOfLink(tools, token)) === undefined) return undefined;
  const session = randomBytes(TOKEN_BYTES).toString('base64url');
  const nowMs = await tools.store.commonTime(tools.clock.now());
  const endsAt = timestamp(nowMs + SESSION_HOURS * 60 * MINUTE_MS);
  const opened = await tools.store.openSession(sha256(token), sha256(session), timestamp(nowMs), endsAt);
  return opened && session;
}

/** Who has that session; undefined where it has ended, or its person is none of the settings any more. */
export async function signedIn(tools: SignInTools, token: string): Promise<SignedIn | undefined> {
  const found = await tools.store.session(sha256(token), await now(tools));
  if (!found || !(await counts(tools, found))) return undefined;
  const { person, account, statement, signature, endsAt }: Session = found;
  const signed =
    statement === '' ? undefined : { bytes: Buffer.from(statement), signature: Buffer.from(signature, 'latin1') };
  return { person, account, signed, endsAt };
}

export async function endSession(tools: SignInTools, token: string): Promise<void> {
  await tools.store.endSession(sha256(token), await now(tools));
}

async function now({ store, clock }: SignInTools): Promise<string> {
  return timestamp(await store.commonTime(clock.now()));
}

/**
 * Whether it counts by the people of the settings: signed by a key that its person has now, or not signed where there are
 * none. The row alone is not believed: whatever ends it says, it counts no longer than the person has signed for.
 */
async function counts({ store, settings, clock }: SignInTools, signIn: SignIn): Promise<boolean> {
  const { person, statement, signature, madeAt } = signIn;
  if (settings.people.length === 0) return statement === '';
  const keys = keysOf(settings, person);
  if (!keys || statement !== (await statementOf(store, signIn))) return false;
  const sinceMs = (await store.commonTime(clock.now())) - Date.parse(madeAt);
  if (!(sinceMs >= 0 && sinceMs < SIGNED_FOR_MS)) return false;
  return (await checkSignature(Buffer.from(signature, 'latin1'), Buffer.from(statement), keys)).kind === 'good';
}

function keysOf({ people }: Pick<Settings, 'people'>, person: string): Settings['people'][number]['keys'] | undefined {
  return people.find(({ name }) => name === person)?.keys;
}
