/** What must hold whenever a request leaves a machine. */
import { lookUpOnly } from '../../src/anchor.ts';
import type { HttpOutcome, HttpRequest } from '../../src/provider/http.ts';
import type { OpenWorkspace } from '../../src/workspace.ts';
import type { Network } from './network.ts';
import type { Timeline } from './timeline.ts';
import { Violation } from './violation.ts';

interface Sent {
  readonly atMs: number;
  readonly body: string;
}

export interface SendingOptions {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly settings: { readonly provider: { readonly quarantineMs: number } };
  /** When what may have arrived may be sent once more. */
  readonly resends: 'after-quarantine' | 'any-time' | 'never';
}

export class Sending {
  violation: Violation | undefined;
  /** What may have arrived, by reference. */
  readonly #sent = new Map<string, Sent>();
  #stoppedAtMs: number | undefined;
  #underWay = 0;
  #pass = 0;

  readonly options: SendingOptions;

  constructor(options: SendingOptions) {
    this.options = options;
  }

  passBegins(): void {
    this.#pass++;
    this.#stoppedAtMs = undefined;
    this.#underWay = 0;
  }

  /** After a restore nobody remembers. */
  forget(): void {
    this.#sent.clear();
  }

  async check(request: HttpRequest, { store, anchor, settings }: OpenWorkspace): Promise<void> {
    const { network, timeline, resends } = this.options;
    const { on, clientRefId } = network.options.server.asked(request);
    if (this.#underWay >= settings.provider.concurrency)
      this.#broken(
        'no more requests at once than allowed',
        `${this.#underWay + 1} of ${settings.provider.concurrency}`,
      );
    if (on === 'get') return;
    if (this.#stoppedAtMs !== undefined && timeline.now > this.#stoppedAtMs)
      this.#broken('nothing is sent when the line was stopped', clientRefId);
    if ((await lookUpOnly(store)) !== undefined)
      this.#broken('nothing is sent while the records are in doubt', clientRefId);

    const sending = await store.list('sending', { afterId: 0, limit: 1_000 });
    const intent = sending.find((instruction) => instruction.clientRefId === clientRefId);
    if (!intent) return this.#broken('intent before sending', `${clientRefId} is not in sending`);
    if (intent.body !== request.body) this.#broken('the bytes of the intent are sent', clientRefId);
    const history = await store.historyOf(intent.id);
    const begun = history.findLast(({ body }) => body.includes('"to":"sending"'));
    if (!begun || (anchor.last()?.seq ?? 0) < begun.seq)
      this.#broken('an intent is anchored before it is sent', clientRefId);

    const before = this.#sent.get(clientRefId);
    if (!before) return;
    if (before.body !== request.body) this.#broken('sent again with the same bytes', clientRefId);
    if (resends === 'never') this.#broken('never sent again where that may pay twice', clientRefId);
    const waitedMs = timeline.now - before.atMs;
    if (resends === 'after-quarantine' && waitedMs < this.options.settings.provider.quarantineMs)
      this.#broken('"not found" is no proof during the quarantine', `${clientRefId} sent again after ${waitedMs} ms`);
  }

  async send(request: HttpRequest): Promise<HttpOutcome> {
    const { network, timeline } = this.options;
    const { call, outcome, stopsTheLine } = network.exchange(request);
    const sent: Sent = { atMs: timeline.now, body: request.body ?? '' };
    const before = this.#sent.get(call.clientRefId);
    if (call.on === 'post') this.#sent.set(call.clientRefId, sent);
    this.#underWay++;
    const pass = this.#pass;
    const heard = await outcome;
    const isHeard = pass === this.#pass;
    if (isHeard) this.#underWay--;
    if (call.on === 'post' && heard.kind === 'not-sent') {
      if (before) this.#sent.set(call.clientRefId, before);
      else this.#sent.delete(call.clientRefId);
    }
    if (call.on === 'post' && stopsTheLine && isHeard) this.#stoppedAtMs ??= timeline.now;
    return heard;
  }

  #broken(promise: string, detail: string): void {
    this.violation ??= new Violation(promise, detail);
  }
}
