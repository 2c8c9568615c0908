/**
 * chokidar only wakes: what it says about a file (complete, a plain file, new) isn't relied on, the folder itself is
 * looked at. When it fails, the periodic look still finds everything.
 */
import { stat } from 'node:fs/promises';
import { type FSWatcher, watch } from 'chokidar';

interface InboxWatcher {
  /** Watches anew when the folder is not the one it watches any more: chokidar stays with one that was removed. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** Calls `wake` soon after anything happens in the folder. */
export async function watchInbox(
  inbox: string,
  wake: () => void,
  onError: (error: unknown) => void,
): Promise<InboxWatcher> {
  const begin = (): FSWatcher => {
    // What is there already wakes too: it may have come between the last look and the start of the watch.
    const watcher = watch(inbox, { depth: 0, ignoreInitial: false, followSymlinks: false });
    return watcher.on('all', wake).on('error', onError);
  };
  let watched = await identityOf(inbox);
  let watcher = begin();
  return {
    renew: async () => {
      const found = await identityOf(inbox);
      if (found === watched || found === undefined) return;
      watched = found;
      await watcher.close();
      watcher = begin();
    },
    close: () => watcher.close(),
  };
}

/** Tells a folder from another that was made in its place, which may get the same inode number. */
async function identityOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder, { bigint: true }).catch(() => undefined);
  return found && [found.dev, found.ino, found.birthtimeNs].join(' ');
}
