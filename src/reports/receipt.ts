/** The receipt: what a program needs to know about a file, in one JSON document with a fixed order of keys. */

import { SANDBOX_NOTICE } from '../domain/api.ts';
import { sixDigits } from '../domain/file-number.ts';
import { ADVISED_LENGTHS } from '../domain/instruction.ts';
import { formatDecimal, parseDecimal } from '../domain/money.ts';
import { withOffset } from '../platform/clock.ts';
import type { FileRecord } from '../store/store.ts';
import { addressOf, type ReportContext } from './context.ts';
import { type Holds, holdsInReceipt } from './held.ts';
import { releasesOf } from './releases.ts';
import { NO_CURRENCY } from './table.ts';
import { amountText, type Summary, verdictOf, ZERO } from './totals.ts';
import { problemOf, warningsOf } from './words.ts';

export function receiptJson(
  file: FileRecord,
  summary: Summary,
  first: FileRecord | undefined,
  context: ReportContext,
  holds: Holds,
): string {
  const { api, sandbox } = context.provider;
  const source = first ?? file;
  const receipt = {
    sandbox,
    ...(sandbox ? { notice: SANDBOX_NOTICE } : {}),
    file: file.number,
    name: file.name,
    kind: file.kind ?? null,
    sha256: file.sha256,
    size: file.size,
    receivedAt: file.receivedAt,
    businessDate: file.businessDate,
    integrity: { sha256File: file.proven ? 'matched' : 'none', lastLineEnded: file.finalNewline },
    verdict: verdictOf(file, summary),
    problem: file.problem
      ? {
          code: file.problem.code,
          column: file.problem.column,
          value: file.problem.value,
          message: problemOf(file.problem),
        }
      : null,
    duplicateOf: first ? { file: first.number, name: first.name, receivedAt: first.receivedAt } : null,
    sending: {
      submit: context.submit,
      nightly: context.schedule.nightly,
      timeZone: context.schedule.timeZone,
      rowsNotSentYet: summary.unsent.rows,
      firstOpenDate: summary.unsent.firstOpenDate || null,
      lastOpenDate: summary.unsent.lastOpenDate || null,
    },
    ...(summary.unsent.rows === 0 ? {} : { releases: releases(file, summary, context) }),
    rows: {
      read: source.progress.rows,
      reported: summary.rows,
      blankLines: source.progress.blankLines,
      ...(source.progress.separatorLines ? { separatorLines: source.progress.separatorLines } : {}),
      ...(source.progress.unevenRows ? { unevenRows: source.progress.unevenRows } : {}),
      ...(source.progress.headersAgain ? { headersAgain: source.progress.headersAgain } : {}),
      byStatus: Object.fromEntries(summary.byStatus),
    },
    controlSum: {
      in: formatDecimal(parseDecimal(source.progress.controlSum) ?? ZERO),
      out: formatDecimal(summary.controlSum),
    },
    amounts: file.kind === 'orders' ? {} : amounts(summary),
    errors: Object.fromEntries(summary.errors.map(({ code, count }) => [code, count])),
    ...holdsInReceipt(summary, holds),
    ...(summary.takenInWith.size === 0 ? {} : { takenInWith: byFile(summary.takenInWith) }),
    ...(summary.repairedWith.size === 0 ? {} : { repairedWith: byFile(summary.repairedWith) }),
    ...(file.repairs === undefined ? {} : { repairs: file.repairs }),
    ...(summary.totalsRows === 0 ? {} : { totalsRows: summary.totalsRows }),
    ...(summary.closed.size === 0 ? {} : { closed: Object.fromEntries(summary.closed) }),
    ...(file.closed ? { closedBy: { by: file.closed.by, reason: file.closed.reason, at: file.closed.at } } : {}),
    late: summary.late,
    warnings: warningsOf(summary, context).map(({ column, rows, firstLine }) => ({
      column,
      longerThan: ADVISED_LENGTHS[column],
      rows,
      firstLine,
    })),
    provider: { api, baseUrl: addressOf(context) },
  };
  return `${JSON.stringify(receipt, undefined, 2)}\n`;
}

/** When the rows that are not sent yet will be sent. */
function releases(file: FileRecord, summary: Summary, context: ReportContext): object[] {
  return releasesOf(file, summary, context).map(({ atMs, rows, amounts, why }) => ({
    at: atMs === undefined ? null : withOffset(atMs, context.schedule.timeZone),
    rows,
    amounts: Object.fromEntries(
      amounts.map(({ currency, amount }) => [currency || NO_CURRENCY, amountText(amount, currency)]),
    ),
    ...(why === '' ? {} : { why }),
  }));
}

function byFile(rows: ReadonlyMap<number, number>): Record<string, number> {
  return Object.fromEntries([...rows].map(([file, some]) => [sixDigits(file), some]));
}

function amounts(summary: Summary): Record<string, Record<string, { rows: number; amount: string }>> {
  const byCurrency: Record<string, Record<string, { rows: number; amount: string }>> = {};
  for (const { currency, status, rows, amount } of summary.totals) {
    const name = currency || NO_CURRENCY;
    byCurrency[name] = { ...byCurrency[name], [status]: { rows, amount: amountText(amount, currency) } };
  }
  return byCurrency;
}
