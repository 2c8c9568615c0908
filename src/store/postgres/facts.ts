/** Small facts by name. */

import { FACTS, type Store } from '../port.ts';
import type { Connection, Session } from './connection.ts';
import { type Me, requireStanding } from './me.ts';
import { column, statement } from './statement.ts';

const GET = column<[name: string], string>('SELECT value FROM facts WHERE name = $1');
const SET = statement<[name: string, value: string]>(`
  INSERT INTO facts (name, value) VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE facts.value <> excluded.value`);

/** What another one sets at the same time is waited for, and then looked at. */
const REPLACE = statement<[name: string, from: string, to: string]>(`
  INSERT INTO facts (name, value)
  SELECT $1, $3 WHERE coalesce((SELECT value FROM facts WHERE name = $1), '') = $2
  ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE facts.value = $2`);

export function getFact(session: Session, name: string): Promise<string | undefined> {
  return GET.get(session, name);
}

/** Call it inside a write transaction. */
export async function setFact(session: Session, name: string, value: string): Promise<void> {
  await SET.run(session, name, value);
}

const GET_OWN = column<[name: string, machine: string], string>(
  'SELECT value FROM machine_facts WHERE name = $1 AND machine = $2',
);
const SET_OWN = statement<[name: string, value: string, machine: string]>(`
  INSERT INTO machine_facts (name, value, machine) VALUES ($1, $2, $3)
  ON CONFLICT (machine, name) DO UPDATE SET value = excluded.value WHERE machine_facts.value <> excluded.value`);

/** As {@link setFact}, of a fact that each machine has for itself. */
export async function setOwnFact(session: Session, name: string, value: string, machine: string): Promise<void> {
  await SET_OWN.run(session, name, value, machine);
}

/** The fact of a machine where there is an `owner`, and else the one that all share. */
export function factIn(session: Session, name: string, owner: string | undefined): Promise<string | undefined> {
  return owner === undefined ? getFact(session, name) : GET_OWN.get(session, name, owner);
}

/** As {@link factIn}. Call it inside a write transaction. */
export function setFactIn(session: Session, name: string, value: string, owner: string | undefined): Promise<void> {
  return owner === undefined ? setFact(session, name, value) : setOwnFact(session, name, value, owner);
}

export function factVerbs(
  db: Connection,
  me: Me,
): Pick<Store, 'fact' | 'setFact' | 'replaceFact' | 'rejectedWhole' | 'decideRejectedWhole'> {
  const { name: machine = '' } = me;
  const set = (name: string, value: string) => db.writing((session) => setFact(session, name, value));
  const setOwn = (name: string, value: string) => db.writing((session) => setOwnFact(session, name, value, machine));
  return {
    fact: (name) => (FACTS[name] === 'own' ? GET_OWN.get(db, name, machine) : getFact(db, name)),
    setFact: (name, value) => (FACTS[name] === 'own' ? setOwn : set)(name, value),
    replaceFact: (name, from, to) => db.writing(async (session) => (await REPLACE.run(session, name, from, to)) === 1),
    async rejectedWhole(file) {
      const decided = await getFact(db, rejectedWholeFact(file));
      return decided === undefined ? undefined : decided === 'yes';
    },
    decideRejectedWhole: (file, rejected) =>
      db.writing(async (session) => {
        await requireStanding(session, me);
        await setFact(session, rejectedWholeFact(file), rejected ? 'yes' : 'no');
      }),
  };
}

/** Name of the noted fact: whether every row of a file is rejected. */
function rejectedWholeFact(file: number): string {
  return `file ${file} is rejected whole`;
}
