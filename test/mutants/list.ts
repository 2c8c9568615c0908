/** Deliberate faults, each of which some test must notice. */
import { INTENTS_LATE } from '../support/faulty-programs.ts';
import type { Mutation } from '../support/mutation.ts';

export interface Mutant extends Mutation {
  readonly name: string;
  /** What it would do to a user or a payee. */
  readonly why: string;
  /** The test files that must notice it, the quickest there are. */
  readonly tests: readonly string[];
}

/** A fault in one place. */
function mutant(name: string, why: string, tests: string | readonly string[], ...edits: Mutation['edits']): Mutant {
  return { name, why, tests: [tests].flat().map((test) => `test/${test}.test.ts`), edits };
}

/** The line before tells the two stores apart. */
const MOVED_OF_LISTED = `AND a.body ->> 'from' <> a.body ->> 'to'\` : '';`;

const NOTIFICATIONS: Mutant[] = [
  mutant('a gone receiver holds up the others', 'nobody learns that payouts failed', 'notify/deliver', [
    'const lines = await Promise.allSettled(tools.settings.notify.map((receiver) => deliverTo(receiver, tools, options)));',
    'const lines: PromiseSettledResult<void>[] = []; for (const to of tools.settings.notify) await deliverTo(to, tools, options);',
  ]),
  mutant(
    'a payout is told of outside of the transaction',
    'a crash between the two, and nobody learns of it',
    'notified-together',
    ['notifier.entry(event, instruction, at);', 'setImmediate(() => notifier.entry(event, instruction, at));'],
  ),
  mutant(
    'what is on its way at a crash is never tried again',
    'a crash, and nobody learns of a failure',
    'notify/deliver',
    ['until: timestamp(nowMs + CLAIMED_FOR_MS),', 'until: timestamp(nowMs + HORIZON_MS),'],
  ),
  mutant('a claim outlives what it was for', 'two machines send the same notification', 'store-notifications', [
    'UPDATE notifications SET gathering = 0, next_try_at = ? WHERE number = ?',
    'UPDATE notifications SET gathering = 0, next_try_at = coalesce(next_try_at, ?) WHERE number = ?',
  ]),
  mutant('a forgotten payout stays in what was told', 'a payee is forgotten, and still named', 'store-notifications', [
    '    blankNotifications.run(id);\n',
    '',
  ]),
  mutant(
    'telling begins with a look at the records',
    'a server that goes away at the wrong moment ends the service',
    'watch-postgres',
    ['export function keepDelivering(', 'export async function keepDelivering('],
    [
      '): Deliveries { const { settings, clock } = tools;',
      '): Promise<Deliveries> { const { settings, clock } = tools; await hasToDeliver(tools);',
    ],
  ),
  mutant('the records wait for a receiver', 'nothing is sent until a receiver that dawdles has answered', 'watch', [
    'if (gone === undefined) await deliveries.stop(); else deliveries.leave();',
    'await deliveries.stop();',
  ]),
  mutant('a mail server keeps its connection', 'a server that drips keeps paydrop run from ending', 'notify/mail', [
    'createTransport({ ...server, socket })',
    'createTransport(server)',
  ]),
  mutant('no way to a receiver is an error', 'the others are not tested, or not told', 'notify/deliver', [
    'const trouble = error instanceof UsageError ? error.message : untried(error);',
    'if (!(error instanceof UsageError)) throw error; const trouble = error.message;',
  ]),
  mutant('a try tells what it failed by', 'an address or a secret stands in status and log', 'notify/deliver', [
    '(error as Error).name',
    '(error as Error).message',
  ]),
  mutant(
    'a program that can not be started is an error',
    'status does not say what is wrong with it',
    'notify/command',
    ['} catch (error) { return notStarted(error); }', '} catch (error) { throw error; }'],
  ),
  mutant('a program at its deadline is left alone', 'each try leaves a process behind', 'notify/command', [
    'if (!ended.signal.aborted) endGroup(child.pid);',
    '',
  ]),
  mutant('what a program has started goes on', 'each try leaves a process behind', 'notify/command', [
    "process.kill(-pid, 'SIGKILL')",
    "process.kill(pid, 'SIGKILL')",
  ]),
  mutant('a program gets the whole environment', 'it learns every secret', 'notify/command', [
    "stdio: ['pipe', 'ignore', 'ignore'], detached: true",
    "stdio: ['pipe', 'ignore', 'ignore'], detached: true, ...{ env: undefined }",
  ]),
  mutant('told before it is sent', 'a crash in a try leaves a receiver untold', 'notify/deliver', [
    'const outcomes = await Promise.all(claimed.map((one) => send(messageOf(one, settings))));',
    'await store.recordDeliveries(receiver.receiver, { at: timestamp(nowMs), delivered: claimed.map(({ number }) => number), failed: [] }); const outcomes = await Promise.all(claimed.map((one) => send(messageOf(one, settings))));',
  ]),
  mutant('pauses do not grow', 'a receiver that is down is asked every five seconds for days', 'notify/tries', [
    'PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]',
    'PAUSES_MS[Math.min(tries, 0)]',
  ]),
  mutant('a notification is never given up', 'a receiver that is gone fills the records', 'notify/tries', [
    'return nowMs - Date.parse(at) >= GIVEN_UP_AFTER_MS && tries + 1 >= FEWEST_TRIES;',
    'return nowMs - Date.parse(at) >= Number.POSITIVE_INFINITY;',
  ]),
  mutant('a forgotten payout is told of after a failed try', 'a payee is forgotten, and named', 'store-notifications', [
    'iif(:next IS NULL, :at, NULL) WHERE number = :number AND next_try_at IS NOT NULL',
    'iif(:next IS NULL, :at, NULL) WHERE number = :number AND delivered_at IS NULL',
  ]),
  mutant('what was delivered counts as given up', 'a monitor rings for what is well', 'store-notifications', [
    '(SELECT count(*) FROM notifications WHERE given_up_at IS NOT NULL) AS "givenUp"',
    '(SELECT count(*) FROM notifications WHERE next_try_at IS NULL) AS "givenUp"',
  ]),
  mutant('the oldest notification has no age', 'a monitor never learns that nobody is told', 'metrics', [
    "const since = oldest === '' ? undefined : oldest;",
    "const since = oldest === '' ? oldest : undefined;",
  ]),
  mutant('a signature is in hexadecimal', 'no library of a receiver takes it', 'notify/signature', [
    ".digest('base64')}`)",
    ".digest('hex')}`)",
  ]),
  mutant('a redirect counts as taken', 'a moved receiver never learns of anything', 'notify/http', [
    'if (status >= 200 && status <= 299)',
    'if (status >= 200 && status <= 399)',
  ]),
];

const PAGE_OF_A_FILE: Mutant[] = [
  mutant('the verdict ignores what did not arrive', 'a page is green, and three payees wait', 'file-page', [
    "[lost, 'bad',",
    "[0, 'bad',",
  ]),
  mutant('a sum mixes currencies', 'euros and rupees make one sum that means nothing', 'file-page', [
    'sumOf(summary.totals.filter((total) => total.currency === currency))',
    'sumOf(summary.totals)',
  ]),
  mutant('a heading ends a sheet', 'the sums of a printed page have no heading above them', 'run-page', [
    'h2, h3, caption, thead, .eyebrow, section',
    'caption, thead, .eyebrow, section',
  ]),
  mutant('unreadable amounts are not counted', 'a sum looks whole and lacks 1,000.00', 'file-page', [
    'if (isUnread(row)) total.unread++;',
    '',
  ]),
  mutant('what could not be read is shown as zero', 'a sum of 0.00 stands for an amount of 1,000.00', 'file-page', [
    'unread > 0 && amount.units === 0n',
    'false',
  ]),
];

const MONEY_OF_A_MONTH: Mutant[] = [
  mutant('an export loses the last payout of a page', 'a payout of the month is in no export', 'export', [
    '    afterId = last.id;\n    read += page.length;',
    '    afterId = last.id + 1;\n    read += page.length;',
  ]),
  mutant('an export forgets what was only decided about', 'a decision of the month is in no export', 'export', [
    `${MOVED_OF_LISTED} const isClosed = 'EXISTS (SELECT 1 FROM closings WHERE closings.instruction = i.id)';`,
    `${MOVED_OF_LISTED} const isClosed = 'false';`,
  ]),
  mutant('a reversal is no booking', 'the statement says more than the provider paid', 'statement', [
    "if (type !== 'status' || to === 'manual' || (to === 'paid') === isPaid) continue;",
    "if (type !== 'status' || to !== 'paid' || isPaid) continue;",
  ]),
  mutant('what is unclear counts as reversed', 'the statement says less than the provider paid', 'statement', [
    "if (type !== 'status' || to === 'manual' || (",
    "if (type !== 'status' || (",
  ]),
  mutant('root decides', 'no person can be asked about a decision', 'decision', [
    'const own = uid === ROOT ? undefined : name;',
    'const own = name;',
  ]),
  mutant('the name of a decision is that of the account', 'another person is asked about it', 'decision', [
    'if (stated === undefined || stated === own) return own',
    'if (own !== undefined) return own',
  ]),
  mutant("a run's report has the bank reference of today", 'what was written differs from what is', 'closing-order', [
    "iif(told.body ->> 'to' = 'ready', '', told.body ->> 'bankReference')",
    '(SELECT bank_reference FROM instructions WHERE id = told.instruction)',
  ]),
  mutant('a statement counts what comes after its month', 'a month that is over changes', 'statement', [
    'if (at >= until) continue;',
    '',
  ]),
];

