/** One simulated world, drawn from a seed: machines, files, a provider, its faults, operators, crashes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { timestamp } from '../../src/clock.ts';
import { clientRefId } from '../../src/instruction.ts';
import type { PassOptions } from '../../src/pipeline.ts';
import { resolve, retry } from '../../src/resolution.ts';
import type { FateRule } from '../../src/sandbox/faults.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { APIS, type SimulatedServer } from './apis.ts';
import type { Chance } from './chance.ts';
import { checkOutbox, checkSafety, checkSums, forgetRead, instructionsOf, type Truth, whatIsOpen } from './checks.ts';
import { drawWeather, FAIR } from './faults.ts';
import { type Dropped, Writer } from './files.ts';
import { Machine, OPERATOR } from './machine.ts';
import { Network } from './network.ts';
import type { CrashPlan } from './process.ts';
import { count, type Tally } from './tally.ts';
import { Timeline } from './timeline.ts';
import { Violation } from './violation.ts';

const START_MS = Date.parse('2026-03-02T01:00:00Z');
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const TIMEOUT_MS = 30_000;
const QUARANTINE_MS = 15 * MINUTE_MS;
/** What paydrop.json says. A shorter one is a control: it must break a promise. */
export const QUARANTINE = '15m';
const DATES = [0, 1, 2].map((day) => timestamp(START_MS + day * DAY_MS).slice(0, 10));
const LONGER_THAN_QUARANTINE_MS = QUARANTINE_MS + MINUTE_MS;
/** After so many passes without faults nothing may be open. */
const HEALING_PASSES = 40;

type Kind = 'orderly' | 'slow provider' | 'provider that may pay twice' | 'two machines';

/** Made once a process: an empty database and a place for worlds. */
export interface Ground {
  readonly folder: string;
  readonly emptyDatabase: string;
  clear(): void;
}

export async function makeGround(): Promise<Ground> {
  const folder = makeFolder();
  const emptyDatabase = join(folder, 'empty.db');
  await openSqliteStore({ path: emptyDatabase }).close();
  return { folder, emptyDatabase, clear: () => rmSync(folder, { recursive: true, force: true }) };
}

/** In memory where the machine has such a place: databases are real files here. */
function makeFolder(): string {
  for (const place of ['/dev/shm', tmpdir()]) {
    try {
      return mkdtempSync(join(place, 'paydrop-simulation-'));
    } catch {
      // The next place.
    }
  }
  throw new Error('there is no folder to simulate in');
}

export class World {
  readonly timeline = new Timeline();
  readonly kind: Kind;
  readonly server: SimulatedServer;
  readonly network: Network;
  readonly machines: readonly Machine[];
  readonly writer: Writer;
  readonly #givenUp = new Set<string>();
  readonly #decided = new Set<string>();
  readonly #truth: Truth;
  readonly #jumps: boolean;
  readonly #crashes: number;
  readonly #storm;
  #droppedAtBackup = 0;

  readonly chance: Chance;
  readonly tally: Tally;
  readonly note: (what: string) => void;

