/** placeholder replaced by the code table */
export type FileCode = string;
export type RowCode = string;
export interface RowError {
  readonly column: string;
  readonly value: string;
  readonly code: RowCode;
}
