/** Payouts that are held back, wherever an operator looks: receipt, pages, run, status, show, validate. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { approve, heldPayouts, refuse } from '../src/pipeline/approval.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { builtProgram } from './support/cli.ts';
import { sampled } from './support/sample.ts';
import { instructions, madeOnce, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const PAYS = { fates: [{ fate: 'processed' as const }] };
const LIMIT = { control: { limits: { payout: { INR: '100.00', JPY: '9000' } } } };

function dropped(settings: object, ...rows: string[]): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...rows));
  return workspace;
}

const row = (ref: string, amount: string, order = 'O1') => `C1,${order},${ref},${amount},2026-03-02,2026-03-05,`;

const receipt = (workspace: TestWorkspace) => JSON.parse(workspace.read('payouts.000002.receipt.json'));
const page = (workspace: TestWorkspace) => workspace.read('payouts.000002.report.html').replace(/\s+/g, ' ');

/** The text of a section of a page, by its heading. */
function section(html: string, heading: string): string {
  const [, text = ''] = html.split(`>${heading}</h2>`);
  return (text.split('</section>')[0] ?? '').replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
}

async function withRecords<Of>(workspace: TestWorkspace, work: (tools: OpenWorkspace) => Promise<Of>): Promise<Of> {
  const tools = await workspace.open();
  try {
    return await work(tools);
  } finally {
    await tools.close();
  }
}

const says = (workspace: TestWorkspace, word: typeof approve, by: string, reason: string, ...refs: string[]) =>
  withRecords(workspace, async (tools) => {
    const held = await heldPayouts(tools.store, tools.settings);
    const named = held.filter(({ payout }) => refs.includes(payout.instructionRef));
    expect(await word(tools, named, { by, reason })).toMatchObject({ ok: true });
  });

const run = (workspace: TestWorkspace, ...args: string[]) =>
  program.run([...args, '--workspace', workspace.root], { cwd: workspace.root });

describe('the receipt of a file with held payouts', () => {
  it('says how many there are, their amounts by currency, and the reasons', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'), row('P2', '5'), row('P3', '9001', 'O2'), row('P4', '200'));
    await workspace.pass({ faults: PAYS });
    expect(receipt(workspace)).toMatchObject({
      verdict: 'accepted',
      held: { rows: 3, amounts: { INR: '300.01', JPY: '9001' }, byCode: { PAYOUT_LIMIT_EXCEEDED: 3 } },
    });
  });

  it('counts a payout under each of its reasons', async () => {
    const tiers = { approvals: [{ from: { INR: '50.00' }, people: 1 }], limits: { payout: { INR: '100.00' } } };
    const workspace = dropped({ control: tiers }, row('P1', '100.01'), row('P2', '60'));
    await workspace.pass();
    const byCode = { APPROVAL_REQUIRED: 2, PAYOUT_LIMIT_EXCEEDED: 1 };
    expect(receipt(workspace).held).toEqual({ rows: 2, amounts: { INR: '160.01' }, byCode });
  });

  it('says of what only a limit of the day holds that it goes on another day, and of all else that a person must', async () => {
    const limits = { day: { INR: '10.00' }, payout: { JPY: '5' } };
    const workspace = dropped({ control: { limits } }, row('P1', '10'), row('P2', '9'), row('P3', '6', 'O2'));
    await workspace.pass({ faults: PAYS });
    expect(receipt(workspace).releases).toEqual([
      {
        at: null,
        rows: 1,
        amounts: { INR: '9.00' },
        why: 'a limit of the day holds them back: they go on another day, once they fit',
      },
      { at: null, rows: 1, amounts: { JPY: '6' }, why: 'a person must let them go first' },
    ]);
    const text = section(page(workspace), 'Needs an approver');
    expect(text).toContain('What only a limit of the day holds goes on another day by itself, once it fits.');
  });

  it('points out possible duplicates that are sent all the same, and references that are nearly taken', async () => {
    const workspace = dropped({}, row('PI-007', '10'), row('PI-7', '10'), row('RENT', '10'));
    await workspace.pass({ faults: PAYS });
    expect(receipt(workspace)).toMatchObject({
      possibleDuplicates: { rows: 1, firstLine: 4 },
      referencesNearlyTaken: { rows: 1, firstLine: 3 },
    });
    expect(section(page(workspace), 'Possible duplicates')).toContain('1 payout (line 4) has the payee, amount');
  });

  it('has none of this where nothing is held back or alike', async () => {
    const workspace = dropped({}, row('P1', '10'), row('P2', '11'));
    await workspace.pass({ faults: PAYS });
    for (const key of ['held', 'possibleDuplicates', 'referencesNearlyTaken'])
      expect(receipt(workspace)).not.toHaveProperty(key);
    expect(page(workspace)).not.toContain('Needs an approver');
  });
});

