/**
 * chokidar only wakes: what it says about a file (complete, a plain file, new) isn't relied on, the folder itself is
 * looked at. When it fails, the periodic look still finds everything.
 */
import { watch } from 'chokidar';

/** Calls `wake` soon after anything happens in the folder. Returns how to stop. */
export function wakeOnChange(inbox: string, wake: () => void, onError: (error: unknown) => void): () => Promise<void> {
  const watcher = watch(inbox, { depth: 0, ignoreInitial: true, followSymlinks: false });
  watcher.on('all', wake);
  watcher.on('error', onError);
  return () => watcher.close();
}
