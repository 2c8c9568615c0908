/** Every code a file or a row can get. */
export type FileCode = string;
export type RowCode = string;

/** One error of one row. `column` is ours (`amount`), empty when it concerns the whole line; `value` is what was found. */
export interface RowError {
  readonly column: string;
  readonly value: string;
  readonly code: RowCode;
}

/** Why a whole file was not taken in. `value` is what was found, `message` says it in a sentence. */
export interface FileProblem {
  readonly code: FileCode;
  readonly column: string;
  readonly value: string;
  readonly message: string;
}
