/** What may be changed of an instruction, an order and an amendment after intake, and by whom. */
import type { RowError } from '../../domain/codes.ts';
import type { Registration } from '../../domain/order.ts';
import type { InstructionStatus } from '../../domain/status.ts';

/** The instruction a row amends, as it was when that was decided. */
export type Target = { readonly id: number; readonly version: number; readonly from: InstructionStatus };

/** Who decided something that no program may decide, and why. */
export type Decision = { readonly by: string; readonly reason: string };

/** Who decided that something needs nothing more here, and why. */
export interface ClosedBy extends Decision {
  readonly at: string;
  /** Of a file: how many rejected rows that closes; 0 where it was not taken in. */
  readonly rows: number;
}

/** What a person has closed, as it is kept beside its audit entry: a payout in a version, or a file. */
export interface Closing {
  readonly seq: number;
  readonly instruction: number | null;
  readonly version: number | null;
  readonly file: number | null;
  readonly rows: number | null;
}

/** One status change with what it brings along. */
export interface Change extends Target {
  readonly to: InstructionStatus;
  /** Why, in words; kept as the row's message and in the audit entry. */
  readonly message?: string;
  readonly code?: string;
  /** A waiting instruction's order arrived. */
  readonly priced?: { readonly amountMinor: bigint; readonly currency: string };
  /** A waiting instruction is rejected after all. */
  readonly errors?: readonly RowError[];
  /** ready → sending: a send begins. The store derives nothing: these very bytes leave. */
  readonly intent?: {
    readonly clientRefId: string;
    readonly body: string;
    readonly bodySha256: string;
    readonly late: boolean;
    /** What the request is traced by, where the API has such a header. */
    readonly correlationId?: string;
  };
  /** sending → …: the send ended so. */
  readonly sent?: { readonly outcome: string; readonly httpStatus?: number };
  /** For changes that only a person may make. With one, a final failure becomes ready in the next attempt. */
  readonly decision?: Decision;
  /** The send that ended may have arrived. */
  readonly unclear?: boolean;
  /** It was refused, after a send of the same attempt that may have arrived: kept until a look-up tells whether to believe it. */
  readonly refused?: { readonly code: string; readonly message: string };
  /** … → manual: what a look-up answered. Once a person has decided, the same answer is not brought before them again. */
  readonly answer?: string;
  readonly orderRefId?: string;
  readonly bankReference?: string;
}

/** What a look-up answered that did not settle an instruction; empty when one could be read again. */
export interface KeptAnswer {
  readonly id: number;
  readonly version: number;
  readonly answer: string;
  /** When the first of the unbroken series was. */
  readonly since: string;
}

/** One change of how far an order has come at the provider. */
export interface OrderChange {
  readonly id: number;
  readonly from: Registration;
  readonly to: Registration;
  readonly code?: string;
  readonly message?: string;
  /** … → sending: a registration begins; with the hash of the very bytes, riders included. */
  readonly intent?: { readonly bodySha256: string; readonly correlationId: string; readonly riders: readonly number[] };
  /** sending → …: it ended so. */
  readonly sent?: { readonly outcome: string; readonly httpStatus?: number };
  /** It may have arrived. */
  readonly unclear?: boolean;
  /** It was refused, after a registration that may have arrived: kept until a look-up tells whether to believe it. */
  readonly refused?: boolean;
}

/** What has come of an open amendment. */
export interface AmendmentChange {
  /** The row that asks. */
  readonly row: number;
  readonly target: Target;
  readonly to:
    | { readonly kind: 'asked'; readonly bodySha256: string; readonly correlationId: string }
    | { readonly kind: 'done' }
    | { readonly kind: 'refused'; readonly errors: readonly RowError[] };
}
