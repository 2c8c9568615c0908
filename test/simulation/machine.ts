/** One machine: a workspace on its disk, and the program that is started, crashes and is started again there. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { braked, pause, resume } from '../../src/control/control.ts';
import { clientRefId, type PayoutRef } from '../../src/domain/instruction.ts';
import { type PassOptions, type PassSummary, pass } from '../../src/pipeline/pass.ts';
import { type Clock, timestamp } from '../../src/platform/clock.ts';
import { UnavailableError } from '../../src/platform/failures.ts';
import type { HttpClient } from '../../src/provider/http.ts';
import { payoutsNamed } from '../../src/provider/webhook.ts';
import type { Turn } from '../../src/reports/turn.ts';
import { deliver } from '../../src/service/notify.ts';
import { type OpenWorkspace, openWorkspace } from '../../src/service/workspace.ts';
import type { Calendar } from '../../src/settings/settings.ts';
import { endLookUpOnly, isLookedUp, lookUpOnly } from '../../src/store/anchor.ts';
import type { Decision } from '../../src/store/port.ts';
import type { Chance } from './chance.ts';
import type { Guard } from './control.ts';
import { Disk } from './disk.ts';
import type { Network } from './network.ts';
import { mount, unmount } from './node-files.ts';
import { Crash, type CrashPlan, type FreezePlan, Life } from './process.ts';
import type { Receivers } from './receivers.ts';
import { Sending, type SharedSending } from './sending.ts';
import type { MachineSession, SharedRecords } from './shared.ts';
import { count, type Tally } from './tally.ts';
import type { Timeline } from './timeline.ts';
import { Violation } from './violation.ts';

export const OPERATOR: Decision = { by: 'operator', reason: 'asked the provider' };
/** They decide about what is held back. */
export const APPROVERS = ['anna', 'ben', 'carl'];

export interface MachineOptions {
  readonly root: string;
  /** A database that is migrated and empty. */
  readonly emptyDatabase: string;
  readonly startMs: number;
  readonly settings: { readonly provider: { readonly timeoutMs: number; readonly quarantineMs: number } };
  readonly json: object;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly chance: Chance;
  readonly tally: Tally;
  readonly note: (what: string) => void;
  readonly resends: 'after-quarantine' | 'any-time' | 'never';
  /** Undefined where nothing is held back. */
  readonly guard: Guard | undefined;
  /** The records that it shares, under its name; undefined where they are its own. */
  readonly shared?: { readonly records: SharedRecords; readonly name: string; readonly sent: SharedSending };
}

interface Running {
  readonly life: Life;
  readonly tools: OpenWorkspace;
  /** The same without crashes: what checks and operators use. */
  readonly plain: OpenWorkspace;
  /** Turns to publish that it holds. */
  readonly turns: ReadonlySet<Turn>;
  readonly session: MachineSession | undefined;
}

/** What a machine that shares its records may come to, other than a crash. */
export type Trouble =
  | (Omit<FreezePlan, 'frozen'> & { readonly kind: 'freeze' })
  | { readonly kind: 'session lost'; readonly afterMs: number };

const TOLD = ['ready', 'sending', 'unknown', 'submitted', 'paid', 'declined', 'failed'] as const;

const STRANGE = { customerRef: 'NOBODY', orderRef: 'NOBODY', instructionRef: 'NOBODY' };
const NOBODY: PayoutRef = { ...STRANGE, attempt: 1, clientRefId: clientRefId(STRANGE, 1) };

const GONE_AFTER_MS = 20_000;

export type PassResult =
  | { readonly kind: 'done'; readonly summary: PassSummary | undefined }
  | { readonly kind: 'crashed'; readonly where: string };

export class Machine {
  readonly disk: Disk;
  readonly sending: Sending;
  /** How far its clock is always off that of the server which has the records. */
  clockApartMs = 0;
  /** How far its wall clock is off. */
  wallOffsetMs = 0;
  restored = false;
  /** Instead of that of its paydrop.json. */
  calendar: Calendar | undefined;
  decisionsSinceBackup = 0;
  #running: Running | undefined;
  #backup = false;
  #trouble: Trouble | undefined;

  readonly options: MachineOptions;

