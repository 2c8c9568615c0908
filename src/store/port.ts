/**
 * The port: what paydrop remembers. Each verb is one durable transaction, or one consistent read, on a whole batch.
 * Verbs are async so that a store on a database server fits without a change above this file. Each change of an
 * instruction's status is a conditional update and an audit entry in the same transaction; there is no other way to
 * change a status.
 */
import type { Control } from './port/control.ts';
import type { Files } from './port/files.ts';
import type { Forgetting } from './port/forgetting.ts';
import type { Listing } from './port/listing.ts';
import type { Machines } from './port/machines.ts';
import type { Payouts } from './port/payouts.ts';
import type { Records } from './port/records.ts';
import type { Reports } from './port/reports.ts';
import type { Runs } from './port/runs.ts';
import type { SignIns } from './port/sign-ins.ts';
import type { Webhooks } from './port/webhooks.ts';

export type * from './port/change.ts';
export type * from './port/control.ts';
export type * from './port/files.ts';
export type * from './port/forgetting.ts';
export type * from './port/listing.ts';
export type * from './port/machines.ts';
export type * from './port/payouts.ts';
export type * from './port/records.ts';
export { FACTS } from './port/records.ts';
export type * from './port/reports.ts';
export type * from './port/row-record.ts';
export type * from './port/runs.ts';
export type * from './port/sign-ins.ts';
export type * from './port/webhooks.ts';

export interface Store
  extends Files,
    Forgetting,
    Payouts,
    Listing,
    Machines,
    Reports,
    Runs,
    Control,
    SignIns,
    Webhooks,
    Records {}
