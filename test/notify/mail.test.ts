/** Notifications by mail, at a real SMTP server. */
import { type AddressInfo, createServer } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { mailSender, smtpServer } from '../../src/service/notify/mail.ts';
import { type Message, textOf } from '../../src/service/notify/message.ts';
import { examplesIn } from '../support/examples.ts';

const MESSAGE: Message = {
  ...{ id: 'msg_1', event: 'file.rejected', at: '2026-03-02T00:59:00.000Z', sandbox: true },
  details: {
    file: 12,
    name: 'Größe\r\nBcc: evil@example.com\r\n\r\n.csv',
    code: '',
    rows: { read: 3, rejected: 3 },
    payouts: [{ status: 'paid', currency: 'INR', count: 2, amount: '421.00' }],
  },
};
const [FROM, TO] = ['paydrop@example.com', 'finance@example.com'];
const by = (server: ReturnType<typeof smtpServer>) => ({ server, from: FROM, to: TO, timeZone: 'Asia/Kolkata' });

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

async function mailServer(options: SMTPServerOptions = {}): Promise<{ port: number; mails: Mail[] }> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const text = Buffer.concat(chunks).toString();
        mails.push({ from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address), text });
        done();
      });
    },
    ...options,
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // Of a client that does not trust its certificate.
  server.on('error', () => undefined);
  onTestFinished(() => void server.close());
  return { port: (server.server.address() as AddressInfo).port, mails };
}

