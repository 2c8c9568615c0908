/** The ways to the receivers that the settings name, with their secrets. */
import type { Clock } from '../../platform/clock.ts';
import { UsageError } from '../../platform/failures.ts';
import { loadSecrets, type Receiver, SECRETS, type Settings } from '../../settings/settings.ts';
import { commandSender } from './command.ts';
import { httpSender } from './http.ts';
import { mailSender, smtpServer } from './mail.ts';
import { failed, type Send } from './message.ts';
import { keysIn } from './signature.ts';

/** At most this many notifications are on their way to one receiver. */
export const AT_ONCE = 8;

export interface Sender {
  readonly send: Send;
  close(): Promise<void>;
}

const NOTHING_TO_CLOSE = async () => {};

/**
 * The way to one receiver. Where there is none, because a secret is missing or wrong or the way can't be opened, every
 * message fails with that for its trouble. A try that throws is one that failed.
 */
export async function senderTo(
  receiver: Receiver,
  settings: Pick<Settings, 'workspace' | 'mail' | 'schedule'>,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<Sender> {
  const { send, close } = await wayTo(receiver, settings, env, clock);
  return {
    close,
    async send(message) {
      try {
        return await send(message);
      } catch (error) {
        return failed(untried(error));
      }
    },
  };
}

async function wayTo(
  receiver: Receiver,
  settings: Pick<Settings, 'workspace' | 'mail' | 'schedule'>,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<Sender> {
  try {
    if (receiver.kind === 'command')
      return { send: commandSender(receiver.command, settings.workspace, env), close: NOTHING_TO_CLOSE };
    if (receiver.kind === 'http') return await httpSender(receiver.url, keysOf(env), AT_ONCE, clock);
    const { from = '' } = settings.mail;
    const { timeZone } = settings.schedule;
    const way = { server: serverOf(env), from, to: receiver.address, timeZone };
    return { send: mailSender(way), close: NOTHING_TO_CLOSE };
  } catch (error) {
    const trouble = error instanceof UsageError ? error.message : untried(error);
    return { send: async () => failed(trouble), close: NOTHING_TO_CLOSE };
  }
}

/** What an error says of itself may have an address or a secret in it. */
function untried(error: unknown): string {
  return `it could not be tried (${(error as Error).name})`;
}

/** What is wrong with the secrets that these receivers need. */
export function secretProblems(receivers: readonly Receiver[], env: NodeJS.ProcessEnv): string[] {
  const needs = (kind: Receiver['kind']) => receivers.some((receiver) => receiver.kind === kind);
  return [
    ...(needs('http') ? problemsOf(() => keysOf(env)) : []),
    ...(needs('mail') ? problemsOf(() => serverOf(env)) : []),
  ];
}

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof UsageError) return error.problems;
    throw error;
  }
}

function keysOf(env: NodeJS.ProcessEnv): Buffer[] {
  return keysIn(secretOf(env, SECRETS.notify));
}

function serverOf(env: NodeJS.ProcessEnv) {
  return smtpServer(secretOf(env, SECRETS.mail));
}

function secretOf(env: NodeJS.ProcessEnv, name: string): string {
  const loaded = loadSecrets(env, { secret: name });
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  return loaded.value.secret.reveal();
}
