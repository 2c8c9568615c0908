import { describe, expect, it } from 'vitest';
import { exitOf } from '../src/commands/counts-text.ts';
import type { Api } from '../src/domain/api.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

/** What a person can do who may write into `data`. */
function byHand(workspace: TestWorkspace, sql: string): void {
  const db = new Database(workspace.path('data', 'paydrop.db'));
  if (db.prepare(sql).run().changes === 0) throw new Error(`nothing was altered by ${sql}`);
  db.close();
}

/** Two payouts of C1/O1 are taken in and ready. */
const takenIn = madeOnce(async () => {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
  await workspace.pass({ send: false, lookUp: false });
  return workspace;
});

const P1 = "WHERE instruction_ref = 'P1'";

describe('a payout that is not what its row said', () => {
  it.each([
    ['amount in minor units', `amount_minor = 99900`, 'its amount is 210'],
    ['amount', `amount = '999', amount_minor = 99900`, 'digest'],
    ['payee', `payout_contact_id = 'M1'`, 'digest'],
    ['payee, in the row as well', `payout_contact_id = 'M1', contact_id = 'M1'`, 'digest'],
    ['currency', `currency = 'EUR'`, 'digest'],
    ['customer, and with it the client reference', `customer_ref = 'C2'`, 'digest'],
    ['due date', `due_date = '2027-01-01'`, 'digest'],
    ['payee, and its digest emptied', `payout_contact_id = 'M1', content_digest = ''`, 'digest missing'],
    ['payee, and its digest removed', `payout_contact_id = 'M1', content_digest = NULL`, 'digest missing'],
    ['attempt', `attempt = 2`, 'the log says attempt 1, the record 2'],
    ['version', `version = 2`, 'the log says version 1, the record 2'],
  ])('is not sent (its %s was altered in the database); the others are, and it is named', async (_, set, why) => {
    const workspace = await takenIn();
    byHand(workspace, `UPDATE instructions SET ${set} ${P1}`);
    const summary = await workspace.pass({ lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P2: 1 });
    expect(String(summary.unfinished)).toMatch(
      /1 not sent, because the records are not what was read.*P1 \(file 2, line 2\)/,
    );
    expect(summary.unfinished).toContain(why);
    expect(exitOf(summary.needs)).toBe(3);
  });

  it('keeps no report and no payout of another file back', async () => {
    const workspace = await takenIn();
    byHand(workspace, `UPDATE instructions SET amount = '999', amount_minor = 99900 ${P1}`);
    for (const name of ['P3', 'P4']) {
      workspace.drop(`${name}.csv`, instructions(instruction(name)));
      const { unfinished } = await workspace.pass({ lookUp: false });
      expect(String(unfinished)).toMatch(/C1\/O1\/P1 .*file 000002: the control sum read is 420/);
    }
    expect(timesTaken(workspace.ledger())).toEqual({ P2: 1, P3: 1, P4: 1 });
    expect(workspace.rows('P4.000004.result.csv')).toMatchObject([{ status: 'submitted' }]);
    for (const run of ['run.000002.', 'run.000003.'])
      expect(
        workspace.outbox().some((name) => name.startsWith(run)),
        run,
      ).toBe(true);
  });

  it('is sent once the record is what it was', async () => {
    const workspace = await takenIn();
    byHand(workspace, `UPDATE instructions SET payout_contact_id = 'M1' ${P1}`);
    await workspace.pass({ lookUp: false });
    byHand(workspace, `UPDATE instructions SET payout_contact_id = 'C1' ${P1}`);
    expect((await workspace.pass({ lookUp: false })).unfinished).toBeUndefined();
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it.each([
    ['scheduled', instruction('P1', '210.00', '2026-03-05')],
    ['paid', instruction('P1')],
  ])('is not sent when its record was altered to ready (it was %s)', async (was, row) => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(row));
    const fates = { fates: [{ fate: 'processed' as const }] };
    for (let passes = 0; passes < 3; passes++) await workspace.pass({ faults: fates });
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([{ status: was }]);
    byHand(workspace, `UPDATE instructions SET status = 'ready', attempt = attempt + 1 ${P1}`);
    expect((await workspace.pass({ lookUp: false })).sent).toBe(0);
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted').length).toBe(was === 'paid' ? 1 : 0);
  });

  it('is what its last UPDATE said, or isn’t sent', async () => {
    const workspace = await takenIn();
    const header = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration,action';
    const update = [header, `${instruction('P1', '5')},UPDATE`, `${instruction('P2', '6')},UPDATE`, ''].join('\n');
    workspace.drop('update.csv', update);
    await workspace.pass({ send: false, lookUp: false });
    byHand(workspace, `UPDATE instructions SET amount = '210', amount_minor = 21000 ${P1}`);
    expect((await workspace.pass({ lookUp: false })).unfinished).toContain('C1/O1/P1');
    expect(timesTaken(workspace.ledger())).toEqual({ P2: 1 });
  });

  it('is not sent again with other bytes than the audit log has', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass({ faults: { faults: [{ on: 'post', fault: { kind: 'service-off' } }] }, lookUp: false });
    workspace.clock.advance(60_000);
    await workspace.pass({ send: false });
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([{ status: 'ready' }]);
    const { createHash } = await import('node:crypto');
    const body = '{"amount":"999.00"}';
    const hash = createHash('sha256').update(body).digest('hex');
    byHand(workspace, `UPDATE attempts SET body = '${body}', body_sha256 = '${hash}'`);
    expect((await workspace.pass({ lookUp: false })).unfinished).toContain('the log says body');
    expect(timesTaken(workspace.ledger())).toEqual({});
  });
});

describe('an order that is not what its row said', () => {
  it.each<Api>(['collect', 'order-management'])('takes nothing along (%s), and what is sound is sent', async (api) => {
    const workspace = testWorkspace({ provider: { api } });
    const files = API_FILES[api];
    workspace.drop('orders.csv', files.orders);
    workspace.drop('payouts.csv', files.instructions('P1', 'P2'));
    await workspace.pass({ send: false, lookUp: false });
    byHand(workspace, `UPDATE instructions SET amount = '999', amount_minor = 99900 ${P1}`);
    expect((await workspace.pass({ lookUp: false })).unfinished).toContain('C1/O1/P1');
    expect(timesTaken(workspace.ledger())).toEqual({ P2: 1 });
  });

  it.each<Api>(['collect', 'order-management'])('is not registered, and nothing of it is sent (%s)', async (api) => {
    const workspace = testWorkspace({ provider: { api } });
    const files = API_FILES[api];
    workspace.drop('orders.csv', files.orders);
    workspace.drop('payouts.csv', files.instructions('P1', 'P2'));
    await workspace.pass({ send: false, lookUp: false });
    byHand(workspace, `UPDATE orders SET scheme = '11111111-1111-1111-1111-111111111111' WHERE order_ref = 'O1'`);
    expect(String((await workspace.pass({ lookUp: false })).unfinished)).toMatch(/2 not sent.*its order: /);
    expect(workspace.ledger()).toEqual([]);
  });
});
