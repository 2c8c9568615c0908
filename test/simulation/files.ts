/** What people drop into an inbox, with what may come of it. */
import { createHash } from 'node:crypto';
import type { InstructionRef } from '../../src/domain/instruction.ts';
import type { SimulatedApi } from './api.ts';
import type { Chance } from './chance.ts';

/** Its order never comes. */
const WAITS = 'W1';
const NO_ORDER = 'O9';
const ORDERS = ['O1', 'O2'];

/** Everything is about one customer. */
export const CUSTOMER = 'C1';
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const ORDERS_HEADER = 'customerRef,orderRef,currency,country,scheme';
const HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const BAD_AMOUNTS = ['two', '0', '-1', '1.005', ''];

/** More columns of an API's files, with what their cells may say. */
interface More {
  readonly header: string;
  readonly cells: readonly string[];
}

const NO_MORE: More = { header: '', cells: [''] };
const DEFAULTS: More = {
  header: ',customerDefault.financialInstrumentId,customerDefault.schemeId,metadata.batch',
  cells: [',,,', ',FI-1,,', `,FI-1,${SCHEME},7`],
};
const MANAGED: More = {
  header: ',financialInstrumentId,metadata.note',
  cells: [',,', ',FI-2,', ',,rent', ',FI-2,rent'],
};

export interface Dropped {
  readonly name: string;
  readonly content: string;
  readonly sha256: string;
  /** The lines that hold rows; none when the whole file is bad. */
  readonly lines: readonly number[];
}

export interface WriterOptions {
  readonly chance: Chance;
  readonly api: SimulatedApi['name'];
  readonly dates: readonly string[];
  /** Whether files also change what earlier ones said. */
  readonly amends: boolean;
  readonly isSmall: boolean;
  /** The most instructions that there can be. */
  readonly most?: number;
}

/** Writes files about a handful of instructions, and remembers what they said. */
export class Writer {
  readonly instructions: readonly string[];
  /** Amounts that some row stated for an instruction, by its reference. */
  readonly amounts = new Map<string, Set<string>>();
  readonly dropped: Dropped[] = [];
  #rows: string[] = [];
  /** Rows of earlier amendments. */
  readonly #changes: string[] = [];

  readonly options: WriterOptions;
  readonly #orderCells = new Map<string, string>();
  readonly #cells = new Map<string, string>();
  readonly #header: string;
  readonly #ordersHeader: string;

  constructor(options: WriterOptions) {
    const { chance, api, isSmall, most = 12 } = options;
    this.options = options;
    const count = isSmall ? chance.between(1, 4) : chance.between(3, most);
    this.instructions = Array.from({ length: count }, (_, at) => `P${at + 1}`);
    const [defaults, managed] = api === 'order-management' ? [DEFAULTS, MANAGED] : [NO_MORE, NO_MORE];
    this.#ordersHeader = ORDERS_HEADER + defaults.header;
    this.#header = HEADER + managed.header;
    for (const order of ORDERS) this.#orderCells.set(order, chance.pick(defaults.cells));
    for (const { instructionRef } of this.refs()) this.#cells.set(instructionRef, chance.pick(managed.cells));
  }

  /** Every instruction that can be taken in, its order or none. */
  refs(): InstructionRef[] {
    const named = this.instructions.map((instructionRef) => [orderOf(instructionRef), instructionRef] as const);
    const all = [...named, [NO_ORDER, WAITS] as const];
    return all.map(([orderRef, instructionRef]) => ({ customerRef: CUSTOMER, orderRef, instructionRef }));
  }