const SENDING: Mutant[] = [
  {
    ...INTENTS_LATE,
    name: 'intent committed after sending',
    why: 'a crash forgets what was sent, and it is sent again',
    tests: ['test/submit.test.ts'],
  },
  mutant('unknown is ready again', 'an unclear payout is paid twice', 'submit', [
    "return { id, version, from, to: 'unknown', message, ...why",
    "return { id, version, from, to: 'ready', message, ...why",
  ]),
  mutant('sending at start is ready again', 'a crash pays twice', 'submit', [
    "version, from: 'sending', to: 'unknown', message, unclear: true,",
    "version, from: 'sending', to: 'ready', message, unclear: true,",
  ]),
  mutant('declined after unclear', 'what was paid is called refused', 'submit', [
    'doubtOfRefusal(outcome, instruction.unclearAt, forgetful)',
    "doubtOfRefusal(outcome, '', forgetful)",
  ]),
  mutant('restored records believe a refusal', 'what they forgot is called declined', 'anchor', [
    'return forgetful ? ',
    'return forgetful && false ? ',
  ]),
  mutant('accepted records forget nothing', 'what they forgot is called declined', 'anchor', [
    'return (await store.fact(LOOK_UP_ONLY)) !== undefined;',
    'return (await lookUpOnly(store as Store)) !== undefined;',
  ]),
  mutant(
    'payouts are declined with a doubted order',
    'what its look-up would have found is called declined',
    'registration',
    ['if (doubt !== undefined && !rides) return', "if (doubt === 'never') return"],
  ),
  mutant('body built anew on re-send', 'the second request is another payout', 'submit', [
    'const body = instruction.body || provider.body(',
    'const body = provider.body(',
  ]),
  mutant('stopped line goes on', 'refused credentials are tried for every payout', 'submit', [
    'if (!settled && line.stopped())',
    "if (!settled && line.stopped() === 'never')",
  ]),
  mutant('client reference from a counter', 'a second machine pays again', 'instruction', [
    'const digest = sha256Bytes(',
    'const digest = sha256Bytes(process.hrtime.bigint() + ',
  ]),
  mutant('an order is registered again at once', 'an order is created twice', 'registration', [
    "    case 'not-found':\n      if (isQuarantined) return undefined;",
    "    case 'not-found':",
  ]),
  mutant('an order is refused while it may arrive yet', 'an order is created twice', 'registration', [
    '      if (isQuarantined) return undefined;\n      return {\n        ...unclear,',
    '      return {\n        ...unclear,',
  ]),
  mutant('what was refused meanwhile is held back with its file', 'a pass ends with a fault', 'hold', [
    "page.filter(({ status }) => status !== 'held' && TRANSITIONS[status].includes('held'))",
    "page.filter(({ status }) => status !== 'held')",
  ]),
  mutant('what was refused meanwhile is judged as held', 'a pass ends with a fault', 'hold', [
    "(await store.toJudge(ids, ground.knownPayees)).filter(({ status }) => status === 'held')",
    'await store.toJudge(ids, ground.knownPayees)',
  ]),
  mutant('what was refused meanwhile is held to the limits of the day', 'a pass ends with a fault', 'hold', [
    "(await store.toJudge(page.map(({ id }) => id))).filter(({ status }) => status === 'ready')",
    'await store.toJudge(page.map(({ id }) => id))',
  ]),
  mutant('instructions go before their order', 'the provider is asked to pay for nothing', 'registration', [
    "return { kind: 'not-sent', message: `its order may not",
    "if (outcome) return undefined;\n      return { kind: 'not-sent', message: `its order may not",
  ]),
  mutant("another's order is taken for ours", 'money is paid on the wrong order', 'registration', [
    "if (found.difference === '') return",
    'if (found) return',
  ]),
  mutant('riders that were refused are sent no more', 'good payouts are declined', 'registration', [
    "if (outcome.kind !== 'declined' || outcome.afterUnclear || unclearAt !== '' || riders.size === 0) return",
    'if (riders.size >= 0) return',
  ]),
  mutant('a DELETE of what was not paid is rejected', 'what was to be deleted is paid again', 'amend', [
    "if (isDeleted && found.kind !== 'unclear') return { kind: 'done' };",
    '',
  ]),
  mutant('a DELETE is carried out against the provider’s word', 'an open payout is called deleted', 'amend', [
    "const unpaid = found.kind !== 'found' || found.deleted || found.failedOrReturned;",
    'const unpaid = true;',
  ]),
  mutant('a change is asked for without looking', 'a change is made twice', 'amend', [
    "    case 'done':\n      await record(amending, { kind: 'done' });\n      return;",
    "    case 'done':\n      break;",
  ]),
  mutant('what is processed is changed here alone', 'our amount is not what was paid', 'amend', [
    "return after && sends > 0 ? 'undecided' : 'refused';\n}",
    "return 'done';\n}",
  ]),
  mutant('retry from unknown', 'a person pays a second time by mistake', 'resolution', [
    'if (!FINAL_FAILURES.includes(before.status)) {',
    "if (![...FINAL_FAILURES, 'paid', 'unknown'].includes(before.status)) {",
  ]),
  mutant('retry under the same reference', 'the provider refuses it for ever', 'resolution', [
    'raw = NULL, attempt = attempt + 1,',
    'raw = NULL,',
  ]),
  mutant(
    'any word of something used says that the reference is known',
    'a refusal is looked up and sent again for days',
    'provider/payout-orders',
    ['(WHAT_WAS_SENT.test(text) && !SOMETHING_ELSE.test(text))', 'true'],
  ),
  mutant(
    'not found is believed by its status and code alone',
    'a payout that is there is sent again',
    'provider/payout-orders',
    [' && saysNothingFound(envelope.text)', ''],
  ),
  mutant('a status is read in one letter case alone', 'what was paid stays open for good', 'provider/payout-orders', [
    'status.toLowerCase();',
    'status;',
  ]),
  mutant(
    'a payout is sent again after a 401 whatever the provider does with a used reference',
    'it is paid twice',
    'provider/imburse-token',
    ["if (!mayRepeat && request.method !== 'GET')", "if (!mayRepeat && request.method === 'HEAD')"],
  ),
  mutant(
    'an order of another customer is adopted',
    'a payout is called paid because another customer was paid',
    ['registration', 'provider/order-management'],
    ['    ...customerDifference(record, order),\n', ''],
    [
      'customersIn(record).includes(order.customerRef) || namesNoCustomer(record, order)',
      'record !== undefined || order',
    ],
  ),
  mutant('another customer may have the same order reference', "one customer's payout stands for another's", 'intake', [
    'if (holder !== undefined && holder !== order.customerRef)',
    "if (holder === 'none')",
  ]),
  mutant('retry without a look-up', 'what was paid after all is paid again', 'resolution', [
    'if (objection === undefined) return record(',
    "if (objection !== 'never') return record(",
  ]),
  mutant("a person's word ends a quarantine", 'what arrives late is called not paid, and paid again', 'resolution', [
    'if (leftMs > 0)',
    'if (leftMs < 0)',
  ]),
  mutant(
    'the same refusal goes on',
    'an empty account declines all that is due',
    ['flow', 'submit'],
    ['if (times < REFUSED_ALIKE && alike !== refuses) return;', 'if (times > 0) return;'],
  ),
  mutant('sent as the database has it', 'an altered amount is paid', 'replay', [
    'if (instructionDiffers(instruction, history) !== undefined) {',
    "if (instructionDiffers(instruction, history) === 'never') {",
  ]),
  mutant('amount beside its row', 'an altered amount is paid', 'replay', [
    '  if (stated !== amountMinor)\n',
    '  if (stated === undefined && amountMinor !== undefined)\n',
  ]),
  mutant('digest not compared', 'an altered payee is paid', 'replay', [
    '  if (now === digest) return undefined;\n  return `the log says that its row',
    '  if (now) return undefined;\n  return `the log says that its row',
  ]),
  mutant('status beside the log', 'a status written by hand is reported', 'verify', [
    "differs('status', replayed.status ?? record.status, record.status)",
    "differs('status', record.status, record.status)",
  ]),
  mutant('digests of a file not compared', 'a digest that was altered, too, is believed', 'verify', [
    'store.digestOf(file, later); if (now === digest) return undefined;',
    'store.digestOf(file, later); if (now) return undefined;',
  ]),
  mutant('altered orders registered', 'an altered order is made', 'replay', [
    '        if (what !== undefined) altered.set(key, what);\n',
    '',
  ]),
  mutant('altered riders ride', 'an altered amount is paid', 'replay', [
    'if (instructionDiffers(one, history) !== undefined) return [];',
    'if (instructionDiffers(one, history) === "never") return [];',
  ]),
  mutant('a refused change is believed after doubt', 'the provider pays another amount than is told', 'amend', [
    "      if (amendment.sends > 0 || outcome.afterUnclear) return 'unclear';\n",
    '',
  ]),
  mutant('only the last attempt is looked up', 'an earlier one that was paid after all is paid twice', 'resolution', [
    'attempt < instruction.attempt; attempt++',
    'attempt < 1; attempt++',
  ]),
  mutant('an emptied digest is none', 'an altered payee is paid', 'replay', ["'', 'missing'))`", "'', ''))`"]),
];

const ANSWERS: Mutant[] = [
  mutant('a new token after the line stopped', 'refused credentials are tried again', 'provider/imburse-token', [
    'if (!request.goesOn())',
    'if (!request.goesOn() && !request.path)',
  ]),
  mutant('not sent although it started', 'a broken connection pays twice', 'provider/http', [
    "        connection\n          ? { kind: 'unclear'",
    "        connection && ended\n          ? { kind: 'unclear'",
  ]),
  mutant(
    'redirect followed',
    'the signed order goes to another host',
    'provider/http',
    ['import type { Dispatcher, Pool }', "import { interceptors } from 'undici';\nimport type { Dispatcher, Pool }"],
    ['      pool.dispatch(', '      pool.compose(interceptors.redirect({ maxRedirections: 3 })).dispatch('],
    ['if (ended || connection) controller.abort', 'if (ended) controller.abort'],
  ),
  mutant('certificate not checked', 'what is on the way can answer instead', 'provider/http', [
    'rejectUnauthorized: true',
    'rejectUnauthorized: false',
  ]),
  mutant('used reference believed declined', 'what was paid is called refused', 'provider/payout-orders', [
    'if (saysAlreadyUsed(envelope)) return',
    "if (envelope.code === '' && saysAlreadyUsed(envelope)) return",
  ]),
  mutant('a firewall’s page stops the line', 'one row keeps all others from being paid', 'provider/payout-orders', [
    "(status === 403 && (envelope || body === ''))",
    'status === 403',
  ]),
  mutant('grouping of India is not read', 'what was paid is called unclear', 'provider/payout-orders', [
    '|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3})',
    '|[0-9]{4,}(?:,[0-9]{2})*,[0-9]{3})',
  ]),
  mutant(
    'a record without a customer counts as ours',
    'another customer’s payout is called paid',
    'provider/order-management',
    ['if (!saysWhose(record)) return NOT_SAID_WHOSE;', ''],
  ),
  mutant('401 does not stop the line', 'the provider locks the account', 'provider/payout-orders', [
    "  if (status === 401 || (status === 403 && (envelope || body === ''))) return CREDENTIALS;\n",
    '',
  ]),
  mutant('server error believed declined', 'what was paid is called refused', 'provider/payout-orders', [
    'const REFUSED_STATUSES: readonly number[] = [200, 400, 422];',
    'const REFUSED_STATUSES: readonly number[] = [200, 400, 422, 500, 502, 503];',
  ]),
  mutant("any 404 is 'not found'", "a proxy's page pays twice", 'provider/payout-orders', [
    'if (saysNotFound(outcome.status, envelope)) return',
    'if (outcome.status === 404) return',
  ]),
];

const LOOK_UPS: Mutant[] = [
  mutant('404 trusted at once', 'a late payout is paid twice', 'reconcile', [
    '  if (nowMs - Date.parse(unclearAt) < quarantineMs) return asBefore(instruction);\n',
    '',
  ]),
  mutant('sent again where that is not allowed', 'a provider without memory pays twice', 'reconcile', [
    "if (duplicateClientRef !== 'rejected')\n",
    'if (duplicateClientRef.length === 0)\n',
  ]),
  mutant('amount mismatch ignored', "another customer's payout counts as ours", 'reconcile', [
    'return compare(amount, expected) === 0 ?',
    'return compare(amount, expected) !== undefined ?',
  ]),
  mutant('submitted falls back', 'a look-up that lags pays twice', 'reconcile', [
    "if (status === 'unknown') return notFound(instruction, nowMs, bearings);",
    "if (status !== 'paid') return notFound(instruction, nowMs, bearings);",
  ]),
  mutant('records are accepted unseen', 'what was paid since the backup is paid again', 'anchor', [
    'if (!(await isLookedUp(store, anchor)))',
    'if (anchor === undefined)',
  ]),
  mutant('look-ups of an earlier restore count', 'what was paid since the backup is paid again', 'anchor', [
    'return (await store.fact(LOOKED_UP)) === line(anchor.last() ?? CHAIN_START);',
    "return ((await store.fact(LOOKED_UP)) ?? '') !== '';",
  ]),
  mutant('a look-up without an answer is one', 'what was paid since the backup is paid again', 'anchor', [
    'forgetful && !other && unanswered === 0 &&',
    'forgetful && !other &&',
  ]),
  mutant('look-up-only mode off', 'a restored backup pays again', 'anchor', [
    '  const doubt = await lookUpOnly(store);\n  if (doubt !== undefined) return `',
    "  const doubt = await lookUpOnly(store);\n  if (doubt === 'never') return `",
  ]),
  mutant('a clock set back ends the quarantine', 'a late payout is paid twice', 'store', [
    'SET unclear_at = min(unclear_at, :at),',
    "SET unclear_at = '2000-01-01T00:00:00.000Z',",
  ]),
  mutant('a refusal is believed in quarantine', 'what was paid is called refused', 'reconcile', [
    'if (nowMs - Date.parse(unclearAt) < quarantineMs) return',
    "if (refusedAt === '' && nowMs - Date.parse(unclearAt) < quarantineMs) return",
  ]),
  mutant('a refusal after doubt is forgotten', 'it is sent five times', 'reconcile', [
    "if (refusedAt !== '')",
    "if (refusedAt === 'never')",
  ]),
  mutant('a payout declined in doubt is looked up no more', 'what was paid stays declined', 'reconcile', [
    "(['declined', 'paid', 'unsettled'] as const)",
    "(['paid', 'unsettled'] as const)",
  ]),
  mutant('retry keeps the refusal', 'the next attempt is called refused', 'reconcile', [
    "answer = '', answer_since = '', refused_at = '', refused_code = '', refused_message = ''`); const price = update(",
    "answer = '', answer_since = ''`); const price = update(",
  ]),
  mutant('an order refused after doubt is sent on', 'it is registered for ever', 'registration', [
    "if (order.registrationRefusedAt !== '') {",
    "if (order.registrationRefusedAt === 'never') {",
  ]),
  mutant('words that can’t be read take paid back', 'what was paid is called unclear', 'reconcile', [
    "return status === 'paid'\n        ? staysPaid(",
    "return status === 'ready'\n        ? staysPaid(",
  ]),
  mutant('what was paid is not found', 'what was paid is called unclear', 'reconcile', [
    "return status === 'paid'\n        ? NOTHING",
    "return status === 'ready'\n        ? NOTHING",
  ]),
  mutant('a contradiction is dated back', 'one slip takes paid back', 'reconcile', [
    "const before = status === 'paid' && !",
    "const before = status === 'ready' && !",
  ]),
  mutant('an unsettled answer is forgotten after a week', 'a person is told of it for ever', 'reconcile', [
    "(['declined', 'paid', 'unsettled'] as const)",
    "(['declined', 'paid'] as const)",
  ]),
  mutant(
    'nothing is given up',
    'a payout is open for ever',
    ['reconcile', 'amend'],
    ["if (answerSince !== '' && nowMs", "if (answerSince === 'never' && nowMs"],
  ),
  mutant('an outage ages', 'a provider that is down makes all manual', 'reconcile', [
    'if (!outcome.answered) return NOTHING;',
    'if (!outcome.message) return NOTHING;',
  ]),
  mutant('what was read again goes on ageing', 'a payout is manual without reason', 'reconcile', [
    "return answerSince === '' ? undefined :",
    "return answerSince !== 'never' ? undefined :",
  ]),
  mutant('a person is asked again for the same', 'no decision holds', 'reconcile', [
    "coalesce(?, iif(status = 'manual', answer, ''))",
    "coalesce(?, '')",
  ]),
  mutant(
    'odd answers stop the line',
    'ten of them hide all others',
    ['look-ups', 'reconcile'],
    ['line.note(unclear?.answered ? undefined : unclear?.message);', 'line.note(unclear?.message);'],
  ),
  mutant(
    'each pass begins anew',
    'ten without an answer hide all others',
    ['look-ups', 'reconcile'],
    ['if (stopped && last !== undefined)', "if (stopped && last === '')"],
  ),
  mutant(
    'look-ups do not wait',
    'the provider locks the account',
    ['look-ups', 'reconcile'],
    ['      pace.holdFor(unclear.retryAfterMs);\n', ''],
  ),
  mutant('what moved is asked for twice', 'the rate is broken', 'reconcile', [
    'if (finding.changes || turns.line !== line) done.add(instruction.id);',
    '',
  ]),
  mutant('old ones are sent first', 'one poison row holds all up', 'submit', [
    'sentBefore ? [{ sentBefore }] : [{ sentBefore: false }, { sentBefore: true }];',
    'sentBefore ? [{ sentBefore }] : [{ sentBefore: true }, { sentBefore: false }];',
  ]),
  mutant('only the amount tells', 'a new payee is reported as refused', 'amend', [
    '{ ...amountOf(found), ...found.states }',
    'amountOf(found)',
  ]),
  mutant('what can not be told is refused', 'a person is told what is not known', 'amend', [
    "return after && sends > 0 ? 'undecided' : 'refused';",
    "return after && sends < 0 ? 'undecided' : 'refused';",
  ]),
];

