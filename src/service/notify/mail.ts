/** Notifications by mail: plain text, over SMTP. */
import { Socket } from 'node:net';
import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport';
import { systemClock } from '../../platform/clock.ts';
import { UsageError } from '../../platform/failures.ts';
import { isLoopback } from '../../settings/settings.ts';
import { failed, type Send, subjectOf, textOf } from './message.ts';

/** For a whole mail: a server that drips answers would keep any of the library's own limits. */
const DEADLINE_MS = 30_000;
const STEP_MS = 15_000;
/** For the server's answer to a goodbye, once it is known what became of the mail. */
const GOODBYE_MS = 2_000;

const PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 };

/** How the server is reached, from the text of PAYDROP_SMTP_URL. Throws UsageError, without repeating it. */
export function smtpServer(address: string): SMTPTransportOptions {
  const url = URL.parse(address.trim());
  const port = PORTS[url?.protocol ?? ''];
  const account = url && accountIn(url);
  if (!account || port === undefined || url.hostname === '' || url.search || url.hash || !/^\/?$/.test(url.pathname))
    throw new UsageError(
      'PAYDROP_SMTP_URL: expected smtp://NAME:PASSWORD@HOST:PORT, or smtps:// for TLS from the start',
    );
  const secure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? port : Number(url.port),
    secure,
    // Without TLS nothing leaves this machine.
    requireTLS: !secure && !isLoopback(url.hostname),
    ...(account.user !== '' && { auth: account }),
    tls: { minVersion: 'TLSv1.2' },
    connectionTimeout: STEP_MS,
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function accountIn({ username, password }: URL): { user: string; pass: string } | undefined {
  try {
    return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

interface MailWay {
  readonly server: SMTPTransportOptions;
  readonly from: string;
  readonly to: string;
  /** IANA name of the zone in which times are shown. */
  readonly timeZone: string;
}

export function mailSender({ server, from, to, timeZone }: MailWay, deadlineMs = DEADLINE_MS): Send {
  return async (message) => {
    const { createTransport } = await import('nodemailer');
    // The library leaves its connection to a server that keeps it busy, and the process with it.
    const socket = new Socket();
    const transport = createTransport({ ...server, socket });
    const ended = new AbortController();
    const sent = transport
      .sendMail({
        from: { name: '', address: from },
        to: { name: '', address: to },
        subject: subjectOf(message),
        text: textOf(message, timeZone),
        messageId: `<${message.id}@${from.slice(from.indexOf('@') + 1)}>`,
        headers: { 'auto-submitted': 'auto-generated' },
      })
      .then(
        () => ({ kind: 'taken' }) as const,
        (error: unknown) => failed(troubleOf(error)),
      )
      .finally(() => ended.abort());
    const late = systemClock
      .sleep(deadlineMs, ended.signal)
      .then(() => (ended.signal.aborted ? sent : failed(`the mail server took longer than ${deadlineMs / 1000} s`)));
    const outcome = await Promise.race([sent, late]);
    transport.close();
    if (ended.signal.aborted) void leave(socket);
    else socket.destroy();
    return outcome;
  };
}

/** The connection ends when both sides have said goodbye, and soon in any case. */
async function leave(socket: Socket): Promise<void> {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  if (socket.closed) closed.abort();
  await systemClock.sleep(GOODBYE_MS, closed.signal);
  socket.destroy();
}

/** What the server says may repeat an address. */
function troubleOf(error: unknown): string {
  const { code = 'unknown', responseCode } = error as { code?: string; responseCode?: number };
  const answer = responseCode === undefined ? '' : `, answer ${responseCode}`;
  return `the mail server did not take it (${code}${answer})`;
}
