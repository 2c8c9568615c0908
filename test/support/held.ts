/** Workspaces in which payouts are held back, and the persons who decide about them. */
import { approve, heldPayouts, refuse } from '../../src/pipeline/approval.ts';
import type { OpenWorkspace } from '../../src/service/workspace.ts';
import { instructions, ORDERS, type TestWorkspace, testWorkspace } from './workspace.ts';

/** A provider that pays all. */
export const PAYS = { fates: [{ fate: 'processed' as const }] };

export const UPDATES = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';

/** Orders, and a file payouts.csv with these rows. Nothing is taken in yet. */
export function dropped(settings: object, ...rows: string[]): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...rows));
  return workspace;
}

export const row = (ref: string, amount: string, openDate = '2026-03-02', dueDate = '2026-03-05') =>
  `C1,O1,${ref},${amount},${openDate},${dueDate},${ref}`;

/** What became of each row: `sent`, or its status and code. */
export const results = (workspace: TestWorkspace, file = 'payouts.000002') =>
  workspace
    .rows(`${file}.result.csv`)
    .map(({ status = '', code }) => (['submitted', 'paid'].includes(status) ? 'sent' : `${status} ${code}`.trim()));

export async function withRecords<Of>(
  workspace: TestWorkspace,
  work: (tools: OpenWorkspace) => Promise<Of>,
): Promise<Of> {
  const tools = await workspace.open();
  try {
    return await work(tools);
  } finally {
    await tools.close();
  }
}

export const by = (person: string) => ({ by: person, reason: 'compared with the invoice' });

/** A person's yes to all that is held. */
export const yes = (workspace: TestWorkspace, person: string) =>
  withRecords(workspace, async (tools) => {
    const held = await heldPayouts(tools.store, tools.settings);
    return approve(tools, held, by(person));
  });

/** A person's no to all that is held. */
export const no = (workspace: TestWorkspace, person: string) =>
  withRecords(workspace, async (tools) => refuse(tools, await heldPayouts(tools.store, tools.settings), by(person)));
