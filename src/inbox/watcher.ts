/**
 * chokidar only wakes the service. Its statements about a file (complete, a plain file, new) are not relied on: the
 * folder itself is looked at. When chokidar fails, the periodic look still finds everything.
 */
import { type FSWatcher, watch } from 'chokidar';
import { identityOf } from './folder.ts';

interface InboxWatcher {
  /**
   * Watches until {@link rest}, and wakes once when it has begun. Watches anew when another folder has taken the place of
   * the one that is watched, with which chokidar stays.
   */
  attend(): Promise<void>;
  /**
   * Stops watching while the service takes files out. chokidar reads the whole folder at each event: machines that empty
   * a full inbox together would do little else.
   */
  rest(): Promise<void>;
}

/** Calls `wake` soon after anything happens in the folder, while it is watched. */
export function watchInbox(inbox: string, wake: () => void, onError: (error: unknown) => void): InboxWatcher {
  let trouble: string | undefined;
  const begin = (): FSWatcher => {
    let hasFailed = false;
    // What is in the folder is ignored: chokidar would look at each file and watch it by itself. `raw` is what the system
    // says of the folder.
    const ignored = (path: string) => path.startsWith(`${inbox}/`);
    const watcher = watch(inbox, { depth: 0, ignoreInitial: true, ignored });
    return watcher
      .on('raw', wake)
      .on('ready', () => {
        if (!hasFailed) trouble = undefined;
        // Files may have come between the last look and the start of the watch.
        wake();
      })
      .on('error', (error) => {
        hasFailed = true;
        if (String(error) !== trouble) onError(error);
        trouble = String(error);
      });
  };
  let watched: { readonly watcher: FSWatcher; readonly folder: string } | undefined;
  const rest = async () => {
    const before = watched?.watcher;
    watched = undefined;
    const closing = before?.close();
    // Closing takes all listeners away. A reading of the folder that is under way may still fail.
    before?.on('error', () => undefined);
    await closing;
  };
  return {
    attend: async () => {
      const folder = await identityOf(inbox).catch(() => undefined);
      if (folder === undefined || folder === watched?.folder) return;
      await rest();
      watched = { watcher: begin(), folder };
    },
    rest,
  };
}
