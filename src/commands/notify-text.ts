/** How far receivers have been told, in words. */
import { minuteIn } from '../platform/clock.ts';
import { receiverText, type Settings } from '../settings/settings.ts';
import type { Store, Told } from '../store/store.ts';

/** With receivers as they are named to people. */
export async function toldNow(store: Store, { notify }: Settings): Promise<Told[]> {
  return (await store.told()).map((told) => {
    const receiver = notify.find(({ receiver }) => receiver === told.receiver);
    return { ...told, receiver: receiver ? receiverText(receiver) : 'a receiver that is no longer in the settings' };
  });
}

/** What a receiver was not told, and why. */
export function toldText({ receiver, waiting, oldest, givenUp, trouble }: Told, timeZone: string): string {
  const since = waiting > 0 ? ` since ${minuteIn(timeZone, oldest)} ${timeZone}` : '';
  const counts = [
    ...(waiting > 0 ? [`${waiting} not delivered yet${since}`] : []),
    ...(givenUp > 0 ? [`${givenUp} given up`] : []),
  ];
  return `Notifications to ${receiver}: ${counts.join(', ')}${trouble === '' ? '' : ` (${trouble})`}.`;
}
