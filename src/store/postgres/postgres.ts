/**
 * The store port on a PostgreSQL server, that several machines may share. When a verb that writes resolves, its
 * transaction is on the server's disk. When a verb rejects, nothing of it is done.
 */

import type { Subscription } from '../../domain/notification.ts';
import { type Clock, systemClock, timestamp } from '../../platform/clock.ts';
import { explaining } from '../explaining.ts';
import type { Store } from '../port.ts';
import { type Address, readAddress } from './address.ts';
import { amendmentVerbs } from './amendments.ts';
import { answerVerbs } from './answers.ts';
import { BEFORE_CLAIM, changeVerbs } from './changes.ts';
import { closingVerbs } from './closings.ts';
import { type Connection, connect } from './connection.ts';
import { controlVerbs } from './control.ts';
import { countVerbs } from './counts.ts';
import { factVerbs } from './facts.ts';
import { fileVerbs } from './files.ts';
import { findingVerbs } from './finding.ts';
import { forgettingVerbs } from './forgetting.ts';
import { intakeVerbs } from './intake.ts';
import { judgedFor } from './judged-for.ts';
import { listingOf } from './listing.ts';
import { machineVerbs } from './machines.ts';
import type { Me } from './me.ts';
import { hasHistory, hasRecords, type Purpose, prepareSchema } from './migrations.ts';
import { notificationVerbs } from './notifications.ts';
import { numberSkipper } from './numbers.ts';
import { listingVerbs, replayVerbs } from './reading.ts';
import { recordVerbs } from './records.ts';
import { resultVerbs } from './results.ts';
import { runVerbs } from './runs.ts';
import { searchVerbs } from './searching.ts';
import type { ServerClock } from './server-clock.ts';
import { openAlone, openSession, requireNoPooler } from './session.ts';
import { signInVerbs } from './sign-ins.ts';
import { auditVerbs, writingWith } from './trail.ts';
import { explained } from './trouble.ts';
import { webhookVerbs } from './webhooks.ts';

export interface PostgresOptions {
  /** As {@link readAddress} takes it. */
  readonly address: string;
  /** `kept` where the caller says nothing. */
  readonly purpose?: Purpose;
  readonly clock?: Clock;
  /** How the transactions of others are waited for. Their end is no matter of a clock that a test moves on. */
  readonly wait?: Clock['sleep'];
  /** Where the time that all machines go by is not the server's. */
  readonly serverClock?: ServerClock;
  /** The name of this machine; none where only a person decides or reads. */
  readonly machine?: string;
  /** The version of paydrop, of a machine that works on the records. Others only know whose facts are theirs. */
  readonly atWork?: { readonly version: string };
  /** While no machine is at work: see {@link openAlone}. */
  readonly alone?: boolean;
  /** Who is told of what is written; nobody where the caller says nothing. */
  readonly subscriptions?: readonly Subscription[];
}

/** Rejects when the server or the database can't be used as it must be: see {@link prepareSchema}. */
export async function openStore(options: PostgresOptions): Promise<Store> {
  const { address, purpose = 'kept', clock = systemClock, machine, atWork, alone = false } = options;
  const server = readAddress(address);
  const explain = (error: unknown) => explained(server.shown, error);
  try {
    await prepareSchema(server, purpose);
    if (!atWork) await requireNoPooler(server);
    const db = connect({ address: server, readonly: purpose === 'reading', clock });
    const start = machine !== undefined && atWork && { name: machine, ...atWork, startedAt: timestamp(clock.now()) };
    const session = start ? await openSession(server, start, clock, db.giveUp) : undefined;
    const me: Me = {
      ...(machine !== undefined && { name: machine }),
      ...(session && { session }),
    };
    const hold = alone ? await openAlone(server) : undefined;
    const store = explaining(storeOn(db, me, server.shown, options), explain);
    return {
      ...store,
      // What fails in the work has its own explanation.
      judging: (businessDate, work) =>
        session ? session.judging(() => judgedFor(db, me, businessDate, work)) : work(),
      spending: (work, goesOn) => (session ? session.spending(work, goesOn) : work()),
      mayStillSend: () => session?.mayStillSend() ?? true,
      close: async () => {
        await store.close();
        await hold?.close();
      },
    };
  } catch (error) {
    throw explain(error);
  }
}

/** As {@link openStore}; undefined where there are no records yet. */
export async function openIfThere(options: PostgresOptions): Promise<Store | undefined> {
  return (await asked(options.address, hasRecords)) ? openStore(options) : undefined;
}

/** Whether anything was ever recorded. */
export function isBegun(address: string): Promise<boolean> {
  return asked(address, hasHistory);
}

function asked(address: string, question: (server: Address) => Promise<boolean>): Promise<boolean> {
  const server = readAddress(address);
  return question(server).catch((error: unknown) => {
    throw explained(server.shown, error);
  });
}

/** The verbs on a connection. */
export function storeOn(
  db: Connection,
  me: Me,
  shown: string,
  {
    wait = systemClock.sleep,
    serverClock,
    subscriptions = [],
  }: Pick<PostgresOptions, 'wait' | 'serverClock' | 'subscriptions'> = {},
): Omit<Store, 'judging' | 'spending' | 'mayStillSend'> {
  const told = { serverClock, subscriptions };
  const writing = writingWith(db, told);
  return {
    ...fileVerbs(db, writing, me),
    ...intakeVerbs(db, writing, me),
    ...changeVerbs(writing, writingWith(db, { ...told, first: BEFORE_CLAIM }), me),
    ...controlVerbs(db, writing, me),
    ...amendmentVerbs(writing, me),
    ...answerVerbs(db, writing),
    ...forgettingVerbs(db, writing, wait),
    ...auditVerbs(db, writing),
    ...factVerbs(db, me),
    ...findingVerbs(db),
    ...listingVerbs(db, me),
    ...replayVerbs(db),
    ...resultVerbs(db),
    ...countVerbs(db),
    ...listingOf(db),
    ...searchVerbs(db),
    ...machineVerbs(db, me, serverClock),
    ...notificationVerbs(db, writing, me),
    ...runVerbs(db, writing, me),
    ...closingVerbs(db, writing),
    ...webhookVerbs(db),
    ...recordVerbs(db, shown),
    ...signInVerbs(db),
    skipNumbers: numberSkipper(db, me),
    standStill: () => db.standStill(),
    async close() {
      await me.session?.close();
      await db.close();
    },
  };
}
