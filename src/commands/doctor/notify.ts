/** What `paydrop doctor` finds out about the receivers of notifications. */
import { secretProblems } from '../../service/service.ts';
import type { Settings } from '../../settings/settings.ts';
import type { Store } from '../../store/store.ts';
import { backlogNow, backlogText } from '../notify-text.ts';
import type { Check } from './server.ts';

const what = 'notify';

/** Nothing where there is no receiver. */
export async function checkNotify({ notify }: Settings): Promise<Check[]> {
  if (notify.length === 0) return [];
  const problems = await secretProblems(notify, process.env);
  if (problems.length > 0) return problems.map((finding) => ({ what, ok: false, finding }));
  const count = notify.length === 1 ? 'one receiver is named' : `${notify.length} receivers are named`;
  return [{ what, ok: true, finding: `${count}; paydrop notify test sends each a message` }];
}

/** What was not delivered. It holds up nothing else. */
export async function checkBacklog(store: Store, settings: Settings): Promise<Check[]> {
  const backlog = await backlogNow(store, settings);
  return backlog.map((one) => ({ what, ok: true, note: true, finding: backlogText(one, settings.schedule.timeZone) }));
}
