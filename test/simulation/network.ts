/** The wire between the machines and the provider, and the provider behind it. */
import type { HttpOutcome, HttpRequest } from '../../src/provider/http.ts';
import type { Answer, TokenLife } from '../../src/sandbox/call.ts';
import type { Asked, SimulatedApi, SimulatedServer } from './api.ts';
import type { Chance } from './chance.ts';
import { type Course, drawCourse, type Weather } from './faults.ts';
import { count, type Tally } from './tally.ts';
import type { Timeline } from './timeline.ts';

export interface NetworkOptions {
  readonly api: SimulatedApi;
  readonly server: SimulatedServer;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly weather: Weather;
  /** Payouts and orders that the provider refuses whenever they come, by their references. */
  readonly doomed: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly tally: Tally;
  readonly note: (what: string) => void;
}

export interface Exchange {
  readonly call: Asked;
  readonly outcome: Promise<HttpOutcome>;
  readonly stopsTheLine: boolean;
  /** Whether the provider refused it as it refuses every other: the account is at fault. */
  refusesTheAccount(): boolean;
}

/** Whether a request was refused because the account was empty: then so it is when it arrives once more. */
interface Account {
  refused: boolean;
}

/**
 * What a provider may come to for good: it no longer knows a payout that it has, or shows it with another amount, or in
 * unknown words.
 */
export const SPOILED = ['forgotten', 'misstated', 'unreadable'] as const;

export class Network {
  weather: Weather;
  readonly #spoiled = new Map<string, (typeof SPOILED)[number]>();
  /** Then whatever would cost money is refused, in the same words. */
  accountIsEmpty = false;
  readonly #visibleAtMs = new Map<string, number>();
  /** When the change was sent that the provider took last, by reference. */
  readonly #changeSentAtMs = new Map<string, number>();
  /** References with a change that came after the next one: no promise covers what the provider has then. */
  readonly overtaken = new Set<string>();
  readonly #underWay = new Map<string, number>();

  readonly options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.options = options;
    this.weather = options.weather;
  }

  /** Whether a request for it may still arrive. */
  isUnderWay(reference: string): boolean {
    return (this.#underWay.get(reference) ?? 0) > 0;
  }

  /** From now on no look-up shows the truth about the payout. */
  spoil(reference: string, how: (typeof SPOILED)[number]): void {
    this.#spoiled.set(reference, how);
    count(this.options.tally, `spoiled: ${how}`);
    this.options.note(`${how} ${reference}`);
  }

  exchange(request: HttpRequest): Exchange {
    const { api, server, chance, tally, note } = this.options;
    const call = server.asked(request);
    const { name, course } = drawCourse(chance, api, this.weather, call);
    count(tally, `requests: ${call.on}`);
    if (name) count(tally, `${call.on}: ${name}`);
    note(`${call.on} ${call.reference} ${name}`);
    const account: Account = { refused: false };
    return {
      call,
      outcome: this.#follow(request, call, course, account),
      stopsTheLine: course.stopsTheLine === true,
      refusesTheAccount: () => account.refused && course.heard.kind === 'answer',
    };
  }

  #follow(
    request: HttpRequest,
    call: Asked,
    { arrives, heard, tokenLife }: Course,
    account: Account,
  ): Promise<HttpOutcome> {
    const { timeline, timeoutMs } = this.options;
    return new Promise((resolve) => {
      let ended = false;
      const hear = (outcome: HttpOutcome) => {
        if (ended) return;
        ended = true;
        resolve(outcome);
      };
      const sentAtMs = timeline.now;
      arrives.forEach((afterMs, nth) => {
        this.#count(call, 1);
        timeline.after(afterMs, () => {
          this.#count(call, -1);
          const answer = this.#arrive(request, call, { tokenLife, sentAtMs }, account);
          if (heard.kind === 'answer' && heard.of === nth) timeline.after(20, () => hear(response(answer)));
          if (heard.kind === 'altered' && nth === 0) timeline.after(20, () => hear(response(heard.alter(answer))));
        });
      });
      if (heard.kind === 'instead') timeline.after(40, () => hear(response(heard.answer)));
      if (heard.kind === 'broken')
        timeline.after(heard.afterMs, () => hear({ kind: 'unclear', message: heard.message }));
      if (heard.kind === 'not-sent') timeline.after(5, () => hear({ kind: 'not-sent', message: 'could not connect' }));
      const late: HttpOutcome = { kind: 'unclear', message: `no complete answer within ${timeoutMs / 1000} s` };
      timeline.after(timeoutMs, () => hear(late));
    });
  }

  #noteChange(reference: string, sentAtMs: number): void {
    const latestMs = this.#changeSentAtMs.get(reference) ?? 0;
    this.#changeSentAtMs.set(reference, Math.max(latestMs, sentAtMs));
    if (sentAtMs >= latestMs) return;
    this.overtaken.add(reference);
    count(this.options.tally, 'changes that came after the next one');
  }

  #arrive(
    request: HttpRequest,
    { on, reference, creates, dialect }: Asked,
    { tokenLife, sentAtMs }: { readonly tokenLife: TokenLife | undefined; readonly sentAtMs: number },
    account: Account,
  ): Answer {
    const { api, server, doomed, timeline, chance, note } = this.options;
    if (on === 'get' || on === 'order-get') {
      const how = this.#spoiled.get(reference);
      if (how === 'forgotten') return dialect.notFound();
      if (how !== undefined) return api[how](server.handle(request));
      const hidden = timeline.now < (this.#visibleAtMs.get(reference) ?? 0);
      return hidden ? dialect.notFound() : server.handle(request);
    }
    const made = on === 'order' ? [reference, ...creates] : creates;
    if (made.some((one) => doomed.has(one)))
      return dialect.decline({ kind: 'decline', message: 'Beneficiary is blocked' });
    const isNew = made.length > 0 && (this.weather.mayDecline || !made.some((one) => server.find(one)));
    if (isNew && (this.accountIsEmpty || account.refused)) {
      account.refused = true;
      return dialect.decline({ kind: 'decline', message: 'The account is empty' });
    }
    const before = server.ledger.length;
    const answer = server.handle(request, tokenLife);
    if (server.ledger.length > before) {
      note(`taken ${on} ${reference}`);
      if (on === 'update') this.#noteChange(reference, sentAtMs);
      const lagMs = chance.strikes(0.3) ? chance.below(this.weather.lagMs + 1) : 0;
      for (const one of made) this.#visibleAtMs.set(one, timeline.now + lagMs);
    }
    return answer;
  }

  #count({ creates }: Asked, more: number): void {
    for (const reference of creates) this.#underWay.set(reference, (this.#underWay.get(reference) ?? 0) + more);
  }
}

function response({ status, headers, body }: Answer): HttpOutcome {
  return {
    kind: 'response',
    status,
    contentType: headers['content-type'] ?? '',
    body,
    retryAfter: headers['retry-after'],
  };
}
