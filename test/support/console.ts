/** The console of a workspace that is open in this process, and people who are signed in to it. */
import { onTestFinished } from 'vitest';
import { type PersonName, signatureOf } from '../../fixtures/people.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Log } from '../../src/platform/log.ts';
import { consoleRoute } from '../../src/service/console.ts';
import { openHttp } from '../../src/service/http.ts';
import { settingsOf } from '../../src/service/records.ts';
import { linkFor, signedLinkFor } from '../../src/service/sign-in.ts';
import { openSite } from '../../src/service/site.ts';
import type { OpenWorkspace } from '../../src/service/workspace.ts';
import type { TestWorkspace } from './workspace.ts';

export interface TestConsole {
  readonly url: URL;
  readonly tools: OpenWorkspace;
  /** What was logged: each line as JSON. */
  readonly logged: string[];
  /** How often the service was to look at once at what is due. */
  woken(): number;
  /** The address of a new link for that person. */
  link(person: PersonName): Promise<string>;
  /** The cookie of a person who has signed in. */
  signedIn(person: PersonName): Promise<string>;
  /** A form as a page of the console sends it. */
  send(
    cookie: string,
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Response>;
  page(cookie: string, path: string): Promise<string>;
}

export async function openConsole(workspace: TestWorkspace, publicUrl?: URL): Promise<TestConsole> {
  const tools = await workspace.open();
  const logged: string[] = [];
  const note = (facts: object, message: string) => void logged.push(JSON.stringify({ ...facts, message }));
  const log: Log = { info: note, warn: note, error: note };
  let woken = 0;
  const site = openSite({ ...tools, log }, () => {
    woken++;
  });
  site.opened(tools);
  const webhooks = { header: undefined, algorithm: 'sha256', encoding: 'hex' } as const;
  const settings = { listen: { host: '127.0.0.1', port: 0 }, publicUrl, webhooks };
  const server = await openHttp(settings, [consoleRoute(site)], { clock: systemClock, log });
  onTestFinished(async () => {
    await server.close();
    await tools.close();
  });
  const { url } = server;
  const token = async (person: PersonName) => {
    const asking = { store: tools.store, settings: settingsOf(workspace.root), clock: workspace.clock };
    const made =
      asking.settings.people.length === 0
        ? await linkFor(asking, { person, account: `account of ${person}` })
        : await signedLinkFor(asking, person, async (bytes) => Buffer.from(signatureOf(bytes, person)));
    return made.token;
  };
  const send: TestConsole['send'] = (cookie, path, fields, headers = { 'sec-fetch-site': 'same-origin' }) =>
    fetch(new URL(path, url), {
      method: 'POST',
      redirect: 'manual',
      headers: { ...headers, ...(cookie === '' ? {} : { cookie }) },
      body: new URLSearchParams(fields),
    });
  return {
    url,
    tools,
    logged,
    woken: () => woken,
    link: async (person) => new URL(`/sign-in?token=${await token(person)}`, url).href,
    signedIn: async (person) => {
      const answer = await send('', '/sign-in', { token: await token(person) });
      return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    },
    send,
    page: async (cookie, path) => (await fetch(new URL(path, url), { headers: { cookie } })).text(),
  };
}

/** The value of the first hidden or ticked field of that name on a page. */
export function fieldIn(page: string, name: string, after = ''): string {
  const [, value = ''] = new RegExp(`name="${name}" value="([^"]*)"`).exec(page.slice(page.indexOf(after))) ?? [];
  return value;
}
