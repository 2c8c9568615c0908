/** Links to the console and the sessions that they opened. */
import type { Session, SignIn, SignIns } from '../port.ts';
import { MOST_REMOVED, NO_USE } from '../sign-ins.ts';
import type { Connection } from './connection.ts';

const LINK = 'link, person, account, statement, signature, made_at AS madeAt, expires_at AS expiresAt';
const SESSION = `${LINK}, opened_at AS openedAt, ends_at AS endsAt`;

export function signInVerbs(db: Connection): SignIns {
  const keep = db.prepare<SignIn>(`
    INSERT INTO sign_ins (link, person, account, statement, signature, made_at, expires_at)
    VALUES (:link, :person, :account, :statement, :signature, :madeAt, :expiresAt)`);
  const remove = db.prepare<[{ at: string }]>(
    `DELETE FROM sign_ins WHERE link IN (SELECT link FROM sign_ins WHERE ${NO_USE(':at')} LIMIT ${MOST_REMOVED})`,
  );
  const keepAndRemove = db.transaction((signIn: SignIn) => {
    remove.run({ at: signIn.madeAt });
    keep.run(signIn);
  });
  const unused = db.prepare<[string, string], SignIn>(
    `SELECT ${LINK} FROM sign_ins WHERE link = ? AND session IS NULL AND expires_at > ?`,
  );
  const open = db.prepare<{ link: string; session: string; at: string; endsAt: string }, Session>(`
    UPDATE sign_ins SET session = :session, opened_at = :at, ends_at = :endsAt
    WHERE link = :link AND session IS NULL AND expires_at > :at RETURNING ${SESSION}`);
  const opened = db.prepare<[string, string], Session>(
    `SELECT ${SESSION} FROM sign_ins WHERE session = ? AND ends_at > ?`,
  );
  const end = db.prepare<[string, string]>('UPDATE sign_ins SET ends_at = min(ends_at, ?) WHERE session = ?');
  return {
    async keepSignIn({ link, person, account, statement, signature, madeAt, expiresAt }) {
      keepAndRemove.immediate({ link, person, account, statement, signature, madeAt, expiresAt });
    },
    signIn: async (link, at) => unused.get(link, at),
    openSession: async (link, session, at, endsAt) => open.get({ link, session, at, endsAt }),
    session: async (session, at) => opened.get(session, at),
    async endSession(session, at) {
      end.run(at, session);
    },
  };
}