  constructor(chance: Chance, ground: Ground, tally: Tally, note: (what: string) => void, quarantine: string) {
    this.chance = chance;
    this.tally = tally;
    this.note = note;
    this.kind = chance.pick<Kind>([
      ...['orderly', 'orderly', 'orderly', 'slow provider', 'slow provider'],
      ...['provider that may pay twice', 'two machines'],
    ] as Kind[]);
    count(tally, `world: ${this.kind}`);
    this.#jumps = this.kind === 'slow provider' && chance.strikes(0.3);
    this.#crashes = chance.pick([0, 0.3, 0.7]);
    const alone = this.kind !== 'two machines';
    this.writer = new Writer(chance, DATES, alone);
    const api = chance.pick(APIS);
    const clock: Clock = {
      now: () => START_MS + this.timeline.now,
      monotonic: () => this.timeline.now,
      sleep: async () => undefined,
    };
    this.server = api.server(String(chance.below(1e9)), this.#fates(), clock);
    this.#storm = drawWeather(chance, {
      quarantineMs: QUARANTINE_MS,
      timeoutMs: TIMEOUT_MS,
      keepsToTheQuarantine: this.kind !== 'slow provider',
      mayDecline: alone,
      mayDouble: this.kind !== 'provider that may pay twice',
    });
    this.network = new Network({
      ...{ api, server: this.server, timeline: this.timeline, chance, weather: this.#storm, tally, note },
      ...{ doomed: this.#doomed(), timeoutMs: TIMEOUT_MS },
    });
    const settings = {
      schedule: { timeZone: 'UTC' },
      intake: {
        settle: chance.pick(['0s', '200ms']),
        onRowErrors: chance.strikes(0.15) ? 'reject-file' : 'accept-valid',
      },
      provider: {
        ...{ api: api.name, baseUrl: 'http://127.0.0.1:9', currencies: ['INR'], timeout: '30s', quarantine },
        concurrency: chance.between(1, 4),
        ...(chance.strikes(0.2) ? { requestsPerMinute: chance.pick([30, 600]) } : {}),
        duplicateClientRef: this.kind === 'provider that may pay twice' ? 'undefined' : 'rejected',
      },
    };
    this.machines = (alone ? ['a'] : ['a', 'b']).map(
      (name) =>
        new Machine({
          ...{
            root: join(ground.folder, name),
            emptyDatabase: ground.emptyDatabase,
            startMs: START_MS,
            json: settings,
          },
          ...{ settings: { provider: { timeoutMs: TIMEOUT_MS, quarantineMs: QUARANTINE_MS } } },
          ...{ timeline: this.timeline, network: this.network, chance, tally, note: (what) => note(`${name} ${what}`) },
          resends: this.#resends(),
        }),
    );
    const { machines, server, writer } = this;
    this.#truth = {
      ...{
        machines,
        find: (ref) => server.find(ref),
        dropped: writer.dropped,
        amounts: writer.amounts,
        refs: writer.refs(),
      },
      ...{
        givenUp: this.#givenUp,
        decided: this.#decided,
        isOrderly: this.kind === 'orderly' || this.kind === 'provider that may pay twice',
      },
    };
  }