const STORE: Mutant[] = [
  mutant('numbers of a restored backup', 'two files have one number', 'workspace', [
    'if (kept.get(name) !== String(highest)) keep.run(name, String(highest));',
    '',
  ]),
  mutant('missing status condition', 'two hands move one payout', 'store', [
    `WHERE id = ? AND status = +? AND version = ? \${where} RETURNING attempt`,
    `WHERE id = ? AND ? <> 0 AND ? <> 0 \${where} RETURNING attempt`,
  ]),
  mutant('status from any version', 'a stale decision overrides a newer one', 'store', [
    `WHERE id = ? AND status = +? AND version = ? \${where} RETURNING attempt`,
    `WHERE id = ? AND status = +? AND ? <> 0 \${where} RETURNING attempt`,
  ]),
  mutant('audit entry left out', 'it can not be told what happened', 'store', [
    '      append(statusEvent(change, now), change.id);\n',
    '',
  ]),
  mutant('kept count of what has moved', 'reports tell what is over', 'status-counts', [
    'counts === null || movedFiles.has(number) ? [number] : []',
    'counts === null ? [number] : []',
  ]),
  mutant('references never entered', 'what was taken in is taken in again', 'store', [
    '    enter.run(fileRange(file));\n',
    '',
  ]),
  mutant('references taken over', 'two instructions under one name', 'store', [
    'SET instruction = iif(instruction = excluded.instruction, instruction, NULL)',
    'SET instruction = excluded.instruction',
  ]),
  mutant('repeats overlooked', 'a row does not see what an earlier one did', 'intake/repeats', [
    'return includes(repeated, hash >>> 0);',
    'return includes(repeated.subarray(1), hash >>> 0);',
  ]),
  mutant('orders taken for new', 'what was taken in is not recognised', 'cases', [
    'orders[at]?.hadInstructions !== false',
    'orders[at]?.hadInstructions === undefined',
  ]),
  mutant('a command is part of no run', 'a change is in no report', 'resolution', [
    'return { settings, store, run: await store.runUnderWay() };',
    'return { settings, store, run: undefined };',
  ]),
  mutant('a pass records for the run before', 'a change is in the report of another run', 'pipeline', [
    'const tools: Tools = { ...opened, run: run.number };',
    'const tools: Tools = opened;',
  ]),
  mutant('deferred change', 'another writer comes in between', 'store-locking', [
    'apply: applyAll.immediate,',
    'apply: applyAll.deferred,',
  ]),
  mutant('deferred registration', 'another writer comes in between', 'store-locking', [
    'return register.immediate;',
    'return register.deferred;',
  ]),
  mutant('deferred rows', 'another writer comes in between', 'store-locking', [
    'record.immediate(file, rows, progress, moment);',
    'record.deferred(file, rows, progress, moment);',
  ]),
  mutant('a restored workspace is trusted', 'what was sent since the backup is sent again', 'whole', [
    'await doubtRestored(store, ',
    'void (store, ',
  ]),
  mutant('a restore takes a live inbox', 'files that are dropped are paid by no workspace', 'whole', [
    "if (folders !== 'as-set') await requireOwn(settings);",
    '',
  ]),
  mutant('links in a backup are followed', 'files from elsewhere become a part of the records', 'whole', [
    'if (isLast ? found.isFile() : found.isDirectory()) continue;',
    'if (found.size >= 0) continue;',
  ]),
  mutant('a folder behind a link is given to a group', "root gives away a folder of root's", 'init', [
    '      requireNoLink(workspace, name, path);\n',
    '',
  ]),
  mutant('records are upgraded without a copy', 'there is no way back to the older program', 'store-sqlite', [
    'had > 0 && isKept ? copyBeforeUpgrade(path, MIGRATIONS.length) : undefined',
    'undefined as string | undefined',
  ]),
  mutant(
    'synchronous left to its default',
    'a power cut forgets what was sent',
    'store-sqlite',
    ["  db.pragma('synchronous = FULL');\n", ''],
    ['|| synchronous !== FULL ', ''],
  ),
  mutant(
    'synchronous NORMAL',
    'a power cut forgets what was sent',
    'durable-order',
    ["db.pragma('synchronous = FULL');", "db.pragma('synchronous = NORMAL');"],
    ['|| synchronous !== FULL ', ''],
  ),
  mutant('lock not taken', 'two instances send the same', 'lock', ["    db.exec('BEGIN EXCLUSIVE');\n", '']),
  mutant('duplicate file not recognised', 'a file dropped twice stops the program', 'store', [
    'const first = file.problem ? undefined : sameBytes.get(file.sha256);',
    "const first = file.problem ? undefined : sameBytes.get('');",
  ]),
  mutant('a superseded change is applied again', 'an amount is paid that was corrected since', 'intake/existing', [
    'const original = replaced.size === 0 ?',
    'const original = replaced.size >= 0 ?',
  ]),
  mutant('what a rejected UPDATE had replaced is taken in again', 'a superseded amount is paid', 'intake/existing', [
    'const original = isLast ?',
    'const original = isLast || lapsed ?',
  ]),
  mutant(
    'a rejected UPDATE is forgotten by what takes its place',
    'dropped again it undoes a newer amount',
    'intake/existing',
    ['const statements = [...lapsed.replaced, [last, lapsed.contentRow], ', 'const statements = [...lapsed.replaced, '],
  ),
  mutant('a rejected UPDATE is counted with another file', 'it is never repaired', 'file-reports', [
    "standsAt = db.prepare<[number], number>('SELECT content_row FROM",
    "standsAt = db.prepare<[number], number>('SELECT id FROM",
  ]),
  mutant('a change that changed nothing is forgotten', 'dropped again it undoes a newer one', 'intake/existing', [
    'if (row.restates) keep(',
    "if (row.restates?.statement === '') keep(",
  ]),
  mutant(
    'a repeat in one file is a quiet duplicate',
    'one of two payees under one number is never paid',
    'intake/earlier-rows',
    ['if (known) return known.line < line ? known : undefined;', 'if (known) return undefined;'],
  ),
];

