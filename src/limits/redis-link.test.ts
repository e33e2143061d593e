// A connection to a server that does what the test says: how it is opened, what breaks it, and who is told.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describe, it, type TestContext } from 'node:test';
import { createCertificate } from '../../test/harness/certificates.ts';
import { RedisLink } from './redis-link.ts';

/** Listens until the test is over; the port. */
async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Opened {
  readonly link: RedisLink;
  readonly told: string[];
  /** Resolves when so many things were told. */
  readonly heard: (count: number) => Promise<void>;
}

function open(context: TestContext, url: string, maxPending = 10): Opened {
  const told: string[] = [];
  let wake = (): void => {};
  const tell = (what: string): void => {
    told.push(what);
    wake();
  };
  const link = new RedisLink({
    url: new URL(url),
    connectTimeoutMs: 10_000,
    maxPending,
    toDelayMs: () => 1,
    onReady: () => tell('ready'),
    onFailure: (cause) => tell(cause.message),
  });
  context.after(() => link.destroy());
  const heard = async (count: number): Promise<void> => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { link, told, heard };
}

/** A server that answers each command, given as its words, with what the test says. */
function answering(answer: (words: string[]) => string): Server {
  return createServer((socket) => {
    socket.on('data', (chunk) => {
      const commands = chunk
        .toString()
        .split(/^\*\d+\r\n/m)
        .slice(1);
      for (const command of commands) socket.write(answer(command.split('\r\n').filter((_, i) => i % 2 === 1)));
    });
  });
}

describe('a connection to Redis', () => {
  it('introduces itself with user, password and database, and is ready when all of that was taken', async (t) => {
    const seen: string[] = [];
    const server = answering((words) => {
      seen.push(words.join(' '));
      return '+OK\r\n';
    });
    const { link, told, heard } = open(t, `redis://al%20ice:s%40cret@127.0.0.1:${await listen(t, server)}/3`);
    assert.equal(link.isReady, false);
    await assert.rejects(link.send(['PING']), /no connection/);
    await heard(1);
    assert.deepEqual(told, ['ready']);
    assert.deepEqual(seen, ['AUTH al ice s@cret', 'SELECT 3', 'PING']);
    assert.equal(await link.send(['EVALSHA']), 'OK');
  });

  it('is not ready for a server that refuses its credentials, and tries again', async (t) => {
    let isRight = false;
    const server = answering(([name]) => (name === 'AUTH' && !isRight ? '-WRONGPASS no\r\n' : '+OK\r\n'));
    const { told, heard } = open(t, `redis://:x@127.0.0.1:${await listen(t, server)}`);
    await heard(2);
    isRight = true;
    while (told.at(-1) !== 'ready') await heard(told.length + 1);
    assert.deepEqual(new Set(told), new Set(['WRONGPASS no', 'ready']));
  });

  it('gives each command its own answer, an error as a rejection', async (t) => {
    const server = answering(([name]) =>
      name === 'bad' ? '-ERR bad\r\n' : `$${name?.length ?? 0}\r\n${name ?? ''}\r\n`,
    );
    const { link, heard } = open(t, `redis://127.0.0.1:${await listen(t, server)}`);
    await heard(1);
    const ends = await Promise.allSettled(['a', 'bad', 'bc'].map(async (name) => link.send([name])));
    assert.deepEqual(
      ends.map((end) => (end.status === 'fulfilled' ? String(end.value) : String(end.reason))),
      ['a', 'Error: ERR bad', 'bc'],
    );
  });

  it('is given up when the server says what no Redis says, or more than it was asked', async (t) => {
    for (const nonsense of ['HTTP/1.1 400 Bad Request\r\n\r\n', '+OK\r\n+OK\r\n', '*0\r\n']) {
      const server = answering(([name]) => (name === 'go' ? nonsense : '+OK\r\n'));
      const { link, told, heard } = open(t, `redis://127.0.0.1:${await listen(t, server)}`);
      await heard(1);
      const end = link.send(['go']).catch(String);
      await heard(3);
      await end;
      assert.match(told[1] ?? '', /Redis/);
      assert.equal(told[2], 'ready', 'and opened again');
    }
  });

  it('rejects what waits when it breaks, and takes no more than its bound', async (t) => {
    const server = answering(([name]) => (name === 'PING' ? '+PONG\r\n' : ''));
    const { link, heard } = open(t, `redis://127.0.0.1:${await listen(t, server)}`, 3);
    await heard(1);
    const waiting = [1, 2, 3].map(async () => link.send(['WAIT']).catch(String));
    await assert.rejects(link.send(['WAIT']), /too many/);
    link.destroy();
    for (const end of await Promise.all(waiting)) assert.equal(end, 'Error: the connection to Redis was closed');
    await assert.rejects(link.send(['PING']), /no connection/);
  });

  it('by TLS asks for the host of its URL, and trusts whom the system trusts', async (t) => {
    const known = getCACertificates('default');
    const { key, certificate: cert } = createCertificate(['localhost']);
    setDefaultCACertificates([cert]);
    t.after(() => setDefaultCACertificates(known));
    const server = createTlsServer({ key, cert }, (socket) => socket.on('data', () => socket.write('+PONG\r\n')));
    const port = await listen(t, server);
    const { told, heard, link } = open(t, `rediss://localhost:${port}`);
    await heard(1);
    assert.deepEqual(told, ['ready']);
    assert.equal(await link.send(['PING']), 'PONG');
    const other = open(t, `rediss://127.0.0.1:${port}`);
    await other.heard(1);
    assert.match(other.told[0] ?? '', /altname/i, 'the certificate is another host’s');
  });

  it('by TLS trusts no certificate that nobody vouches for', async (t) => {
    const { key, certificate: cert } = createCertificate(['localhost']);
    const server = createTlsServer({ key, cert });
    const { told, heard } = open(t, `rediss://127.0.0.1:${await listen(t, server)}`);
    await heard(1);
    assert.match(told[0] ?? '', /self-signed|unable to verify|altname/i);
  });
});
