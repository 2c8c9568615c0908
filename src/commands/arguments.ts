/** How the command line reads values, and what its help says at the end. */

/** What commander makes a sentence of that names the option. Its own class is in its package, which only main.ts loads. */
class InvalidArgument extends Error {
  readonly code = 'commander.invalidArgument';
  readonly exitCode = 1;
}

export const AFTER_HELP = `
Exit status:
  0  done, nothing needs attention
  1  done, but rows were rejected, payouts were lost, or some are held back or in doubt
  2  the command, the settings or the secrets must be put right
  3  not finished: run it again, and it goes on from there

Example:
  $ paydrop init payouts && cd payouts
  $ cp templates/*.csv inbox/ && paydrop run`;

export function businessDate(text: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  if (!day || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text)
    throw new InvalidArgument('expected a date that exists, as YYYY-MM-DD.');
  return text;
}

export function month(text: string): string {
  if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(text)) throw new InvalidArgument('expected a month, as YYYY-MM.');
  return text;
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new InvalidArgument(`expected a whole number from ${least} to ${most}.`);
    return number;
  };
}

export const PERIOD = {
  from: ['--from <YYYY-MM-DD>', 'the first date'],
  to: ['--to <YYYY-MM-DD>', 'the last date'],
} as const;

export const JSON_FLAG = ['--json', 'print JSON for machines'] as const;

/** Adds what a person may say of payouts to list or to export. */
export function choosing<Of extends { option(flags: string, says: string): Of }>(of: Of): Of {
  return of
    .option('--status <status,…>', 'now in this status; with dates: came into it in that period')
    .option('--currency <currency>', 'in this currency')
    .option('--customer <ref>', 'of this customer')
    .option('--payee <contactId>', 'to this payee')
    .option('--amount <amount>', 'of exactly this amount')
    .option('--bank-reference <ref>', 'with this reference of the bank')
    .option(...JSON_FLAG);
}
