/**
 * Applies deliberate faults, one at a time, to a copy of the program, and demands that the named tests notice each:
 *
 *     npm run mutants [NAME]
 *
 * A mutant is killed when one of its test files has a failed test, and not when it can't be loaded; the same files must pass
 * without any fault. Fails when one survives, or when the source has moved on since a mutant was written.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { eachOf } from '../src/pipeline/flow.ts';
import { MUTANTS, type Mutant } from './mutants/list.ts';
import { copyProject, mutate, ROOT } from './support/mutation.ts';

const COPIED = ['src', 'test', 'docs', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'paydrop.schema.json'];

/** An error of the fault itself, and no notice taken of what it does. */
const NO_ASSERTION = /^(?:ReferenceError|SyntaxError|TypeError)|Test timed out/;

const outcome = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) }),
      ),
    }),
  ),
});

type Outcome = z.infer<typeof outcome>;

async function outcomeOf(folder: string, tests: readonly string[], ...options: string[]): Promise<Outcome> {
  const report = join(folder, 'outcome.json');
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--root', folder, '--no-cache', '--reporter=json', `--outputFile=${report}`, ...options];
  // What a sample of the tests leaves out may be what notices the fault.
  const env = { ...process.env, TESTS: 'all' };
  const child = spawn(process.execPath, [vitest, ...args, ...tests], { cwd: folder, stdio: 'ignore', env });
  await once(child, 'close');
  return outcome.parse(JSON.parse(readFileSync(report, 'utf8')));
}

async function inCopy<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-mutant-'));
  try {
    copyProject(folder, COPIED);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Verdict {
  readonly killed: boolean;
  /** The test that noticed it, or why none did. */
  readonly by: string;
}

function verdictOf({ testResults }: Outcome): Verdict {
  const unloaded = testResults.find(({ message, assertionResults }) => message !== '' && assertionResults.length === 0);
  if (unloaded) return { killed: false, by: `it can't be loaded: ${firstLine(unloaded.message)}` };
  const [failed] = testResults.flatMap((file) => file.assertionResults.filter(({ status }) => status === 'failed'));
  if (!failed) return { killed: false, by: 'SURVIVES' };
  const [why = ''] = failed.failureMessages;
  if (NO_ASSERTION.test(why)) return { killed: false, by: `no assertion: ${firstLine(why)} (${failed.fullName})` };
  return { killed: true, by: failed.fullName };
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

async function tried(mutant: Mutant): Promise<Verdict> {
  try {
    return await inCopy(async (folder) => {
      mutate(folder, mutant);
      return verdictOf(await outcomeOf(folder, mutant.tests, '--bail', '1'));
    });
  } catch (error) {
    return { killed: false, by: String(error) };
  }
}

/** What fails in the program as it is: on that, no mutant could be told from it. */
async function failuresWithout(tests: readonly string[]): Promise<string[]> {
  const { testResults, numPassedTests } = await inCopy((folder) => outcomeOf(folder, tests));
  if (numPassedTests === 0) return ['no test at all passes'];
  return testResults.flatMap(({ name, message, assertionResults }) => [
    ...(message === '' ? [] : [`${name}: ${firstLine(message)}`]),
    ...assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  ]);
}

const [wanted] = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => wanted === undefined || name.includes(wanted));
const failures =
  chosen.length === 0
    ? [`no mutant is called ${wanted}`]
    : await failuresWithout([...new Set(chosen.flatMap(({ tests }) => tests))]);
for (const failure of failures) process.stdout.write(`without any fault: ${failure}\n`);

let killed = 0;
if (failures.length === 0)
  await eachOf(chosen, availableParallelism(), async (mutant) => {
    const startedMs = performance.now();
    const verdict = await tried(mutant);
    if (verdict.killed) killed++;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
    process.stdout.write(
      `${verdict.killed ? 'killed' : 'ALIVE '} ${seconds} s  ${mutant.name.padEnd(42)} ${verdict.by}\n`,
    );
    if (!verdict.killed) process.stdout.write(`        what it would do: ${mutant.why}\n`);
  });
process.stdout.write(`${killed} of ${chosen.length} mutants killed\n`);
process.exitCode = killed > 0 && killed === chosen.length ? 0 : 1;