describe('the page of a file with held payouts', () => {
  const tiers = {
    control: {
      newPayees: 'hold',
      approvals: [
        { from: { INR: '50.00' }, people: 1 },
        { from: { INR: '500.00' }, people: 2 },
      ],
    },
  };

  it('names each with its payee, amount, reasons and the yes so far, and the totals by currency', async () => {
    const workspace = dropped(tiers, row('P1', '750'), row('P2', '9001', 'O2'));
    await workspace.pass();
    await says(workspace, approve, 'anna', 'compared with the invoice', 'P1');
    await workspace.pass();
    const text = section(page(workspace), 'Needs an approver');
    expect(text).toContain('C1 new 9,001 JPY');
    expect(text).toContain('750.00 INR needs the yes of 2 people');
    expect(text).toContain('APPROVAL_REQUIRED 1 of 2 : anna');
    expect(text).toContain('1 payout in INR 750.00 INR');
    expect(text).toContain('1 payout in JPY 9,001 JPY');
    expect(page(workspace)).toContain('Accepted; 2 payouts need an approver');
  });

  it('has the commands that decide, to be copied', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'));
    await workspace.pass();
    for (const command of ['held --file 2', 'approve --file 2 --reason TEXT', 'refuse C1/O1/P1 --reason TEXT'])
      expect(section(page(workspace), 'Needs an approver')).toContain(`paydrop ${command} `);
    expect(section(workspace.read('index.html'), 'Files that need action')).toContain('paydrop held --file 2');
  });

  it('says of a payout that was refused by whom and why', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'));
    await workspace.pass();
    await says(workspace, refuse, 'ben', 'it was paid by hand', 'P1');
    await workspace.pass();
    expect(workspace.rows('payouts.000002.result.csv')).toMatchObject([
      { status: 'cancelled', message: 'cancelled before it was paid (refused by ben: it was paid by hand)' },
    ]);
  });

  it('says of what only the limits of a day hold that it goes on another day', async () => {
    const workspace = dropped({ control: { limits: { day: { INR: '1.00' } } } }, row('P1', '1.01'));
    await workspace.pass();
    const [{ message = '' } = {}] = workspace.rows('payouts.000002.result.csv');
    expect(message).toMatch(/^held back: it goes on another day once it fits, or sooner when a person approves it/);
  });
});

describe('what persons said of held payouts', () => {
  it('stands in the page of the next run as approved and refused', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'), row('P2', '100.02'));
    await workspace.pass();
    await says(workspace, approve, 'anna', 'compared with the invoice', 'P1');
    await says(workspace, refuse, 'ben', 'it was paid by hand', 'P2');
    await workspace.pass({ faults: PAYS });
    const text = section(workspace.read('run.000002.summary.html'), 'Decisions');
    expect(text).toContain('Approved held → ready 1 INR 100.01');
    expect(text).toContain('Refused held → cancelled 1 INR 100.02');
  });

  it('stands in the changes of the next run as one yes more, where another one is needed', async () => {
    const workspace = dropped({ control: { approvals: [{ from: { INR: '0.01' }, people: 2 }] } }, row('P1', '10'));
    await workspace.pass();
    await says(workspace, approve, 'anna', 'compared with the invoice', 'P1');
    await workspace.pass();
    const [, yes] = workspace.read('run.000002.changes.csv').split('\r\n');
    expect(yes).toContain(',held,held,APPROVAL_REQUIRED,"is held, with one yes more",');
    expect(yes).toContain(',anna,compared with the invoice,');
  });

  it('stands in the history of each: a yes with its person, the no with its reason', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'), row('P2', '100.02'));
    await workspace.pass();
    await says(workspace, approve, 'anna', 'compared with the invoice', 'P1');
    await says(workspace, refuse, 'ben', 'it was paid by hand', 'P2');
    const yes = await run(workspace, 'show', 'C1/O1/P1');
    expect(yes.stdout).toMatch(/held +anna said yes: compared with the invoice, PAYOUT_LIMIT_EXCEEDED/);
    const no = await run(workspace, 'show', 'C1/O1/P2');
    expect(no.stdout).toContain('cancelled: refused by ben: it was paid by hand');
  });
});

describe('while a payout is held back', () => {
  it('a run and status --check end with 1 and say who must do what, in the right number', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'));
    const first = await run(workspace, 'run', '--date', '2026-03-02');
    expect(first).toMatchObject({ status: 1 });
    expect(first.stdout).toMatch(/payouts\.csv +accepted +1 +0 +0 +1\n/);
    expect(first.stdout).toContain('! 1 payout held back: look at it with paydrop held');
    workspace.drop('more.csv', instructions(row('P2', '100.02')));
    expect(await run(workspace, 'run', '--date', '2026-03-02')).toMatchObject({ status: 1 });
    const status = await run(workspace, 'status', '--check');
    expect(status.status).toBe(1);
    expect(status.stdout).toContain('! 2 payouts held back: look at them with paydrop held');
  });

  it('show has its reasons, and who has said yes so far', async () => {
    const tiers = { control: { approvals: [{ from: { INR: '0.01' }, people: 2 }] } };
    const workspace = dropped(tiers, row('P1', '10'));
    await workspace.pass();
    await says(workspace, approve, 'anna', 'compared with the invoice', 'P1');
    const { stdout } = await run(workspace, 'show', 'C1/O1/P1');
    expect(stdout).toMatch(/Held back for +APPROVAL_REQUIRED\n/);
    expect(stdout).toMatch(/Yes so far +1 of 2: anna\n/);
  });

  it('a yes while the sending is paused says that nothing is sent', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'));
    await workspace.pass();
    writeFileSync(workspace.path('PAUSE'), '');
    const { status, stdout } = await run(workspace, 'approve', 'C1/O1/P1', '--yes', '--reason', 'compared');
    expect(status).toBe(0);
    expect(stdout).toMatch(/Sending is paused by the file .*PAUSE\. Nothing is sent until paydrop resume\./);
  });
});

