/** What a person waits for: commands that only tell something, beside Node itself. */
import { inTurns, type Result, result, secondsOf } from './comparison.ts';
import { type Ground, takeIn } from './ground.ts';
import { grouped } from './intake.ts';
import { measure } from './programs.ts';

export async function commands(ground: Ground): Promise<Result[]> {
  const { shortRounds: rounds, rows, payouts } = ground.sizes;
  const { main } = ground.built;
  const node = process.execPath;
  const holding = async (name: string, count: number) => {
    const workspace = ground.copy(await ground.withOrders(), name);
    await takeIn(ground.built, workspace, ground.input(name, { rows: count }));
    return workspace;
  };
  const [few, many] = [await holding('payouts', payouts), await holding(`instructions-${rows}`, rows)];
  const taken = await inTurns(rounds, {
    node: () => measure([node, '-e', '0']),
    help: () => measure([node, main, '--help']),
    few: () => measure([node, main, 'status'], { cwd: few }),
    many: () => measure([node, main, 'status'], { cwd: many }),
  });
  const about = { against: 'node -e 0', unit: 's', rounds } as const;
  const theirs = secondsOf(taken.node);
  const status = { atLeast: 4, aim: 2.5 };
  const of = (count: number) => `paydrop status, ${grouped(count)} instructions`;
  return [
    result({ ...about, name: 'status', what: of(payouts) }, status, secondsOf(taken.few), theirs),
    result({ ...about, name: 'status-many', what: of(rows) }, status, secondsOf(taken.many), theirs),
    result({ ...about, name: 'help', what: 'paydrop --help' }, { atLeast: 2.5, aim: 2 }, secondsOf(taken.help), theirs),
  ];
}
