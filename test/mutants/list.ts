/** Deliberate faults, each of which some test must notice. */
import { INTENTS_LATE } from '../support/faulty-programs.ts';
import type { Mutation } from '../support/mutation.ts';

export interface Mutant extends Mutation {
  readonly name: string;
  /** What it would do to somebody. */
  readonly why: string;
  /** The test files that must notice it, the quickest there are. */
  readonly tests: readonly string[];
}

/** A fault in one place. */
function mutant(
  name: string,
  why: string,
  tests: string | readonly string[],
  file: string,
  ...edits: Mutation['edits']
): Mutant {
  return { name, why, tests: [tests].flat().map((test) => `test/${test}.test.ts`), file: `src/${file}`, edits };
}

const SENDING: Mutant[] = [
  {
    ...INTENTS_LATE,
    name: 'intent committed after sending',
    why: 'a crash forgets what was sent, and it is sent again',
    tests: ['test/submit.test.ts'],
  },
  mutant('unknown is ready again', 'an unclear payout is paid twice', 'submit', 'submit.ts', [
    "return { id, version, from, to: 'unknown', message, ...why",
    "return { id, version, from, to: 'ready', message, ...why",
  ]),
  mutant('sending at start is ready again', 'a crash pays twice', 'submit', 'submit.ts', [
    "          from: 'sending',\n          to: 'unknown',",
    "          from: 'sending',\n          to: 'ready',",
  ]),
  mutant('declined after unclear', 'what was paid is called refused', 'submit', 'submit.ts', [
    "if (instruction.unclearAt === '') return",
    "if (instruction.unclearAt !== 'never') return",
  ]),
  mutant('body built anew on re-send', 'the second request is another payout', 'submit', 'submit.ts', [
    'const body = instruction.body || provider.body(',
    'const body = provider.body(',
  ]),
  mutant('stopped line goes on', 'refused credentials are tried for every payout', 'submit', 'submit.ts', [
    'if (!settled && line.stopped())',
    "if (!settled && line.stopped() === 'never')",
  ]),
  mutant('client reference from a counter', 'a second machine pays again', 'instruction', 'instruction.ts', [
    'const digest = sha256Bytes(',
    'const digest = sha256Bytes(process.hrtime.bigint() + ',
  ]),
  mutant('an order is registered again at once', 'an order is created twice', 'registration', 'registration.ts', [
    'if (nowMs - Date.parse(order.registrationUnclearAt) < quarantineMs) return undefined;',
    '',
  ]),
  mutant(
    'instructions go before their order',
    'the provider is asked to pay for nothing',
    'registration',
    'registration.ts',
    [
      "return { kind: 'not-sent', message: `its order may not",
      "if (outcome) return undefined;\n      return { kind: 'not-sent', message: `its order may not",
    ],
  ),
  mutant("another's order is taken for ours", 'money is paid on the wrong order', 'registration', 'registration.ts', [
    "if (found.difference === '') return",
    'if (found) return',
  ]),
  mutant('riders that were refused are sent no more', 'good payouts are declined', 'registration', 'registration.ts', [
    "if (change.to !== 'refused' || riders.size === 0) {",
    'if (riders.size >= 0) {',
  ]),
  mutant('a change is asked for without looking', 'a change is made twice', 'amend', 'amend.ts', [
    "    case 'done':\n      return record({ kind: 'done' });",
    "    case 'done':\n      break;",
  ]),
  mutant('what is processed is changed here alone', 'our amount is not what was paid', 'amend', 'amend.ts', [
    "return found.updatable ? 'open' : 'refused';\n}",
    "return found.updatable ? 'open' : 'done';\n}",
  ]),
  mutant('retry from unknown', 'a person pays a second time by mistake', 'resolution', 'resolution.ts', [
    "return decide(store, clock, ref, FINAL_FAILURES, 'ready', decision);",
    "return decide(store, clock, ref, [...FINAL_FAILURES, 'paid', 'unknown'], 'ready', decision);",
  ]),
  mutant('retry under the same reference', 'the provider refuses it for ever', 'resolution', 'store/changes.ts', [
    'raw = NULL, attempt = attempt + 1,',
    'raw = NULL,',
  ]),
];

