import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { API, type Api } from '../domain/api.ts';
import { groupId } from '../platform/accounts.ts';
import { type Clock, localTime } from '../platform/clock.ts';
import { isErrno, makeFolder } from '../platform/durable.ts';
import { UsageError } from '../platform/failures.ts';
import { INSTALLED } from '../platform/installed.ts';
import { makeFolders, settingsOf, shareFolders } from '../service/service.ts';
import { SETTINGS_FILE } from '../settings/settings.ts';
import { type CommandContext, EXIT } from './context.ts';

type Where = 'sqlite' | 'postgres';

const RECORDS = { sqlite: '', postgres: '\n  "records": "postgres",' } as const satisfies Record<Where, string>;

/** Editors find the JSON Schema where the program is installed: offline, and always that of the installed version. */
const settingsWith = (records: string) => `{
  "$schema": "${new URL('paydrop.schema.json', INSTALLED).href}",${records}
  "provider": { "baseUrl": "sandbox" },
  "submit": "nightly",
  "schedule": { "nightly": "0 2 * * *" }
}
`;

const TEMPLATES = 'templates';
const DAYS_TO_PAY = 4;
const DAY_MS = 86_400_000;

/**
 * Makes what is missing and overwrites nothing. The templates lie outside the inbox, because a file in the inbox is
 * taken in.
 */
export async function init(
  { workspace, output, clock }: CommandContext,
  dir: string | undefined,
  { group, records = 'sqlite' }: { group?: string; records?: Where },
): Promise<number> {
  const gid = group === undefined ? undefined : groupId(group);
  if (group !== undefined && gid === undefined)
    throw new UsageError(
      `--group: there is no group "${group}" in /etc/group; a group of a directory service is given by its number`,
    );
  const root = dir === undefined ? workspace : resolve(dir);
  const there = await stat(root).catch(() => undefined);
  if (there && !there.isDirectory()) throw new UsageError(`${root} is not a folder`);
  await makeFolder(join(root, TEMPLATES)).catch((error: Error) => {
    throw new UsageError(`${root} can't be made: ${error.message}`);
  });
  const make = async (path: string, text: string) => {
    const made = await writeNew(path, text);
    output.line(`${made ? 'made' : 'kept'}  ${path}`);
  };
  await make(join(root, SETTINGS_FILE), settingsWith(RECORDS[records]));
  const settings = settingsOf(root);
  if (settings.records !== records && records === 'postgres')
    throw new UsageError(
      `--records: ${join(root, SETTINGS_FILE)} is kept, and its records are in a file: paydrop records copy --to postgres takes them over`,
    );
  const { inbox, provider, schedule } = settings;
  await makeFolders(settings);
  if (gid !== undefined) await shareFolders(settings, gid);
  await make(join(root, TEMPLATES, 'orders.csv'), ORDERS);
  await make(join(root, TEMPLATES, 'instructions.csv'), instructionsFrom(clock, schedule.timeZone, provider.api));
  output.line();
  output.line(`Copy the templates, fill them in, drop them into ${inbox} and start:`);
  output.line(`  paydrop run --workspace ${root}`);
  if (settings.records === 'postgres')
    output.line(
      `The records are on a server: put its address into PAYDROP_DATABASE_URL. This machine is called ${settings.machine} (docs/machines.md).`,
    );
  output.line(
    'The provider is the bundled sandbox until provider.baseUrl in paydrop.json names another: no money moves.',
  );
  return EXIT.done;
}

const ORDERS = [
  'customerRef,orderRef,currency,country,scheme,metadata.project',
  'ACME,2026-0042,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,"Solar roof, phase 1"',
  '',
].join('\r\n');

/** The payout opens today, so that the first run sends it. */
function instructionsFrom(clock: Clock, timeZone: string, api: Api): string {
  const openDate = localTime(clock.now(), timeZone).date;
  const dueDate = localTime(clock.now() + DAYS_TO_PAY * DAY_MS, timeZone).date;
  const { sample } = API[api];
  return [
    ['customerRef,orderRef,instructionRef,amount,openDate,dueDate', ...Object.keys(sample)].join(),
    [`ACME,2026-0042,PI-1,210.00,${openDate},${dueDate}`, ...Object.values(sample)].join(),
    '',
  ].join('\r\n');
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}
