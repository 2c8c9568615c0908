/** What was not delivered to receivers, in words. */
import { minuteIn } from '../platform/clock.ts';
import { receiverText, type Settings } from '../settings/settings.ts';
import type { ReceiverBacklog, Store } from '../store/store.ts';

/** With receivers as they are named to people. */
export async function backlogNow(store: Store, { notify }: Settings): Promise<ReceiverBacklog[]> {
  return (await store.backlog()).map((one) => {
    const receiver = notify.find(({ receiver }) => receiver === one.receiver);
    return { ...one, receiver: receiver ? receiverText(receiver) : 'a receiver that is no longer in the settings' };
  });
}

/** What was not delivered to a receiver, and why. */
export function backlogText(
  { receiver, waiting, oldest, givenUp, trouble }: ReceiverBacklog,
  timeZone: string,
): string {
  const since = waiting > 0 ? ` since ${minuteIn(timeZone, oldest)} ${timeZone}` : '';
  const counts = [
    ...(waiting > 0 ? [`${waiting} not delivered yet${since}`] : []),
    ...(givenUp > 0 ? [`${givenUp} given up`] : []),
  ];
  return `Notifications to ${receiver}: ${counts.join(', ')}${trouble === '' ? '' : ` (${trouble})`}.`;
}
