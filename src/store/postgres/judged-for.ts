/** For which business date it was judged what is held back: limits of a day are about that date. */
import type { Connection, Session } from './connection.ts';
import { getFact, setFact } from './facts.ts';
import { type Me, requireStanding, takeForGone } from './me.ts';

/** The business date for which it was judged last what is held back; empty while that is being judged. */
const JUDGED_FOR = 'judged-for';

/**
 * Judges for a business date. If the work does not come to its end, nothing is claimed before it is judged again. Throws
 * where another machine took this one for gone: what that one has let go since was not judged here. Without a business
 * date nothing is let go, and what may be claimed stays as it is.
 */
export async function judgedFor<T>(
  db: Connection,
  me: Me,
  businessDate: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const note = async (session: Session, date: string) => {
    await requireStanding(session, me);
    if (businessDate !== undefined) await setFact(session, JUDGED_FOR, date);
  };
  await db.writing(async (session) => {
    // The machine that judged before may not know yet that its session has ended. From here on its verdicts are refused.
    await takeForGone(session);
    await note(session, '');
  });
  const result = await work();
  if (businessDate !== undefined) await db.writing((session) => note(session, businessDate));
  return result;
}

/**
 * Whether what is sent on a business date may be claimed: what is ready was judged for that date. For another one the
 * sums of its day were not looked at. Undefined where it was never judged.
 */
export async function isJudgedFor(session: Session): Promise<(businessDate: string | undefined) => boolean> {
  const date = await getFact(session, JUDGED_FOR);
  return (businessDate) => date === undefined || date === businessDate;
}
