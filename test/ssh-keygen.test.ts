/** What the command signs is what a person would sign by hand. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSignature } from '../src/control/signature.ts';
import { UsageError } from '../src/platform/failures.ts';
import { readSshKeyLine } from '../src/platform/ssh-key.ts';
import { signWith } from '../src/platform/ssh-keygen.ts';
import { temporaryFolder } from './support/workspace.ts';

describe('a decision that a command signs', () => {
  it('has a good signature of its bytes', async () => {
    const key = join(temporaryFolder(), 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'anna', '-f', key]);
    const bytes = Buffer.from('a decision\n');
    const read = readSshKeyLine(readFileSync(`${key}.pub`, 'utf8').trim());
    if (!read.ok) throw new Error(read.why);
    expect(checkSignature(await signWith(key, bytes), bytes, [read.key])).toMatchObject({ kind: 'good' });
  });

  it('is not made where the key can not sign', async () => {
    await expect(signWith(join(temporaryFolder(), 'none'), Buffer.from('x'))).rejects.toThrow(UsageError);
  });
});
