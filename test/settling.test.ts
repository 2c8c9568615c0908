/** What only people may settle: signed by one of them who may, where the settings name people. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settlingBy } from '../src/commands/settling.ts';
import { instructions, ORDERS, type TestWorkspace, temporaryFolder, testWorkspace } from './support/workspace.ts';

function keyFor(person: string): string {
  const path = join(temporaryFolder(), person);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', person, '-f', path]);
  return path;
}

const REF = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };

/** Anna may settle up to 100, ben may approve only, carl drops the files and may settle. */
async function withPayout(): Promise<{ workspace: TestWorkspace; keys: Record<string, string> }> {
  const keys = Object.fromEntries(['anna', 'ben', 'carl', 'stranger'].map((person) => [person, keyFor(person)]));
  const line = (person: string) => readFileSync(`${keys[person]}.pub`, 'utf8').trim();
  const workspace = testWorkspace({
    people: {
      anna: { may: ['settle'], keys: [line('anna')], upTo: { INR: '100.00' } },
      ben: { may: ['approve'], keys: [line('ben')] },
      carl: { may: ['settle'], keys: [line('carl')], user: userInfo().username },
    },
  });
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    'payouts.csv',
    instructions('C1,O1,P1,100,2026-03-02,2026-03-05,', 'C1,O1,P2,101,2026-03-02,2026-03-05,'),
  );
  await workspace.pass();
  return { workspace, keys };
}

async function settle(workspace: TestWorkspace, key: string | undefined, ref = REF) {
  const tools = await workspace.open();
  try {
    const options = { reason: 'the bank found no such payment', ...(key !== undefined && { key }) };
    return await settlingBy(tools, options, 'resolved as not paid', [ref]);
  } finally {
    await tools.close();
  }
}

describe('where the settings name people, what is settled', () => {
  it('is signed by one of them, and recorded with the key and the hash of the signature', async () => {
    const { workspace, keys } = await withPayout();
    expect(await settle(workspace, keys['anna'])).toEqual({
      by: 'anna',
      reason: 'the bank found no such payment',
      key: expect.stringMatching(/^SHA256:/),
      signature: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it.each<[string, string | undefined, object, string]>([
    ['without a signature', undefined, {}, '--key FILE'],
    ['by a person who may approve only', 'ben', {}, 'ben may not settle'],
    ['by a key of no person', 'stranger', {}, 'SHA256:'],
    ['by the person who dropped the file', 'carl', {}, 'carl dropped payouts.csv'],
    ['over what the person may decide about', 'anna', { instructionRef: 'P2' }, 'more than anna may decide'],
  ])('is refused %s', async (_, person, ref, words) => {
    const { workspace, keys } = await withPayout();
    await expect(settle(workspace, person && keys[person], { ...REF, ...ref })).rejects.toThrow(words);
  });

  it('is refused with --by, because the key says who decides', async () => {
    const { workspace, keys } = await withPayout();
    const tools = await workspace.open();
    const options = {
      reason: 'the bank found no such payment',
      by: 'anna',
      ...(keys['anna'] && { key: keys['anna'] }),
    };
    try {
      await expect(settlingBy(tools, options, 'resolved as not paid', [REF])).rejects.toThrow(
        '--by NAME: paydrop.json',
      );
    } finally {
      await tools.close();
    }
  });
});
