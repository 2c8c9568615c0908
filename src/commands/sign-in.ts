/** `paydrop sign-in NAME`: a link that signs a person in to the console, once. */
import { minuteIn } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import { signWith } from '../platform/ssh-keygen.ts';
import { printJson } from '../platform/terminal.ts';
import { linkFor, openForDeciding, signedLinkFor } from '../service/service.ts';
import type { Settings } from '../settings/settings.ts';
import { type CommandContext, EXIT } from './context.ts';
import { accountThatCounts, checkWhoSays, personWith } from './person.ts';

interface SignInOptions {
  /** The key to sign with, where the settings name people. */
  readonly key?: string;
  readonly json?: true;
}

export async function signIn(
  { workspace, clock, output }: CommandContext,
  name: string,
  { key, json }: SignInOptions,
): Promise<number> {
  const { store, settings } = await openForDeciding(workspace);
  try {
    const origin = originOf(settings);
    checkWhoSays(settings.people, { ...(key !== undefined && { key }) });
    const { token, expiresAt } = await made({ store, settings, clock }, name, key);
    const link = `${origin}/sign-in?token=${token}`;
    if (json) printJson(process.stdout, { link, expiresAt });
    else {
      output.line(link);
      const { timeZone } = settings.schedule;
      const until = `${minuteIn(timeZone, expiresAt)} ${timeZone}`;
      output.line(`It signs ${name} in once, until ${until}. Only the first person to open the link can use it.`);
    }
    return EXIT.done;
  } finally {
    await store.close();
  }
}

function made(
  tools: Parameters<typeof linkFor>[0] & { readonly settings: Settings },
  name: string,
  key: string | undefined,
): ReturnType<typeof linkFor> {
  if (tools.settings.people.length === 0) {
    const { by: person } = personWith({ by: name, reason: 'sign in' });
    return linkFor(tools, { person, account: accountThatCounts() });
  }
  if (key === undefined)
    throw new UsageError(
      `--key FILE: paydrop.json names people, so ${name} signs to sign in. Name the key file, or its .pub with the agent`,
    );
  return signedLinkFor(tools, name, (bytes) => signWith(key, bytes));
}

/** The address that a browser is given: that of the proxy, or that of the service itself. */
function originOf({ http }: Settings): string {
  if (!http)
    throw new UsageError('http.listen is not set in paydrop.json, so paydrop watch serves no console: docs/console.md');
  const { publicUrl, listen } = http;
  if (publicUrl) return publicUrl.origin;
  if (listen.port === 0) throw new UsageError('http.listen has port 0, which is any free port: name one');
  return `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
}
