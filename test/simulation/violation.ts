/** A promise that was broken, and when. */
export class Violation extends Error {
  /** The promise, in a few words. */
  readonly promise: string;

  constructor(promise: string, detail: string) {
    super(`${promise}: ${detail}`);
    this.promise = promise;
  }
}
