/** What a person does in the console. Each action is that of a command, for what the person saw, and says who it was. */
import { pause, resume } from '../../control/control.ts';
import { showsAnything, unwantedControl } from '../../domain/characters.ts';
import type { InstructionRef } from '../../domain/instruction.ts';
import {
  approve,
  closeFile,
  closePayouts,
  type Decided,
  decideSigned,
  decisionsAbout,
  type HeldPayout,
  heldOf,
  refuse,
  resolve,
  retryAll,
  settler,
} from '../../pipeline/pipeline.ts';
import { UnavailableError } from '../../platform/failures.ts';
import { noProgress } from '../../platform/progress.ts';
import type { Provider } from '../../provider/provider.ts';
import { consolePages } from '../../reports/reports.ts';
import type { Settings } from '../../settings/settings.ts';
import { type Decision, momentOf } from '../../store/store.ts';
import { heldVersion, pauseVersion } from './pages.ts';
import type { Turn } from './turn.ts';
import { numberIn, pausedNow, type Visit } from './visit.ts';

type Done = keyof Awaited<ReturnType<typeof consolePages>>['DONE'];

/** What was done, and the page that shows it; or why not, in sentences, and where it can be seen how it stands now. */
type Outcome =
  | { readonly ok: true; readonly done: Done; readonly to: string }
  | { readonly ok: false; readonly status: number; readonly why: readonly string[]; readonly back: string };

/** A form, and who sent it with which reason. */
interface Asked {
  readonly form: URLSearchParams;
  readonly decision: Decision;
  /** Aborts when the person has to be answered soon: what waits then ends without a decision. */
  readonly late: AbortSignal;
  /** For what decides after the provider was asked. All else is in turn already. */
  readonly deciding: Turn;
}

type Action = (visit: Visit, asked: Asked) => Promise<Outcome>;

const LONGEST_REASON = 1_000;
const LONGEST_TICKET = 100;
/** As many as a page lists, several times over. */
const MOST_DECIDED = 1_000;

const CONFLICT = 409;
const NOT_READABLE = 400;
const NOT_NOW = 503;

const MOVED = 'it moved on meanwhile, and nothing was decided';
const UNHEARD =
  'it is not paid again, and nothing was decided, because the provider has not answered in time. Try again later';

/** By the path of the form. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  '/decide': decide,
  '/resolve': onPayout('resolved', resolving),
  '/retry': onPayout('retried', retrying),
  '/close': onPayout('closed', closing),
  '/close-file': closingFile,
  '/pause': pausing,
  '/resume': resuming,
};

/** Does what the form asks for. */
export async function act(visit: Visit, action: Action, asked: Omit<Asked, 'decision'>): Promise<Outcome> {
  const { form } = asked;
  const reason = (form.get('reason') ?? '').trim();
  const ticket = (form.get('ticket') ?? '').trim();
  const problem = textProblem('Reason', reason, LONGEST_REASON) ?? textProblem('Ticket', ticket, LONGEST_TICKET);
  if (problem !== undefined) return no(NOT_READABLE, [problem], '/');
  if (!showsAnything(reason)) return no(NOT_READABLE, ['Reason: say why, for the auditor who asks a year later.'], '/');
  const decision: Decision = { by: visit.who.person, reason, ...(ticket !== '' && { ticket }) };
  try {
    return await action(visit, { ...asked, decision });
  } catch (error) {
    if (error instanceof UnavailableError) return no(NOT_NOW, [error.message], '/');
    throw error;
  }
}

function textProblem(name: string, text: string, longest: number): string | undefined {
  if (text.length > longest) return `${name}: expected at most ${longest} characters.`;
  const character = unwantedControl(text);
  return character === undefined ? undefined : `${name}: expected text without control characters, found ${character}.`;
}

function no(status: number, why: readonly string[], back: string): Outcome {
  return { ok: false, status, why, back };
}

