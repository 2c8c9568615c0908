import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { temporaryPlace } from './test/support/temporary.ts';

/** What takes longest, beginning with that, so that no worker is left with it in the end. */
const LONG = [
  // With TESTS=all by far.
  ...['night', 'crash'],
  ...['cli', 'crash-syscalls', 'reconcile', 'simulation', 'provider-contract', 'watch', 'input', 'cases', 'faults'],
  ...[
    'verify',
    'show-remote',

    'repairs',
    'amend',
    'export',
    'report-page',
    'accessibility',
    'intake',
  ],
  ...['program', 'list', 'run-page', 'retry'],
].map((name) => `/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(name));
    const placeOf = ({ moduleId }: TestSpecification) => LONG.findIndex((name) => moduleId.endsWith(name));
    const long = sorted.filter(isLong).sort((one, other) => placeOf(one) - placeOf(other));
    return [...long, ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Nothing is left behind in a process by one file that another could see; a new process a file costs an eighth.
    isolate: false,
    // One more than there are cores: a third of the time a test waits, for a clock, a server or another process.
    maxWorkers: availableParallelism() + 1,
    // What a test makes is soon garbage. With a larger place for what is new, collecting it takes a sixteenth less of all.
    execArgv: ['--max-semi-space-size=64'],
    globalSetup: 'test/support/setup.ts',
    setupFiles: process.env['RECORDS'] === 'postgres' ? ['test/support/on-postgres.ts'] : [],
    sequence: { sequencer: LongestFirst },
    env: { TMPDIR: temporaryPlace() },
  },
});
