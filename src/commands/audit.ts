import { UnavailableError, UsageError } from '../platform/failures.ts';
import { terminalProgress } from '../platform/progress.ts';
import { printJson } from '../platform/terminal.ts';
import { type OpenWorkspace, openForDeciding, openRecords, openWorkspace } from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import {
  acceptProvider,
  differenceText,
  distrustNow,
  doubtRestored,
  endLookUpOnly,
  isLookedUp,
  lookUpOnly,
  momentOf,
  otherProvider,
  otherProviderText,
  readAnchor,
  verify as verifyRecords,
} from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';
import { type DecisionOptions, personWith } from './person.ts';
import { type SettlingOptions, settlingBy } from './settling.ts';

/** What a person may say about a provider that is not the one of the records. */
const ACCOUNTS = ['same-account', 'other-account'];

/** `paydrop audit verify` checks the chain, the records against the chain, and the chain against its anchor. */
export async function verify({ workspace, output, clock }: CommandContext, options: { json?: true }): Promise<number> {
  const { store, settings } = await openRecords(workspace);
  try {
    const progress = terminalProgress(process.stderr, clock);
    const verified = await verifyRecords(store, progress);
    progress.clear();
    const doubt = await distrustNow(store, settings);
    const other = await otherProvider(store);
    const mode = (await lookUpOnly(store)) ?? (other && otherProviderText(other));
    if (options.json)
      printJson(process.stdout, {
        ...verified,
        difference: verified.difference ?? null,
        anchor: (await readAnchor(settings.data)).last() ?? null,
        doubt: doubt ?? null,
        lookUpOnly: mode ?? null,
      });
    else {
      const broken = `entry ${verified.broken} does not follow from the one before it: it, or one before it, was changed`;
      output.line(
        verified.broken === undefined ? `unbroken: ${verified.entries} entries, head ${verified.head}` : broken,
      );
      if (verified.difference) output.line(differenceText(verified.difference));
      if (doubt !== undefined) output.line(doubt);
      if (mode !== undefined) output.line(`nothing is sent from this workspace: ${mode}`);
    }
    const wrong = [verified.broken, verified.difference, doubt, mode];
    return wrong.every((one) => one === undefined) ? EXIT.done : EXIT.attention;
  } finally {
    await store.close();
  }
}

/** `paydrop audit doubt`: the database of a server was restored, which may show nowhere. */
export async function doubt({ workspace, output, clock }: CommandContext, options: DecisionOptions): Promise<number> {
  const decision = personWith(options);
  const { store: records, run } = await openForDeciding(workspace);
  try {
    await doubtRestored(records, `the records were restored, as ${decision.by} said: ${decision.reason}`);
    await records.noteDecision('records-doubted', decision, momentOf({ clock, run }));
    output.line(
      'From the next start of each machine on nothing is sent from these records, until paydrop audit accept.',
    );
    return EXIT.done;
  } finally {
    await records.close();
  }
}

const ONE_BY_ONE =
  'That counts for this machine. One whose own anchor does not fit these records sends nothing until they are accepted there, too: paydrop status on each machine says so.';

const NOT_LOOKED_UP =
  'the last run has not looked everything up, so what was sent before the restore might be sent again: first paydrop run, until its look-ups are all answered; it sends nothing';

/** The last run of all machines counts. */
function notLookedUp({ records, machine }: Settings): string {
  return records === 'sqlite' ? NOT_LOOKED_UP : `${NOT_LOOKED_UP}. It must be the last run of all, and on ${machine}`;
}

/** A machine at work sends to the account before until it starts again, and that one alone can tell of it. */
async function requireNoOther({ store, settings }: OpenWorkspace): Promise<void> {
  const others = (await store.machines()).filter(({ name, alive }) => alive && name !== settings.machine);
  if (settings.records === 'sqlite' || others.length === 0) return;
  const names = others.map(({ name }) => name).join(', ');
  throw new UnavailableError(`at work with these records: ${names}. Stop paydrop on all other machines first`);
}

interface Acceptance extends SettlingOptions {
  readonly provider?: string;
}

/**
 * `paydrop audit accept`: a person has checked that the records, or the other provider, can be trusted. Sending goes
 * on.
 */
export async function accept({ workspace, output, clock }: CommandContext, options: Acceptance): Promise<number> {
  const { provider } = options;
  const tools = await openWorkspace({ workspace, clock });
  const { store, anchor } = tools;
  try {
    const what = provider === undefined ? 'records accepted' : `provider accepted as ${provider}`;
    const decision = await settlingBy(tools, options, what);
    const moment = momentOf(tools);
    const other = await otherProvider(store);
    if (provider !== undefined) {
      if (!ACCOUNTS.includes(provider)) throw new UsageError(`--provider: expected ${ACCOUNTS.join(' or ')}`);
      if (!other) throw new UsageError("--provider: paydrop.json and the keys name the records' own provider");
      if (provider === ACCOUNTS[1]) await requireNoOther(tools);
      const why = await acceptProvider(store, other, provider === ACCOUNTS[0], decision, moment);
      if (why !== undefined) throw new UsageError(why);
      output.line(`These are records of ${other.now} from now on, and no more of ${other.before}.`);
    } else {
      if ((await lookUpOnly(store)) === undefined)
        throw new UsageError(other ? otherProviderText(other) : 'this workspace is not in look-up-only mode');
      if (!(await isLookedUp(store, anchor))) throw new UsageError(notLookedUp(tools.settings));
      await store.noteDecision('records-accepted', decision, moment);
      await endLookUpOnly(store, anchor);
    }
    const left = (await lookUpOnly(store)) ?? (provider === undefined && other ? otherProviderText(other) : undefined);
    output.line(`Accepted, and written into the audit log. ${left ?? 'The next run sends again.'}`);
    if (tools.settings.records === 'postgres' && provider === undefined) output.line(ONE_BY_ONE);
    return EXIT.done;
  } finally {
    await tools.close();
  }
}