async function toolsOf({ tools, settings }: Visit) {
  const { store, clock } = tools;
  return { store, clock, settings, run: await store.runUnderWay() };
}

async function decide(visit: Visit, { form, decision }: Asked): Promise<Outcome> {
  const [versions, word] = [form.getAll('payout'), form.get('word')];
  if (versions.length === 0) return no(NOT_READABLE, ['Nothing is ticked.'], '/held');
  if (versions.length > MOST_DECIDED || (word !== 'yes' && word !== 'no'))
    return no(NOT_READABLE, ['This is no form of the console.'], '/held');
  const tools = await toolsOf(visit);
  const chosen = await heldAsSeen(tools, versions);
  if (!chosen) return no(CONFLICT, [MOVED], '/held');
  const decided = await said(visit, tools, chosen, word, decision);
  return decided.ok
    ? { ok: true, done: word === 'yes' ? 'approved' : 'refused', to: '/held' }
    : no(CONFLICT, decided.why, '/held');
}

/** Undefined where one of them is not as the person saw it any more. */
async function heldAsSeen(
  { store, settings }: Pick<Awaited<ReturnType<typeof toolsOf>>, 'store' | 'settings'>,
  versions: readonly string[],
): Promise<HeldPayout[] | undefined> {
  const asked = new Map(versions.map((version) => [numberIn(version.split('.')[0] ?? ''), version]));
  const ids = [...asked.keys()].filter((id) => id !== undefined);
  const found = await heldOf(store, settings, ids);
  const isAsSeen = found.length === asked.size && found.every((one) => asked.get(one.payout.id) === heldVersion(one));
  return isAsSeen ? found : undefined;
}

/** Where the settings name people, the decision is judged as one that the person has signed with the session. */
async function said(
  { who }: Visit,
  tools: Awaited<ReturnType<typeof toolsOf>>,
  chosen: readonly HeldPayout[],
  word: 'yes' | 'no',
  decision: Decision,
): Promise<{ ok: true } | { ok: false; why: readonly string[] }> {
  const { signed, account } = who;
  if (!signed) return (word === 'yes' ? approve : refuse)(tools, chosen, { ...decision, account });
  const why = decision.reason + (decision.ticket === undefined ? '' : ` (ticket ${decision.ticket})`);
  const made = await decisionsAbout(tools, chosen, word, why);
  const { bytes: session, signature } = signed;
  const outcome = await decideSigned(
    tools,
    made.map((one) => ({ ...one, signature, session })),
  );
  return outcome.ok ? outcome : { ok: false, why: [outcome.why] };
}

/** One payout, in the version that the person saw. */
type Seen = InstructionRef & { readonly version: number };
type OnPayout = (
  visit: Visit,
  seen: Seen,
  asked: Asked,
) => Promise<Decided | { ok: true } | { ok: false; why: string }>;

function onPayout(done: Done, work: OnPayout): Action {
  return async (visit, asked) => {
    const [customerRef = '', orderRef = '', instructionRef = ''] = (asked.form.get('ref') ?? '').split('/');
    const version = numberIn(asked.form.get('version'));
    const back = (await consolePages()).payoutAddress({ customerRef, orderRef, instructionRef });
    if (version === undefined) return no(NOT_READABLE, ['This is no form of the console.'], back);
    const decided = await work(visit, { customerRef, orderRef, instructionRef, version }, asked);
    return decided.ok ? { ok: true, done, to: back } : no(CONFLICT, [decided.why], back);
  };
}

/** The decision of a person who may settle this payout, where the settings name people; or why that person may not. */
async function settled({ tools, settings, who }: Visit, seen: Seen, decision: Decision): Promise<Decision | string> {
  if (!who.signed) return decision;
  const signer = await settler({ store: tools.store, settings }, who.signed, [seen]);
  return typeof signer === 'string' ? signer : { ...decision, ...signer };
}