  constructor(options: MachineOptions) {
    this.options = options;
    const { root, timeline, json, emptyDatabase, shared } = options;
    mkdirSync(join(root, 'data'), { recursive: true });
    if (!shared) copyFileSync(emptyDatabase, this.#database());
    writeFileSync(join(root, 'paydrop.json'), JSON.stringify(json));
    this.disk = new Disk(root, () => options.startMs + timeline.now);
    this.disk.makeFolder(join(root, 'inbox'));
    this.disk.sync(this.disk.get(root));
    this.sending = new Sending(options, shared?.sent);
    mount({
      disk: this.disk,
      effect: (name, act) => (this.#life ? this.#life.effect('disk')(name, act) : new Promise(() => undefined)),
      effectNow: (name, act) => {
        if (!this.#life) throw new Crash();
        return this.#life.effectNow('disk', name, act);
      },
    });
  }

  #life: Life | undefined;

  get running(): Running | undefined {
    return this.#running;
  }

  readonly path = (...parts: string[]): string => join(this.options.root, ...parts);

  get name(): string {
    return this.options.shared?.name ?? '';
  }

  /**
   * Starts the program if need be; where it crashed meanwhile. A start takes no time in the simulated world but some in
   * the real one, where modules are loaded: never beside anything else, or the order of events would not follow from
   * the seed.
   */
  async start(crash: CrashPlan | undefined): Promise<string | undefined> {
    const running = this.#running ?? (await this.#start(crash));
    return typeof running === 'string' ? running : undefined;
  }

  /** Makes one pass of a program that is started. */
  async pass(options: PassOptions, crash: CrashPlan | undefined, trouble?: Trouble): Promise<PassResult> {
    const running = this.#running;
    if (!running) throw new Error('there is no program to make a pass');
    const { life, tools, session } = running;
    life.planCrash(crash);
    if (session) this.#plan(trouble, running, session);
    const { calendar } = this;
    this.sending.passBegins(options.businessDate, calendar && { ...options, calendar, now: () => this.#clock().now() });
    const settings = calendar ? { ...tools.settings, calendar } : tools.settings;
    let end: { summary: PassSummary | undefined } | { error: unknown } | undefined;
    pass({ ...tools, settings }, options).then(
      (summary) => {
        end = { summary };
      },
      (error: unknown) => {
        end = { error };
      },
    );
    await this.options.timeline.until(() => end !== undefined || life.crashed !== undefined, 'a pass');
    life.planCrash(undefined);
    life.planFreeze(undefined);
    this.#trouble = undefined;
    if (this.sending.violation) throw this.sending.violation;
    if (life.crashed !== undefined) {
      await this.#clear(running);
      return { kind: 'crashed', where: life.crashed };
    }
    if (end && 'error' in end && session?.hindrance() !== undefined && end.error instanceof UnavailableError) {
      await this.#clear(running);
      return { kind: 'crashed', where: 'session lost' };
    }
    if (end && 'error' in end) throw end.error;
    return { kind: 'done', summary: end?.summary };
  }

  /** Tells receivers what is due, if there is a program that lives. It ends with that program. */
  async deliver(receivers: Receivers, gathered: boolean): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const { life, tools, session } = running;
    const { store, settings, clock } = tools;
    const stop = new AbortController().signal;
    let end: { error?: unknown } | undefined;
    deliver({ store, settings, clock, senderTo: receivers.senderTo }, { gathered, stop }).then(
      () => {
        end = {};
      },
      (error: unknown) => {
        end = { error };
      },
    );
    await this.options.timeline.until(() => end !== undefined || life.crashed !== undefined, 'a delivery');
    if (end?.error === undefined || session?.hindrance() !== undefined) return;
    throw end.error;
  }

  /** What goes wrong between this machine and the records that it shares. */
  #plan(trouble: Trouble | undefined, { life }: Running, session: MachineSession): void {
    this.#trouble = trouble;
    const { timeline, tally, note } = this.options;
    const lose = () => {
      if (!session.isAlive) return;
      session.lose();
      count(tally, 'sessions lost');
      note('session lost');
    };
    if (trouble?.kind === 'session lost') timeline.after(trouble.afterMs, () => this.#trouble === trouble && lose());
    if (trouble?.kind !== 'freeze') return;
    const frozen = () => {
      count(tally, 'machines that stood still');
      session.standsStill(timeline.now, life.frozenUntilMs);
      // The server gives up a connection whose other end does not answer.
      timeline.after(GONE_AFTER_MS, () => life.isFrozen && lose());
    };
    life.planFreeze({ ...trouble, frozen });
  }

  /** Starts it if need be, without a crash. What is recorded with the tools is recorded as by a command that opens now. */
  async open(): Promise<OpenWorkspace> {
    const running = this.#running ?? (await this.#start(undefined));
    if (typeof running === 'string') throw new Error(`it crashed at ${running}, which was not planned`);
    return { ...running.plain, run: await running.plain.store.runUnderWay() };
  }

  /** What an operator has the provider asked about, while no pass is under way; nothing crashes meanwhile. */
  async ask<Answer>(work: (tools: OpenWorkspace) => Promise<Answer>): Promise<Answer> {
    const { run } = await this.open();
    const running = this.#running;
    if (!running) throw new Error('there is no program to ask with');
    this.sending.passBegins();
    let end: { answer: Answer } | { error: unknown } | undefined;
    work({ ...running.tools, run }).then(
      (answer) => {
        end = { answer };
      },
      (error: unknown) => {
        end = { error };
      },
    );
    await this.options.timeline.until(() => end !== undefined, 'an answer');
    if (end && 'error' in end) throw end.error;
    if (this.sending.violation) throw this.sending.violation;
    if (!end) throw new Error('no answer came');
    return end.answer;
  }

  /** Whether the server has heard of it to this day; of records of its own it always has. */
  get isStanding(): boolean {
    return this.#running?.session?.hindrance() === undefined;
  }

  /** Ends the program in good order. */
  async close(): Promise<void> {
    if (this.#running) await this.#clear(this.#running);
  }

  async acceptRecords(): Promise<boolean> {
    const { store, anchor, clock } = await this.open();
    if ((await lookUpOnly(store)) === undefined || !(await isLookedUp(store, anchor))) return false;
    await store.noteDecision('records-accepted', OPERATOR, { at: timestamp(clock.now()) });
    await endLookUpOnly(store, anchor);
    return true;
  }

  /** A person stops all sending, whatever the program is doing. What is in flight is finished. */
  async pause(): Promise<void> {
    const running = this.#running;
    if (!running || this.sending.pausedAtMs !== undefined) return;
    const { clock, store } = running.plain;
    this.sending.pausedAtMs = this.options.timeline.now;
    this.decisionsSinceBackup++;
    await pause(store, OPERATOR, { at: timestamp(clock.now()) }, 'UTC');
    this.options.note('pause');
  }

  /** The provider tells of payouts, whatever the program is doing: once, twice, and of ones that nobody knows. */
  async hint(chance: Chance): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const { store, clock } = running.plain;
    try {
      const told: PayoutRef[] = [NOBODY];
      const again: PayoutRef[] = [];
      for (const status of TOLD)
        for (const payout of await store.list(status, { afterId: 0, limit: 20 })) {
          if (!chance.strikes(0.5)) continue;
          told.push(payout);
          if (chance.strikes(0.5)) again.push(payout);
        }
      const { api } = this.options.network.options;
      const bodies = [...api.webhooks(told), ...api.webhooks(again)];
      const names = bodies.flatMap((body) => payoutsNamed(Buffer.from(body)) ?? []);
      const kept = await store.queueLookUps(names, timestamp(clock.now()));
      count(this.options.tally, 'webhooks kept', kept);
      this.options.note(`webhooks ${kept}`);
    } catch (error) {
      // A program that crashed meanwhile has kept nothing.
      if (this.#running === running) throw error;
    }
  }

  /** Persons decide about what is held, whatever the program is doing. */
  async decideHeld(chance: Chance | undefined): Promise<number> {
    const { guard } = this.options;
    const running = this.#running;
    if (!guard || !running) return 0;
    const tools = { ...running.plain, run: await running.plain.store.runUnderWay() };
    const decisions = await (chance ? guard.decide(chance, tools) : guard.approveAll(tools));
    this.decisionsSinceBackup += decisions;
    return decisions;
  }

  async resume(): Promise<void> {
    const { clock, store } = await this.open();
    if (this.sending.pausedAtMs === undefined) return;
    await resume(store, OPERATOR, { at: timestamp(clock.now()) }, this.options.root);
    this.sending.pausedAtMs = undefined;
    this.options.note('resume');
  }

  /** Another instance on this workspace must be turned away. */
  async startSecond(): Promise<void> {
    await this.open();
    try {
      const second = await openWorkspace(this.#openOptions());
      await second.close();
    } catch (error) {
      if (error instanceof UnavailableError) return;
      throw error;
    }
    throw new Violation('one instance a workspace', 'a second one was let in');
  }

  async backUp(): Promise<void> {
    await this.close();
    copyFileSync(this.#database(), this.#copy());
    this.#backup = true;
    this.decisionsSinceBackup = 0;
  }

  /** Puts the copy in the database's place, as docs/operating.md says; false without a copy. */
  async restore(): Promise<boolean> {
    if (!this.#backup || this.decisionsSinceBackup > 0) return false;
    await this.close();
    for (const rest of ['-wal', '-shm']) rmSync(`${this.#database()}${rest}`, { force: true });
    copyFileSync(this.#copy(), this.#database());
    this.restored = true;
    this.sending.forget();
    return true;
  }

  async cutPower(): Promise<void> {
    await this.close();
    this.disk.cutPower(this.options.chance);
  }

  async dispose(): Promise<void> {
    await this.close();
    unmount(this.disk);
  }

  #database(): string {
    return join(this.options.root, 'data', 'paydrop.db');
  }

  #copy(): string {
    return join(this.options.root, 'backup.db');
  }

  #openOptions() {
    const { root, network } = this.options;
    return { workspace: root, env: network.options.api.env, clock: this.#clock() };
  }

  /** The running program, or where it crashed while it started. */
  async #start(crash: CrashPlan | undefined): Promise<Running | string> {
    const { timeline, note, network, settings, tally } = this.options;
    const life = new Life(timeline, note);
    this.#life = life;
    life.planCrash(crash);
    const clock = this.#clock(life);
    let plain: OpenWorkspace;
    const { shared } = this.options;
    const opened = shared?.records.open(shared.name, () => life.crashed === undefined, clock.now);
    const session = opened?.session;
    try {
      plain = await openWorkspace({ ...this.#openOptions(), clock, ...(opened && { records: opened.store }) });
    } catch (error) {
      this.#life = undefined;
      if (life.crashed === undefined) throw error;
      return `${life.crashed}, while starting`;
    }
    life.started();
    const http: HttpClient = {
      send: async (request) => {
        await this.sending.check(request, plain, session);
        return life.effect('wire')('send', async () => {
          if (plain.store.mayStillSend()) return this.sending.send(request);
          count(tally, 'requests that were stopped after a standstill');
          return { kind: 'not-sent', message: 'this machine stood still before the request left' };
        });
      },
      close: async () => undefined,
    };
    await plain.provider.close();
    let closed: () => string | undefined = () => undefined;
    const askLast: typeof plain.askLast = (whyClosed) => {
      closed = whyClosed;
    };
    const adapter = network.options.api.adapter(http, settings.provider.timeoutMs, clock);
    const provider = braked(adapter, async () => (await plain.paused()) ?? closed());
    // The operating system takes back what a process had that crashed.
    const turns = new Set<Turn>();
    const takeTurn = (): Turn | undefined => {
      const turn = plain.takeTurn();
      if (!turn) return undefined;
      turns.add(turn);
      return { release: () => turns.delete(turn) && turn.release() };
    };
    const tools = {
      ...plain,
      clock,
      provider,
      takeTurn,
      askLast,
      store: life.watched('store', plain.store),
    };
    this.#running = { life, tools, plain, turns, session };
    return this.#running;
  }

  async #clear({ life, plain, turns }: Running): Promise<void> {
    // A process that crashed waits for nothing that it had under way.
    if (life.crashed !== undefined) Object.assign(plain.anchor, { close: async () => undefined });
    life.end('closed');
    for (const turn of turns) turn.release();
    this.#running = undefined;
    this.#life = undefined;
    await plain.close();
    count(this.options.tally, 'starts');
  }

  #clock(life?: Life): Clock {
    const { timeline, startMs } = this.options;
    return {
      now: () => startMs + timeline.now + this.wallOffsetMs + this.clockApartMs,
      monotonic: () => timeline.now,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          let awake = false;
          const wake = () => {
            if (awake || life?.crashed !== undefined) return;
            if (life?.isFrozen) return timeline.after(life.frozenUntilMs - timeline.now, wake);
            awake = true;
            signal?.removeEventListener('abort', wake);
            timeline.stir();
            resolve();
          };
          if (signal?.aborted) return wake();
          signal?.addEventListener('abort', wake, { once: true });
          timeline.after(ms, wake);
        }),
    };
  }
}
