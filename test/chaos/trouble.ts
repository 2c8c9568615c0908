/** What goes wrong, drawn from the seed. When exactly it strikes is a matter of real processes, and differs each time. */
import { count } from '../simulation/tally.ts';
import type { Machine } from './machine.ts';
import { comesAbout, pause } from './patience.ts';
import type { World } from './world.ts';

const TROUBLES = [
  'a machine is killed',
  'a machine is killed at a COMMIT',
  'a COMMIT is lost',
  'the answer to a COMMIT is lost',
  'a machine is frozen',
  'a machine is frozen at a COMMIT',
  'connections are cut',
  'the server is out of reach',
  'the line is silent',
  'the server loses its power',
  'a process of the server is killed',
  'the disk of the server is full',
  'the provider is killed',
] as const;

type Trouble = (typeof TROUBLES)[number];

/** Worlds differ in what goes wrong: some of it, over and over. */
export function drawTroubles({ chance, server }: World): Trouble[] {
  const kinds = TROUBLES.filter((trouble) => {
    if (trouble === 'the disk of the server is full') return server.hasDisk && chance.strikes(0.3);
    return chance.strikes(trouble.includes('COMMIT') ? 0.6 : 0.45);
  });
  if (kinds.length === 0) return [];
  return Array.from({ length: chance.between(4, 12) }, () => chance.pick(kinds));
}

type Strike = (world: World, machine: Machine) => Promise<void>;

const KILLED: Strike = async ({ tally }, machine) => {
  if (machine.kill()) count(tally, 'machines killed');
};

const STRIKES: Readonly<Record<Trouble, Strike>> = {
  'a machine is killed': KILLED,
  'a machine is killed at a COMMIT': async ({ chance, tally }, machine) =>
    machine.line.trap({
      when: chance.pick(['before', 'after']),
      cuts: false,
      springs: () => {
        if (machine.kill()) count(tally, 'machines killed at a COMMIT');
      },
    }),
  'a COMMIT is lost': async ({ tally }, { line }) =>
    line.trap({ when: 'before', cuts: true, springs: () => count(tally, 'COMMITs lost') }),
  'the answer to a COMMIT is lost': async ({ tally }, { line }) =>
    line.trap({ when: 'after', cuts: true, springs: () => count(tally, 'answers to a COMMIT lost') }),
  'a machine is frozen': frozen,
  'a machine is frozen at a COMMIT': async (world, machine) => {
    let isThere = false;
    machine.line.trap({
      when: world.chance.pick(['before', 'after']),
      cuts: false,
      springs: () => {
        isThere = machine.freeze();
      },
    });
    if (await comesAbout(() => isThere, 2_000)) await whileFrozen(world, machine);
  },
  'connections are cut': async ({ chance, tally }, { line }) =>
    count(tally, 'connections cut', line.cut(chance.pick(['end', 'reset']))),
  'the server is out of reach': async ({ chance, tally }, { line }) => {
    count(tally, 'connections cut', line.goAway());
    count(tally, 'times that one machine did not reach the server');
    await pause(chance.between(100, 2_000));
    line.recover();
  },
  'the line is silent': async ({ chance, server, tally }, { name, line }) => {
    if (line.fallSilent() === 0) return line.recover();
    count(tally, 'silent lines');
    if (chance.strikes(0.7)) await server.endSessions(name);
    await pause(chance.between(300, 2_000));
    line.recover();
  },
  'the server loses its power': async ({ chance, server, tally }) => {
    await server.crash();
    count(tally, 'server: power cuts');
    await pause(chance.between(0, 600));
    await server.comeBack();
  },
  'a process of the server is killed': async ({ server, tally }, { name }) => {
    const rows = await server
      .query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE usename = '${name}' LIMIT 1`)
      .catch(() => []);
    for (const { pid } of rows)
      if (isKilled(pid)) count(tally, 'server: processes killed, so that all others start again');
  },
  'the disk of the server is full': async ({ chance, server, tally }) => {
    server.fill();
    count(tally, 'server: full disks');
    if (chance.strikes(0.5)) await server.query('SELECT pg_switch_wal()').catch(() => []);
    await pause(chance.between(200, 1_500));
    if (!(await server.isUp())) count(tally, 'server: went down for want of room');
    await server.comeBack();
  },
  'the provider is killed': async ({ chance, sandbox, tally }) => {
    await sandbox.kill();
    count(tally, 'provider: kills');
    await pause(chance.between(0, 300));
    await sandbox.start();
  },
};

/** False where it has ended by itself. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

export async function strike(world: World, trouble: Trouble): Promise<void> {
  const machine = world.chance.pick(world.machines);
  world.note(`${trouble}: ${machine.name}`);
  await STRIKES[trouble](world, machine);
}

async function frozen(world: World, machine: Machine): Promise<void> {
  if (machine.freeze()) await whileFrozen(world, machine);
}

/** The others take it for gone, unless the server has not yet given it up. Then it wakes. */
async function whileFrozen({ chance, server, tally, note }: World, machine: Machine): Promise<void> {
  count(tally, 'machines frozen');
  await pause(chance.between(100, 900));
  if (chance.strikes(0.8)) {
    await server.endSessions(machine.name);
    const taken = async () => {
      const rows = await server
        .query<{ gone: boolean }>(
          `SELECT ended_at IS NOT NULL AS gone FROM paydrop.machines WHERE name = '${machine.name}' ORDER BY id DESC LIMIT 1`,
        )
        .catch(() => []);
      return rows[0]?.gone === true;
    };
    if (await comesAbout(taken, chance.between(500, 4_000))) {
      count(tally, 'machines that woke once others took them for gone');
      note(`${machine.name} is taken for gone`);
      await pause(chance.between(0, 800));
    }
  }
  machine.wake();
}