const FILES: Mutant[] = [
  mutant('a page goes on behind a row too many', 'a row is told nowhere', 'file-reports', [
    'after = last.line;',
    'after = last.line + 1;',
  ]),
  mutant('no folder sync', 'a power cut brings back what was moved', 'durable-order', [
    '  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);\n  try {\n    await handle.sync();',
    '  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);\n  try {',
  ]),
  mutant('rename without sync of the file', 'a power cut leaves an empty report', 'durable-order', [
    '      await handle.sync();\n      await handle.close();',
    '      await handle.close();',
  ]),
  mutant('spool copy not synced', 'a power cut loses rows', 'durable-order', ['    await target.sync();\n', '']),
  mutant('day of the archive not synced', 'a power cut loses what was archived', 'durable-order', [
    '      await syncFolder(archive);\n',
    '',
  ]),
  mutant('index forgets files', 'a row to correct is on no list of what is to be done', 'standing', [
    '      toRepair: file.toRepair,\n      ...refusedFiles(still',
    '      ...refusedFiles(still',
  ]),
  mutant('anchor not synced', 'a power cut hides a restored backup', 'durable-order', [
    '    isCut = false;\n    await file.datasync();\n',
    '    isCut = false;\n',
  ]),
  mutant(
    'reports before the end of their run',
    'a crash leaves reports that can not be repeated',
    'closing-order',
    [
      "  const ended = run.finishedAt === '' ? await store.endRun(run.number, momentOf(tools), atEnd) : run;\n",
      "  const ended = run.finishedAt === '' ? { ...run, finishedAt: momentOf(tools).at } : run;\n",
    ],
    [
      '  await store.runReported(run.number, await publish(settings.outbox, kept));\n',
      "  const published = await publish(settings.outbox, kept);\n  if (run.finishedAt === '') await store.endRun(run.number, { ...momentOf(tools), at: ended.finishedAt }, atEnd);\n  await store.runReported(run.number, published);\n",
    ],
  ),
  mutant('verdicts as they are now', 'a run page is other than the one that was published', 'closing-order', [
    '    verdict: verdicts[file.number] ?? verdictOf(file, summary),',
    '    verdict: verdictOf(file, summary),',
  ]),
  mutant('line dropped silently', 'a payout is never made, and no report says so', 'rows', [
    'return { rows, blankLines, unevenRows, nextOffset: from.offset + bytes.length',
    "return { rows: rows.filter((row) => row.kind === 'row'), blankLines, unevenRows, nextOffset: from.offset + bytes.length",
  ]),
  mutant('lost row reported', 'a report does not add up', 'report', [
    '    throw broken(file, `$',
    '    broken(file, `$',
  ]),
  mutant('floating-point amounts', 'cents are lost', 'money', [
    'return amount.units * tenToThe(exponent - amount.scale);',
    'return BigInt(Math.round(Number(amount.units) * 10 ** (exponent - amount.scale)));',
  ]),
  mutant('formula escape off', "a spreadsheet runs a stranger's formula", 'formula', [
    'return NEEDS_PROTECTION.test(text) ?',
    "return text === '=' ?",
  ]),
  mutant('free-space floor ignored', 'what is sent can not be written down', 'free-space', [
    'if ((await freeBytes()) >= LEAST_FREE_BYTES) return undefined;',
    'if ((await freeBytes()) >= 0) return undefined;',
  ]),
  mutant('sandbox turned real', "what was 'paid' in play is never paid", 'workspace', [
    '  if (withoutKey && namesSandbox(withoutKey)) throw new UsageError(otherProviderText(withoutKey));\n',
    '',
  ]),
  mutant('nightly run twice a day', 'the night is sent a second time', 'store', [
    'nightlyOf.get(businessDate) : undefined; if (known?.finishedAt) return undefined;',
    'nightlyOf.get(businessDate) : undefined;',
  ]),
  mutant('anchor out of turn', 'sound records are doubted', 'anchor', [
    'const done = underWay.then(work);',
    'const done = work();',
  ]),
  mutant('anchor goes back', 'a restored backup is not noticed', 'anchor', [
    'if (!last || head.seq > last.seq) await write(head);',
    'if (!last || head.seq !== last.seq) await write(head);',
  ]),
  mutant('reports written again are not marked', 'an old result stands for good', 'pipeline', [
    'await store.markStale(number);',
    'await store.staleReports().then(() => 0);',
  ]),
  mutant('reports out of turn', 'an older result comes over a newer one', 'pipeline', [
    'if (turn || clock.monotonic()',
    'if (!turn) return { release: () => undefined };\n    if (turn || clock.monotonic()',
  ]),
  mutant('another provider is sent what is open', 'two providers pay the same', 'binding', [
    '  if (other) return otherProviderText(other);\n',
    '',
  ]),
  mutant('another provider is believed', "a stranger's answer decides", 'binding', [
    '    if (another) return outcome;\n',
    '',
  ]),
  mutant('one machine clears what another has named', 'two accounts pay the same', 'binding', [
    "'provider-named': 'own'",
    "'provider-named': 'shared'",
  ]),
  mutant('new records change their account under a machine', 'two accounts pay the same', 'binding', [
    'filter(({ alive }) => alive).length > 1)',
    'filter(({ alive }) => alive).length > 100)',
  ]),
  mutant('another account accepted with open payouts', 'two providers pay the same', 'binding', [
    'const open = same ? [] : await openThere(store);',
    'const open = same ? [] : (await openThere(store)).slice(0, 0);',
  ]),
  mutant(
    'metadata goes through an object',
    'names that are numbers are sent in another order than the file has',
    ['provider/order-management', 'provider/collect'],
    [
      'return `{${metadata.map(([name, value])',
      'return `{${Object.entries(Object.fromEntries(metadata)).map(([name, value])',
    ],
  ),
  mutant('rows between two quotes are one', 'good rows are rejected under the error of another', 'rows', [
    'if (lookahead.isWhole(withoutEnd(line))) return undefined;',
    '',
  ]),
  mutant('a span at the end of a batch is cut', 'a row has other numbers after a crash', 'rows', [
    "if (spanning === 'not known yet' && at > 0)",
    "if (spanning === 'not known yet' && at < 0)",
  ]),
  mutant('a comma too many is empty cells', 'of 1,000.00 only 1 is paid', 'rows', [
    '!(endsRequired && cells.slice(named).every(isBlank))',
    '!cells.slice(named).every(isBlank)',
  ]),
  mutant(
    'other blanks are trimmed away',
    'a payout goes to an empty payee',
    ['rows', 'validate'],
    ['cells: trimmed(cells), raw', 'cells: cells.map((cell) => cell.trim()), raw'],
  ),
  mutant('a header in another order is read on', 'narration and remark are swapped', 'input', [
    'if (headersAgain.other) return',
    'if (headersAgain.other?.line === 0) return',
  ]),
  mutant('a payee is taken for a total', 'a row is not paid, and its error tells to throw it away', 'validate', [
    'references.some((cell) => isReference(cell) && !isName(cell))',
    'references.every((cell) => isReference(cell) && !isName(cell))',
  ]),
  mutant('a total is added to the rows', 'the control sum is twice what is paid', 'validate', [
    "errors: [{ column: '', value: amount, code: 'TOTALS_ROW_NOT_ALLOWED' }] }",
    "errors: [{ column: '', value: amount, code: 'TOTALS_ROW_NOT_ALLOWED' }], amount: parseAmount(amount) }",
  ]),
  mutant('a value behind the header is cut off', 'half of what a row says is paid', 'rows', [
    'endsRequired && cells.slice(named).every(isBlank)',
    'endsRequired',
  ]),
  mutant('a missing cell is an empty one', 'a line that was cut short is paid', 'rows', [
    '  if (cells.length < named) return undefined;\n',
    '',
  ]),
  mutant('the line of the cut is evened', 'the first digits of an amount are paid', 'rows', [
    'at < ended ? columns : {',
    'at >= 0 ? columns : {',
  ]),
  mutant('NUL is text', 'a file that was not written whole is taken in', 'rows', [
    'nul ??= nulIn(bytes, lines);',
    'nul ??= lines.offset === 0 ? nulIn(bytes.subarray(0, 4_096), lines) : undefined;',
  ]),
  mutant('JSON is printed as it is', 'a file name takes over the terminal', 'terminal', [
    'if (PLAIN_LINES.test(json)) return json;',
    "if (json !== '') return json;",
  ]),
  mutant('a decoded key is shown', 'who reads the records can sign requests', 'provider/secrets', [
    ', ...spellingsOf(decoded(secret))];',
    '];',
  ]),
  mutant('one entry stops the inbox', 'nothing is paid any more, for a folder that was dropped', 'inbox', [
    "    return isErrno(error, 'ENOENT', 'ENAMETOOLONG') ? false : ownTrouble(error);\n",
    "    if (isErrno(error, 'ENOENT', 'ENAMETOOLONG')) return false;\n    throw error;\n",
  ]),
  mutant('copy has its own time', 'a file of a clock ahead comes again and again', 'inbox', [
    '    await target.utimes(mtimeMs / 1000, mtimeMs / 1000);\n',
    '',
  ]),
  mutant('waits of a clock ahead', 'a payout is in quarantine for a year', 'faults-time', [
    'return (at) => writes.reduce((sum, write) => sum + write.run({ at }).changes, 0);',
    "return (at) => writes.length * Number(at === 'never');",
  ]),
  mutant('nights of a clock ahead', 'nothing is sent for a year', 'faults-time', [
    '(await store.lastNightly(today))',
    '(await store.lastNightly())',
  ]),
  mutant('a decision stands in no run report', 'the run reports are not the history', 'closing-order', [
    '    takeOver.run(run);\n',
    '',
  ]),
  mutant('damage is told in the words of SQLite', 'the message names neither the file nor what to do', 'store-sqlite', [
    'const store = explaining(storeOn(db, options), (error) => explained(path, error));',
    'const store = storeOn(db, options);',
  ]),
  mutant('show believes the record', 'a failed payout is taken for paid', 'verify', [
    'return differing.size > 0 ? EXIT.attention : EXIT.done;',
    'return EXIT.done;',
  ]),
  mutant('report N tells what was altered', 'a failed payout is taken for paid', 'verify', [
    'const range = { after: rowId(file, 0), upTo: rowId(file + 1, 0) };',
    'const range = { after: rowId(file, 0), upTo: rowId(file, 0) };',
  ]),
  mutant('a change that no row asked for is asked for', 'the payee gets another amount', 'verify', [
    '  if (asked?.row !== amendment?.row)\n',
    '  if (asked && asked.row !== amendment?.row)\n',
  ]),
  mutant('a timer of any length', 'every request is given up as soon as it is sent', 'settings', [
    "const LONGEST_TIMEOUT = '1d';",
    "const LONGEST_TIMEOUT = '3650d';",
  ]),
  mutant('another folder is taken for the inbox', 'reports are taken in as files', 'watch', [
    'refusal: () => overlaps(settings)[0]',
    'refusal: () => undefined',
  ]),
  mutant('an inbox that is away is told of at each look', 'the log is full of it', 'watch', [
    'if (why !== trouble) {',
    "if (why !== '') {",
  ]),
  mutant('status believes restored records', 'nothing is sent, and no command says so', 'state', [
    'stored.lookUpOnly ?? (await distrustNow(store, settings))',
    'stored.lookUpOnly',
  ]),
  mutant('what is stuck is forgotten', 'a file lies there for weeks, and all seems well', 'state', [
    'stuck: inbox.stuck.length, inboxTrouble: inbox.trouble ??',
    'stuck: 0, inboxTrouble: inbox.trouble ??',
  ]),
  mutant('a repair dropped twice counts twice', 'a row that is not repaired vanishes', 'repairs', [
    'let left = file.rows - (totalsRows.get(taken) ?? 0) - (alreadyCounted.get(asked) ?? 0);',
    'let left = file.rows - (totalsRows.get(taken) ?? 0);',
  ]),
  mutant('a repair closes the whole file', 'rows that are missing in it vanish', 'repairs', [
    'const served = Math.min(left, openOf.get(number) ?? 0);',
    'const served = openOf.get(number) ?? 0;',
  ]),
  mutant('a stray name is a repair', 'rows of another file are taken for repaired', 'repairs', [
    ' && isRejectedReportOf(name, repaired) ? number',
    ' ? number',
  ]),
  mutant('a repair is counted twice', 'a row that is not repaired vanishes', 'repairs', [
    '(alreadyCounted.get(asked) ?? 0); for (const number of family) left -= closed.get(number) ?? 0;',
    '(alreadyCounted.get(asked) ?? 0);',
  ]),
  mutant('late rejections are settled', 'a row is rejected, and no report says so', 'closing', [
    '    keep.run({ row });\n',
    '',
  ]),
  mutant('what is closed is closed for ever', 'it fails once more, and no report says so', 'closing', [
    'ON instructions.id = closings.instruction AND instructions.version = closings.version\n    GROUP',
    'ON instructions.id = closings.instruction\n    GROUP',
  ]),
  mutant('a retry of many takes what is closed', 'what was paid by hand is paid again', 'closing', [
    'closed[at] === undefined',
    'at >= 0',
  ]),
  mutant('closings are not compared', 'a payout that did not arrive can be hidden', 'verify', [
    '    difference ??= await closingsDiffer(store, page, head.seq);\n',
    '',
  ]),
  mutant('readers of a group write the outbox', 'a clerk falsifies a report', 'init', [
    'GROUP_FOLDER_MODE.outbox]',
    'GROUP_FOLDER_MODE.inbox]',
  ]),
  mutant('an unknown group is any group', 'the wrong people drop payments', 'groups', [
    'if (name === nameOrNumber &&',
    'if (name !== undefined &&',
  ]),
  mutant('each part of a CSV gets a byte order mark', 'a report has a heading twice, or none', 'repairs', [
    "(bom && text !== '' ? BYTE_ORDER_MARK + text : text)",
    '(bom ? BYTE_ORDER_MARK + text : text)',
  ]),
  mutant('an open payout is forgotten', 'what is still to be paid has no payee any more', 'forgetting', [
    'if (isOpen.get(range)) throw',
    'if (file < 0) throw',
  ]),
  mutant('a file with an open payout is chosen', 'what is still to be paid has no payee any more', 'forgetting', [
    '  if (open > 0) return',
    '  if (open < 0) return',
  ]),
  mutant('what was forgotten leaves no statement', 'a row that is dropped again is no duplicate', 'forgetting', [
    "    keep(id, statementOf(contentRow === id ? 'CREATE' : 'UPDATE', content), contentRow);\n    const errors",
    '    const errors',
  ]),
  mutant('what is kept is not compared', 'an amount is altered once nothing else tells it', 'forgetting', [
    '  if (now === kept) return undefined;\n',
    '  if (now.length > 0) return undefined;\n',
  ]),
  mutant(
    'forgetting leaves copies of the records',
    'a text that was forgotten can be read from the disk',
    'forgetting',
    ['if (gone.length > 0) await removeUpgradeCopies(settings.data);', ''],
  ),
  mutant('what was removed stays in free pages', 'a text that was forgotten can be read from the disk', 'forgetting', [
    "      db.exec('VACUUM');\n",
    '',
  ]),
  mutant('declined asks for no action', 'a payee waits, and all seems well', 'attention', [
    "nothing was paid',\n    need:",
    "nothing was paid',\n    noNeed:",
  ]),
];

const CONTROL: Mutant[] = [
  mutant('a pause is only looked at when a pass begins', 'a person stops the sending, and thousands leave', 'pause', [
    'return why === undefined ? send() : {',
    "return why !== '' ? send() : {",
  ]),
  mutant(
    'resuming ends every pause',
    'a pause that begins meanwhile stops nothing, and its person is told it does',
    'pause',
    ["(await store.replaceFact(PAUSED, before, ''))", "(await store.setFact(PAUSED, '') === undefined)"],
  ),
  mutant('a file pauses one machine alone', 'the others go on sending', 'pause', [
    "records === 'postgres' ? fileSharing(store, machine, file) :",
    "machine === '' ? fileSharing(store, machine, file) :",
  ]),
  mutant('a pause leaves orders alone', 'an order takes its payouts along after a person stopped all', 'pause', [
    'register: (...asked) => unless(() => orders.register(...asked))',
    'register: orders.register',
  ]),
  mutant('a pause leaves changes alone', 'an amount is raised after a person stopped all', 'pause', [
    'update: (...asked) => unless(() => amendments.update(...asked)),',
    'update: amendments.update,',
  ]),
  mutant('a change that was stopped counts as asked for', 'a refusal of it is not believed any more', 'pause', [
    '  await stopWhenPaused(line, amending.tools);\n',
    '',
  ]),
  mutant('a pause that can not be told is none', 'a disk that fails releases the brake', 'pause', [
    "return `paused, because it can't be told",
    "if (path !== '') return undefined;\n    return `paused, because it can't be told",
  ]),
];

const CALENDAR: Mutant[] = [
  mutant('the cut-off is open for one more moment', 'a payout leaves after the cut-off', 'calendar', [
    'if (atMs < instantAt(today, cutOff, timeZone)) return undefined;',
    'if (atMs <= instantAt(today, cutOff, timeZone)) return undefined;',
  ]),
  mutant('a weekend is not asked for', 'payouts leave on a Sunday, and come back', 'calendar', [
    'return weekend.has(weekday) ?',
    'return weekend.has(-1) ?',
  ]),
  mutant('a holiday is not asked for', 'payouts leave on a bank holiday', 'calendar', [
    'const name = holidays.get(date);',
    "const name = holidays.get('');",
  ]),
  mutant('the calendar is only looked at when a pass begins', 'a night goes on after the cut-off', 'calendar', [
    'tools.askLast(() => gate.closed()?.why);',
    'gate.closed();',
  ]),
  mutant('a closed day leaves the run unfinished', 'each Sunday ends with 3, and the night stays open', 'calendar', [
    'return why === gate?.found?.why ? undefined : why;',
    'return why;',
  ]),
  mutant('a cut-off that comes twice counts the second time', 'an hour of payouts leaves after it', 'calendar', [
    'const shown = [early, late].find(',
    'const shown = [late, early].find(',
  ]),
  mutant('a change is asked for after the cut-off', 'an amount is raised after the cut-off', 'calendar', [
    'const why = (await paused()) ?? gate?.closed()?.why;',
    'const why = await paused();',
  ]),
  mutant('receipts foresee without the calendar', 'a payee is told of a day on which nothing is sent', 'calendar', [
    'if (!closed) return { atMs, why: reasonsText(reasons) };',
    'if (closed !== null) return { atMs, why: reasonsText(reasons) };',
  ]),
  mutant('a late night goes on into a weekend', 'payouts of Friday leave on Saturday', 'calendar', [
    "const today = kind === 'run' ? businessDate : localTime(atMs, schedule.timeZone).date;",
    'const today = businessDate;',
  ]),
];

