/**
 * The goals of speed and memory, measured: each against something else, in turns, on the same machine.
 *
 *     npm run bench -- [--quick] [--json] [--only NAME]…
 *
 * NAME is one of the measurements below, for instance `imports`. Progress goes to stderr, the table to stdout.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Result, table } from './bench/comparison.ts';
import { FULL, type Ground, openGround, QUICK } from './bench/ground.ts';
import { allWrong, besideImports, intoMany, manyRows, underControl, validating } from './bench/intake.ts';
import { onServer } from './bench/postgres.ts';
import { build } from './bench/programs.ts';
import { lookingUp, sending } from './bench/provider.ts';
import { serving } from './bench/serving.ts';
import { commands } from './bench/startup.ts';

const MEASUREMENTS: Readonly<Record<string, (ground: Ground) => Promise<Result[]>>> = {
  imports: besideImports,
  many: manyRows,
  'into-many': intoMany,
  wrong: allWrong,
  control: underControl,
  validate: validating,
  send: sending,
  'look-up': lookingUp,
  commands,
  postgres: onServer,
  serving,
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: Object.keys(MEASUREMENTS) },
  },
});
const sizes = values.quick ? QUICK : FULL;
const asked = values.only.map((name) => {
  const measurement = MEASUREMENTS[name];
  if (!measurement) throw new Error(`--only ${name}: choose from ${Object.keys(MEASUREMENTS).join(', ')}`);
  return { name, measurement };
});

const folder = mkdtempSync(join(tmpdir(), 'paydrop-bench-'));
const results: Result[] = [];
try {
  const ground = openGround(folder, await build(join(folder, 'built')), sizes);
  for (const { name, measurement } of asked) {
    process.stderr.write(`${name}\n`);
    results.push(...(await measurement(ground)));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(
  `${values.json ? JSON.stringify({ quick: values.quick, sizes, results }, undefined, 2) : table(results)}\n`,
);
