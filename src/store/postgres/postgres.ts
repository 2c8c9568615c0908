/**
 * The store port on a PostgreSQL server, that several machines may share. When a verb that writes resolves, its
 * transaction is on the server's disk. When a verb rejects, nothing of it is done.
 */
import { type Clock, systemClock, timestamp } from '../../platform/clock.ts';
import { explaining } from '../explaining.ts';
import type { Store } from '../port.ts';
import { readAddress } from './address.ts';
import { amendmentVerbs } from './amendments.ts';
import { answerVerbs } from './answers.ts';
import { changeVerbs } from './changes.ts';
import { closingVerbs } from './closings.ts';
import { type Connection, connect } from './connection.ts';
import { controlVerbs } from './control.ts';
import { countVerbs } from './counts.ts';
import { factVerbs } from './facts.ts';
import { fileVerbs } from './files.ts';
import { findingVerbs } from './finding.ts';
import { forgettingVerbs } from './forgetting.ts';
import { intakeVerbs } from './intake.ts';
import { listingOf } from './listing.ts';
import { machineVerbs } from './machines.ts';
import type { Me } from './me.ts';
import { hasRecords, type Purpose, prepareSchema } from './migrations.ts';
import { numberSkipper } from './numbers.ts';
import { listingVerbs, replayVerbs } from './reading.ts';
import { recordVerbs } from './records.ts';
import { resultVerbs } from './results.ts';
import { runVerbs } from './runs.ts';
import { openSession, requireNoPooler } from './session.ts';
import { auditVerbs, writingWith } from './trail.ts';
import { explained } from './trouble.ts';

export interface PostgresOptions {
  /** As {@link readAddress} takes it. */
  readonly address: string;
  /** `kept` where the caller says nothing. */
  readonly purpose?: Purpose;
  readonly clock?: Clock;
  /** The name of this machine; none where only a person decides or reads. */
  readonly machine?: string;
  /** The version of paydrop, of a machine that works on the records. Others only know whose facts are theirs. */
  readonly atWork?: { readonly version: string };
}

/** Rejects when the server or the database can't be used as it must be: see {@link prepareSchema}. */
export async function openStore(options: PostgresOptions): Promise<Store> {
  const { address, purpose = 'kept', clock = systemClock, machine, atWork } = options;
  const server = readAddress(address);
  const explain = (error: unknown) => explained(server.shown, error);
  try {
    await prepareSchema(server, purpose);
    if (!atWork) await requireNoPooler(server);
    const session =
      machine !== undefined && atWork
        ? await openSession(server, { name: machine, ...atWork, startedAt: timestamp(clock.now()) }, clock)
        : undefined;
    const me: Me = {
      now: () => clock.now(),
      ...(machine !== undefined && { name: machine }),
      ...(session && { session }),
    };
    const db = connect({ address: server, readonly: purpose === 'reading', clock });
    const store = explaining(storeOn(db, me, server.shown), explain);
    // What fails in the work has its own explanation.
    return { ...store, judging: (work) => (session ? session.judging(work) : work()) };
  } catch (error) {
    throw explain(error);
  }
}

/** As {@link openStore}; undefined where there are no records yet. */
export async function openIfThere(options: PostgresOptions): Promise<Store | undefined> {
  const server = readAddress(options.address);
  const isThere = await hasRecords(server).catch((error: unknown) => {
    throw explained(server.shown, error);
  });
  return isThere ? openStore(options) : undefined;
}

/** The verbs on a connection. */
export function storeOn(db: Connection, me: Me, shown: string): Omit<Store, 'judging'> {
  const writing = writingWith(db);
  return {
    ...fileVerbs(db, writing, me),
    ...intakeVerbs(db, writing),
    ...changeVerbs(db, writing, me),
    ...controlVerbs(db, writing),
    ...amendmentVerbs(writing),
    ...answerVerbs(db, writing),
    ...forgettingVerbs(db, writing),
    ...auditVerbs(db, writing),
    ...factVerbs(db, me),
    ...findingVerbs(db),
    ...listingVerbs(db),
    ...replayVerbs(db),
    ...resultVerbs(db),
    ...countVerbs(db),
    ...listingOf(db),
    ...machineVerbs(db, me),
    ...runVerbs(db, writing, me),
    ...closingVerbs(db, writing),
    ...recordVerbs(db, shown),
    skipNumbers: numberSkipper(db),
    standStill: () => db.standStill(),
    async close() {
      await me.session?.close(timestamp(me.now()));
      await db.close();
    },
  };
}
