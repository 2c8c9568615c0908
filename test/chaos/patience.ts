/** Waits that end. */
const LOOK_EVERY_MS = 10;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Throws when it does not come about in time. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, longestMs = 30_000): Promise<void> {
  if (!(await comesAbout(isSo, longestMs)))
    throw new Error(`in ${longestMs / 1_000} s it never came about that ${what}`);
}

export async function comesAbout(isSo: () => boolean | Promise<boolean>, longestMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + longestMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}
