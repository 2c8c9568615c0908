/**
 * The store port on a PostgreSQL server, that several machines may share. When a verb that writes resolves, its
 * transaction is on the server's disk. When a verb rejects, nothing of it is done.
 */
import type { Clock } from '../../platform/clock.ts';
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
import { type Purpose, prepareSchema } from './migrations.ts';
import { numberSkipper } from './numbers.ts';
import { listingVerbs, replayVerbs } from './reading.ts';
import { recordVerbs } from './records.ts';
import { resultVerbs } from './results.ts';
import { runVerbs } from './runs.ts';
import { auditVerbs, writingWith } from './trail.ts';
import { explained } from './trouble.ts';

export interface PostgresOptions {
  /** As {@link readAddress} takes it. */
  readonly address: string;
  /** `kept` where the caller says nothing. */
  readonly purpose?: Purpose;
  readonly clock?: Clock;
}

/** Rejects when the server or the database can't be used as it must be: see {@link prepareSchema}. */
export async function openStore({ address, purpose = 'kept', clock }: PostgresOptions): Promise<Store> {
  const server = readAddress(address);
  const explain = (error: unknown) => explained(server.shown, error);
  try {
    await prepareSchema(server, purpose);
  } catch (error) {
    throw explain(error);
  }
  const db = connect({ address: server, readonly: purpose === 'reading', ...(clock && { clock }) });
  return explaining(storeOn(db, server.shown), explain);
}

function storeOn(db: Connection, where: string): Store {
  const writing = writingWith(db);
  return {
    ...fileVerbs(db, writing),
    ...intakeVerbs(db, writing),
    ...changeVerbs(writing),
    ...controlVerbs(db, writing),
    ...amendmentVerbs(writing),
    ...answerVerbs(db, writing),
    ...forgettingVerbs(db, writing),
    ...auditVerbs(db, writing),
    ...factVerbs(db),
    ...findingVerbs(db),
    ...listingVerbs(db),
    ...replayVerbs(db),
    ...resultVerbs(db),
    ...countVerbs(db),
    ...listingOf(db),
    ...runVerbs(db, writing),
    ...closingVerbs(db, writing),
    ...recordVerbs(db, where),
    skipNumbers: numberSkipper(db),
    standStill: () => db.standStill(),
    close: () => db.close(),
  };
}