const ANSWERS: Mutant[] = [
  mutant(
    'a new token after the line stopped',
    'refused credentials are tried again',
    'provider/imburse-token',
    'provider/imburse/client.ts',
    ['if (!request.goesOn())', 'if (!request.goesOn() && !request.path)'],
  ),
  mutant('not sent although it started', 'a broken connection pays twice', 'provider/http', 'provider/http.ts', [
    "        connection\n          ? { kind: 'unclear'",
    "        connection && ended\n          ? { kind: 'unclear'",
  ]),
  mutant(
    'redirect followed',
    'the signed order goes to somebody else',
    'provider/http',
    'provider/http.ts',
    ['import { type Dispatcher, errors, Pool }', 'import { type Dispatcher, errors, interceptors, Pool }'],
    ['      pool.dispatch(', '      pool.compose(interceptors.redirect({ maxRedirections: 3 })).dispatch('],
    ['if (ended || connection) controller.abort', 'if (ended) controller.abort'],
  ),
  mutant('certificate not checked', 'anybody on the way can answer', 'provider/http', 'provider/http.ts', [
    'rejectUnauthorized: true',
    'rejectUnauthorized: false',
  ]),
  mutant(
    'used reference believed declined',
    'what was paid is called refused',
    'provider/payout-orders',
    'provider/payout-orders/answers.ts',
    ['if (saysAlreadyUsed(envelope)) return', "if (envelope.code === '' && saysAlreadyUsed(envelope)) return"],
  ),
  mutant(
    '401 does not stop the line',
    'the provider locks the account',
    'provider/payout-orders',
    'provider/payout-orders/answers.ts',
    ['  if (UNAUTHORIZED_STATUSES.includes(status) || envelope?.code === UNAUTHORIZED_CODE) return CREDENTIALS;\n', ''],
  ),
  mutant(
    'server error believed declined',
    'what was paid is called refused',
    'provider/payout-orders',
    'provider/payout-orders/answers.ts',
    [
      'const REFUSED_STATUSES: readonly number[] = [200, 400, 422];',
      'const REFUSED_STATUSES: readonly number[] = [200, 400, 422, 500, 502, 503];',
    ],
  ),
  mutant(
    "any 404 is 'not found'",
    "a proxy's page pays twice",
    'provider/payout-orders',
    'provider/payout-orders/answers.ts',
    [
      'if (outcome.status === NOT_FOUND.status && envelope.code === NOT_FOUND.code && !carriesOrder(envelope)) {',
      'if (outcome.status === NOT_FOUND.status) {',
    ],
  ),
];

const LOOK_UPS: Mutant[] = [
  mutant('404 trusted at once', 'a late payout is paid twice', 'reconcile', 'reconcile.ts', [
    '  if (nowMs - Date.parse(unclearAt) < quarantineMs) return NOTHING;\n',
    '',
  ]),
  mutant('quarantine by any difference', 'a clock set back ends it', 'reconcile', 'reconcile.ts', [
    'if (nowMs - Date.parse(unclearAt) < quarantineMs)',
    'if (Math.abs(nowMs - Date.parse(unclearAt)) < quarantineMs)',
  ]),
  mutant('sent again where nobody may', 'a provider without memory pays twice', 'reconcile', 'reconcile.ts', [
    "if (duplicateClientRef !== 'rejected') {",
    "if (duplicateClientRef === 'never') {",
  ]),
  mutant('amount mismatch ignored', "somebody else's payout counts as ours", 'reconcile', 'reconcile.ts', [
    'return compare(amount, ours) === 0 ?',
    'return compare(amount, ours) !== undefined ?',
  ]),
  mutant('submitted falls back', 'a look-up that lags pays twice', 'reconcile', 'reconcile.ts', [
    "return status === 'unknown' ? notFound(instruction, nowMs, settings) : NOTHING;",
    "return status !== 'ready' ? notFound(instruction, nowMs, settings) : NOTHING;",
  ]),
  mutant('look-up-only mode off', 'a restored backup pays again', 'anchor', 'pipeline.ts', [
    '  if (doubt !== undefined) return `',
    "  if (doubt === 'never') return `",
  ]),
];

