/**
 * chokidar only wakes the service. Its statements about a file (complete, a plain file, new) are not relied on: the
 * folder itself is looked at. When chokidar fails, the periodic look still finds everything.
 */
import { type FSWatcher, watch } from 'chokidar';
import { identityOf } from './folder.ts';

interface InboxWatcher {
  /**
   * Watches anew when the folder is no longer the one that is watched, or is `back`. chokidar stays with a folder that
   * was removed or closed.
   */
  renew(back: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Calls `wake` soon after anything happens in the folder. */
export async function watchInbox(
  inbox: string,
  wake: () => void,
  onError: (error: unknown) => void,
): Promise<InboxWatcher> {
  const begin = (): FSWatcher => {
    // Existing files wake the service too: they may have come between the last look and the start of the watch.
    const watcher = watch(inbox, { depth: 0, ignoreInitial: false, followSymlinks: false });
    return watcher.on('all', wake).on('error', onError);
  };
  const which = () => identityOf(inbox).catch(() => undefined);
  let watched = await which();
  let watcher = begin();
  return {
    renew: async (back) => {
      const found = await which();
      if (found === undefined || (found === watched && !back)) return;
      watched = found;
      await watcher.close();
      watcher = begin();
    },
    close: () => watcher.close(),
  };
}