/** Quoted-printable lines put together again. */
function decoded(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

describe('a notification by mail', () => {
  it('is plain text, from the sender of the settings to the one receiver', async () => {
    const { port, mails } = await mailServer();
    const send = mailSender(by(smtpServer(`smtp://127.0.0.1:${port}`)));
    expect(await send(MESSAGE)).toEqual({ kind: 'taken' });
    const [{ from, to, text } = { from: '', to: [], text: '' }] = mails;
    expect([from, to]).toEqual([FROM, [TO]]);
    const [head = '', ...body] = text.split('\r\n\r\n');
    expect(head).toContain('Subject: paydrop: A file was not taken in (sandbox, no money moves)');
    expect(head).toContain('Message-ID: <msg_1@example.com>');
    expect(head).toContain('Content-Type: text/plain; charset=utf-8');
    expect(decoded(body.join('\r\n\r\n')).replaceAll('\r\n', '\n')).toBe(
      [
        'paydrop: A file was not taken in (sandbox, no money moves).',
        '',
        'When: 2026-03-02 06:29:00 Asia/Kolkata',
        'file: 12',
        'name: Größe��Bcc: evil@example.com����.csv',
        'rows read: 3',
        'rows rejected: 3',
        'payouts: paid, INR, 2, 421.00',
        '',
        'Event file.rejected, msg_1',
        '',
      ].join('\n'),
    );
  });

  it('is the one that docs/notifications.md shows: who needs to do what, each apart, at a time of the schedule', async () => {
    const shown = examplesIn('docs/notifications.md');
    const { timestamp: at, data } = JSON.parse(shown.find(({ heading }) => heading === 'person.needed')?.text ?? '{}');
    const message: Message = { id: 'msg_1', event: 'person.needed', at, details: data, sandbox: true };
    const [mail] = shown.filter(({ heading }) => heading === 'Mail');
    expect(textOf(message, 'Asia/Kolkata').trimEnd().split('\n')).toEqual(mail?.text.trimEnd().split('\n'));
  });

  it('has nothing in its headers that came from a file', async () => {
    const { port, mails } = await mailServer();
    await mailSender(by(smtpServer(`smtp://127.0.0.1:${port}`)))(MESSAGE);
    const head = mails[0]?.text.split('\r\n\r\n')[0] ?? '';
    expect(head).not.toMatch(/evil|bcc|csv/i);
    expect(mails[0]?.to).toEqual([TO]);
  });

  it('signs in with the name and the password of the address, and says nothing of them when that fails', async () => {
    const asked: string[] = [];
    const { port } = await mailServer({
      authOptional: false,
      onAuth({ username, password }, _, done) {
        asked.push(`${username} ${password}`);
        if (password === 'p@ss word') done(null, { user: username });
        else done(new Error(`no ${password}`));
      },
    });
    const server = (password: string) => smtpServer(`smtp://pay%40drop:${password}@127.0.0.1:${port}`);
    expect(await mailSender(by(server('p%40ss%20word')))(MESSAGE)).toEqual({ kind: 'taken' });
    expect(await mailSender(by(server('wrong-password')))(MESSAGE)).toEqual({
      ...{ kind: 'failed', trouble: 'the mail server did not take it (EAUTH, answer 535)', of: 'receiver' },
    });
    expect(asked).toEqual(['pay@drop p@ss word', 'pay@drop wrong-password']);
  });

  it.each([
    ['with TLS from the start', 'smtps', { secure: true, disabledCommands: [] }],
    ['with TLS after the greeting', 'smtp', { disabledCommands: [] }],
  ] as const)('is sent %s, and not to a server whose certificate is not trusted', async (_, protocol, options) => {
    const { port, mails } = await mailServer({ ...options, disabledCommands: [] });
    const server = { ...smtpServer(`${protocol}://127.0.0.1:${port}`), requireTLS: true };
    expect(await mailSender(by(server))(MESSAGE)).toMatchObject({ kind: 'failed' });
    expect(mails).toEqual([]);
    const trusting = { ...server, tls: { rejectUnauthorized: false } };
    expect(await mailSender(by(trusting))(MESSAGE)).toEqual({ kind: 'taken' });
    expect(mails).toHaveLength(1);
  });

  it('that is refused, or finds nobody, is not taken; what the server says is not repeated', async () => {
    const { port } = await mailServer({
      onRcptTo: ({ address }, _, done) => done(Object.assign(new Error(`no ${address} here`), { responseCode: 550 })),
    });
    expect(await mailSender(by(smtpServer(`smtp://127.0.0.1:${port}`)))(MESSAGE)).toEqual({
      ...{ kind: 'failed', trouble: 'the mail server did not take it (EENVELOPE, answer 550)', of: 'receiver' },
    });
    expect(await mailSender(by(smtpServer('smtp://127.0.0.1:9')))(MESSAGE)).toMatchObject({
      trouble: expect.stringContaining('the mail server did not take it ('),
    });
  });

  it.each([
    ['its greeting', [], 'failed'],
    ['its answer to a command', ['220 mail.example.com\r\n'], 'failed'],
    ['its goodbye', ['220 a\r\n', '250 a\r\n', '250 a\r\n', '250 a\r\n', '354 a\r\n', '250 a\r\n'], 'taken'],
  ] as const)('leaves no connection at a server that never ends %s', async (_, answers, kind) => {
    let left = false;
    const dripping = createServer((socket) => {
      const due = [...answers];
      let [drips, isMail] = [false, false];
      const answer = () => {
        const line = due.shift();
        if (line !== undefined) return void socket.write(line);
        drips = true;
      };
      answer();
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        const text = bytes.toString();
        if (isMail && !text.endsWith('\r\n.\r\n')) return;
        isMail = text.startsWith('DATA');
        answer();
      });
      const timer = setInterval(() => drips && socket.write('250-x\r\n'), 50);
      socket.on('close', () => {
        clearInterval(timer);
        left = true;
      });
    });
    await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void dripping.close());
    const { port } = dripping.address() as AddressInfo;
    const outcome = await mailSender(by(smtpServer(`smtp://127.0.0.1:${port}`)), 1_000)(MESSAGE);
    expect(outcome).toMatchObject({ kind });
    if (outcome.kind === 'failed') expect(outcome.trouble).toBe('the mail server took longer than 1 s');
    await vi.waitUntil(() => left, { timeout: 4_000 });
  });
});

describe('the address of the mail server', () => {
  it('asks for TLS anywhere but on this machine', () => {
    expect(smtpServer('smtp://mail.example.com')).toMatchObject({ port: 587, secure: false, requireTLS: true });
    expect(smtpServer('smtps://mail.example.com')).toMatchObject({ port: 465, secure: true });
    expect(smtpServer('smtp://localhost:25')).toMatchObject({ port: 25, requireTLS: false });
    expect(smtpServer('smtp://[::1]')).toMatchObject({ host: '::1', requireTLS: false });
  });

  it.each([
    'mail.example.com',
    'http://mail.example.com',
    'smtp://',
    'smtp://mail.example.com/path',
    'smtp://user:secret@mail.example.com?tls.rejectUnauthorized=false',
    'smtp://user:%zz@mail.example.com',
  ])('%s is refused, and not repeated', (address) => {
    expect(() => smtpServer(address)).toThrow(
      'PAYDROP_SMTP_URL: expected smtp://NAME:PASSWORD@HOST:PORT, or smtps:// for TLS from the start',
    );
  });
});
