/** What `paydrop doctor` finds out about the server of the records, and about the machines that share them. */
import type { Clock } from '../../platform/clock.ts';
import { recordsServer } from '../../service/service.ts';
import type { Settings } from '../../settings/settings.ts';
import type { ServerFacts, Store } from '../../store/store.ts';
import { messageOf } from '../context.ts';

export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly finding: string;
  /** No person needs to change anything: the problem may pass by itself. */
  readonly passing?: true;
  /** All is well now, but a person should see to it some day. */
  readonly note?: true;
}

/**
 * Business dates, quarantines and reports are by the clocks of the machines. One that is off by more than this is
 * mended; at midnight less may matter.
 */
const LARGEST_CLOCK_DIFFERENCE_MS = 2_000;

/** Nothing where the records are in a file. */
export async function checkServer(settings: Settings, clock: Clock): Promise<Check[]> {
  if (settings.records !== 'postgres') return [];
  const what = 'server';
  const facts = await recordsServer(clock).catch((error: Error) => error);
  if (facts instanceof Error) return [{ what, ok: false, finding: messageOf(facts) }];
  const { shown, version } = facts;
  return [
    { what, ok: true, finding: `${shown}: version ${version}, and no pooler that mixes connections` },
    checkDurable(facts),
    checkClocks(facts),
    checkWay(facts),
    ...checkRights(facts),
  ];
}

function checkDurable({ fsync, fullPageWrites, synchronousCommit, standbys }: ServerFacts): Check {
  const what = 'durable';
  const off = Object.entries({ fsync, full_page_writes: fullPageWrites }).flatMap(([name, value]) =>
    value === 'on' ? [] : [`${name} is ${value}`],
  );
  if (off.length > 0) return { what, ok: false, finding: `${off.join(', ')}: set to on, or a power cut loses records` };
  const commit = synchronousCommit === 'off' ? 'off, which paydrop sets to on' : synchronousCommit;
  const replica = standbys === '' ? 'no synchronous replica' : `synchronous replica ${standbys}`;
  return { what, ok: true, finding: `fsync and full_page_writes on, synchronous_commit ${commit}, ${replica}` };
}

function checkClocks({ aheadMs }: ServerFacts): Check {
  const what = 'server clock';
  const off = Math.abs(aheadMs);
  if (off <= LARGEST_CLOCK_DIFFERENCE_MS) return { what, ok: true, finding: "the server's clock agrees with this one" };
  const seconds = (off / 1_000).toFixed(1);
  const which = aheadMs > 0 ? 'ahead of' : 'behind';
  const finding = `the server's clock is ${seconds} s ${which} this machine's: let both be set by the network`;
  return { what, ok: false, finding };
}

function checkRights({ barred }: ServerFacts): Check[] {
  if (barred === undefined) return [];
  const finding = `the role may not change the table ${barred}: use the one that owns the tables, or let it change all`;
  return [{ what: 'rights', ok: false, finding }];
}

function checkWay({ isLocal, tls }: ServerFacts): Check {
  const what = 'way';
  if (tls !== undefined) return { what, ok: true, finding: `${tls}, and the certificate is verified` };
  if (isLocal) return { what, ok: true, finding: 'a socket, or on this machine' };
  return { what, ok: false, finding: 'the connection is not encrypted' };
}

export async function checkMachines(store: Store, settings: Settings): Promise<Check[]> {
  if (settings.records !== 'postgres') return [];
  const machines = await store.machines();
  const alive = machines.filter((machine) => machine.alive);
  const left = machines.filter(({ alive: lives, sending, halfTaken }) => !lives && sending + halfTaken > 0);
  const names = (of: readonly { name: string; version: string }[]) =>
    of.map(({ name, version }) => `${name} (${version})`).join(', ');
  const what = 'machines';
  const versions = new Set(alive.map(({ version }) => version));
  return [
    { what, ok: true, finding: alive.length === 0 ? 'none is at work' : `at work: ${names(alive)}` },
    ...(versions.size > 1
      ? [{ what, ok: true, note: true, finding: 'they have different versions: upgrade the older ones' } as const]
      : []),
    ...(left.length > 0
      ? [{ what, ok: true, note: true, finding: `gone, with work in hand: ${names(left)}` } as const]
      : []),
  ];
}
