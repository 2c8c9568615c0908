/** What says that a server has taken over the records of a SQLite file. */

/** Name of the noted fact that the records were taken over, which is never copied. Its value is a {@link Mark}. */
export const TAKEN_OVER = 'taken-over';

/** What both databases keep of it, with the same `id`. */
export interface Mark {
  readonly id: string;
  /** A timestamp. */
  readonly at: string;
  /** The server and its database, without user and password. */
  readonly to: string;
}
