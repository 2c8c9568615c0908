/**
 * What providers have been seen to do, by name: each habit is the faults and fates that imitate it. A script names the
 * habit and the payouts that it applies to (faults.ts). docs/providers.md says what each habit leads to.
 */

/** Rules as in a script (faults.ts checks them), without the payouts that they apply to. */
interface Habit {
  readonly faults?: readonly object[];
  readonly fates?: readonly object[];
}

const states = (stated: { status?: string; amount?: string; customerRef?: string | null }): object => {
  return { on: 'get', fault: { kind: 'states', ...stated } };
};
const aboutCustomer = (customerRef: string | null): Habit => {
  const fault = { kind: 'states', customerRef } as const;
  return { faults: (['get', 'order-get'] as const).map((on) => ({ on, fault })) };
};
const refuses = (message: string): Habit => {
  return { faults: (['post', 'order'] as const).map((on) => ({ on, fault: { kind: 'decline', message } })) };
};

const HABITS_BY_NAME = {
  'empty-account': refuses('Insufficient balance'),
  'already-in-a-refusal': refuses('Daily transfer limit already exhausted'),
  'not-found-with-200': { faults: [{ on: 'get', fault: { kind: 'not-found', status: 200 } }] },
  forgets: { faults: [{ on: 'get', fault: { kind: 'not-found' } }] },
  'unknown-status': { faults: [states({ status: 'on_hold' })] },
  'status-in-capitals': { faults: [states({ status: 'PROCESSED' })] },
  'grouped-amount': { faults: [states({ amount: '1,25,000.00' })] },
  'part-returned': { faults: [states({ status: 'reversed', amount: '40.00' })] },
  'firewall-page': { faults: [{ on: 'post', fault: { kind: 'html', status: 403, accept: false } }] },
  'look-up-later': { faults: [{ on: 'get', attempts: [1], fault: { kind: 'rate-limit', retryAfter: '2' } }] },
  'failure-taken-back': { fates: [{ fate: 'recovered' }] },
  'lying-401': { faults: [{ on: 'post', attempts: [1], fault: { kind: 'unauthorized', accept: true } }] },
  'another-customer': aboutCustomer('ANOTHERCUSTOMER'),
  'no-customer': aboutCustomer(null),
  'lost-change': {
    faults: (['update', 'delete'] as const).map((on) => ({ on, attempts: [1], fault: { kind: 'reset' } })),
  },
} satisfies Record<string, Habit>;

export type HabitName = keyof typeof HABITS_BY_NAME;

export const HABITS: Readonly<Record<HabitName, Habit>> = HABITS_BY_NAME;
export const HABIT_NAMES = Object.keys(HABITS_BY_NAME) as [HabitName, ...HabitName[]];
