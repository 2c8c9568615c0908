/** Where tests keep what they make. */
import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
const ROOM_BYTES = 1_000_000_000;

/**
 * In memory, where there is room: whether a disk keeps what it is told is tried by the system calls that are made, and to
 * wait for its syncs would take most of the time.
 */
export function temporaryPlace(): string {
  if (!existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir();
}
