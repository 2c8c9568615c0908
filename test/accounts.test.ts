import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { groupId } from '../src/platform/accounts.ts';
import { temporaryFolder } from './support/workspace.ts';

it('a group is found by its name or number, and by nothing else', () => {
  const file = join(temporaryFolder(), 'group');
  writeFileSync(file, ['root:x:0:', '# clerks:x:7:', 'clerks:x:1200:anna,ben', '+:::', 'bad:x:many:', ''].join('\n'));
  const found = (group: string) => groupId(group, file);
  expect(['clerks', 'root', '1200', '77', '4294967294'].map(found)).toEqual([1200, 0, 1200, 77, 4_294_967_294]);
  expect(['Clerks', 'anna', '', '+', 'bad', '4294967295', '-1', '1.5', ' 7'].map(found)).toEqual(
    Array.from({ length: 9 }, () => undefined),
  );
});