it('the second yes of an account is refused, whatever name --by gives', async () => {
  const workspace = dropped({ control: { approvals: [{ from: { INR: '0.01' }, people: 2 }] } }, row('P1', '10'));
  await workspace.pass();
  const saying = (by: string) => run(workspace, 'approve', 'C1/O1/P1', '--yes', '--reason', 'compared', '--by', by);
  expect(await saying('anna')).toMatchObject({ status: 0 });
  const { status, stderr } = await saying('ben');
  expect(stderr).toMatch(/C1\/O1\/P1: this account has said yes already, as anna/);
  expect(status).toBe(2);
  await workspace.pass();
  expect(workspace.ledger()).toEqual([]);
});

describe('what is named and not held back', () => {
  const oneHeldOnePaid = madeOnce(async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'), row('P2', '5'));
    await workspace.pass({ faults: PAYS });
    await workspace.pass({ faults: PAYS });
    return workspace;
  });

  it.each(
    sampled(
      [
        [['approve', 'C1/O1/P2'], 'C1/O1/P2: it is paid, and not held back'],
        [['approve', 'C1/O1/NONE'], 'C1/O1/NONE: there is no such instruction'],
        [['approve', '--file', '77'], 'there is no file 77 in this workspace'],
        [['approve', '--file', '1'], 'nothing of file 1 is held back'],
        [['approve', 'C1/O1/P1', '--key', 'id'], '--key FILE: paydrop.json names no people, so nothing is signed'],
      ],
      2,
    ),
  )('is refused with the reason: %j', async (args, why) => {
    const workspace = await oneHeldOnePaid();
    const { status, stderr } = await run(workspace, ...args, '--yes', '--reason', 'compared', '--by', 'anna');
    expect(stderr).toContain(why);
    expect(status).toBe(2);
  });

  it('is a file that there is not, for held too', async () => {
    const workspace = dropped(LIMIT, row('P1', '100.01'));
    await workspace.pass();
    const { status, stderr } = await run(workspace, 'held', '--file', '77');
    expect(stderr).toContain('there is no file 77 in this workspace');
    expect(status).toBe(2);
  });
});

it('held names who has said yes so far, and its totals are in the order of currencies', async () => {
  const tiers = { control: { approvals: [{ from: { JPY: '1', INR: '0.01' }, people: 2 }] } };
  const workspace = dropped(tiers, row('P1', '9', 'O2'), row('P2', '10'));
  await workspace.pass();
  await says(workspace, approve, 'anna', 'compared with the invoice', 'P2');
  const { stdout } = await run(workspace, 'held');
  expect(stdout).toContain(' 1 of 2: anna ');
  expect(stdout).toMatch(/held +INR .*\nheld +JPY /);
});

describe('a dry run', () => {
  it('foresees what would be held back, and ends with 1', async () => {
    const workspace = testWorkspace(LIMIT);
    writeFileSync(workspace.path('orders.csv'), ORDERS);
    writeFileSync(workspace.path('payouts.csv'), instructions(row('P1', '100.01'), row('P2', '5')));
    const files = ['validate', 'orders.csv', 'payouts.csv', '--date', '2026-03-02'];
    const text = await run(workspace, ...files);
    expect(text.status).toBe(1);
    expect(text.stdout).toContain('payouts.csv: held back until a person approves it');
    expect(text.stdout).toMatch(/2 +PAYOUT_LIMIT_EXCEEDED +100\.01 INR is over the limit of 100\.00 INR/);
    const json = await run(workspace, ...files, '--json');
    expect(JSON.parse(json.stdout)[1]).toMatchObject({ held: { rows: 1, byCode: { PAYOUT_LIMIT_EXCEEDED: 1 } } });
  });

  it('takes NAME.done beside the file as the word that it is whole', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    writeFileSync(workspace.path('payouts.csv'), instructions(row('P1', '5')).trimEnd());
    const validate = () => run(workspace, 'validate', 'payouts.csv', '--date', '2026-03-02');
    expect(await validate()).toMatchObject({ status: 1, stdout: expect.stringContaining('LAST_LINE_NOT_ENDED') });
    writeFileSync(workspace.path('payouts.csv.done'), '');
    expect(await validate()).toMatchObject({ status: 0 });
  });
});

it('the reason why a payout is held back is explained', async () => {
  const { stdout } = await program.run(['explain', 'APPROVAL_REQUIRED']);
  expect(stdout).toMatch(/Concerns +one payout, which is held back; paydrop's own code/);
});