const HELD: Mutant[] = [
  mutant('a payout at its limit is over it', 'what a person allowed is held', 'reasons', [
    'most !== undefined && amountMinor > most)\n    add(',
    'most !== undefined && amountMinor >= most)\n    add(',
  ]),
  mutant('a file at its limit is over it', 'what a person allowed is held', 'reasons', [
    'fileSum > mostOfFile',
    'fileSum >= mostOfFile',
  ]),
  mutant('a file under the limit of one currency is under all', 'a file over its limit is sent', 'hold', [
    'most.every((limit) => atMost <= limit)',
    'most.some((limit) => atMost <= limit)',
  ]),
  mutant('a day at its limit is over it', 'what a person allowed is held', 'limits', [
    'already + amountMinor > most;',
    'already + amountMinor >= most;',
  ]),
  mutant('a tier begins above its amount', 'the amount that a tier names leaves without a yes', 'reasons', [
    'amountMinor >= (from.get(currency) ?? 0n)',
    'amountMinor > (from.get(currency) ?? 0n)',
  ]),
  mutant('what may have a reason is looked for above its amount', 'it leaves without a yes', 'store', [
    'THEN i.amount_minor >=',
    'THEN i.amount_minor >',
  ]),
  mutant('a currency without a tier needs no yes', 'a mistyped currency pays any amount', 'reasons', [
    'amountMinor >= (from.get(currency) ?? 0n))\n    : approvals;',
    'amountMinor >= (from.get(currency) ?? 0n))\n    : [];',
  ]),
  mutant('a person counts twice', 'one person alone lets go what needs two', 'approval', [
    'return given.filter((one, at) => given.findIndex((other) => isSameVoter(one, other)) === at);',
    'return given;',
  ]),
  mutant('an account counts twice', 'one person gives two names with --by, and lets go what needs two', 'approval', [
    " || (one.account !== '' && one.account === other.account);",
    ';',
  ]),
  mutant('a yes to other content counts', 'an amount is raised after the yes', 'approval', [
    'one.seen === seen &&\n',
    '',
  ]),
  mutant('a yes to another row counts', 'a payout changed there and back needs no new yes', 'approval', [
    'one.contentRow === payout.contentRow &&\n',
    '',
  ]),
  mutant('a yes to another attempt counts', 'a payout is paid again on an old yes', 'approval', [
    'one.attempt === payout.attempt &&\n',
    '',
  ]),
  mutant('a yes covers every reason', 'a reason that nobody saw holds nothing', 'approval', [
    'one.reasons.includes(code) &&\n',
    '',
  ]),
  mutant('what is going to be sent does not count', 'one pass sends any sum past the limit', 'hold', [
    'if (objections.length === 0) sums.add(payout);',
    '',
  ]),
  mutant('what may have arrived does not count first', 'the day sends more than its limit', 'control-attacks', [
    'for await (const payout of readyPayouts(store, true)) sums.add(payout);',
    '',
  ]),
  mutant('what is unclear does not count as sent', 'the day sends more than its limit', 'store', [
    'listed(statusesWhere(({ there }) => there !== undefined))',
    "listed(statusesWhere(({ there }) => there === 'yes'))",
  ]),
  mutant('judged before it is held', 'a crash in between lets go what should be held', 'control-attacks', [
    '  await store.beginJudging(number);\n  const { file, lastRow',
    '  await store.beginJudging(number);\n  await store.judged(number, []);\n  const { file, lastRow',
  ]),
  mutant('a retry while a file is judged is forgotten', 'a payout is paid again unjudged', 'store', [
    'judged = iif(judged = 2, 1, judged)',
    'judged = 1',
  ]),
  mutant('a refusal after a 401 proves that nothing was taken', 'as a refusal after a 401 is not believed', 'submit', [
    "if (judged.kind === 'declined' && repeated) return { ...judged, afterUnclear: true };",
    '',
  ]),
  mutant('one of several reasons lets go', 'a yes from one person is enough', 'hold', [
    'standing.length > 0 ? heldStill(payout, standing)',
    'standing.length > 1 ? heldStill(payout, standing)',
  ]),
  mutant('a no only delays', 'what a person refused leaves with the next pass', 'hold', [
    "return { change: { id, version, from: 'held', to: 'cancelled', code, message, decision } };",
    "return { change: { id, version, from: 'held', to: 'scheduled', code, message } };",
  ]),
  mutant('NAME.done proves nothing', 'a whole file has its last payout held', 'reasons', [
    'return proven || saidDone || finalNewline;',
    'return proven || finalNewline;',
  ]),
  mutant('a change at the provider is not judged', 'an amount is raised past every limit', 'control-attacks', [
    'if (reasons.length === 0) return recorded();',
    'return recorded();',
  ]),
  mutant(
    "a day's sums are one machine's where changes are asked for",
    'two machines pass the limit',
    'day-limit-postgres',
    ["if (settings.records !== 'postgres' || !hasDayLimits(settings.control)) return", 'if (tools) return'],
  ),
  mutant('changes at the provider do not count for each other', 'together they pass the limit', 'control-attacks', [
    'if (all.length === 0) for (const day of sums) day.add(added);',
    '',
  ]),
  mutant('a change counts on the day of the change', 'a day past is raised without end', 'control-attacks', [
    '(dates.length > 0 ? dates : [businessDate])',
    '[businessDate]',
  ]),
  mutant('what is decided amid a pass leaves with it', 'a retry or a yes goes past the limits', 'control-attacks', [
    '        else if (judgedAfter !== undefined && isLetGoAfter(judgedAfter, history)) continue;\n',
    '',
  ]),
  mutant('a pause during a standstill is not seen', 'a payout leaves after a person has stopped all', 'pause', [
    'if (why !== undefined || clock.monotonic() - begunMs <= FRESH_MS) return why;',
    'return why;',
  ]),
  mutant('the calendar is asked before a wait', 'a payout leaves after the cut-off', 'pause', [
    'async () => (await paused()) ?? closed()',
    'async () => closed() ?? (await paused())',
  ]),
  mutant('what is decided amid a pass rides with its order', 'a yes goes past the limits', 'control-attacks', [
    '    if (judgedAfter !== undefined && isLetGoAfter(judgedAfter, history)) return [];\n',
    '',
  ]),
  mutant('a twin whose order comes late is missed', 'the same payment leaves twice', 'control-attacks', [
    '  for (const later of laterFiles(groups, number)) await store.beginJudging(later);\n',
    '',
  ]),
  mutant('what a restored backup holds is not looked up', 'the day sends more than its limit', 'control-attacks', [
    "const UNSENT = ['ready', 'held'] as const;",
    "const UNSENT = ['ready'] as const;",
  ]),
  mutant('what is approved is not judged anew', 'both of two twins leave', 'control-attacks', [
    'for (const number of new Set(stating)) judgeAnew.run(number);',
    '',
  ]),
  mutant('new settings judge only what is new', 'a limit that was lowered lets go what waits', 'control-attacks', [
    '  if (before === now) return;\n  // Records',
    '  if (before !== undefined) return;\n  // Records',
  ]),
];

const DECISIONS: Mutant[] = [
  mutant('a decision that fits no key counts', 'anyone who can drop a file lets payouts go', 'signature', [
    'if (fits(bytes)) return',
    'if (bytes.length > 0) return',
  ]),
  mutant('a decision counts for whatever it was signed for', 'a signed mail lets payouts go', 'signature', [
    "if (namespace !== NAMESPACE) return { kind: 'other-namespace', namespace };",
    '',
  ]),
  mutant('a security key need not be touched', 'a program on the machine signs on its own', 'signature', [
    '(flags & USER_PRESENT) === 0',
    'flags > 255',
  ]),
  mutant('an RSA signature of another hash is taken', 'what counts is not what is documented', 'signature', [
    'const RSA_HASHES: Readonly<Record<string, string>> = {',
    "const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-384': 'sha384',",
  ]),
  mutant('a signature has bytes after its end', 'one signature is many files', 'signature', [
    '  if (!wire.isWhole()) return unreadable(DAMAGED);\n  if (reserved',
    '  if (reserved',
  ]),
  mutant('short RSA keys are taken', 'a key that can be broken lets payouts go', 'ssh-key', [
    'bits < LEAST_RSA_BITS',
    'bits < 512',
  ]),
  mutant('a placeholder is a key', 'anyone signs for the person whose key was left at zeros', 'ssh-key', [
    'if (WEAK_POINTS.has(withoutSign(point)))',
    'if (WEAK_POINTS.size === 0)',
  ]),
  mutant('two persons have one key', 'one person gives both votes', 'settings/people', [
    '[...sharedKeys(value), ...sharedUsers(value)]',
    '[...sharedUsers(value)]',
  ]),
  mutant('two persons have one user', 'a person decides about a file of their own', 'settings/people', [
    '[...sharedKeys(value), ...sharedUsers(value)]',
    '[...sharedKeys(value)]',
  ]),
  mutant('decimals beyond the currency are dropped', 'a limit is another one than it says', 'settings/amounts', [
    '  if (toMinor(amount, exponent) === undefined)',
    '  if (exponent > 9)',
  ]),
  mutant('a decision has a member twice', 'an editor shows another amount than is read', 'decision-file', [
    'if (twice !== undefined) return refused',
    'if (twice === json) return refused',
  ]),
  mutant('the service takes decisions without a word', 'a refused yes is noticed when the payee complains', 'watch', [
    'files.length + decisions.length > 0',
    'files.length > 0',
  ]),
  mutant(
    'a refused decision is only answered',
    'a payout stays held, and each waits for the other',
    'refused-decisions',
    ['standing.add(number, file.file);', ''],
  ),
  mutant(
    'a refused decision is told for ever',
    'an approver decides once more about what is decided',
    'refused-decisions',
    ['refused.replace(payouts.map(({ change }) => change.id));', ''],
  ),
  mutant('a decision hides what was refused of other files', 'a file stays held without a word', 'refused-decisions', [
    'all().flatMap(({ number, file }) => (file === null || files.has(file) ? [] : [number]));',
    'all().flatMap(({ number, file }) => (file === null || files.size > 0 ? [] : [number]));',
  ]),
  mutant('the maker counts among those who may approve', 'a payout is held for good without a word', 'approvers', [
    'if (may.length >= needed) return undefined;',
    'if (could.length >= needed) return undefined;',
  ]),
  mutant('upTo is not asked of those who may approve', 'a payout is held for good without a word', 'approvers', [
    "one.may.has('approve') && !isBeyond(payout, one)",
    "one.may.has('approve')",
  ]),
  mutant('a page says who could approve once', 'a person is asked who may not', 'approvers', [
    'for (const file of new Set((await store.largestHeld()).map((held) => held.file))) await store.markStale(file);',
    '',
  ]),
  mutant('a yes outlives the amount of its person', 'a person who may no more lets a large payout go', 'decisions', [
    ' && !isBeyond(payout, person)',
    '',
  ]),
  mutant('what is to be approved keeps a date ahead', 'each yes is refused until that date', 'to-approve', [
    'written <= today && ',
    '',
  ]),
  mutant('a decision is read whatever it has', 'a dropped file takes all memory at each pass', 'decision-file', [
    'if (hasMoreValues(json, MOST_VALUES)) return',
    "if (json === 'none') return",
  ]),
  mutant('a payout is decided about twice in one file', 'one person gives both votes', 'decision-file', [
    'if (references.has(reference)) return',
    'if (lines.has(0)) return',
  ]),
  mutant('any person approves', 'a person lets payouts go who may not', 'judge', [
    'if (!person.may.has(right)) return',
    'if (person.may.size === 0) return',
  ]),
  mutant('the maker approves', 'one person drops a file and lets it go', 'judge', [
    '  return makers.some(({ name }) => name === person.name) || keys.includes(fingerprint)',
    '  return makers.length > 9 && keys.includes(fingerprint)',
  ]),
  mutant('the maker approves under another name', 'one person drops a file and lets it go', 'judge', [
    ' || keys.includes(fingerprint)\n',
    '\n',
  ]),
  mutant('a person votes twice', 'one person gives both votes', 'judge', [
    'vote.person === person.name || vote.fingerprint === fingerprint',
    'vote.person === fingerprint',
  ]),
  mutant('an amount beyond a person is let go', 'a clerk lets a million go', 'judge', [
    'amountMinor > (upTo',
    'amountMinor < (upTo',
  ]),
  mutant('a currency without an amount has no limit', 'a clerk lets a million go', 'judge', [
    'upTo.get(currency) ?? -1n',
    'upTo.get(currency) ?? amountMinor',
  ]),
  mutant('a decision never expires', 'an old yes lets a payout go that is held anew', 'judge', [
    'if (decision.expires < today)',
    "if (decision.expires === '')",
  ]),
  mutant('a decision is made to last', 'an old yes lets a payout go that is held anew', 'judge', [
    'if (decision.expires > latestExpiry)',
    "if (decision.expires === '')",
  ]),
  mutant('what is shown is not compared', 'a person signs for 9.50 and lets 9500.00 go', 'judge', [
    'if (row[name] !== held?.[name])',
    'if (row[name] === undefined)',
  ]),
  mutant('what is not shown is not compared', 'a yes counts for what was changed since', 'judge', [
    'return row.seen === held?.seen ? undefined :',
    'return row.seen !== undefined ? undefined :',
  ]),
  mutant('a decision counts in part', 'a row that is not held any more is let go', 'judge', [
    'if (gone.length > 0) return',
    'if (gone.length > rows.length) return',
  ]),
  mutant('a decision counts in every workspace', 'a yes in the trial lets real money go', 'judge', [
    'if (decision.workspace !== workspace) return',
    "if (decision.workspace === '') return",
  ]),
];

