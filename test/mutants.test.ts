import { expect, it } from 'vitest';
import { MUTANTS } from './mutants/list.ts';
import { applied, ROOT } from './support/mutation.ts';

it.each(MUTANTS)('the source has what the mutant "$name" changes, once', (mutant) => {
  expect(() => applied(ROOT, mutant)).not.toThrow();
});
