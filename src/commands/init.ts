import { mkdir, open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SETTINGS_FILE } from '../config.ts';
import { isErrno, makePrivateFolder } from '../durable.ts';
import { UsageError } from '../failures.ts';
import { type CommandContext, EXIT } from './context.ts';

const SETTINGS = `{
  "provider": { "baseUrl": "sandbox" },
  "submit": "nightly",
  "schedule": { "nightly": "0 2 * * *" }
}
`;

/** Templates lie outside the inbox: what lies in it would be taken in. */
const TEMPLATES: Readonly<Record<string, string>> = {
  'orders.csv': [
    'customerRef,orderRef,currency,country,scheme,metadata.project',
    'ACME,2026-0042,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,"Solar roof, phase 1"',
    '',
  ].join('\r\n'),
  'instructions.csv': [
    'customerRef,orderRef,instructionRef,amount,openDate,dueDate,purpose,mode,narration,remark',
    'ACME,2026-0042,PI-1,210.00,2026-03-02,2026-03-06,others,IMPS,March part 1,2026-0042',
    '',
  ].join('\r\n'),
};

/** Makes what is missing and overwrites nothing. */
export async function init({ workspace, paper }: CommandContext, dir: string | undefined): Promise<number> {
  const root = dir === undefined ? workspace : resolve(dir);
  const there = await stat(root).catch(() => undefined);
  if (there && !there.isDirectory()) throw new UsageError(`${root} is not a folder`);
  await mkdir(join(root, 'inbox'), { recursive: true });
  await mkdir(join(root, 'outbox'), { recursive: true });
  await mkdir(join(root, 'templates'), { recursive: true });
  await makePrivateFolder(join(root, 'data'));
  const files = {
    [SETTINGS_FILE]: SETTINGS,
    ...Object.fromEntries(Object.entries(TEMPLATES).map(([name, text]) => [join('templates', name), text])),
  };
  for (const [name, text] of Object.entries(files)) {
    const made = await writeNew(join(root, name), text);
    paper.line(`${made ? 'made' : 'kept'}  ${join(root, name)}`);
  }
  paper.line();
  paper.line(`Copy the templates, fill them in, drop them into ${join(root, 'inbox')} and start:`);
  paper.line(`  paydrop run --workspace ${root}`);
  paper.line(
    'The provider is the bundled sandbox until provider.baseUrl in paydrop.json names another: no money moves.',
  );
  return EXIT.done;
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(text);
    await file.close();
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}
