/** One simulated world, drawn from a seed: machines, files, a provider, its faults, operators, crashes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type InstructionRef, instructionKey } from '../../src/domain/instruction.ts';
import { FINAL_FAILURES } from '../../src/domain/status.ts';
import { closeFile, closePayouts } from '../../src/pipeline/closing.ts';
import { forgetFiles, judgeForgetting } from '../../src/pipeline/forgetting.ts';
import type { PassOptions } from '../../src/pipeline/pass.ts';
import { resolve, retry } from '../../src/pipeline/resolution.ts';
import { type Clock, timestamp } from '../../src/platform/clock.ts';
import { noProgress } from '../../src/platform/progress.ts';
import type { FateRule } from '../../src/sandbox/faults.ts';
import type { OpenWorkspace } from '../../src/service/workspace.ts';
import { parseSettings } from '../../src/settings/settings.ts';
import type { StatusCount } from '../../src/store/port.ts';
import type { SimulatedApi, SimulatedServer } from './api.ts';
import { type Chance, chance as drawnFrom } from './chance.ts';
import {
  checkNeeds,
  checkOutbox,
  checkReplay,
  checkSafety,
  checkSums,
  checkTakenOnce,
  forgetRead,
  instructionsOf,
  leftOver,
  type Truth,
  whatIsOpen,
} from './checks.ts';
import { controlOf, drawRules, Guard } from './control.ts';
import { drawWeather, FAIR } from './faults.ts';
import { type Dropped, Writer } from './files.ts';
import {
  type Attempts,
  drawCalendar,
  drawCrash,
  drawDoomed,
  drawFates,
  drawSettings,
  drawTrouble,
  everyAttempt,
} from './fortune.ts';
import type { Ground } from './ground.ts';
import { Machine, OPERATOR, type PassResult, type Trouble } from './machine.ts';
import { Network, SPOILED } from './network.ts';
import type { CrashPlan } from './process.ts';
import { Receivers } from './receivers.ts';
import { openSharedSending } from './sending.ts';
import { SharedRecords } from './shared.ts';
import { count, type Tally } from './tally.ts';
import { Timeline } from './timeline.ts';
import { Violation } from './violation.ts';

const START_MS = Date.parse('2026-03-02T01:00:00Z');
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** How far a clock is ahead, once it is far ahead. */
const FAR_MS = 400 * 24 * 60 * MINUTE_MS;
const TIMEOUT_MS = 30_000;
const QUARANTINE_MS = 15 * MINUTE_MS;
/** For paydrop.json. A shorter one is a control: it must break a promise. */
export const QUARANTINE = '15m';
const DATES = [0, 1, 2].map((day) => timestamp(START_MS + day * DAY_MS).slice(0, 10));
const LONGER_THAN_QUARANTINE_MS = QUARANTINE_MS + MINUTE_MS;
const LONGER_THAN_LOOK_UPS_MS = 9 * DAY_MS;
/** After at most this many steps at the provider a payout has come to its end. */
const MOST_STEPS = 4;
/** After this many passes without faults nothing may be open. */
const HEALING_PASSES = 40;

type Kind = 'orderly' | 'slow provider' | 'provider that may pay twice' | 'two machines';

/** One pass of a machine beside others. */
interface Planned {
  readonly afterMs: number;
  readonly kind: PassOptions['kind'];
  readonly crash: CrashPlan | undefined;
  readonly trouble: Trouble | undefined;
  readonly stopsAfterMs: number | undefined;
}

export interface WorldOptions {
  readonly chance: Chance;
  readonly ground: Ground;
  readonly api: SimulatedApi;
  readonly tally: Tally;
  readonly note: (what: string) => void;
  /** For paydrop.json. */
  readonly quarantine: string;
  /** How many machines share the records; undefined where each world has them as its seed says. */
  readonly sharing: number | undefined;
  /** Whether some are told of what happens, and the provider may send webhooks. It changes when things happen. */
  readonly connected: boolean;
}