const STORE: Mutant[] = [
  mutant(
    'applied before it is durable',
    'a payout leaves whose intent is not written',
    'store-elsewhere',
    'thread.ts',
    [
      '        waiting.push({ resolve, reject });\n',
      '        waiting.push({ resolve, reject });\n        resolve(undefined as Answer);\n',
    ],
  ),
  mutant('numbers of a restored backup', 'two files have one number', 'anchor', 'workspace.ts', [
    '    await records.skipNumbers(taken);\n',
    '',
  ]),
  mutant('missing status condition', 'two hands move one payout', 'store', 'store/changes.ts', [
    'WHERE id = ? AND status = +? AND version = ?',
    'WHERE id = ? AND ? <> 0 AND ? <> 0',
  ]),
  mutant('status from any version', 'a stale decision overrides a newer one', 'store', 'store/changes.ts', [
    'WHERE id = ? AND status = +? AND version = ?',
    'WHERE id = ? AND status = +? AND ? <> 0',
  ]),
  mutant('audit entry left out', 'nobody can tell what happened', 'store', 'store/changes.ts', [
    '      append(statusEvent(one, now, at), one.id);\n',
    '',
  ]),
  mutant('kept count of what has moved', 'reports tell what is over', 'status-counts', 'store/counts.ts', [
    'counts !== null && !movedFiles.has(number)',
    'counts !== null',
  ]),
  mutant('references never entered', 'what was taken in is taken in again', 'store', 'store/files.ts', [
    '    enter.run(fileRange(file));\n',
    '',
  ]),
  mutant('references taken over', 'two instructions under one name', 'store', 'store/files.ts', [
    'SET instruction = iif(instruction = excluded.instruction, instruction, NULL)',
    'SET instruction = excluded.instruction',
  ]),
  mutant('repeats overlooked', 'a row does not see what an earlier one did', 'intake/repeats', 'intake/repeats.ts', [
    'return includes(repeated, hash >>> 0);',
    'return includes(repeated.subarray(1), hash >>> 0);',
  ]),
  mutant('orders taken for new', 'what was taken in is not recognised', 'cases', 'intake/decide.ts', [
    'orders[at]?.hadInstructions !== false',
    'orders[at]?.hadInstructions === undefined',
  ]),
  mutant('deferred change', 'another writer comes in between', 'store-locking', 'store/changes.ts', [
    'apply.immediate(changes, at, orders);',
    'apply.deferred(changes, at, orders);',
  ]),
  mutant('deferred registration', 'another writer comes in between', 'store-locking', 'store/files.ts', [
    'return register.immediate;',
    'return register.deferred;',
  ]),
  mutant('deferred rows', 'another writer comes in between', 'store-locking', 'store/intake.ts', [
    'record.immediate(file, rows, progress, at);',
    'record.deferred(file, rows, progress, at);',
  ]),
  mutant(
    'synchronous left to its default',
    'a power cut forgets what was sent',
    'store-sqlite',
    'store/connection.ts',
    ["  db.pragma('synchronous = FULL');\n", ''],
    ['|| synchronous !== FULL ', ''],
  ),
  mutant(
    'synchronous NORMAL',
    'a power cut forgets what was sent',
    'durable-order',
    'store/connection.ts',
    ["db.pragma('synchronous = FULL');", "db.pragma('synchronous = NORMAL');"],
    ['|| synchronous !== FULL ', ''],
  ),
  mutant('lock not taken', 'two instances send the same', 'lock', 'store/lock.ts', [
    "    db.exec('BEGIN EXCLUSIVE');\n",
    '',
  ]),
  mutant('duplicate file not recognised', 'a file dropped twice stops the program', 'store', 'store/files.ts', [
    'const first = file.problem ? undefined : sameBytes.get(file.sha256);',
    "const first = file.problem ? undefined : sameBytes.get('');",
  ]),
];

