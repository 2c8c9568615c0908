/**
 * Records that several machines share, as PostgreSQL has them: the SQLite adapter, and on it what each machine knows of
 * the others. A machine is alive while its session stands, and gone once another machine has seen that it ended.
 */
import { copyFileSync } from 'node:fs';
import { rowPlace } from '../../src/domain/instruction.ts';
import type { Subscription } from '../../src/domain/notification.ts';
import { timestamp } from '../../src/platform/clock.ts';
import { UnavailableError } from '../../src/platform/failures.ts';
import { type Changes, FACTS, type FactName, type Moment, type RunRecord, type Store } from '../../src/store/port.ts';
import { type Connection, openDatabase } from '../../src/store/sqlite/connection.ts';
import { openStore } from '../../src/store/sqlite/sqlite.ts';
import type { Chance } from './chance.ts';
import { count, type Tally } from './tally.ts';
import type { Timeline } from './timeline.ts';

const AWAY_MS = 600_000;
const LONGEST_JUDGING_MS = 600_000;
const AGAIN_MS = 100;
const LATE_MS = 60_000;
const STOOD_MS = 10_000;
const ALL = 1_000_000;

/** A machine from one start to its end. */
export class MachineSession {
  endedAtMs: number | undefined;
  #isLost = false;
  #silence: { readonly fromMs: number; readonly untilMs: number } | undefined;

  readonly id: number;
  readonly name: string;
  readonly since: string;
  readonly isRunning: () => boolean;

  constructor(id: number, name: string, since: string, isRunning: () => boolean) {
    this.id = id;
    this.name = name;
    this.since = since;
    this.isRunning = isRunning;
  }

  get isAlive(): boolean {
    return !this.#isLost && this.endedAtMs === undefined && this.isRunning();
  }

  /** Another machine took it for gone. */
  get isGone(): boolean {
    return this.endedAtMs !== undefined;
  }

  /** The server no longer hears of it, whether it runs or not. */
  lose(): void {
    this.#isLost = true;
  }

  /** Nothing of the server reaches it meanwhile. */
  standsStill(fromMs: number, untilMs: number): void {
    this.#silence = { fromMs, untilMs };
  }

  /** Asked while it stands, it hears of the server. */
  hear(nowMs: number): void {
    if (this.#silence && nowMs >= this.#silence.untilMs) this.#silence = undefined;
  }

  mayStillSend(nowMs: number): boolean {
    return this.#silence === undefined || nowMs - this.#silence.fromMs <= STOOD_MS;
  }

  hindrance(): string | undefined {
    if (this.isGone) return 'another machine took this one for gone, because its connection had ended';
    return this.isAlive ? undefined : 'its connection to the database has ended';
  }

  requireStanding(): void {
    if (this.isGone) throw new UnavailableError('another machine took this one for gone: start it again');
  }
}

export interface SharedOptions {
  /** Who is told of what is recorded. */
  readonly subscriptions: readonly Subscription[];
  readonly path: string;
  readonly emptyDatabase: string;
  readonly timeline: Timeline;
  /** What the server's clock says when the world begins. */
  readonly startMs: number;
  readonly chance: Chance;
  readonly tally: Tally;
}

export class SharedRecords {
  readonly options: SharedOptions;
  readonly #base: Store;
  readonly #db: Connection;
  readonly #machines: MachineSession[] = [];
  /** Who sent a payout last, and who an order. */
  readonly #payouts = new Map<number, MachineSession>();
  readonly #orders = new Map<number, MachineSession>();
  readonly #files = new Map<number, string>();
  readonly #publishers = new Map<number, string>();
  readonly #judgedOnce = new Set<number>();
  readonly #own = new Map<string, string>();
  readonly #runs = new Map<number, Set<MachineSession>>();
  /** Who asked for the change of a payout last, and when. */
  readonly #asked = new Map<number, { readonly session: MachineSession; readonly atMs: number }>();
  /** Whose outbox gets the reports of a run that has ended. */
  readonly #reporters = new Map<number, string>();
  #judge: MachineSession | undefined;
  /** The business date of the last round of judging that came to its end. */
  #judgedFor = '';
  #nextTurnMs = 0;

  constructor(options: SharedOptions) {
    this.options = options;
    copyFileSync(options.emptyDatabase, options.path);
    this.#base = openStore({ path: options.path, subscriptions: options.subscriptions });
    this.#db = openDatabase(options.path, 'kept');
  }

  /** The machine whose outbox has the latest reports of a file. */
  publisherOf(file: number): string | undefined {
    return this.#publishers.get(file);
  }