export class World {
  readonly timeline = new Timeline();
  readonly kind: Kind;
  readonly api: SimulatedApi;
  /** Most worlds are small, so that there can be many. */
  readonly isSmall: boolean;
  readonly server: SimulatedServer;
  readonly network: Network;
  readonly machines: readonly Machine[];
  readonly #shared: SharedRecords | undefined;
  readonly writer: Writer;
  readonly #givenUp = new Set<string>();
  readonly #decided = new Set<string>();
  readonly #truth: Truth;
  readonly #fates: FateRule[];
  readonly #jumps: boolean;
  readonly #crashes: number;
  /** There is more to change where the provider can be asked to. */
  readonly #amendsOften: boolean;
  readonly #attempts: Attempts;
  readonly #storm;
  readonly #guard: Guard | undefined;
  /** What webhooks the provider sends; undefined where it sends none. */
  #hinting: Chance | undefined;
  /** What persons decide about what is held; drawn apart, so that all other worlds stay as they are. */
  readonly #approving: Chance;
  /** Those who are told of what happens. */
  readonly #receivers: Receivers | undefined;
  readonly #delivering: Chance;
  readonly chance: Chance;
  readonly tally: Tally;
  readonly note: (what: string) => void;

  constructor({ chance, ground, api, tally, note, quarantine, sharing, connected }: WorldOptions) {
    this.chance = chance;
    this.tally = tally;
    this.note = note;
    this.api = api;
    const kind = chance.pick<Kind>([
      ...['orderly', 'orderly', 'orderly', 'slow provider', 'slow provider'],
      ...['provider that may pay twice', 'two machines'],
    ] as Kind[]);
    this.kind = sharing !== undefined && kind === 'two machines' ? 'orderly' : kind;
    this.isSmall = chance.strikes(0.85);
    count(tally, `world: ${this.kind}`);
    count(tally, `world: ${this.isSmall ? 'small' : 'large'}`);
    this.#jumps = this.kind === 'slow provider' && chance.strikes(0.3);
    this.#crashes = chance.pick([0, 0.3, 0.7]);
    const alone = this.kind !== 'two machines';
    this.#amendsOften = alone && api.knowsOrders && chance.strikes(0.6);
    this.writer = new Writer({ chance, api: api.name, dates: DATES, amends: alone, isSmall: this.isSmall });
    this.#attempts = everyAttempt(this.writer.refs());
    this.#fates = drawFates(chance, api, this.#attempts, this.#amendsOften ? 0.8 : 0.2);
    const clock: Clock = {
      now: () => START_MS + this.timeline.now,
      monotonic: () => this.timeline.now,
      sleep: async () => undefined,
    };
    const seed = chance.below(1e9);
    this.server = api.server(String(seed), this.#fates, clock);
    this.#approving = drawnFrom(seed + 1);
    const rules = alone && this.#approving.strikes(0.35) ? drawRules(this.#approving) : undefined;
    const find = (reference: string) => this.server.find(reference);
    this.#guard = rules && new Guard({ rules, api, find, tally, note });
    if (rules) count(tally, 'world: held back');
    this.#storm = drawWeather(chance, {
      quarantineMs: QUARANTINE_MS,
      timeoutMs: TIMEOUT_MS,
      keepsToTheQuarantine: this.kind !== 'slow provider',
      mayDecline: alone,
      mayDouble: this.kind !== 'provider that may pay twice',
    });
    this.network = new Network({
      ...{ api, server: this.server, timeline: this.timeline, chance, weather: this.#storm, tally, note },
      ...{ doomed: drawDoomed(chance, api, this.#attempts), timeoutMs: TIMEOUT_MS },
    });
    const refusesUsed = this.kind !== 'provider that may pay twice';
    this.#delivering = drawnFrom(seed + 3);
    const drawn = drawSettings(chance, api, quarantine, refusesUsed, rules && controlOf(rules));
    this.#receivers = connected
      ? new Receivers({ chance: this.#delivering, timeline: this.timeline, tally })
      : undefined;
    const settings = { ...drawn, ...(this.#receivers && { notify: this.#receivers.notify }) };
    const parsed = parseSettings(settings, ground.folder);
    this.#shared =
      sharing === undefined
        ? undefined
        : new SharedRecords({
            ...{ path: join(ground.folder, 'shared.db'), emptyDatabase: ground.emptyDatabase },
            ...{ timeline: this.timeline, startMs: START_MS, chance, tally },
            subscriptions: parsed.ok ? parsed.value.notify : [],
          });
    const records = this.#shared;
    const sent = openSharedSending();
    const names = records ? ['a', 'b', 'c', 'd'].slice(0, sharing) : alone ? ['a'] : ['a', 'b'];
    this.machines = names.map(
      (name) =>
        new Machine({
          ...(records && { shared: { records, name, sent } }),
          ...{
            root: join(ground.folder, name),
            emptyDatabase: ground.emptyDatabase,
            startMs: START_MS,
            json: records ? { ...settings, records: 'postgres', machine: name } : settings,
          },
          ...{ settings: { provider: { timeoutMs: TIMEOUT_MS, quarantineMs: QUARANTINE_MS } } },
          ...{ timeline: this.timeline, network: this.network, chance, tally, note: (what) => note(`${name} ${what}`) },
          resends: this.#resends(),
          guard: this.#guard,
        }),
    );
    // Drawn apart, so that all else stays as it is.
    const clocks = drawnFrom(seed + 2);
    for (const machine of records ? this.machines : []) {
      machine.clockApartMs = clocks.pick([0, clocks.between(-60, 60)]) * MINUTE_MS;
      if (machine.clockApartMs !== 0) count(tally, 'clocks apart');
    }
    const { machines, server, writer } = this;
    this.#truth = {
      ...{
        ...{ api, machines, shared: records, competing: !alone },
        find,
        ledger: server.ledger,
        attempts: new Map([...this.#attempts].map(([key, refs]) => [key, refs.map(api.referenceOf)])),
        dropped: writer.dropped,
        amounts: writer.amounts,
        refs: writer.refs(),
      },
      ...{
        givenUp: this.#givenUp,
        decided: this.#decided,
        overtaken: this.network.overtaken,
        refused: this.#guard?.refused ?? new Set(),
        isOrderly: this.kind === 'orderly' || this.kind === 'provider that may pay twice',
      },
    };
  }

  /** Machines with records of their own send the same payouts. */
  get #competing(): boolean {
    return this.#truth.competing;
  }

  /** A stretch of life with everything that can go wrong; what must always hold is checked all along. */
  async live(): Promise<void> {
    const { chance, timeline } = this;
    // New machines of records that have a log would have to say first that these are theirs.
    if (this.#shared) for (const machine of this.machines) await machine.start(undefined);
    this.#drop(this.writer.orders());
    const first = this.writer.instructionsFile();
    this.#drop(first);
    // Drawn apart, so that all other worlds stay as they are.
    const changesItsMind = !this.#competing && drawnFrom(Number.parseInt(first.sha256.slice(0, 8), 16)).strikes(0.2);
    const closing = drawnFrom(Number.parseInt(first.sha256.slice(16, 24), 16));
    const closes = closing.strikes(0.3) ? closing : undefined;
    const hinting = drawnFrom(Number.parseInt(first.sha256.slice(48, 56), 16));
    this.#hinting = this.#receivers && hinting.strikes(0.5) ? hinting : undefined;
    const braking = drawnFrom(Number.parseInt(first.sha256.slice(32, 40), 16));
    const pauses = braking.strikes(0.15) ? braking : undefined;
    const keeping = drawnFrom(Number.parseInt(first.sha256.slice(40, 48), 16));
    if (keeping.strikes(0.2)) {
      count(this.tally, 'calendars');
      const calendar = drawCalendar(keeping, DATES);
      for (const machine of this.machines) machine.calendar = calendar;
    }
    const most = this.isSmall ? 3 : 8;
    const steps = this.#amendsOften ? chance.between(3, Math.max(4, most)) : chance.between(this.isSmall ? 1 : 3, most);
    for (let step = 1; step <= steps; step++) {
      const open = this.#amendsOften ? this.#openThere() : [];
      if (open.length > 0 && chance.strikes(0.8)) this.#drop(this.writer.amendments(open, 0.7));
      else if (chance.strikes(0.3)) this.#dropSomething();
      if (changesItsMind) {
        this.#drop(this.writer.amendments());
        if (step > 1) {
          this.#drop(this.writer.changesAgain());
          count(this.tally, 'changes dropped again');
        }
      }
      if (chance.strikes(0.35)) await this.#keepOrRestore();
      this.#emptyOrFillTheAccount();
      const passes: (() => Promise<void>)[] = [];
      if (this.#shared) passes.push(() => this.#liveTogether());
      for (const machine of this.#shared ? [] : this.machines)
        if (this.#amendsOften || chance.strikes(0.8)) passes.push(await this.#begin(machine));
      const under = { way: true };
      if (this.#guard) this.#decideSoon(under);
      if (pauses) this.#pauseSoon(pauses, under);
      if (this.#hinting) this.#hintSoon(this.#hinting, under);
      await Promise.all(passes.map((pass) => pass()));
      under.way = false;
      for (const machine of this.machines) await this.#actAsOperator(machine);
      if (this.#guard) for (const machine of this.machines) await machine.decideHeld(this.#approving);
      if (closes) for (const machine of this.machines) await this.#close(machine, closes);
      if (pauses?.strikes(0.6)) for (const machine of this.machines) await machine.resume();
      await timeline.pass(
        chance.pick([0, chance.below(MINUTE_MS), chance.below(20 * MINUTE_MS), chance.below(DAY_MS)]),
      );
      if (this.#jumps && chance.strikes(0.3)) this.#jumpClock();
    }
  }

  /** No more faults: within bounded time everything must come to its end, and then nothing changes any more. */
  async heal(): Promise<void> {
    this.network.weather = FAIR;
    this.network.accountIsEmpty = false;
    count(this.tally, 'healed');
    for (const machine of this.machines) Object.assign(machine, { wallOffsetMs: 0, clockApartMs: 0 });
    for (const machine of this.machines) machine.calendar = undefined;
    for (const machine of this.machines) if (!machine.isStanding) await machine.close();
    for (const machine of this.machines) await machine.resume();
    for (const machine of this.machines) await this.#spoilSome(machine);
    this.#fates.splice(0, this.#fates.length, ...this.#fates.filter(({ fate }) => fate !== 'ready'));
    const hurries = this.chance.strikes(0.7);
    // If the provider has nothing more to report, one more pass would only show that nothing changes any more.
    const trusts = hurries && this.isSmall && this.chance.strikes(0.7);
    let before = await this.#workspaceState();
    for (let passes = 1; ; passes++) {
      let decided = 0;
      if (hurries) this.#hurry();
      const waits = before.open.some((what) => / is (?:waiting|scheduled),/.test(what));
      // A paid one with another amount keeps all others from being looked up for a week.
      const nextDay = waits || (passes % 2 === 0 && (!this.isSmall || passes > 6));
      await this.timeline.pass(nextDay ? DAY_MS : LONGER_THAN_QUARANTINE_MS);
      for (const machine of this.machines) {
        await machine.acceptRecords();
        await this.#passWell(machine, nextDay ? 'nightly' : 'run');
        decided += await this.#decideManual(machine);
        decided += await machine.decideHeld(undefined);
      }
      const now = await this.#workspaceState();
      if (now.open.length === 0 && decided === 0 && (trusts || now.states === before.states)) break;
      if (passes > HEALING_PASSES)
        throw new Violation('everything comes to its end', now.open.join(', ') || now.states);
      before = now;
    }
    for (const machine of this.machines) await this.#checkEnd(machine);
    if (this.#receivers) await this.#checkDelivered(this.#receivers);
    const [machine] = this.machines;
    if (machine && this.machines.length === 1 && !this.#shared) await this.#forget(machine);
  }

  /** Later a person has forgotten what is final. No sum changes by that, and what is dropped again pays nothing. */
  async #forget(machine: Machine): Promise<void> {
    const [again] = this.writer.dropped;
    if (!again || !drawnFrom(Number.parseInt(again.sha256.slice(24, 32), 16)).strikes(0.4)) return;
    const tools = { ...(await machine.open()), progress: noProgress };
    const { store } = tools;
    await this.#closeAll(machine);
    await this.#passWell(machine, 'run');
    await this.timeline.pass(LONGER_THAN_LOOK_UPS_MS);
    // Only the next night ends a nightly run that was left unfinished.
    await this.#passWell(machine, 'nightly');
    const before = countsText(await store.statusCounts());
    const taken = JSON.stringify([...this.#truth.attempts]);
    const judgement = await judgeForgetting(tools, timestamp(START_MS + this.timeline.now).slice(0, 10));
    if (judgement.whyNot !== undefined) throw new Violation('what is final can be forgotten', judgement.whyNot);
    const { gone } = await forgetFiles(tools, judgement, OPERATOR);
    for (const number of gone) {
      count(this.tally, 'files forgotten');
      this.note(`forgot ${number}`);
      const rows = await store.resultRows(number, 0, 1_000);
      // What was rejected may be taken in once more. A file that repeats another has no rows.
      if (rows.length === 0 || rows.some(({ status }) => status === 'rejected' || status === 'duplicate')) continue;
      const file = await store.file(number);
      const source = this.writer.dropped.find(({ sha256 }) => sha256 === file?.sha256);
      if (source) this.#drop(this.writer.withBlankLine(source));
    }
    await this.#passWell(machine, 'run');
    const open = await machine.open();
    if (before !== countsText(await open.store.statusCounts()))
      throw new Violation('forgetting moves nothing', countsText(await open.store.statusCounts()));
    if (taken !== JSON.stringify([...this.#truth.attempts]))
      throw new Violation('what was forgotten is not paid again', `${gone.length} files were forgotten`);
    await checkReplay(open);
  }

  /**
   * The provider forgets some of what it has taken, or shows it as something else, for good: then a person is asked.
   */
  async #spoilSome(machine: Machine): Promise<void> {
    for (const instruction of await instructionsOf(this.#truth, await machine.open())) {
      if (instruction.status !== 'submitted' || instruction.amendment || !this.chance.strikes(0.25)) continue;
      this.network.spoil(this.api.referenceOf(instruction), this.chance.pick(SPOILED));
    }
  }

  async #workspaceState(): Promise<{ open: readonly string[]; states: string }> {
    const open: string[] = [];
    const states: string[] = [];
    for (const machine of this.machines) {
      const { store } = await machine.open();
      const instructions = await instructionsOf(this.#truth, await machine.open());
      open.push(...whatIsOpen(this.#truth, machine, instructions));
      for (const { instructionRef } of await store.amended(0, 1_000))
        open.push(`a change of ${instructionRef} is asked`);
      states.push(...instructions.map(({ id, version }) => `${id} ${version}`));
    }
    return { open, states: states.join() };
  }

  /** What the provider has comes to its end. */
  #hurry(): void {
    const references = [...this.#truth.attempts.values()].flat();
    for (let steps = 0; steps < MOST_STEPS; steps++) for (const reference of references) this.server.step(reference);
  }

  /** What the provider has and has not come to an end with. */
  #openThere(): string[] {
    const { refs, attempts, find } = this.#truth;
    const isOpen = (ref: InstructionRef) =>
      attempts.get(instructionKey(ref))?.some((reference) => find(reference)?.status === 'open');
    return refs.filter(isOpen).map(({ instructionRef }) => instructionRef);
  }

  async dispose(): Promise<void> {
    for (const machine of this.machines) {
      await machine.dispose();
      rmSync(machine.options.root, { recursive: true, force: true });
    }
    await this.#shared?.close();
  }

  async #checkEnd(machine: Machine): Promise<void> {
    const open = await machine.open();
    checkSums(this.#truth, machine, await instructionsOf(this.#truth, open));
    await checkTakenOnce(this.#truth, open);
    await checkOutbox(this.#truth, machine, open);
    await checkReplay(open);
    const { seq, hash } = await open.store.auditHead();
    this.note(`end ${seq} ${hash}`);
  }

  /** Once they are well, receivers are notified of all that they were not notified of before. */
  async #checkDelivered(receivers: Receivers): Promise<void> {
    receivers.areWell = true;
    for (let day = 0; day < 4; day++) {
      await this.timeline.pass(DAY_MS);
      for (const machine of this.machines) await machine.deliver(receivers, true);
    }
    for (const machine of this.machines) {
      const { store, settings } = await machine.open();
      await receivers.check(store, settings.notify);
    }
  }

  #resends(): 'after-quarantine' | 'any-time' | 'never' {
    if (this.kind === 'provider that may pay twice') return 'never';
    return this.#jumps ? 'any-time' : 'after-quarantine';
  }

  #drop(file: Dropped, machines = this.#droppedOn()): void {
    for (const machine of machines) machine.disk.put(machine.path('inbox', file.name), file.content, aheadOf(file));
    count(this.tally, 'files dropped');
    this.note(`drop ${file.name}`);
  }

  /** With shared records a file is dropped on one machine; now and then on all. */
  #droppedOn(): readonly Machine[] {
    if (!this.#shared || this.chance.strikes(0.15)) return this.machines;
    return [this.chance.pick(this.machines)];
  }

  #dropSomething(): void {
    const { chance, writer } = this;
    const what = chance.fraction();
    if (what < 0.25) this.#drop(chance.pick(writer.dropped));
    else if (what < 0.4) this.#drop({ ...chance.pick(writer.dropped), name: `again-${chance.below(100)}.csv` });
    else if (what < 0.6) this.#drop(writer.overlapping());
    else if (what < 0.75 && !this.#competing) this.#drop(writer.amendments());
    else if (what < 0.85) this.#drop(writer.orders());
    else if (what < 0.9) this.#drop(writer.damaged());
    else this.#drop(writer.instructionsFile());
  }

  #options(kind: PassOptions['kind'], stop: AbortSignal): PassOptions {
    const businessDate = timestamp(START_MS + this.timeline.now).slice(0, 10);
    const send = kind !== 'arrival' || this.chance.strikes(0.5);
    const waitForSettling = this.chance.strikes(0.8);
    const lookUpQueued = kind === 'arrival' && this.#hinting?.strikes(0.5) === true;
    if (lookUpQueued) count(this.tally, 'passes for webhooks');
    return { kind, businessDate, waitForSettling, send, lookUp: !lookUpQueued, lookUpQueued, stop };
  }

  /** Starts a machine's program, if need be; the pass that follows. */
  async #begin(machine: Machine): Promise<() => Promise<void>> {
    const { chance, timeline } = this;
    const crash = chance.strikes(this.#crashes) ? drawCrash(chance) : undefined;
    const stop = new AbortController();
    if (chance.strikes(0.1)) timeline.after(chance.below(5_000), () => stop.abort());
    const kind = chance.pick(['run', 'run', 'nightly', 'arrival'] as const);
    const crashed = await machine.start(crash);
    if (crashed !== undefined) return () => this.#tidy(machine, { kind: 'crashed', where: crashed });
    return async () => {
      // As a service does: beside the pass. Not where persons decide meanwhile, for it may take longer than the pass.
      const delivering = this.#guard ? undefined : this.#deliver(machine, false);
      const result = await machine.pass(this.#options(kind, stop.signal), crash);
      await delivering;
      await this.#tidy(machine, result);
    };
  }

  /** Delivers to receivers what is due, as far as this world has some. */
  async #deliver(machine: Machine, gathered: boolean): Promise<void> {
    if (this.#receivers && this.#delivering.strikes(0.6)) await machine.deliver(this.#receivers, gathered);
  }

  /** Each machine makes its passes at its own times, beside the others, and is started again after each crash. */
  async #liveTogether(): Promise<void> {
    const { chance, timeline } = this;
    let living = this.machines.length;
    const errors: unknown[] = [];
    for (const machine of this.machines) {
      const plans = Array.from({ length: chance.between(1, 3) }, () => this.#planned());
      void this.#liveBeside(machine, plans)
        .catch((error: unknown) => errors.push(error))
        .finally(() => living--);
    }
    await timeline.until(() => living === 0, 'the machines');
    if (errors.length > 0) throw errors[0];
    for (const machine of this.machines) {
      if (!machine.isStanding) await machine.close();
      await this.#tidy(machine, { kind: 'done', summary: undefined });
    }
  }

  async #liveBeside(machine: Machine, plans: readonly Planned[]): Promise<void> {
    const { timeline, tally } = this;
    for (const { afterMs, kind, crash, trouble, stopsAfterMs } of plans) {
      await new Promise<void>((resolve) => timeline.after(afterMs, resolve));
      const stop = new AbortController();
      if (stopsAfterMs !== undefined) timeline.after(stopsAfterMs, () => stop.abort());
      if (!machine.isStanding) await timeline.alone(() => machine.close());
      const died = await timeline.alone(() => machine.start(crash));
      const result: PassResult =
        died === undefined
          ? await machine.pass(this.#options(kind, stop.signal), crash, trouble)
          : { kind: 'crashed', where: died };
      if (result.kind === 'crashed') await this.#tidy(machine, result);
      else count(tally, 'passes');
    }
  }

  #planned(): Planned {
    const { chance } = this;
    const crash = chance.strikes(this.#crashes) ? drawCrash(chance) : undefined;
    return {
      afterMs: chance.pick([0, chance.below(200), chance.below(3_000), chance.below(5 * MINUTE_MS)]),
      kind: chance.pick(['run', 'run', 'nightly', 'nightly', 'arrival'] as const),
      crash,
      trouble:
        crash === undefined && chance.strikes(0.4) ? drawTrouble(chance, this.kind === 'slow provider') : undefined,
      stopsAfterMs: chance.strikes(0.1) ? chance.below(5_000) : undefined,
    };
  }

  async #tidy(machine: Machine, result: PassResult): Promise<void> {
    const { chance, tally } = this;
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
    await this.#checkSafety(machine, open, result.summary !== undefined);
    if (result.summary?.closed !== undefined) count(tally, 'closed by the calendar');
    // Other machines may have moved what it says since.
    if (result.summary && !this.#shared) await checkNeeds(this.#truth, open, result.summary);
    if (result.summary && chance.strikes(0.3)) await checkOutbox(this.#truth, machine, open);
    if (chance.strikes(0.05)) {
      count(tally, 'second instances turned away');
      await machine.startSecond();
    }
    await this.#deliver(machine, true);
    if (chance.strikes(0.12)) await machine.close();
  }

  async #passWell(machine: Machine, kind: PassOptions['kind']): Promise<void> {
    await machine.start(undefined);
    const result = await machine.pass(this.#options(kind, new AbortController().signal), undefined);
    count(this.tally, 'passes');
    if (result.kind === 'crashed') throw new Error('it crashed, which was not planned');
    await this.#checkSafety(machine, await machine.open(), result.summary !== undefined);
  }

  /** `passed`: a pass has done its work. There is none where the nightly run is done already. */
  async #checkSafety(machine: Machine, open: OpenWorkspace, passed: boolean): Promise<void> {
    await checkSafety(this.#truth, machine, open);
    await this.#guard?.check(passed ? await instructionsOf(this.#truth, open) : [], open);
  }

  /** Not where others send the same payouts: what one machine takes for refused the other may have paid. */
  #emptyOrFillTheAccount(): void {
    if (this.#competing) return;
    const { network } = this;
    network.accountIsEmpty = this.chance.strikes(network.accountIsEmpty ? 0.5 : this.isSmall ? 0.1 : 0.3);
    if (!network.accountIsEmpty) return;
    count(this.tally, 'account empty');
    this.note('account empty');
  }

  #jumpClock(): void {
    for (const machine of this.machines) {
      const minutes = this.chance.between(-120, 120);
      const isFarAhead = machine.wallOffsetMs > FAR_MS / 2;
      const far = minutes > 60 ? FAR_MS : 0;
      machine.wallOffsetMs += minutes * MINUTE_MS + (isFarAhead ? -FAR_MS : far);
    }
    count(this.tally, 'clock jumps');
  }

  /** Backups and restores, by an operator who follows docs/operating.md. */
  async #keepOrRestore(): Promise<void> {
    const [machine] = this.machines;
    if (!machine || this.#shared || (this.kind !== 'orderly' && this.kind !== 'slow provider')) return;
    await machine.resume();
    if (this.chance.strikes(0.5)) {
      if (this.#amendsOften && leftOver(machine).length > 0) return;
      await machine.backUp();
      this.note('backup');
      return;
    }
    // What was dropped since is dropped again in its order: changes of the same payout must not overtake each other.
    if (this.#amendsOften && leftOver(machine).length > 0) return;
    if (!(await machine.restore())) return;
    forgetRead(machine);
    count(this.tally, 'restores');
    this.note('restore');
    this.network.weather = FAIR;
    this.network.accountIsEmpty = false;
    machine.wallOffsetMs = 0;
    await this.timeline.pass(this.#storm.latestMs + this.#storm.lagMs + TIMEOUT_MS);
    await this.#passWell(machine, 'run');
    await this.#passWell(machine, 'run');
    const known = new Set((await (await machine.open()).store.files()).map(({ sha256 }) => sha256));
    for (const file of this.writer.dropped.filter(({ sha256 }) => !known.has(sha256))) {
      this.#drop(file);
      await this.#passWell(machine, 'run');
    }
    if (await machine.acceptRecords()) count(this.tally, 'records accepted');
    this.network.weather = this.#storm;
  }

  /** A person stops the sending at some moment of the passes that begin now, on some machines. */
  #pauseSoon(chance: Chance, under: { readonly way: boolean }): void {
    for (const machine of this.machines)
      if (chance.strikes(0.5)) {
        count(this.tally, 'pauses');
        this.timeline.after(chance.below(1_000), () => void (under.way && machine.pause()));
      }
  }

  /** Webhooks come while the pass that begins now is under way. */
  #hintSoon(chance: Chance, under: { readonly way: boolean }): void {
    for (const machine of this.machines)
      if (chance.strikes(0.7)) this.timeline.after(chance.below(2_000), () => void (under.way && machine.hint(chance)));
  }

  /** Persons decide while the pass that begins now is under way. */
  #decideSoon(under: { readonly way: boolean }): void {
    for (const machine of this.machines)
      if (this.#approving.strikes(0.5))
        this.timeline.after(
          this.#approving.below(1_000),
          () => void (under.way && machine.decideHeld(this.#approving)),
        );
  }

  async #actAsOperator(machine: Machine): Promise<void> {
    if (!this.chance.strikes(0.3)) return;
    await this.#decideManual(machine);
    if (!this.#competing && this.chance.strikes(0.5)) await this.#payAgain(machine);
  }

  /** A person closes payouts that did not arrive, or rejected rows. Closing changes no status. */
  async #close(machine: Machine, chance: Chance): Promise<void> {
    const tools = await machine.open();
    const { store } = tools;
    const before = await store.statusCounts();
    const lost = (await instructionsOf(this.#truth, tools)).filter(({ status }) => FINAL_FAILURES.includes(status));
    const files = (await store.files()).filter(({ toRepair }) => toRepair > 0);
    if (lost.length > 0 && chance.strikes(0.5)) {
      const one = chance.pick(lost);
      const [already] = await store.closedPayouts([one.id]);
      const { ok } = await closePayouts(tools, [one], OPERATOR);
      if (ok !== (already === undefined)) throw new Violation('what did not arrive is closed once', one.instructionRef);
      this.#closed(machine, ok, one.instructionRef);
    }
    if (files.length > 0 && chance.strikes(0.5)) {
      const { number } = chance.pick(files);
      if (!(await closeFile(tools, number, OPERATOR)).ok)
        throw new Violation('rejected rows can be closed', `${number}`);
      this.#closed(machine, true, `file ${number}`);
    }
    if (countsText(before) !== countsText(await store.statusCounts()))
      throw new Violation('a closing moves nothing', countsText(await store.statusCounts()));
  }

  #closed(machine: Machine, ok: boolean, what: string): void {
    if (!ok) return;
    machine.decisionsSinceBackup++;
    count(this.tally, 'closed by a person');
    this.note(`closed ${what}`);
  }

  /** A person closes all that did not arrive, and all that is to be repaired. */
  async #closeAll(machine: Machine): Promise<void> {
    const tools = await machine.open();
    const { store } = tools;
    for (const one of await instructionsOf(this.#truth, tools))
      if (FINAL_FAILURES.includes(one.status)) await closePayouts(tools, [one], OPERATOR);
    for (const { number } of await store.files()) await closeFile(tools, number, OPERATOR);
  }

  /** A person asks the provider about the `manual` payouts and records the answers. Returns how many moved on. */
  async #decideManual(machine: Machine): Promise<number> {
    let moved = 0;
    const tools = await machine.open();
    const { store } = tools;
    for (const instruction of await store.list('manual', { afterId: 0, limit: 100 })) {
      const ref = this.api.referenceOf(instruction);
      const status = this.server.find(ref)?.status;
      if (status === 'open') {
        this.server.step(ref);
        moved++;
        continue;
      }
      const isPaid = status === 'paid' || status === 'reversed';
      if (status === undefined && (this.#competing || this.network.isUnderWay(ref))) continue;
      const decided = await resolve(tools, instruction, isPaid, OPERATOR);
      if (!decided.ok && decided.why.includes('its quarantine lasts')) {
        count(this.tally, 'decisions that wait for the quarantine');
        continue;
      }
      if (!decided.ok) throw new Violation('a person can decide what is manual', decided.why);
      if (status === undefined) this.#givenUp.add(ref);
      this.#decided.add(ref);
      machine.decisionsSinceBackup++;
      count(this.tally, 'decisions');
      moved++;
      this.note(`decided ${ref} ${isPaid}`);
    }
    return moved;
  }

  /**
   * The provider is asked first; what it says against a failure makes it `manual`, and a clear failure is paid again.
   */
  async #payAgain(machine: Machine): Promise<void> {
    const failed = (await instructionsOf(this.#truth, await machine.open())).filter(
      (one) =>
        ['declined', 'failed', 'reversed'].includes(one.status) &&
        one.attempt < 3 &&
        // A provider slower than the quarantine may take after all what it refused: no person pays that again there.
        (one.refusedAt === '' || this.kind !== 'slow provider'),
    );
    if (failed.length === 0) return;
    const instruction = this.chance.pick(failed);
    const decided = await machine.ask((tools) => retry(tools, instruction, OPERATOR));
    machine.decisionsSinceBackup++;
    count(this.tally, decided.ok ? 'paid again' : `not paid again: ${decided.unclear ? 'unclear' : 'contradicted'}`);
    this.note(`again ${instruction.clientRefId} ${decided.ok || decided.why}`);
  }
}

function countsText(counts: readonly StatusCount[]): string {
  return counts.map((one) => `${one.count} ${one.status} ${one.currency} ${one.amountMinor}`).join();
}

/** Some files have a time far ahead, as from a copying program that keeps the times of another machine. */
function aheadOf({ sha256 }: Dropped): number {
  return sha256 < '4' ? FAR_MS : 0;
}
