/** The groups and users of this machine. Those of a directory service are unknown here, because Node can't ask it. */
import { readFileSync } from 'node:fs';

const LARGEST_ID = 2 ** 32 - 2;
const GROUPS = '/etc/group';
const USERS = '/etc/passwd';

/** The number of a group that is given by its name or number; undefined for an unknown name. */
export function groupId(nameOrNumber: string, file = GROUPS): number | undefined {
  if (/^\d{1,10}$/.test(nameOrNumber)) {
    const gid = Number(nameOrNumber);
    return gid <= LARGEST_ID ? gid : undefined;
  }
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, , gid] = line.split(':');
    if (name === nameOrNumber && name !== '' && gid !== undefined && /^\d{1,10}$/.test(gid)) return Number(gid);
  }
  return undefined;
}

/** The name of a user by number; undefined for an unknown one. */
export function userName(uid: number, file = USERS): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (number === String(uid) && name !== '') return name;
  }
  return undefined;
}
