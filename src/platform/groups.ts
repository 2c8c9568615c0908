/** The groups of this machine. */
import { readFileSync } from 'node:fs';

const LARGEST_GID = 2 ** 32 - 2;
const GROUPS = '/etc/group';

/**
 * The number of a group that is given by its name or number; undefined for an unknown name. Names of a directory service
 * are unknown here, because Node can't ask it: such a group is given by its number.
 */
export function groupId(nameOrNumber: string, file = GROUPS): number | undefined {
  if (/^\d{1,10}$/.test(nameOrNumber)) {
    const gid = Number(nameOrNumber);
    return gid <= LARGEST_GID ? gid : undefined;
  }
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, , gid] = line.split(':');
    if (name === nameOrNumber && name !== '' && gid !== undefined && /^\d{1,10}$/.test(gid)) return Number(gid);
  }
  return undefined;
}