  /** A stretch of life with everything that can go wrong; what must always hold is checked all along. */
  async live(): Promise<void> {
    const { chance, timeline } = this;
    this.#drop(this.writer.orders());
    this.#drop(this.writer.instructionsFile());
    for (let steps = chance.between(3, 8); steps > 0; steps--) {
      if (chance.strikes(0.4)) this.#dropSomething();
      if (chance.strikes(0.2)) await this.#keepOrRestore();
      await Promise.all(this.machines.filter(() => chance.strikes(0.8)).map((machine) => this.#pass(machine)));
      for (const machine of this.machines) await this.#actAsOperator(machine);
      await timeline.pass(
        chance.pick([0, chance.below(MINUTE_MS), chance.below(20 * MINUTE_MS), chance.below(DAY_MS)]),
      );
      if (this.#jumps && chance.strikes(0.3)) this.#jumpClock();
    }
  }

  /** No more faults: within bounded time everything must come to its end, and then nothing changes any more. */
  async heal(): Promise<void> {
    this.network.weather = FAIR;
    count(this.tally, 'healed');
    let before = '';
    for (let passes = 1; ; passes++) {
      await this.timeline.pass(passes % 2 === 0 ? DAY_MS : LONGER_THAN_QUARANTINE_MS);
      const open: string[] = [];
      const states: string[] = [];
      for (const machine of this.machines) {
        await machine.acceptRecords();
        await this.#passWell(machine, passes % 2 === 0 ? 'nightly' : 'run');
        await this.#decideManual(machine);
        const instructions = await instructionsOf(this.#truth, await machine.open());
        open.push(...whatIsOpen(machine, instructions));
        states.push(...instructions.map(({ id, version }) => `${id} ${version}`));
      }
      const now = states.join();
      if (open.length === 0 && now === before && passes >= DATES.length) break;
      if (passes > HEALING_PASSES) throw new Violation('everything comes to its end', open.join(', ') || now);
      before = now;
    }
    for (const machine of this.machines) await this.#checkEnd(machine);
  }

  async dispose(): Promise<void> {
    for (const machine of this.machines) {
      await machine.dispose();
      rmSync(machine.options.root, { recursive: true, force: true });
    }
  }

  async #checkEnd(machine: Machine): Promise<void> {
    const open = await machine.open();
    checkSums(this.#truth, machine, await instructionsOf(this.#truth, open), this.#references());
    await checkOutbox(machine, open);
    const { seq, hash } = await open.store.auditHead();
    this.note(`end ${seq} ${hash}`);
  }

  #references(): string[] {
    return this.server.ledger.flatMap((entry) => (entry.kind === 'accepted' ? [entry.clientRefId] : []));
  }

  #resends(): 'after-quarantine' | 'any-time' | 'never' {
    if (this.kind === 'provider that may pay twice') return 'never';
    return this.#jumps ? 'any-time' : 'after-quarantine';
  }

  #fates(): FateRule[] {
    return this.#everyReference().flatMap((clientRef): FateRule[] => {
      const drawn = this.chance.fraction();
      const fate = drawn < 0.75 ? 'processed' : drawn < 0.85 ? 'failed' : drawn < 0.95 ? 'reversed' : 'cancelled';
      return [{ clientRefId: clientRef, fate }];
    });
  }

  #doomed(): ReadonlySet<string> {
    return new Set(this.#everyReference().filter(() => this.chance.strikes(0.05)));
  }

  #everyReference(): string[] {
    const refs = this.writer.refs();
    return refs.flatMap((ref) => [1, 2, 3].map((attempt) => clientRefId(ref, attempt)));
  }

  #drop(file: Dropped, machines = this.machines): void {
    for (const machine of machines) machine.disk.put(machine.path('inbox', file.name), file.content);
    count(this.tally, 'files dropped');
    this.note(`drop ${file.name}`);
  }

  #dropSomething(): void {
    const { chance, writer } = this;
    const what = chance.fraction();
    if (what < 0.25) this.#drop(chance.pick(writer.dropped));
    else if (what < 0.4) this.#drop({ ...chance.pick(writer.dropped), name: `again-${chance.below(100)}.csv` });
    else if (what < 0.6) this.#drop(writer.overlapping());
    else if (what < 0.75 && this.machines.length === 1) this.#drop(writer.amendments());
    else if (what < 0.85) this.#drop(writer.orders());
    else if (what < 0.9) this.#drop(writer.damaged());
    else this.#drop(writer.instructionsFile());
  }

  #options(kind: PassOptions['kind'], stop: AbortSignal): PassOptions {
    const businessDate = timestamp(START_MS + this.timeline.now).slice(0, 10);
    const send = kind !== 'arrival' || this.chance.strikes(0.5);
    return { kind, businessDate, waitForSettling: this.chance.strikes(0.8), send, lookUp: true, stop };
  }

  async #pass(machine: Machine): Promise<void> {
    const { chance, tally } = this;
    const crash = chance.strikes(this.#crashes) ? this.#crashPlan() : undefined;
    const stop = new AbortController();
    if (chance.strikes(0.1)) this.timeline.after(chance.below(5_000), () => stop.abort());
    const kind = chance.pick(['run', 'run', 'nightly', 'arrival'] as const);
    const result = await machine.pass(this.#options(kind, stop.signal), crash);
    count(tally, 'passes');
    if (result.kind === 'crashed') {
      count(tally, `crash: ${result.where}`);
      this.note(`crash ${result.where}`);
      if (chance.strikes(0.3)) {
        count(tally, 'power cuts');
        await machine.cutPower();
      }
      return;
    }
    const open = await machine.open();
    await checkSafety(this.#truth, machine, open);
    if (result.summary && chance.strikes(0.3)) await checkOutbox(machine, open);
    if (chance.strikes(0.05)) {
      count(tally, 'second instances turned away');
      await machine.startSecond();
    }
    if (chance.strikes(0.4)) await machine.close();
  }

  async #passWell(machine: Machine, kind: PassOptions['kind']): Promise<void> {
    const result = await machine.pass(this.#options(kind, new AbortController().signal), undefined);
    count(this.tally, 'passes');
    if (result.kind === 'crashed') throw new Error('it crashed, and nobody had planned that');
    const open = await machine.open();
    await checkSafety(this.#truth, machine, open);
  }

  #crashPlan(): CrashPlan {
    const { chance } = this;
    const when = chance.strikes(0.5) ? 'before' : 'after';
    const at = chance.pick(['store', 'disk', 'wire', 'time'] as const);
    if (at === 'time')
      return { at, afterMs: chance.pick([chance.below(100), chance.below(2_000), chance.below(40_000)]) };
    return { at, n: chance.between(1, { store: 50, disk: 200, wire: 8 }[at]), when };
  }

  #jumpClock(): void {
    for (const machine of this.machines) machine.wallOffsetMs += this.chance.between(-120, 120) * MINUTE_MS;
    count(this.tally, 'clock jumps');
  }

  /** Backups and restores, where somebody follows docs/operating.md. */
  async #keepOrRestore(): Promise<void> {
    const [machine] = this.machines;
    if (!machine || (this.kind !== 'orderly' && this.kind !== 'slow provider')) return;
    if (this.chance.strikes(0.5)) {
      await machine.backUp();
      this.#droppedAtBackup = this.writer.dropped.length;
      this.note('backup');
      return;
    }
    if (!(await machine.restore())) return;
    forgetRead(machine);
    count(this.tally, 'restores');
    this.note('restore');
    this.network.weather = FAIR;
    await this.timeline.pass(this.#storm.latestMs + this.#storm.lagMs + TIMEOUT_MS);
    await this.#passWell(machine, 'run');
    await this.#passWell(machine, 'run');
    for (const file of this.writer.dropped.slice(this.#droppedAtBackup)) {
      this.#drop(file);
      await this.#passWell(machine, 'run');
    }
    if (await machine.acceptRecords()) count(this.tally, 'records accepted');
    this.network.weather = this.#storm;
  }

  async #actAsOperator(machine: Machine): Promise<void> {
    if (!this.chance.strikes(0.3)) return;
    await this.#decideManual(machine);
    if (this.machines.length === 1 && this.chance.strikes(0.5)) await this.#payAgain(machine);
  }

  /** Somebody asks the provider about what nobody can tell, and says so. */
  async #decideManual(machine: Machine): Promise<void> {
    const { store, clock } = await machine.open();
    for (const instruction of await store.list('manual', { afterId: 0, limit: 100 })) {
      const ref = instruction.clientRefId;
      const status = this.server.find(ref)?.status;
      if (status === 'queued' || status === 'processing') {
        this.server.step(ref);
        continue;
      }
      const isPaid = status === 'processed' || status === 'reversed';
      if (status === undefined && (this.machines.length > 1 || this.network.isUnderWay(ref))) continue;
      const decided = await resolve(store, clock, instruction, isPaid, OPERATOR);
      if (!decided.ok) throw new Violation('a person can decide what is manual', decided.why);
      if (status === undefined) this.#givenUp.add(ref);
      this.#decided.add(ref);
      machine.decisionsSinceBackup++;
      count(this.tally, 'decisions');
      this.note(`decided ${ref} ${isPaid}`);
    }
  }

  async #payAgain(machine: Machine): Promise<void> {
    const { store, clock } = await machine.open();
    const failed = (await instructionsOf(this.#truth, await machine.open())).filter(
      ({ status, attempt }) => ['declined', 'failed', 'reversed'].includes(status) && attempt < 3,
    );
    if (failed.length === 0) return;
    const instruction = this.chance.pick(failed);
    const decided = await retry(store, clock, instruction, OPERATOR);
    if (!decided.ok) throw new Violation('a person can pay again after a failure', decided.why);
    machine.decisionsSinceBackup++;
    count(this.tally, 'paid again');
    this.note(`again ${instruction.clientRefId}`);
  }
}
