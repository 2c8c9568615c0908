/**
 * The owner of a file that can't be used. The system only reports EACCES or EPERM, and the database only that it can't open
 * the file.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { isErrno } from './durable.ts';

/**
 * One sentence about the first of these files and folders that we can't read and write: its owner and what to do.
 * `said` is the message of the system or of the database.
 */
export function whyUnusable(paths: readonly [string, ...string[]], said: string): string {
  const uid = process.getuid?.();
  for (const path of paths) {
    const { owner, isFolder, refused } = lookAt(path);
    if (refused === 'EROFS') return `${path} is on a file system that can't be written now (${said}): see to the disk`;
    // Even a user who may use the files of others can't keep their modes private.
    const isOurs = owner === undefined ? refused === undefined : uid === 0 || owner === uid;
    if (isOurs && refused === undefined) continue;
    if (isOurs) return `${path} may not be read and written (${said}): chmod ${isFolder ? '700' : '600'} it`;
    const whose = owner === undefined ? "can't be reached" : `belongs to uid ${owner}`;
    return `${path} ${whose}, and this is uid ${uid} (${said}): start paydrop as one user always, and let the data folder with all that is in it belong to that user (chown -R)`;
  }
  return `${paths[0]} can't be used: ${said}`;
}

/** `refused` is why the path may not be read and written. A missing path is not refused. */
function lookAt(path: string): { owner?: number; isFolder?: boolean; refused: string | undefined } {
  let seen = {};
  try {
    const found = statSync(path);
    const isFolder = found.isDirectory();
    seen = { owner: found.uid, isFolder };
    accessSync(path, constants.R_OK | constants.W_OK | (isFolder ? constants.X_OK : 0));
    return { ...seen, refused: undefined };
  } catch (error) {
    return { ...seen, refused: isErrno(error, 'ENOENT') ? undefined : (error as NodeJS.ErrnoException).code };
  }
}
