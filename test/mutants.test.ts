import { expect, it } from 'vitest';
import { MUTANTS } from './mutants/list.ts';
import { applied, ROOT, sourcesOf } from './support/mutation.ts';

const SOURCES = sourcesOf(ROOT);

it('no two mutants have one name: a mutant is run by it', () => {
  const names = MUTANTS.map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

it.each(MUTANTS)('the source has what the mutant "$name" changes, once', (mutant) => {
  expect(() => applied(SOURCES, mutant)).not.toThrow();
});
