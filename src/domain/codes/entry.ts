/** What is said about a code, in words for people in finance operations. */
export interface Wording {
  /** Our columns it can concern; empty when it concerns a whole line or file. */
  readonly columns: readonly string[];
  /** What is wrong: the beginning of a sentence, without a full stop. */
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
  /** What a cell (or a line or file) looked like, and what it should look like. */
  readonly example: { readonly wrong: string; readonly right: string };
}

/** An entry of one of the tables of codes. */
export interface Entry extends Wording {
  readonly code: string;
}