const FILES: Mutant[] = [
  mutant('last line of a portion', 'a row is told nowhere', 'file-reports', 'file-reports/portions.ts', [
    'line <= before + PORTION_LINES',
    'line < before + PORTION_LINES',
  ]),
  mutant('a dry run forgets plain rows', 'a file is foreseen smaller than it is', 'dry-run', 'dry-run/last-file.ts', [
    'if (isPlain(row)) last.tally.add(resultOf(row, at));',
    'if (isPlain(row) && row.status === "waiting") last.tally.add(resultOf(row, at));',
  ]),
  mutant('no folder sync', 'a power cut brings back what was moved', 'durable-order', 'durable.ts', [
    '  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);\n  try {\n    await handle.sync();',
    '  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);\n  try {',
  ]),
  mutant('rename without sync of the file', 'a power cut leaves an empty report', 'durable-order', 'durable.ts', [
    '      await handle.sync();\n      await handle.close();',
    '      await handle.close();',
  ]),
  mutant('spool copy not synced', 'a power cut loses rows', 'durable-order', 'inbox.ts', [
    '    await target.sync();\n',
    '',
  ]),
  mutant('day of the archive not synced', 'a power cut loses what was archived', 'durable-order', 'inbox.ts', [
    '      await syncFolder(archive);\n',
    '',
  ]),
  mutant('anchor not synced', 'a power cut hides a restored backup', 'durable-order', 'anchor.ts', [
    '      await file.datasync();\n',
    '',
  ]),
  mutant(
    'reports before the end of their run',
    'a crash leaves reports that can not be repeated',
    'closing-order',
    'pipeline.ts',
    [
      "  const ended = run.finishedAt === '' ? await store.endRun(run.number, timestamp(clock.now()), contents.open) : run;\n",
      "  const ended = run.finishedAt === '' ? { ...run, finishedAt: timestamp(clock.now()) } : run;\n",
    ],
    [
      '  await store.runReported(run.number, await publish(settings.outbox, reports));\n',
      "  const published = await publish(settings.outbox, reports);\n  if (run.finishedAt === '') await store.endRun(run.number, ended.finishedAt, contents.open);\n  await store.runReported(run.number, published);\n",
    ],
  ),
  mutant(
    'a decision stands in no run report',
    'the run reports are not the history',
    'closing-order',
    'store/runs.ts',
    ['    takeOver.run(run);\n', ''],
  ),
  mutant('declined needs nobody', 'a payee waits, and all seems well', 'attention', 'attention.ts', [
    "declined: inStatus('declined')",
    'declined: 0',
  ]),
  mutant('line dropped silently', 'a payout is never made and nobody is told', 'rows', 'rows.ts', [
    'return { rows, blankLines: lines',
    "return { rows: rows.filter((row) => row.kind === 'row'), blankLines: lines",
  ]),
  mutant('lost row reported', 'a report does not add up', 'report', 'report/totals.ts', [
    '    throw broken(file, `$',
    '    broken(file, `$',
  ]),
  mutant('floating-point amounts', 'cents are lost', 'money', 'money.ts', [
    'return amount.units * tenToThe(exponent - amount.scale);',
    'return BigInt(Math.round(Number(amount.units) * 10 ** (exponent - amount.scale)));',
  ]),
  mutant('formula escape off', "a spreadsheet runs a stranger's formula", 'formula', 'formula.ts', [
    'return NEEDS_PROTECTION.test(text) ?',
    "return text === '=' ?",
  ]),
  mutant('free-space floor ignored', 'what is sent can not be written down', 'free-space', 'pipeline.ts', [
    'if (bavail * bsize >= LEAST_FREE_BYTES) return undefined;',
    'if (bavail * bsize >= 0) return undefined;',
  ]),
  mutant('sandbox turned real', "what was 'paid' in play is never paid", 'workspace', 'workspace.ts', [
    'if (before === undefined || (await store.files()).length === 0) return',
    'if (before !== now) return',
  ]),
  mutant('nightly run twice a day', 'the night is sent a second time', 'store', 'store/runs.ts', [
    '    if (known?.finishedAt) return undefined;\n',
    '',
  ]),
];

export const MUTANTS: readonly Mutant[] = [...SENDING, ...ANSWERS, ...LOOK_UPS, ...STORE, ...FILES];
