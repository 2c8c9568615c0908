/**
 * With RECORDS=postgres tests of workspaces have their records on PostgreSQL. These need the file that SQLite keeps, or
 * something else that is not there then.
 */
import { beforeEach } from 'vitest';

const OPENS_THE_FILE = 'it opens data/paydrop.db itself';
const BY_THE_SERVER = "turns are by the server's clock, and not by that of the test";

const SKIPPED: readonly (readonly [test: string, why: string])[] = [
  ['what persons decided while a run is under way', OPENS_THE_FILE],
  ['wherever forgetting was cut off', 'it looks for the texts in the file of the records'],
  ['copies of the records from before an upgrade', 'the server is upgraded in place'],
  ['a file stays when its record was altered', OPENS_THE_FILE],
  ['after a file was forgotten the records are what the audit log says', OPENS_THE_FILE],
  ['a replaced content were kept by an earlier version', OPENS_THE_FILE],
  ['reports are public to the group, and everything else is private', 'no file has the records'],
  ['refuses to turn what was paid in the sandbox over to a real provider', 'it writes a paydrop.json of its own'],
  ['answers Ctrl-C at once', 'it writes a paydrop.json of its own'],
  ['looking up keeps to requestsPerMinute', BY_THE_SERVER],
  ['the line keeps to requestsPerMinute', BY_THE_SERVER],
];

function nameOf(task: { readonly name: string; readonly suite?: object | undefined }): string {
  const suite = task.suite as { readonly name: string; readonly suite?: object } | undefined;
  return suite ? `${nameOf(suite)} ${task.name}` : task.name;
}

beforeEach(({ task, skip }) => {
  const found = SKIPPED.find(([test]) => nameOf(task).includes(test));
  if (found) skip(found[1]);
});
