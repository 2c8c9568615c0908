/** A function whose module is loaded at the first call. Commands that don't need it start faster. */
export function loadedWhenCalled<Args extends unknown[], Result>(
  load: () => Promise<(...args: Args) => Result | Promise<Result>>,
): (...args: Args) => Promise<Result> {
  return async (...args) => (await load())(...args);
}
