/** What intake decides about a line, as the store gets it. */
import type { RowError } from '../../domain/codes.ts';
import type { InstructionContent, InstructionRef, PayoutDetails } from '../../domain/instruction.ts';
import type { Order } from '../../domain/order.ts';
import type { Target } from './change.ts';

/** An instruction as it is after a row: what an UPDATE makes of it. */
export interface PayoutTerms {
  readonly content: InstructionContent;
  readonly payout: PayoutDetails;
  readonly amountMinor: bigint;
  readonly currency: string;
}

/**
 * The fields that reports show of a rejected or duplicate row: canonical where they could be read, else as they came.
 */
export interface RowFields extends InstructionRef {
  readonly amount: string;
  readonly currency: string;
  readonly openDate: string;
  readonly dueDate: string;
}

/** The outcome of one line of a file. */
export type RowRecord =
  | {
      readonly kind: 'rejected';
      readonly line: number;
      readonly fields: RowFields;
      /** The cells as they came; one cell with the whole line when it could not be split into columns. */
      readonly raw: readonly string[];
      readonly errors: readonly RowError[];
      /** The row of another file that holds its reference, where that is the error. */
      readonly holder?: number;
    }
  | {
      readonly kind: 'duplicate';
      readonly line: number;
      readonly fields: RowFields;
      readonly original: number;
      /** For an UPDATE to what stands already: once that is replaced, the same row is still no new change. */
      readonly restates?: { readonly instruction: number; readonly statement: string };
    }
  | {
      readonly kind: 'order';
      readonly line: number;
      readonly order: Order;
      /** Its reference is of the tenant: no order of another customer may have it. */
      readonly ofTenant?: boolean;
    }
  | {
      readonly kind: 'instruction';
      readonly line: number;
      readonly ref: InstructionRef;
      readonly content: InstructionContent;
      readonly payout: PayoutDetails;
      readonly status: 'waiting' | 'scheduled' | 'ready';
      readonly amountMinor: bigint | undefined;
      readonly currency: string | undefined;
      /** Kept while the instruction waits, for the report of a late rejection. */
      readonly raw: readonly string[];
      /** No other row of its file has its references. Absent or false: not known. */
      readonly unrepeated?: boolean;
      /**
       * The instruction that had its references before and was rejected after all. With it, what rows had said of that
       * instruction and say of this one.
       */
      readonly after?: { readonly lapsed: number; readonly statements: ReadonlyMap<string, number> };
    }
  | {
      readonly kind: 'updated';
      readonly line: number;
      readonly fields: RowFields;
      readonly target: Target;
      readonly content: InstructionContent;
      readonly payout: PayoutDetails;
      readonly status: 'waiting' | 'scheduled' | 'ready';
      readonly amountMinor: bigint | undefined;
      readonly currency: string | undefined;
      readonly raw: readonly string[];
    }
  | { readonly kind: 'deleted'; readonly line: number; readonly fields: RowFields; readonly target: Target }
  /** An UPDATE or DELETE of what the provider has already: the provider is asked to change it. */
  | {
      readonly kind: 'amending';
      readonly line: number;
      readonly fields: RowFields;
      readonly raw: readonly string[];
      readonly target: Target;
      /** Undefined for a DELETE. */
      readonly becomes: PayoutTerms | undefined;
    };
