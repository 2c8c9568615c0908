/** Links to the console and the sessions that they opened. */
import type { Session, SignIn, SignIns } from '../port.ts';
import { MOST_REMOVED, NO_USE } from '../sign-ins.ts';
import type { Connection } from './connection.ts';
import { statement } from './statement.ts';

const LINK = 'link, person, account, statement, signature, made_at AS "madeAt", expires_at AS "expiresAt"';
const SESSION = `${LINK}, opened_at AS "openedAt", ends_at AS "endsAt"`;

type Kept = [
  ...[link: string, person: string, account: string, statement: string, signature: string],
  ...[madeAt: string, expiresAt: string],
];
const KEEP = statement<Kept>(`
  INSERT INTO sign_ins (link, person, account, statement, signature, made_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`);
const REMOVE = statement<[at: string]>(`
  DELETE FROM sign_ins WHERE link IN (
    SELECT link FROM sign_ins WHERE ${NO_USE('$1')} LIMIT ${MOST_REMOVED} FOR UPDATE SKIP LOCKED)`);
const UNUSED = statement<[link: string, at: string], SignIn>(
  `SELECT ${LINK} FROM sign_ins WHERE link = $1 AND session IS NULL AND expires_at > $2`,
);
const OPEN = statement<[link: string, session: string, at: string, endsAt: string], Session>(`
  UPDATE sign_ins SET session = $2, opened_at = $3, ends_at = $4
  WHERE link = $1 AND session IS NULL AND expires_at > $3 RETURNING ${SESSION}`);
const OPENED = statement<[session: string, at: string], Session>(
  `SELECT ${SESSION} FROM sign_ins WHERE session = $1 AND ends_at > $2`,
);
const END = statement<[session: string, at: string]>(
  'UPDATE sign_ins SET ends_at = least(ends_at, $2) WHERE session = $1',
);

export function signInVerbs(db: Connection): SignIns {
  return {
    keepSignIn: ({ link, person, account, statement: stated, signature, madeAt, expiresAt }) =>
      db.writing(async (session) => {
        await REMOVE.run(session, madeAt);
        await KEEP.run(session, link, person, account, stated, signature, madeAt, expiresAt);
      }),
    signIn: (link, at) => UNUSED.get(db, link, at),
    openSession: (link, session, at, endsAt) => db.writing((on) => OPEN.get(on, link, session, at, endsAt)),
    session: (session, at) => OPENED.get(db, session, at),
    endSession: (session, at) =>
      db.writing(async (on) => {
        await END.run(on, session, at);
      }),
  };
}
