/** What may change of an instruction, an order and an amendment after intake, and who may change it. */
import type { RowError } from '../../domain/codes.ts';
import type { Registration } from '../../domain/order.ts';
import type { InstructionStatus } from '../../domain/status.ts';

/** When something is recorded, and in which run. */
export interface Moment {
  /** A timestamp: UTC, with milliseconds. */
  readonly at: string;
  /** The run that it is part of. Absent for what belongs to no run. */
  readonly run?: number | undefined;
}

/** The instruction that a row amends, as it was when that was decided. */
export type Target = { readonly id: number; readonly version: number; readonly from: InstructionStatus };

/** The person who decided what no program may decide, and the reason. */
export interface Decision {
  readonly by: string;
  readonly reason: string;
  /** Where the case is kept: a ticket's number, if the person gave one. */
  readonly ticket?: string;
  /** The fingerprint of the key that signed it, and the SHA-256 of the signature; absent for a decision without one. */
  readonly key?: string;
  readonly signature?: string;
  /** The account that gave a yes without a signature: it counts once, whatever `by` says. */
  readonly account?: string;
}

/** The person who decided that something needs nothing more here, and the reason. */
export interface ClosedBy extends Decision {
  readonly at: string;
  /** For a file: how many rejected rows that closes; 0 where the file was not taken in. */
  readonly rows: number;
}

/** What a person has closed, kept beside its audit entry: a payout in a version, or a file. */
export interface Closing {
  readonly seq: number;
  readonly instruction: number | null;
  readonly version: number | null;
  readonly file: number | null;
  readonly rows: number | null;
}

/** One change of status, with the data that comes with it. */
export interface Change extends Target {
  readonly to: InstructionStatus;
  /** Why, in words; kept as the row's message and in the audit entry. */
  readonly message?: string;
  readonly code?: string;
  /** A waiting instruction's order arrived. */
  readonly priced?: { readonly amountMinor: bigint; readonly currency: string };
  /** A waiting instruction is rejected after all. */
  readonly errors?: readonly RowError[];
  /** ready → sending: a send begins. The store derives nothing: exactly these bytes leave. */
  readonly intent?: {
    readonly clientRefId: string;
    readonly body: string;
    readonly bodySha256: string;
    readonly late: boolean;
    /** That of the pass: limits of a day count it there. */
    readonly businessDate: string;
    /** The id by which the request is traced, where the API has such a header. */
    readonly correlationId?: string;
  };
  /** sending → …: how the send ended. */
  readonly sent?: { readonly outcome: string; readonly httpStatus?: number };
  /** For changes that a person makes. With a decision, a final failure becomes ready in the next attempt. */
  readonly decision?: Decision;
  /** The send that ended may have arrived. */
  readonly unclear?: boolean;
  /** unknown → …: until when a request could have left, as this was decided. If one could later, it comes too late. */
  readonly unclearAt?: string;
  /**
   * The attempt was refused after a send of it that may have arrived. The refusal is kept until a look-up shows whether
   * to believe it.
   */
  readonly refused?: { readonly code: string; readonly message: string };
  /** … → manual: what a look-up answered. Once a person has decided, the same answer is not put to a person again. */
  readonly answer?: string;
  readonly orderRefId?: string;
  readonly bankReference?: string;
}

/** What a look-up answered that did not settle an instruction; empty when an answer could be read again. */
export interface KeptAnswer {
  readonly id: number;
  readonly version: number;
  readonly answer: string;
  /** When the first look-up of the unbroken series was made. */
  readonly since: string;
}

/** One change of how far an order has come at the provider. */
export interface OrderChange {
  readonly id: number;
  readonly from: Registration;
  readonly to: Registration;
  /** How often its registration had been sent when this was decided. After one more send it comes too late. */
  readonly sends?: number;
  readonly code?: string;
  readonly message?: string;
  /** … → sending: a registration begins. The hash is of exactly the bytes that leave, riders included. */
  readonly intent?: { readonly bodySha256: string; readonly correlationId: string; readonly riders: readonly number[] };
  /** sending → …: how the registration ended. */
  readonly sent?: { readonly outcome: string; readonly httpStatus?: number };
  /** The registration may have arrived. */
  readonly unclear?: boolean;
  /** As in {@link Change}. */
  readonly unclearAt?: string;
  /**
   * The registration was refused after an earlier one that may have arrived. The refusal is kept until a look-up shows
   * whether to believe it.
   */
  readonly refused?: boolean;
}

/** How an open amendment proceeds. */
export interface AmendmentChange {
  /** The row that asks for the change. */
  readonly row: number;
  readonly target: Target;
  /** How often the provider had been asked for it when this was decided. */
  readonly sends: number;
  readonly to:
    | { readonly kind: 'asked'; readonly bodySha256: string; readonly correlationId: string }
    | { readonly kind: 'done' }
    | { readonly kind: 'refused'; readonly errors: readonly RowError[] };
}