const MACHINES: Mutant[] = [
  mutant('a night that two leave at once is found a day later', 'its report comes a day late', 'gone-postgres', [
    "if (kind === 'nightly') await closeEarlier(opened, options);",
    '',
  ]),
  mutant(
    'an unclear order holds up all that arrives',
    'one order keeps all others from being paid for hours',
    'watch',
    [
      'if (waits) nightAt = clock.monotonic() + LOOK_UP_EVERY_MS;\n      const why = (waits ? undefined : unfinished) ?? again;',
      'const why = unfinished ?? again;',
    ],
  ),
  mutant(
    'an HTTP client that could not be loaded never is',
    'one moment without a descriptor ends all sending',
    'provider/http',
    ['pool = undefined;\n        return', 'return'],
  ),
  mutant(
    'two machines wait for each other to end a night',
    'a night that both left unfinished is never reported',
    'gone-postgres',
    [
      "if (machine !== NO_MACHINE && kind === 'nightly') await LEAVE_OTHER_NIGHTS.run(session, machine, businessDate);",
      '',
    ],
  ),
  mutant(
    'a run that another machine has dropped fails the pass',
    'the service ends for a run in which nothing was',
    'gone-postgres',
    [
      '(await WAS_ENDED_BY_ANOTHER.get(session, run, name)) !== false) return undefined;',
      'await WAS_ENDED_BY_ANOTHER.get(session, run, name)) return undefined;',
    ],
  ),
  mutant(
    'what was called failed stays failed though the provider took it',
    'it is paid again in another way',
    'store',
    [
      "if (sent?.outcome === 'accepted' && (from === 'declined' || (from === 'failed' && standing.by !== null))) {",
      'if (false) {',
    ],
  ),
  mutant(
    'a night is done while payouts wait for their order',
    'they are paid a day late and nobody is asked',
    'registration',
    ['left.addWaiting(waiting);', ''],
  ),
  mutant('what was not claimed is sent', 'two machines send one payout', 'machines', [
    'const ours = requests.filter(({ intent }) => begun.has(intent));',
    'const ours = requests.filter(({ intent }) => begun.has(intent) || true);',
  ]),
  mutant("another machine's order is registered", 'an order is created twice', 'machines', [
    'for (const [key, { order }] of requests) if (ids.has(order.id)) requests.delete(key);',
    'for (const [key, { order }] of requests) if (ids.has(-order.id)) requests.delete(key);',
  ]),
  mutant('instructions go on though their order was recovered', 'two machines pay on one order', 'machines', [
    'if (late && !rides) return',
    "if (late && !rides && outcome.kind === 'not-sent') return",
  ]),
  mutant('a group is claimed in part', 'an order is registered without what it carries', 'store', [
    'orders.every(({ id, from, sends = null }) => order.get(id, from, sends)) && changes.every(',
    'orders.every(({ id, from, sends = null }) => order.get(id, from, sends)) && changes.some(',
  ]),
  mutant('a late outcome counts for the next attempt', 'a payout that is unclear is called sent', 'store', [
    "const isRecovered = from === 'unknown' && version === late.version + 1;",
    "const isRecovered = from === 'unknown';",
  ]),
  mutant('a late acceptance needs no reference', 'a payout is called sent that has no name there', 'store', [
    " && orderRefId !== undefined && orderRefId !== '';",
    ' && orderRefId !== undefined;',
  ]),
  mutant('a late outcome is forgotten', 'no record says what the provider answered', 'store', [
    "if (!sent || sent.outcome === 'interrupted') return undefined;",
    'if (sent !== null) return undefined;',
  ]),
  mutant("a late outcome ends another machine's registration", 'an order is created twice', 'store', [
    'AND registration_sends = coalesce(:expected, registration_sends)',
    'AND coalesce(:expected, 0) IS NOT NULL',
  ]),
  mutant('a change is asked for that another machine has made', 'it is made twice', 'machines', [
    'const recorded = async () => !(await record(amending, asked));',
    'const recorded = async () => !(await record(amending, asked)) || amendment.sends < 99;',
  ]),
  mutant('what is claimed is not anchored', 'a restored backup is taken for the latest', 'anchor', [
    'if (claimed.includes(true)) await keep();',
    'if (claimed.length < 0) await keep();',
  ]),
  mutant('each machine takes the whole of provider.concurrency', 'the provider is overrun', 'machines', [
    'return Math.max(1, Math.floor(concurrency / of));',
    'return Math.max(1, Math.floor(concurrency / Math.min(of, 1)));',
  ]),
  mutant('each machine keeps its own pace', 'the provider is overrun', 'machines', [
    'gapMs > 0 && store ? await store.turn(gapMs) : 0;',
    'gapMs > 0 && store ? 0 * (await store.turn(gapMs)) : 0;',
  ]),
  mutant('every machine looks everything up', 'the provider is asked many times for the same', 'machines', [
    'return pageOf(forgetful || another ? undefined : share);',
    'return pageOf(share.of > 0 ? undefined : share);',
  ]),
];

const TAKING_OVER: Mutant[] = [
  mutant(
    'a file is marked after the copy is committed',
    'a crash in between leaves two records that send',
    'taking-over',
    [
      '    source.mark(mark);\n    await commit(sides, target, mark);\n',
      '    await commit(sides, target, mark);\n    source.mark(mark);\n',
    ],
  ),
  mutant('a marked file is opened', 'both records send what is ready', 'taking-over', [
    '    refuseTakenOver(db, path);\n',
    '',
  ]),
  mutant('a late decision is written into the old file', "a person's yes is lost", 'taking-over', [
    '  db.exec(REFUSING);\n',
    '',
  ]),
  mutant('altered records are taken over', 'a forged payout has a log that looks sound', 'taking-over', [
    'if (wrong !== undefined)\n      throw',
    'if (wrong === "")\n      throw',
  ]),
  mutant('facts of a machine become those of all', 'a file that is stuck here is looked for elsewhere', 'taking-over', [
    "=== 'own';\n    await",
    "=== 'none';\n    await",
  ]),
  mutant('a database with records is filled', 'two workspaces become one', 'taking-over', [
    'if (!rows[0]?.empty)',
    'if (rows.length === 0)',
  ]),
  mutant('what is left in sending by a failed pass stays there', 'a payout is never looked up', 'claims-postgres', [
    'AND m.ended_at IS NULL AND m.id <> $2) ORDER BY i.id LIMIT $1',
    'AND m.ended_at IS NULL AND $2::bigint IS NOT NULL) ORDER BY i.id LIMIT $1',
  ]),
  mutant(
    'what others reported counts as reported',
    'a machine that is back shows old reports for good',
    'store-postgres',
    ["isOld('(revision > reported OR elsewhere)')", "isOld('revision > reported')"],
  ),
  mutant('a turn that comes as the wait for it ends is kept', 'no machine sends any more', 'claims-postgres', [
    'return (await HOLDS.get(client, lock).catch((why: Error) => giveUp(client, why))) === true;',
    'return false;',
  ]),
  mutant('what comes after the end of its run is in that run', 'no report tells of it', 'claims-postgres', [
    ': (later?.number ?? moment.run);',
    ': moment.run;',
  ]),
  mutant('a run that was dropped counts as under way', 'no report tells of what comes later', 'claims-postgres', [
    'FROM runs WHERE number >= ',
    'FROM runs WHERE number = ',
  ]),
  mutant('a run is dropped with what another machine has recorded in it', 'no report tells of it', 'claims-postgres', [
    'AND NOT EXISTS (SELECT 1 FROM files WHERE run = $1) AND NOT EXISTS (',
    'AND NOT EXISTS (SELECT 1 FROM files WHERE run = $1) OR NOT EXISTS (',
  ]),
  mutant('the end of a run tells what was read before a try to drop it', 'a change is not told', 'closing-order', [
    '({ isWhole, ...contents } = await contentsOf(tools, run, reported));',
    '',
  ]),
  mutant('what another machine has asked to be changed is asked for', 'an old change comes last', 'claims-postgres', [
    "isAnothers('$5')",
    'isAnothers("\'\'")',
  ]),
  mutant(
    'what a machine at work has asked to be changed is another one’s',
    'an old change comes last',
    'claims-postgres',
    ["const IS_AT_WORK = 'a.machine IN (SELECT id FROM living_machines)';", "const IS_AT_WORK = 'false';"],
  ),
  mutant('a run ends though a change is left to a machine that is gone', 'nothing is said of it', 'gone-postgres', [
    'EXISTS (SELECT 1 FROM amendments a WHERE',
    'EXISTS (SELECT 1 FROM amendments a WHERE false AND',
  ]),
  mutant('a change is left to a machine by a time to come', 'it is left for as long', 'gone-postgres', [
    "  'UPDATE amendments SET machine_asked_at = $1 WHERE machine_asked_at > $1',\n",
    '',
  ]),
  mutant('a run that another machine has dropped is to be ended', 'a pass ends with a fault', 'gone-postgres', [
    ' || (await IS_THERE.get(session, run)) !== true',
    '',
  ]),
  mutant('a run that another machine is in is dropped', 'its run is gone', 'gone-postgres', [
    'r.run = $1 AND l.id <> $3',
    'r.run = $1 AND l.id <> $3 AND false',
  ]),
  mutant('a person calls it not paid in the quarantine', 'it is paid twice', 'resolution-quarantine', [
    "status === 'unknown' || !paid ? await quarantineLeft",
    "status === 'unknown' ? await quarantineLeft",
  ]),
  mutant('it is paid again though its request has just left', 'it is paid twice', 'resolution-quarantine', [
    "answer.kind === 'not-found' && (await quarantineLeft(now, tools)) > 0",
    'false',
  ]),
  mutant('an order is given up within its quarantine', 'it is registered twice', 'registration', [
    '!found.answered || isQuarantined ||',
    '!found.answered ||',
  ]),
  mutant('an order whose request has left late is registered', 'it is registered twice', 'registration', [
    'new Set(doubted.filter(isQuarantined).map(',
    'new Set(doubted.filter(() => false).map(',
  ]),
  mutant('a machine that judges leaves the one before it at work', 'a limit of a day is overrun', 'claims-postgres', [
    'await takeForGone(session); await note(session,',
    'await note(session,',
  ]),
  mutant(
    'a row that shuts another one out repairs it',
    'a payout is never made, and no person is asked',
    'repairs-postgres',
    ['FROM conflicts WHERE conflicts."row" =', 'FROM conflicts WHERE false AND conflicts."row" ='],
  ),
  mutant('what is half taken in repairs rows', 'a row that is not repaired vanishes', 'repairs-postgres', [
    'const isDone = (row: string) => `(SELECT done FROM',
    'const isDone = (row: string) => `(SELECT true FROM',
  ]),
  mutant('a file that ends late looks at no later file', 'a person is asked for what is repaired', 'repairs-postgres', [
    'if ((await ANY_LATER.get(session, file.kind, file.number)) !== undefined) await countAgain(session, file.kind, file.number);',
    '',
  ]),
  mutant('what ends late is no earlier repair', 'a row that is not repaired vanishes', 'repairs-postgres', [
    'files.number <> $2 AND files.done)',
    'files.number < $2 AND files.done)',
  ]),
  mutant('a rejection in a half file is lost', 'a row is rejected, and no person is asked', 'repairs-postgres', [
    'CASE WHEN rejected = 0 THEN 0 ELSE (',
    'CASE WHEN true THEN 0 ELSE (',
  ]),
  mutant('who was taken for gone loses its outcomes', 'what was sent late is sent again', 'claims-postgres', [
    'await settle(session, append, times, ended); return (await isStanding(session, me))',
    'if (await isStanding(session, me)) await settle(session, append, times, ended); return (await isStanding(session, me))',
  ]),
  mutant('what could not be claimed is forgotten', 'a night ends with payouts that are not sent', 'machines', [
    '(now, at) => now?.status === ',
    "(now, at) => now?.status !== 'ready' && now?.status === ",
  ]),
  mutant('an order is shared with who is not in the run', 'an order is never looked up', 'machines', [
    'const pages = { ...range, among: tools.among };',
    'const pages = { ...range, among: undefined };',
  ]),
  mutant('a request leaves after a standstill', 'it is sent though another machine has looked it up', 'provider/http', [
    'if (!ended && !connection && !limits.mayLeave())',
    'if (limits.timeoutMs < 0)',
  ]),
  mutant('a machine forgets that it stood still', 'it sends what another one has', 'session-postgres', [
    'systemClock.monotonic() - stoodAtMs <= STOOD_MS',
    'systemClock.monotonic() - stoodAtMs <= 1_000 * STOOD_MS',
  ]),
  mutant('a pooler is not looked for', 'a machine counts on a lock that another one has', 'servers-refused', [
    'if (own === second || own !== still)',
    'if (own === undefined)',
  ]),
  mutant('a file of another machine is read in a dry run', 'validate fails beside another machine', 'on-postgres', [
    'for (const number of elsewhere) leave.run(number);',
    '',
  ]),
];