  async isStale(file: number): Promise<boolean> {
    return (await this.#base.staleReports()).some((stale) => stale.file === file);
  }

  async close(): Promise<void> {
    this.#db.close();
    await this.#base.close();
  }

  /** The records as a machine has them, and its session. `nowMs` is its wall clock. */
  open(name: string, isRunning: () => boolean, nowMs: () => number): { store: Store; session: MachineSession } {
    const session = new MachineSession(this.#machines.length + 1, name, timestamp(nowMs()), isRunning);
    this.#machines.push(session);
    const base = this.#base;
    const store: Store = {
      ...base,
      ...this.#sending(session),
      ...this.#runVerbs(session),
      ...this.#fileVerbs(session),
      ...this.#factVerbs(session),
      hindrance: async () => {
        session.hear(this.options.timeline.now);
        return session.hindrance();
      },
      mayStillSend: () => session.mayStillSend(this.options.timeline.now),
      judging: (businessDate, work) => this.#judging(session, businessDate, work),
      judged: async (file, found) => {
        await base.judged(file, found);
        this.#judgedOnce.add(file);
      },
      close: async () => {
        session.endedAtMs ??= this.#nowMs;
      },
    };
    return { store, session };
  }

  /** The server's time, which is that of none of the machines. */
  get #nowMs(): number {
    return this.options.startMs + this.options.timeline.now;
  }

  #onServer(moment: Moment): Moment {
    return { ...moment, at: timestamp(this.#nowMs) };
  }

  get #living(): MachineSession[] {
    return this.#machines.filter(({ isAlive }) => isAlive);
  }

  #sending(
    session: MachineSession,
  ): Pick<
    Store,
    | 'apply'
    | 'claim'
    | 'settle'
    | 'hold'
    | 'amend'
    | 'amended'
    | 'askedElsewhere'
    | 'list'
    | 'interrupted'
    | 'commonTime'
    | 'share'
    | 'turn'
    | 'machines'
  > {
    const base = this.#base;
    return {
      list: async (status, options) => {
        const { claimable, ...others } = options;
        if (claimable === undefined) return base.list(status, options);
        const found = await base.list(status, { ...others, limit: ALL });
        const isDone = new Set((await base.files()).filter(({ done }) => done).map(({ number }) => number));
        const isListed = ({ contentRow }: { readonly contentRow: number }) => {
          const { file } = rowPlace(contentRow);
          const isNow = this.#judgedOnce.has(file) || this.#files.get(file) === session.name;
          return isDone.has(file) && isNow === (claimable === 'now');
        };
        return found.filter(isListed).slice(0, options.limit);
      },
      commonTime: async () => this.#nowMs,
      apply: async (changes, moment, orders = []) => {
        await base.apply(changes, this.#onServer(moment), orders);
        this.#keepSenders({ changes, orders }, session);
      },
      claim: async (groups, moment, ended) => {
        while (this.#isJudged()) await this.#whileJudged();
        if (session.isGone && ended) await base.settle(ended, moment);
        session.requireStanding();
        const free = groups.map((group) => this.#mayClaim(group, session));
        const asked = groups.filter((_, at) => free[at]);
        const claimed = await base.claim(asked, this.#onServer(moment), ended);
        const taken = asked.filter((_, at) => claimed[at]);
        for (const group of taken) this.#keepSenders(group, session);
        count(this.options.tally, 'left to another machine', groups.length - taken.length);
        return groups.map((group) => taken.includes(group));
      },
      settle: async (ended, moment) => {
        // As with PostgreSQL: who was taken for gone no longer judges alone, and lets nothing go.
        if (ended.changes.some(({ from }) => from === 'waiting' || from === 'scheduled')) session.requireStanding();
        return base.settle(ended, this.#onServer(moment));
      },
      hold: async (changes, moment) => {
        session.requireStanding();
        return base.hold(changes, moment);
      },
      amend: async (changes, moment) => {
        if (changes.some(({ to }) => to.kind === 'asked')) session.requireStanding();
        const late = await base.amend(changes, moment);
        for (const change of changes.filter((one) => !late.includes(one)))
          if (change.to.kind === 'asked') this.#asked.set(change.target.id, { session, atMs: this.#nowMs });
          else this.#asked.delete(change.target.id);
        return late;
      },
      amended: async (afterId, limit, share) => {
        const isOthers = ({ id }: { readonly id: number }) => this.#isAskedBy(id, session, { alive: true });
        return (await base.amended(afterId, ALL, share)).filter((one) => !isOthers(one)).slice(0, limit);
      },
      askedElsewhere: async () =>
        (await base.amended(0, ALL)).some(({ id }) => this.#isAskedBy(id, session, { alive: false })),
      interrupted: async (limit) => {
        this.#takeForGone();
        const { payouts, orders } = await base.interrupted(ALL);
        const isLeft = (sender: MachineSession | undefined) =>
          sender === undefined || sender === session || sender.isGone;
        return {
          payouts: payouts.filter(({ id }) => isLeft(this.#payouts.get(id))).slice(0, limit),
          orders: orders.filter(({ id }) => isLeft(this.#orders.get(id))).slice(0, limit),
        };
      },
      share: async (run) => {
        const living = this.#living.filter((one) => run === undefined || this.#runs.get(run)?.has(one));
        const at = living.indexOf(session);
        return at < 0 ? { at: 0, of: living.length + 1 } : { at, of: living.length };
      },
      turn: async (gapMs) => {
        const { now } = this.options.timeline;
        const atMs = Math.max(this.#nextTurnMs, now);
        this.#nextTurnMs = atMs + gapMs;
        return atMs - now;
      },
      machines: async () =>
        this.#machines.map(({ name, since, isAlive: alive }) => {
          return { name, version: '', since, alive, sending: 0, halfTaken: 0, toReport: 0 };
        }),
    };
  }

  /** Whether another machine asked for a change of late; with `alive: false`, one that is no longer at work. */
  #isAskedBy(id: number, session: MachineSession, { alive }: { readonly alive: boolean }): boolean {
    const asked = this.#asked.get(id);
    if (!asked || asked.session.name === session.name) return false;
    const { isAlive } = asked.session;
    return (alive || !isAlive) && this.#nowMs - asked.atMs < (isAlive ? AWAY_MS : LATE_MS);
  }

  #takeForGone(): void {
    for (const machine of this.#machines)
      if (!machine.isAlive && !machine.isGone) {
        machine.endedAtMs = this.#nowMs;
        if (machine.isRunning()) count(this.options.tally, 'taken for gone while it ran');
      }
  }

  #keepSenders({ changes, orders = [] }: Changes, session: MachineSession): void {
    for (const { id, intent } of changes) if (intent) this.#payouts.set(id, session);
    for (const { id, intent } of orders) if (intent) this.#orders.set(id, session);
  }

  /** A file of another machine is claimed from only once it was judged. Now and then a row is locked by another one. */
  #mayClaim({ changes }: Changes, { name }: MachineSession): boolean {
    if (this.options.chance.strikes(0.02)) return false;
    const fileOf = this.#db
      .prepare<[number], number>('SELECT content_row >> 32 FROM instructions WHERE id = ?')
      .pluck();
    return changes.every(({ id, intent }) => {
      if (intent && intent.businessDate !== this.#judgedFor) return false;
      const file = fileOf.get(id) ?? 0;
      return this.#judgedOnce.has(file) || this.#files.get(file) === name;
    });
  }

  #isJudged(): boolean {
    if (this.#judge && !this.#judge.isAlive) this.#judge = undefined;
    return this.#judge !== undefined;
  }

  async #whileJudged(): Promise<void> {
    const { timeline } = this.options;
    for (const until = timeline.now + LONGEST_JUDGING_MS; this.#isJudged(); ) {
      if (timeline.now > until) throw new UnavailableError('another machine has been judging for too long');
      await new Promise<void>((resolve) => timeline.after(AGAIN_MS, resolve));
    }
  }

  async #judging<Result>(
    session: MachineSession,
    businessDate: string | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    while (this.#isJudged()) await this.#whileJudged();
    if (!session.isAlive) throw new UnavailableError('its connection to the database has ended');
    this.#judge = session;
    if (businessDate !== undefined) this.#judgedFor = '';
    try {
      const result = await work();
      if (businessDate !== undefined) this.#judgedFor = businessDate;
      return result;
    } finally {
      if (this.#judge === session) this.#judge = undefined;
    }
  }

  /** What a machine that stays away would report, another one does. */
  #isAway(name: string | undefined): boolean {
    const isThere = ({ endedAtMs }: MachineSession) => endedAtMs === undefined || endedAtMs > this.#nowMs - AWAY_MS;
    return !this.#machines.some((machine) => machine.name === name && isThere(machine));
  }

  #others(run: number, session: MachineSession): boolean {
    return [...(this.#runs.get(run) ?? [])].some((other) => other !== session && other.isAlive);
  }

  #runVerbs(
    session: MachineSession,
  ): Pick<Store, 'startRun' | 'endRun' | 'runReported' | 'dropRun' | 'runUnderWay' | 'unreportedRuns'> {
    const base = this.#base;
    const isOwn = (run: number) => this.#runs.get(run)?.has(session) || !this.#others(run, session);
    const unfinished = this.#db
      .prepare<[], number>('SELECT number FROM runs WHERE reported = 0 AND finished_at IS NULL ORDER BY number DESC')
      .pluck();
    const isUnderWay = (run: number) => unfinished.all().includes(run);
    const otherNights = this.#db
      .prepare<[businessDate: string], number>("SELECT number FROM runs WHERE kind = 'nightly' AND business_date <> ?")
      .pluck();
    return {
      startRun: async (kind, businessDate, moment): Promise<RunRecord | undefined> => {
        session.requireStanding();
        const run = await base.startRun(kind, businessDate, this.#onServer(moment));
        if (!run) return undefined;
        if (kind === 'nightly')
          for (const other of otherNights.all(businessDate)) this.#runs.get(other)?.delete(session);
        const inRun = this.#runs.get(run.number) ?? new Set();
        if (this.#others(run.number, session)) count(this.options.tally, 'runs joined');
        this.#runs.set(run.number, inRun.add(session));
        return run;
      },
      endRun: async (run, moment, atEnd) => {
        session.requireStanding();
        const inRun = this.#runs.get(run) ?? new Set();
        if (this.#others(run, session) && isUnderWay(run)) inRun.delete(session);
        else if (isUnderWay(run)) {
          this.#reporters.set(run, session.name);
          return base.endRun(run, moment, atEnd);
        } else count(this.options.tally, 'runs that another machine has ended');
        return undefined;
      },
      dropRun: async (run) => {
        session.requireStanding();
        return this.#others(run, session) ? false : base.dropRun(run);
      },
      runReported: async (run, published) => {
        session.requireStanding();
        await base.runReported(run, published);
        this.#runs.delete(run);
      },
      runUnderWay: async () => unfinished.all().find(isOwn),
      unreportedRuns: async () => {
        this.#takeForGone();
        const found = (await base.unreportedRuns()).filter(({ number }) => !this.#others(number, session));
        const own = found.filter(({ number }) => {
          const reporter = this.#reporters.get(number) ?? session.name;
          return reporter === session.name || this.#isAway(reporter);
        });
        for (const { number, finishedAt } of own) if (finishedAt) this.#reporters.set(number, session.name);
        return own;
      },
    };
  }

  #fileVerbs(
    session: MachineSession,
  ): Pick<
    Store,
    | 'registerFile'
    | 'recordRows'
    | 'finishFile'
    | 'unfinishedFiles'
    | 'unarchivedFiles'
    | 'staleReports'
    | 'reportsWritten'
  > {
    const base = this.#base;
    const { name } = session;
    const isOwn = (file: number) => this.#files.get(file) === name;
    const isAway = (file: number) => this.#isAway(this.#files.get(file));
    return {
      registerFile: async (file, run) => {
        const record = await base.registerFile(file, run);
        if (!this.#files.has(record.number)) this.#files.set(record.number, name);
        return record;
      },
      // Other machines take in files at the same time, so references are taken at once.
      recordRows: async (file, rows, upTo, moment) => {
        session.requireStanding();
        const taken = rows.map((row) => (row.kind === 'instruction' ? { ...row, unrepeated: false } : row));
        return base.recordRows(file, taken, upTo, moment);
      },
      finishFile: async (...args) => {
        session.requireStanding();
        await base.finishFile(...args);
      },
      unfinishedFiles: async () => (await base.unfinishedFiles()).filter(({ number }) => isOwn(number)),
      unarchivedFiles: async () => (await base.unarchivedFiles()).filter(({ number }) => isOwn(number)),
      staleReports: async () => (await base.staleReports()).filter(({ file }) => isOwn(file) || isAway(file)),
      reportsWritten: async (file, token, published) => {
        await base.reportsWritten(file, token, published);
        this.#publishers.set(file, name);
      },
    };
  }

  #factVerbs({ name: machine }: MachineSession): Pick<Store, 'fact' | 'setFact'> {
    const base = this.#base;
    const isOwn = (name: FactName) => FACTS[name] === 'own';
    return {
      fact: async (name) => (isOwn(name) ? this.#own.get(`${machine} ${name}`) : base.fact(name)),
      setFact: async (name, value) => {
        if (isOwn(name)) this.#own.set(`${machine} ${name}`, value);
        else await base.setFact(name, value);
      },
    };
  }
}
