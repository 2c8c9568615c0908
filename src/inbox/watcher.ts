/**
 * chokidar only wakes the service. Its statements about a file (complete, a plain file, new) are not relied on: the
 * folder itself is looked at. When chokidar fails, the periodic look still finds everything.
 */
import { type FSWatcher, watch } from 'chokidar';
import { systemClock } from '../platform/clock.ts';
import { identityOf } from './folder.ts';

interface InboxWatcher {
  /**
   * Starts to watch the folder, or the folder that has taken its place: chokidar stays with the old one. Returns false if it
   * is watched already. After true, look into the folder: files may have arrived before the watch started.
   */
  start(): Promise<boolean>;
  /**
   * Stops watching while the service takes files out. chokidar reads the whole folder at each event: machines that empty
   * a full inbox together would do little else.
   */
  stop(): Promise<void>;
}

/** A file that is being written causes an event at each write. `wake` is called once for all events of this time. */
const WAKES_APART_MS = 50;

/** Calls `wake` soon after anything happens in the folder, while it is watched. */
export function watchInbox(inbox: string, wake: () => void, onError: (error: unknown) => void): InboxWatcher {
  let trouble: string | undefined;
  let waking: AbortController | undefined;
  const wakeSoon = async () => {
    if (waking) return;
    const own = new AbortController();
    waking = own;
    await systemClock.sleep(WAKES_APART_MS, own.signal);
    if (own.signal.aborted) return;
    waking = undefined;
    wake();
  };
  const begin = (): FSWatcher => {
    let hasFailed = false;
    // What is in the folder is ignored: chokidar would look at each file and watch it by itself. `raw` is what the system
    // says of the folder.
    const ignored = (path: string) => path.startsWith(`${inbox}/`);
    const watcher = watch(inbox, { depth: 0, ignoreInitial: true, ignored });
    return watcher
      .on('raw', wakeSoon)
      .on('ready', () => {
        if (!hasFailed) trouble = undefined;
      })
      .on('error', (error) => {
        hasFailed = true;
        if (String(error) !== trouble) onError(error);
        trouble = String(error);
      });
  };
  let watched: { readonly watcher: FSWatcher; readonly folder: string } | undefined;
  const stop = async () => {
    const before = watched?.watcher;
    watched = undefined;
    waking?.abort();
    waking = undefined;
    const closing = before?.close();
    // Closing takes all listeners away. A reading of the folder that is under way may still fail.
    before?.on('error', () => undefined);
    await closing;
  };
  return {
    start: async () => {
      const folder = await identityOf(inbox).catch(() => undefined);
      if (folder === undefined || folder === watched?.folder) return false;
      await stop();
      const watcher = begin();
      watched = { watcher, folder };
      await new Promise<void>((resolve) => void watcher.once('ready', resolve).once('error', () => resolve()));
      return true;
    },
    stop,
  };
}