const ALIKE: Mutant[] = [
  mutant('a group lacks what later files add to it', 'a double payment is not noticed', 'hold/alike-groups', [
    '        group.add(part.payouts);\n',
    '',
  ]),
  mutant('a group keeps a payout as it was', 'one that came to nothing is told as the other one', 'alike', [
    'if (known && isPlacedAs(known, payout)) continue;',
    'if (known) continue;',
  ]),
  mutant('a group does not mind the order of rows', 'the earlier of two payouts is held', 'alike', [
    'isInOrder &&= !known && payout.contentRow > (places.all.at(-1)?.contentRow ?? 0);',
    'isInOrder &&= !known;',
  ]),
  mutant('what a file has updated is in no group', 'a double payment is not noticed', 'store', [
    'membersAmong(updatedIn(RANGE))}`);\n  const ofLargeFile',
    'membersAmong("SELECT 0 AS id WHERE 0")}`);\n  const ofLargeFile',
  ]),
];

const WIPING: Mutant[] = [
  mutant(
    'a transaction of another database is overlooked',
    'a text that was forgotten can be read from the server',
    'wiping-postgres',
    [
      'backend_xid FROM pg_stat_activity\n    WHERE pid <> pg_backend_pid()\n',
      'backend_xid FROM pg_stat_activity\n    WHERE pid <> pg_backend_pid() AND datname = current_database()\n',
    ],
  ),
  mutant(
    'statistics keep what was removed',
    'a text that was forgotten can be read from the server',
    'wiping-postgres',
    ['  await WRITE_STATISTICS_ANEW.run(db);\n', '  await db.query({ text: `VACUUM (FULL) pg_depend` });\n'],
  ),
  mutant('an empty table keeps its statistics', 'the payee that was forgotten is in them', 'wiping-postgres', [
    'for (const { table, name } of await LEFT_STATISTICS.all(db)) await removeStatistics(db, table, name);',
    '',
  ]),
];

const DRY_RUN: Mutant[] = [
  mutant('a dry run looks for no twins in its file', 'a double payment is called clean', 'dry-run/last-file', [
    "  for (const fingerprint of fingerprints.repeated()) if (alike.add(fingerprint).size > most) return 'all';\n",
    '',
  ]),
  mutant('a dry run compares nothing with the records', 'what was paid before is called clean', 'dry-run/last-file', [
    'if (fingerprints.has(fingerprint)) yield fingerprint;',
    'if (fingerprint < 0) yield fingerprint;',
  ]),
  mutant('a dry run forgets the limit of a file', 'a file over its limit is called clean', 'dry-run/last-file', [
    'tally.sumOf(currency) > most',
    '0n > most',
  ]),
  mutant('a dry run forgets the limits of the day', 'what the day can not hold is called clean', 'dry-run/last-file', [
    'file && !hasDayLimits(control) &&',
    'file &&',
  ]),
  mutant(
    'a dry run takes an amount at its tier for one below',
    'it is held without a word before',
    'dry-run/last-file',
    ['amountMinor >= from) ||', 'amountMinor > from) ||'],
  ),
  mutant('a dry run looks at no open date', 'a wrong year is called clean', 'dry-run/last-file', [
    '    content.openDate > openAfter ||\n',
    '',
  ]),
  mutant('a dry run looks at no due date', 'a wrong year is called clean', 'dry-run/last-file', [
    '    content.dueDate < dueBefore ||\n',
    '',
  ]),
  mutant('a dry run knows no last row', 'another row than the cut one is held', 'dry-run/last-file', [
    'rows.slice(0, -1).filter(isPlain)',
    'rows.filter(isPlain)',
  ]),
  mutant('a dry run takes a repeated row for plain', 'an UPDATE of it finds nothing', 'dry-run/last-file', [
    '    row.unrepeated === true &&\n',
    '',
  ]),
  mutant('a dry run does not ask orders for the payee', 'a double payment is called clean', 'dry-run/last-file', [
    '(looksAtOrders && ofOrder.get(ref.customerRef, ref.orderRef)) ||',
    '',
  ]),
  mutant('a dry run leaves rows out beside another file', 'a repaired row is still called open', 'dry-run/last-file', [
    'reported.length === 1 && reported[0] === files.at(-1) ? reported[0] : undefined',
    'reported.at(-1)',
  ]),
];

/** One clock for all machines, and what a machine shows that was taken for gone. */
const ONE_CLOCK: Mutant[] = [
  mutant('a quarantine goes by the clock of the machine', 'what is on its way is paid twice', 'machines', [
    'const begin = async () => { nowMs = await store.commonTime(clock.now());',
    'const begin = async () => { nowMs = clock.now();',
  ]),
  mutant('an order in doubt goes by the clock of the machine', 'an order is created twice', 'machines', [
    'const nowMs = await store.commonTime(clock.now()); const found',
    'const nowMs = clock.now(); const found',
  ]),
  mutant('a person waits by the clock of the machine', 'what is on its way is called failed', 'machines', [
    'const now = await store.commonTime(clock.now()); const sinceMs',
    'const now = clock.now(); const sinceMs',
  ]),
  mutant('an answer counts as of when it came', 'what came since is paid twice', 'reconcile', [
    'findingOf(instruction, status, outcome, askedAtMs, bearings)',
    'findingOf(instruction, status, outcome, clock.now(), bearings)',
  ]),
  mutant('a doubt is dated by the machine', 'a quarantine ends an hour early', 'store-postgres', [
    'unclear_at = CASE WHEN c.is_unclear THEN $2 ELSE i.unclear_at END',
    'unclear_at = CASE WHEN c.is_unclear THEN $1 ELSE i.unclear_at END',
  ]),
  mutant('a clock that is behind shortens a quarantine', 'what is on its way is paid twice', 'store-postgres', [
    'const ahead = await comeBack(session, now);',
    'const ahead = await comeBack(session, moment.at);',
  ]),
  mutant('a late outcome leaves the quarantine as it is', 'what left late is paid twice', 'store', [
    'if (isUnclearAnew(change)) payoutAnew.run({ at, id: change.id });',
    '',
  ]),
  mutant('a late outcome on a server leaves the quarantine', 'what left late is paid twice', 'store', [
    'if (anew.length > 0) await PAYOUTS_ANEW.run(session, times.now, anew);',
    '',
  ]),
  mutant("an order's late outcome leaves its quarantine", 'what left late is created twice', 'store', [
    'await ORDERS_ANEW.run(session, times.now, idsOf(late.orders.filter(isUnclearAnew)));',
    '',
  ]),
  mutant('what left late is sent again all the same', 'it is paid twice', 'store', [
    "if (!isUnclearAnew(late) || !UNSENT.includes(from) || unclearAt === '') return undefined;",
    "if (!isUnclearAnew(late) || from !== 'held') return undefined;",
  ]),
  mutant('a paid attempt undoes the next', 'a retry that a person wants never leaves', 'store', [
    " || !UNSENT.includes(from) || unclearAt === '') return",
    ' || !UNSENT.includes(from)) return',
  ]),
  mutant('a look-up from before ends a new quarantine', 'what left meanwhile is paid twice', 'machines', [
    "const unknown = { id, version, from: 'unknown', unclearAt } as const;",
    "const unknown = { id, version, from: 'unknown' } as const;",
  ]),
  mutant('a server does not look which quarantine ended', 'what left meanwhile is paid twice', 'store', [
    "'AND i.unclear_at = coalesce(c.was_unclear_at, i.unclear_at)'",
    "''",
  ]),
];

/** What each machine has for itself, and what its session is good for. */
const OWN: Mutant[] = [
  mutant('two machines share an outbox', 'one removes what the other is writing', 'session-postgres', [
    "if (settings.records === 'postgres') await claimOutbox(settings);",
    '',
  ]),
  mutant('of two that claim an outbox both get it', 'one removes what the other is writing', 'outbox-of', [
    'await publishDurably(join(outbox, OWNER_FILE), OWNER_MODE, true,',
    'await publishDurably(join(outbox, OWNER_FILE), OWNER_MODE, false,',
  ]),
  mutant('each machine has a sandbox of its own', 'the sandbox pays twice', 'session-postgres', [
    'await claimSandbox(store, settings);',
    '',
  ]),
  mutant('a sandbox is claimed beside another machine', 'the sandbox pays twice', 'session-postgres', [
    'alive && name !== machine',
    'alive && name === ""',
  ]),
  mutant('a refusal forgets that another machine has asked', 'a change is told as refused and made', 'machines', [
    "to.kind === 'done' || open.sends === sends",
    'open.sends >= 0 || sends >= 0',
  ]),
  mutant('a batch is decided again with what was remembered', 'a pass fails for a used reference', 'simulation', [
    '(tries === 0 ? decide : decideAnew())(batch',
    '(tries >= 0 ? decide : decideAnew())(batch',
  ]),
  mutant('a text is copied as the server reads it', 'a tab in a cell moves all cells after it', 'store', [
    'SPECIAL.test(cell) ?',
    'SPECIAL.test(cell) && cell === undefined ?',
  ]),
  mutant("another machine's yes ends the doubt of this one", 'a restored backup pays again', 'session-postgres', [
    'name === LOOK_UP_ONLY ? value || (anchor.doubted() ?? value) : value',
    'value',
  ]),
  mutant('a machine that doubts is not named', 'the operator looks on the wrong one', 'session-postgres', [
    '; the machine $',
    '; $',
  ]),
  mutant(
    'a request does not ask for the session',
    'two machines pay what one of them was sending',
    'machines-postgres',
    ['(await store.hindrance()) ?? (await paused);', 'await paused;'],
  ),
  mutant('an answer from before a halt counts', 'a machine that woke up sends', 'session-postgres', [
    'clock.monotonic() - askedMs <= FRESH_MS',
    'clock.monotonic() - askedMs <= Infinity',
  ]),
  mutant('each try to reach the server is told', 'the log is full while it is away', 'watch-postgres', [
    'if (!(error instanceof UnavailableError)) throw error; } } return undefined;',
    "if (!(error instanceof UnavailableError)) throw error; log.error({}, 'the records are out of reach, and nothing is sent until they are back'); } } return undefined;",
  ]),
  mutant('the service ends with its server', 'nothing is paid until a person looks', 'watch-postgres', [
    "if (!(error instanceof UnavailableError) || tools.settings.records === 'sqlite') throw error;",
    "if (tools.settings.records !== 'sqlite') throw error;",
  ]),
];