async function resolving(visit: Visit, seen: Seen, { form, decision }: Asked): ReturnType<OnPayout> {
  const paid = form.get('paid');
  if (paid !== 'yes' && paid !== 'no') return { ok: false, why: 'say whether it was paid' };
  const by = await settled(visit, seen, decision);
  if (typeof by === 'string') return { ok: false, why: by };
  return resolve(await toolsOf(visit), seen, paid === 'yes', by);
}

async function retrying(visit: Visit, seen: Seen, { decision, late, deciding }: Asked): ReturnType<OnPayout> {
  const { tools, settings } = visit;
  if (providerOf(settings) !== providerOf(tools.settings))
    return {
      ok: false,
      why: 'paydrop.json names another provider than paydrop watch was started with: start it again',
    };
  const by = await settled(visit, seen, decision);
  if (typeof by === 'string') return { ok: false, why: by };
  const provider = heardBefore(late, tools.provider);
  const asking = { ...(await toolsOf(visit)), provider, progress: noProgress, deciding };
  const { decided } = await retryAll(asking, [seen], by, late);
  const [outcome] = decided;
  if (late.aborted && outcome?.ok === false && outcome.unclear) return { ok: false, why: UNHEARD };
  return outcome ?? { ok: false, why: MOVED };
}

/**
 * The provider, of which a look-up that is not answered by then counts as unclear: nothing is decided on it, and an
 * answer that comes later is not heard.
 */
function heardBefore(late: AbortSignal, provider: Provider): Provider {
  return {
    ...provider,
    lookUp: (ref) =>
      new Promise((resolve, reject) => {
        const unheard = () => resolve({ kind: 'unclear', message: 'it has not answered in time' });
        late.addEventListener('abort', unheard, { once: true });
        if (late.aborted) unheard();
        provider.lookUp(ref).then(resolve, reject);
      }),
  };
}

function providerOf({ provider: { api, baseUrl, accountId, tenantId } }: Settings): string {
  return JSON.stringify([api, String(baseUrl), accountId, tenantId]);
}

async function closing(visit: Visit, seen: Seen, { decision }: Asked): ReturnType<OnPayout> {
  const closed = await closePayouts(await toolsOf(visit), [seen], decision);
  return closed.ok ? closed : { ok: false, why: closed.why.join(' ') };
}

async function closingFile(visit: Visit, { form, decision }: Asked): Promise<Outcome> {
  const [number, rows] = [numberIn(form.get('number')), numberIn(form.get('version'))];
  if (number === undefined || rows === undefined)
    return no(NOT_READABLE, ['This is no form of the console.'], '/files');
  const back = (await consolePages()).fileAddress(number);
  const tools = await toolsOf(visit);
  const file = await tools.store.file(number);
  if (file?.toRepair !== rows) return no(CONFLICT, [MOVED], back);
  const closed = await closeFile(tools, number, decision);
  return closed.ok ? { ok: true, done: 'closed', to: back } : no(CONFLICT, closed.why, back);
}

async function pausing(visit: Visit, { form, decision }: Asked): Promise<Outcome> {
  if (form.get('version') !== pauseVersion(await pausedNow(visit))) return no(CONFLICT, [MOVED], '/');
  const { store, clock, run, settings } = await toolsOf(visit);
  await pause(store, decision, momentOf({ clock, run }), settings.schedule.timeZone);
  return { ok: true, done: 'paused', to: '/' };
}

async function resuming(visit: Visit, { form, decision }: Asked): Promise<Outcome> {
  const paused = await pausedNow(visit);
  if (paused === undefined || form.get('version') !== pauseVersion(paused)) return no(CONFLICT, [MOVED], '/');
  const { store, clock, run, settings } = await toolsOf(visit);
  const since = await resume(store, decision, momentOf({ clock, run }), settings.workspace);
  return since === undefined ? { ok: true, done: 'resumed', to: '/' } : no(CONFLICT, [MOVED], '/');
}
