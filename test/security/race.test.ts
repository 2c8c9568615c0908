/** Another process that swaps what lies in the inbox, and what was claimed from it, while it is looked at and opened. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openInbox } from '../../src/inbox/inbox.ts';
import { ALL } from '../support/sample.ts';
import { temporaryFolder } from '../support/workspace.ts';

/** `RACES=10000 npx vitest run test/security/race.test.ts` tries harder. */
const RACES = Number(process.env['RACES'] ?? (ALL ? 2_000 : 500));
/** Half of them in either place. */
const TRIES = RACES / 2;
const CANARY = 'root:CANARY:0:0';
const NAME = 'a.csv';

/**
 * Puts in turn a plain file, a link to a canary, a second name of its twin and one of a pipe under `inbox/a.csv`. With
 * `claimed` the last three are put over what was claimed instead: a user who may write into the inbox alone can't do that.
 */
const RACER = `
  import { linkSync, readdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
  const [root, claimed] = process.argv.slice(1);
  const attempt = (act) => { try { act(); return true; } catch { return false; } };
  const kinds = [
    (path) => writeFileSync(path, 'harmless'),
    (path) => symlinkSync(root + '/canary', path),
    (path) => linkSync(root + '/twin', path),
    (path) => linkSync(root + '/pipe', path),
  ];
  let swaps = 0;
  process.on('SIGTERM', () => { console.log(swaps); process.exit(0); });
  console.log('racing');
  const round = () => {
    for (let n = 0; n < 300; n++) {
      const kind = kinds[n % kinds.length];
      attempt(() => unlinkSync(root + '/next'));
      if (!attempt(() => kind(root + '/next'))) continue;
      let to = [root + '/inbox/${NAME}'];
      if (claimed === 'claimed' && n % kinds.length > 0)
        attempt(() => { to = readdirSync(root + '/data/work').map((id) => root + '/data/work/' + id + '/original/${NAME}'); });
      for (const path of to) if (attempt(() => renameSync(root + '/next', path))) swaps++;
    }
    setImmediate(round);
  };
  round();
`;

async function racing(root: string, claimed: boolean): Promise<{ stop(): Promise<number> }> {
  const args = ['--input-type=module', '-e', RACER, root, ...(claimed ? ['claimed'] : [])];
  const racer: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void racer.kill('SIGKILL'));
  let said = '';
  racer.stdout?.on('data', (text) => {
    said += text;
  });
  await once(racer.stdout ?? racer, 'data');
  return {
    stop: async () => {
      racer.kill('SIGTERM');
      await once(racer, 'close');
      return Number(said.split('\n')[1]);
    },
  };
}

/** A user who may write into the folder of a claim may stop a pass, but no more than that. */
function refusedOnlyIf(expected: boolean): (error: unknown) => undefined {
  return (error) => {
    if (!expected) throw error;
  };
}

/** Plain files under a folder; a link that was set aside is not followed. */
function plainFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const RULES = { settleMs: 0, maxFileBytes: 1_000, ignore: [] };

describe('a file that is swapped for another', () => {
  it.each([
    ['in the inbox', false],
    ['even in the folder of its claim', true],
  ])(
    '%s is never read as the canary it was swapped for',
    async (_, claimed) => {
      const root = temporaryFolder();
      for (const folder of ['inbox', 'data', 'done']) mkdirSync(join(root, folder));
      for (const name of ['canary', 'twin']) writeFileSync(join(root, name), CANARY);
      execFileSync('mkfifo', [join(root, 'pipe')]);
      const inbox = await openInbox({ inbox: join(root, 'inbox'), data: join(root, 'data') }, RULES);
      const racer = await racing(root, claimed);
      const seen = { spooled: 0, 'not-regular': 0, 'not-yet': 0, 'too-large': 0, refused: 0, gone: 0 };
      for (let tries = 0; tries < TRIES; ) {
        while (!existsSync(join(root, 'inbox', NAME))) await nextTurn();
        const claim = await inbox.claim(Buffer.from(NAME)).catch(refusedOnlyIf(claimed));
        if (!claim) seen.gone++;
        else {
          tries++;
          const spooled = await inbox.spool(claim).catch(refusedOnlyIf(claimed));
          seen[spooled?.kind ?? 'refused']++;
        }
        for (const path of plainFiles(join(root, 'data', 'spool'))) {
          expect(readFileSync(path, 'utf8')).not.toContain('CANARY');
          rmSync(path);
        }
        for (const id of readdirSync(join(root, 'data', 'work')))
          renameSync(join(root, 'data', 'work', id), join(root, 'done', id));
      }
      const swaps = await racer.stop();
      if (process.env['RACES']) process.stderr.write(`${JSON.stringify({ tries: TRIES, swaps, ...seen })}\n`);
      expect(Math.min(seen.spooled, seen['not-regular'])).toBeGreaterThan(0);
      expect(swaps).toBeGreaterThan(TRIES);
    },
    30_000 + TRIES * 50,
  );
});