const CLAIMS: Mutant[] = [
  mutant('a watch begins and nobody looks', 'a file dropped at that moment waits for half a minute', 'watch', [
    'if (found.isQuiet && (await watcher.start())) continue;',
    'if (found.isQuiet) await watcher.start();',
  ]),
  mutant('a claim waits for another one', 'machines send one after the other', 'claims-postgres', [
    'FOR UPDATE OF i SKIP LOCKED',
    'FOR UPDATE OF i',
  ]),
  mutant('a machine that is gone goes on claiming', 'what it sends is called lost meanwhile', 'claims-postgres', [
    'return (await isStanding(session, me)) ? claim(',
    'return (await isStanding(session, me)) !== undefined ? claim(',
  ]),
  mutant('another machine sends what was not judged', 'what is to be held back leaves', 'claims-postgres', [
    'AND (f.judged_once OR f.done AND (f.machine IS NULL OR f.machine = $4))',
    'AND (f.done AND $4::text IS NOT NULL)',
  ]),
  mutant('a file of a living machine is adopted', 'two machines take one file in', 'adopting-postgres', [
    'OR machine <> $2 AND NOT EXISTS (SELECT 1 FROM machines m WHERE m.name = files.machine AND m.ended_at IS NULL))',
    'OR machine <> $2)',
  ]),
  mutant('the file of a lost machine is a duplicate', 'its payouts are never sent', 'adopting-postgres', [
    'claim = ANY ($4::text[]) OR machine <> $2',
    'claim = ANY ($4::text[]) AND machine <> $2',
  ]),
  mutant('a machine that is gone goes on taking a file in', 'two take one file in', 'adopting-postgres', [
    'await requireStanding(session, me); await record(',
    'await record(',
  ]),
  mutant('what another machine takes in is listed as ready', 'each row costs a claim in vain', 'adopting-postgres', [
    "...turn, claimable: 'now' }",
    '...turn }',
  ]),
  mutant('a file that was not judged yet is no reason', 'a night ends before it is sent', 'adopting-postgres', [
    '(!sentBefore && (await isAnyUnjudged(false)))',
    '(sentBefore && (await isAnyUnjudged(false)))',
  ]),
  mutant('a file that is half taken in is paid from', 'what is to be held back leaves', 'intake', [
    "'(SELECT done FROM files WHERE number = i.content_row >> 32) = 1 AND'",
    "''",
  ]),
  mutant('a file whose copy is lost counts as archived', 'its original is nowhere', 'intake', [
    '(await tools.store.unarchivedFiles()).filter(isThere)',
    'await tools.store.unarchivedFiles()',
  ]),
  mutant('a living machine is taken for gone', 'what is being sent is called unknown', 'claims-postgres', [
    'WHERE ended_at IS NULL AND id NOT IN (SELECT id FROM living_machines)',
    'WHERE ended_at IS NULL',
  ]),
  mutant('a run ends while another machine is in it', 'its report lacks what that one does', 'claims-postgres', [
    'if (await GOES_ON.get(session, machine, run)) {',
    'if ((await GOES_ON.get(session, machine, run)) === null) {',
  ]),
  mutant('a machine comes back to a run that others are in', 'a nightly run never ends', 'watch', [
    'return !(await store.unreportedRuns()).some(',
    'return !(await store.unreportedRuns()).every(',
  ]),
  mutant(
    'what waits on a lost server is never given up',
    'a machine stands still for a quarter of an hour',
    'session-postgres',
    ['if (lost === undefined) void giveUpLater();', 'void giveUpLater;'],
  ),
  mutant('a part is asked for once a page', 'the provider gets more at once than it allows', 'machines', [
    'if (clock.monotonic() - askedMs >= PART_MS)',
    'if (clock.monotonic() - askedMs < 0)',
  ]),
  mutant("a night's look-ups are shared with who is not there", 'a reversal is never seen', 'claims-postgres', [
    'run === undefined ? await LIVING.all(db) : await LIVING_IN.all(db, run)',
    'run === undefined ? await LIVING.all(db) : await LIVING.all(db)',
  ]),
  mutant('a machine that is gone drops a run', "another machine's run is gone", 'claims-postgres', [
    '        await requireStanding(session, me);\n        return (await DROP',
    '        return (await DROP',
  ]),
  mutant('what was judged for another date is sent', 'a day goes past its limit', 'claims-postgres', [
    'payouts.has(id) && isJudged(intent?.businessDate)',
    'payouts.has(id) && (isJudged(intent?.businessDate) || true)',
  ]),
  mutant('a machine that is gone says that all was judged', 'what is to be held back leaves', 'claims-postgres', [
    'await requireStanding(session, me);\n    if (businessDate !== undefined) await setFact(session, JUDGED_FOR, date);',
    'if (businessDate !== undefined) await setFact(session, JUDGED_FOR, date);',
  ]),
  mutant('judging that was cut off counts', 'what is to be held back leaves', 'claims-postgres', [
    "await note(session, '');",
    '',
  ]),
  mutant('a record that moves is called altered', 'payouts are kept back beside another machine', 'machines', [
    'const what = await alteredNow(store, instruction);',
    'const what = instructionDiffers(instruction, history);',
  ]),
  mutant('what another machine lets go leaves unjudged', 'a day goes past its limit', 'machines', [
    "(by !== undefined || (from === 'unknown' && to === 'ready'))",
    'by !== undefined',
  ]),
  mutant('each machine begins with the same payouts', 'machines plan for each other', 'machines', [
    'share.of === 1 ? turns :',
    'share.of > 0 ? turns :',
  ]),
  mutant(
    'an order reference is looked up beside other writers',
    'two customers have one order reference',
    'claims-postgres',
    ["(row.kind === 'order' && !row.ofTenant) ||", "row.kind === 'order' ||"],
  ),
  mutant('machines pay from one balance at the same time', 'more is begun than the account covers', 'balance', [
    "if (settings.control.balance === 'off') return send();",
    'if (settings) return send();',
  ]),
  mutant('writers take the audit chain side by side', 'entries of two machines fork the log', 'store-postgres', [
    'AS hash FROM audit_head FOR UPDATE) h',
    'AS hash FROM audit_head) h',
  ]),
  mutant('an empty host is a host', 'the records are asked for without TLS', 'address', [
    "return searchParams.get('host') || hostname || 'localhost';",
    "return searchParams.get('host') ?? (hostname || 'localhost');",
  ]),
  mutant('the environment says where the records are', 'payouts are recorded on a stranger’s server', 'address', [
    "if (hostname === '') searchParams.set('host', host);",
    '',
  ]),
  mutant('the first of two hosts counts', 'the records are asked for without TLS', 'address', [
    'names.indexOf(name) !== at',
    'names.indexOf(name) > at',
  ]),
  mutant('the certificate of the records is not checked', 'payouts are recorded on a stranger’s server', 'address', [
    "if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' && leavesMachine(address))",
    "if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === 'never' && leavesMachine(address))",
  ]),
  mutant('a lost COMMIT is taken for carried out', 'an intent that is not there is sent', 'store-postgres', [
    'if (last === writes) return;',
    "if (last !== 'unknown') return;",
  ]),
  mutant('a lost COMMIT is taken for lost', 'what is recorded is done again', 'store-postgres', [
    'if (last === writes) return;',
    'if (last === -1) return;',
  ]),
  mutant('a run is reported by every machine', 'reports of one run are in two outboxes', 'store-postgres', [
    `NOT \${IS_OTHERS} AND \${IS_OTHERS_TO_REPORT} IS NOT TRUE ORDER BY number`,
    `NOT \${IS_OTHERS} AND $2::text IS NOT NULL ORDER BY number`,
  ]),
  mutant('who is away is a matter of the machine that asks', 'a file is reported twice', 'store-postgres', [
    "serverTime('10 minutes')}))",
    "serverTime('0 s')}))",
  ]),
  mutant('a run that another machine ended is an error', 'a machine that was away ends with one', 'claims-postgres', [
    'if (!ended && (await WAS_ENDED_BY_ANOTHER.get(session, run, name)) !== false) return undefined;',
    '',
  ]),
];

const CONSOLE: Mutant[] = [
  mutant(
    'console: a form of another port counts',
    'a page of another program of the machine pauses or approves',
    'console',
    ["return site === 'same-origin' || site === 'none';", "return site !== 'cross-site';"],
  ),
  mutant('console: a form that says nothing of itself counts', 'a page under a name of its own approves', 'console', [
    'if (site === undefined) return origin === url.origin;',
    'if (site === undefined) return origin === undefined || origin === url.origin;',
  ]),
  mutant('console: a session outlives its person', 'who has left approves for eight hours more', 'console', [
    'if (!keys || statement !== (await statementOf(store, signIn))) return false;',
    'if (!keys || statement !== (await statementOf(store, signIn))) return true;',
  ]),
  mutant('console: the signature of a session is not checked', 'a row in the records approves', 'console', [
    'if (!keys || statement !== (await statementOf(store, signIn))) return false;',
    "if (keys) return statement !== '';",
  ]),
  mutant('console: a session ends when its row says so', 'a session is opened again by hand, and approves', 'console', [
    'if (!(sinceMs >= 0 && sinceMs < SIGNED_FOR_MS)) return false;',
    '',
  ]),
  mutant('console: a pause takes its turn behind a retry', 'sending goes on while the provider hangs', 'console', [
    'PAUSES.includes(path) ? pausing : ASKS.includes(path) ? asking : acting',
    'PAUSES.includes(path) || ASKS.includes(path) ? asking : acting',
  ]),
  mutant(
    'console: a retry keeps its turn while it asks',
    'nobody can approve while the provider hangs',
    'console',
    [
      'PAUSES.includes(path) ? pausing : ASKS.includes(path) ? asking : acting',
      'PAUSES.includes(path) ? pausing : acting',
    ],
    ['deciding: acting', 'deciding: (work) => work()'],
  ),
  mutant('console: a retry decides whenever it likes', 'it decides in the middle of another decision', 'resolution', [
    'inTurn(() => decideRetry(tools, before, answer, alive, decision))',
    'decideRetry(tools, before, answer, alive, decision)',
  ]),
  mutant('console: what is over is kept', 'the links and sessions of years fill the records', 'store-console', [
    'remove.run({ at: signIn.madeAt });',
    '',
  ]),
  mutant(
    'console: a session ends with its link',
    'a person is signed out in the middle of a decision',
    'store-console',
    ["statement = '' AND ends_at <=", "statement = '' AND expires_at <="],
  ),
  mutant('console: what was signed goes with its session', 'nobody can show who approved', 'store-console', [
    "OR statement = '' AND ends_at <=",
    'OR ends_at <=',
  ]),
  mutant('console: a form is read in its turn', 'a slow browser keeps everybody from deciding', 'console', [
    'const form = await formOf(request);\n    return await turn(() => done(visit, { request, form, late: late.signal, deciding }, action, kept));',
    'return await turn(async () =>\n      done(visit, { request, form: await formOf(request), late: late.signal, deciding }, action, kept),\n    );',
  ]),
  mutant('console: a retry waits for its provider for ever', 'nobody can decide while the provider hangs', 'console', [
    "late.addEventListener('abort', unheard, { once: true });",
    '',
  ]),
  mutant(
    'console: a link is used twice',
    'who reads over a shoulder signs in as well',
    ['store-console'],
    [
      'WHERE link = :link AND session IS NULL AND expires_at > :at RETURNING',
      'WHERE link = :link AND expires_at > :at RETURNING',
    ],
  ),
  mutant('console: a yes is for what stands now', 'a person approves what another has changed meanwhile', 'console', [
    'found.length === asked.size && found.every((one) => asked.get(one.payout.id) === heldVersion(one))',
    'found.length === asked.size',
  ]),
  mutant('console: a decision is for any version', 'a payout that was resolved is resolved again', 'console', [
    'return version !== undefined && version !== now.version;',
    'return version === 0 && now.version === 0;',
  ]),
  mutant('console: people decide without being judged', 'who dropped a file approves it', 'console', [
    'if (!signed) return (word',
    'if (word) return (word',
  ]),
  mutant('console: a report is any file', 'the settings are read through a link in the outbox', 'console', [
    'open(join(outbox, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)',
    'open(join(outbox, name), constants.O_RDONLY | constants.O_NONBLOCK)',
  ]),
  mutant('console: each look counts anew', 'people who look hold up the sending', 'console', [
    'if (kept && clock.monotonic() < kept.freshUntilMs) return kept.reading;',
    '',
  ]),
  mutant('what moved on meanwhile is an error', 'a person is told 500, and not what it is now', 'resolution', [
    'if (!(error instanceof MovedOnError)) throw error;',
    'throw error;',
  ]),
  mutant('console: a search goes on for nobody', 'a page that is loaded again and again is never shown', 'console', [
    ' || gone.aborted)',
    ')',
  ]),
  mutant('console: any number of searches wait', 'the latest is cut off without a word', 'console', [
    "if (line.size >= all) return 'full';",
    '',
  ]),
  mutant('search: a step begins where the last one ended, and again', 'a search never ends', 'store-console', [
    'least: row?.looked === look ? row.least : undefined };\n  };',
    'least: row?.looked === look ? row.least + 1 : undefined };\n  };',
  ]),
];

const CONNECTED: Mutant[] = [
  mutant('a forged webhook is believed', 'anyone has the provider asked as often as they like', 'webhooks', [
    'return got.length === due.length && timingSafeEqual(got, due);',
    'return got.length === due.length;',
  ]),
  mutant('a webhook is answered before it is kept', 'a crash loses what the provider was told is taken', 'webhooks', [
    'const kept = await queue.add(names);',
    'const kept = 1;',
  ]),
  mutant('a second attempt has no name', 'the end of a payout that was paid again is seen a day later', 'webhooks', [
    'return isClientRef(instructionref) ? [name, { clientRefId: instructionref }] : [name];',
    'return [name];',
  ]),
  mutant('any text is a reference', 'a webhook with U+0000 keeps all that come with it from being kept', 'webhooks', [
    'text.length <= LONGEST_REF && unwantedControl(text) === undefined',
    'text.length <= LONGEST_REF',
  ]),
  mutant('webhooks take the whole pass', 'a batch of webhooks holds up intake and sending for hours', 'webhooks', [
    'if (begun++ > 0 && clock.monotonic() >= endMs) line.stop(TIME_IS_UP);',
    '',
  ]),
  mutant('a host of another name is served', 'a page of another site reads this one through its own name', 'http', [
    'return served.includes(host) ?',
    'return host !== undefined ?',
  ]),
  mutant(
    'a wait ends though the payout was named again',
    'what changed during a look-up is seen a day later',
    'store-webhooks',
    ['answered = max(answered, coalesce(?, 0))', 'answered = max(times, coalesce(?, 0))'],
  ),
  mutant('bodies have no limit together', 'a hundred large bodies fill the memory', 'http', [
    "if (heldBytes > MOST_BYTES_AT_ONCE) throw new Refused(503, 'too much at once');",
    '',
  ]),
];

export const MUTANTS: readonly Mutant[] = [
  ...CONSOLE,
  ...CONNECTED,
  ...CONTROL,
  ...CALENDAR,
  ...HELD,
  ...DRY_RUN,
  ...DECISIONS,
  ...SENDING,
  ...ANSWERS,
  ...LOOK_UPS,
  ...MACHINES,
  ...ONE_CLOCK,
  ...OWN,
  ...CLAIMS,
  ...STORE,
  ...TAKING_OVER,
  ...WIPING,
  ...ALIKE,
  ...FILES,
  ...MONEY_OF_A_MONTH,
  ...NOTIFICATIONS,
  ...PAGE_OF_A_FILE,
];