  orders(): Dropped {
    const orders = ORDERS.filter(() => this.options.chance.strikes(0.8));
    return this.#keep(
      'orders',
      this.#ordersHeader,
      orders.map((order) => `${CUSTOMER},${order},INR,IN,${SCHEME}${this.#orderCells.get(order)}`),
    );
  }

  /** Some of the instructions, a few rows that can't be taken, and a few rows twice. */
  instructionsFile(): Dropped {
    const { chance, dates } = this.options;
    const rows = this.instructions.filter(() => chance.strikes(0.75)).map((ref) => this.#create(ref));
    if (chance.strikes(0.4))
      rows.push(
        `${CUSTOMER},O1,B${chance.below(9)},${chance.pick(BAD_AMOUNTS)},${dates[0]},${dates[0]}${this.#blank()}`,
      );
    if (chance.strikes(0.2)) rows.push(`${CUSTOMER},O1,"never closed,5`);
    if (chance.strikes(0.2))
      rows.push(this.#stated(`${CUSTOMER},${NO_ORDER},${WAITS},7,${dates[0]},${dates[0]}${this.#cells.get(WAITS)}`));
    if (rows.length > 0 && chance.strikes(0.3)) rows.push(chance.pick(rows));
    this.#rows.push(...rows);
    return this.#keep('payouts', this.#header, rows);
  }

  /** Rows of earlier files, as they were and changed, beside new ones. */
  overlapping(): Dropped {
    const { chance } = this.options;
    const old = this.#rows.filter(() => chance.strikes(0.5));
    const rows = [...old, ...this.instructions.filter(() => chance.strikes(0.2)).map((ref) => this.#create(ref))];
    return this.#keep('overlap', this.#header, rows);
  }

  /** Changes some of the instructions, or of those that are named. */
  amendments(refs = this.instructions, odds = 0.4): Dropped {
    const { chance, amends } = this.options;
    const rows = refs
      .filter(() => chance.strikes(odds))
      .map((ref) => {
        const isDelete = !amends || chance.strikes(0.4);
        return isDelete
          ? `DELETE,${CUSTOMER},${orderOf(ref)},${ref},,,${this.#blank()}`
          : `UPDATE,${this.#create(ref)}`;
      });
    this.#changes.push(...rows);
    return this.#keep('changes', `action,${this.#header}`, rows);
  }

  /** Changes of earlier files as they were, whatever came after them. */
  changesAgain(): Dropped {
    const rows = this.#changes.filter(() => this.options.chance.strikes(0.7));
    // No other file has this many blank lines at its end, so it isn't the same file again.
    return this.#keep('changes-again', `action,${this.#header}`, [...rows, ...this.dropped.map(() => '')]);
  }

  damaged(): Dropped {
    const content = this.options.chance.pick([
      '',
      'PK\u0003\u0004 an archive',
      'customerRef,amount\nC1,5\n',
      '<html></html>',
    ]);
    return this.#drop('damaged', content, []);
  }

  /** The same rows in a file of other bytes. */
  withBlankLine({ content, lines }: Dropped): Dropped {
    return this.#drop('again', `${content}\n`, lines);
  }

  #create(ref: string): string {
    const { chance, dates, isSmall } = this.options;
    const amount = `${chance.between(1, 5)}.${chance.pick(['00', '50'])}`;
    const open = chance.strikes(isSmall ? 0.9 : 0.7) ? dates[0] : chance.pick(dates);
    return this.#stated(`${CUSTOMER},${orderOf(ref)},${ref},${amount},${open},${dates.at(-1)}${this.#cells.get(ref)}`);
  }

  /** As many empty cells as its API has more of. */
  #blank(): string {
    return this.#header.slice(HEADER.length).replace(/[^,]/g, '');
  }

  #stated(row: string): string {
    const [, , ref = '', amount = ''] = row.split(',');
    const stated = this.amounts.get(ref) ?? new Set();
    this.amounts.set(ref, stated.add(String(Number(amount) * 100)));
    return row;
  }

  #keep(stem: string, header: string, rows: readonly string[]): Dropped {
    const blank = this.options.chance.strikes(0.1) ? 1 : 0;
    const lines = rows.flatMap((row, at) => (row === '' ? [] : [at + 2 + blank]));
    return this.#drop(stem, [header, ...Array<string>(blank).fill(''), ...rows, ''].join('\n'), lines);
  }

  #drop(stem: string, content: string, lines: readonly number[]): Dropped {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const file = { name: `${stem}-${this.dropped.length + 1}.csv`, content, sha256, lines };
    this.dropped.push(file);
    return file;
  }
}

function orderOf(ref: string): string {
  return Number(ref.slice(1)) % 3 === 0 ? 'O2' : 'O1';
}
