/** A function of a module that is loaded when it is first called: a person waits for commands that don't need it. */
export function loadedWhenCalled<Args extends unknown[], Result>(
  load: () => Promise<(...args: Args) => Promise<Result>>,
): (...args: Args) => Promise<Result> {
  return async (...args) => (await load())(...args);
}
