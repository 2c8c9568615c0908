/** The folder in which tests create their files. */
import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
const ROOM_BYTES = 1_000_000_000;

/**
 * In memory, if there is room: waiting for a disk's syncs would take most of the time. Other tests check durability by
 * the system calls that the program makes.
 */
export function temporaryPlace(): string {
  if (!existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir();
}
