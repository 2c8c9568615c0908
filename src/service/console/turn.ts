/** Work of which one is done at a time. */
export type Turn = <Result>(work: () => Promise<Result>) => Promise<Result>;

export function openTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}
