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

/** Too many are in the line already, of all or of this one. */
type Full = 'full' | 'full of one';

/**
 * Work of which one is done at a time. The number that wait is limited: a further one is turned away at once. Who has gone
 * is in the line no more, and nothing is begun for them.
 */
type Line = <Result>(of: string, gone: AbortSignal, work: () => Promise<Result>) => Promise<Result | Full>;

/** `all` and `each`: under way and waiting, of all together and of one. */
export function openLine({ all, each }: { readonly all: number; readonly each: number }): Line {
  const turn = openTurn();
  const line = new Map<AbortSignal, string>();
  return async (of, gone, work) => {
    if ([...line.values()].filter((one) => one === of).length >= each) return 'full of one';
    if (line.size >= all) return 'full';
    const leave = () => void line.delete(gone);
    line.set(gone, of);
    gone.addEventListener('abort', leave, { once: true });
    try {
      return await turn(async () => (gone.aborted ? 'full' : work()));
    } finally {
      leave();
    }
  };
}
