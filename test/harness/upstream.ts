// Upstream services for the tests: well-behaved ones that node:http speaks for, and ones that say whatever bytes a test wants.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Upstream {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

/** Speaks HTTP properly. */
export async function startUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  upgrade?: (request: IncomingMessage, socket: Duplex) => void,
): Promise<Upstream> {
  const server = createServer(answer);
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  return start(server);
}

export interface RawUpstream extends Upstream {
  /** The heads of the requests as they came, one character a byte, up to the empty line. */
  readonly heads: readonly string[];
}

/** Reads the head of every request and leaves the rest to the test. Bodies, if any, are seen by listening to the socket. */
export async function startRawUpstream(answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const heads: string[] = [];
  const server = createTcpServer((socket) => {
    let received = '';
    socket.on('error', () => undefined); // Broken connections are what these upstreams are for.
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const part = received.slice(0, end);
        received = received.slice(end + 4);
        const from = part.search(/[A-Z]+ \S+ HTTP\/1\.1\r\n/); // Behind the body of the request before.
        if (from < 0) continue;
        heads.push(part.slice(from));
        answer(socket, part.slice(from));
      }
    });
  });
  return { ...(await start(server)), heads };
}

export interface ReadingUpstream extends Upstream {
  /** The bodies of the requests that came whole, one character a byte. */
  readonly bodies: readonly string[];
}

/** Reads requests with a Content-Length to their end, one on each connection, and leaves the rest to the test. */
export async function startReadingUpstream(answer: (socket: Socket) => void): Promise<ReadingUpstream> {
  const bodies: string[] = [];
  const server = createTcpServer((socket) => {
    let received = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      const from = received.indexOf('\r\n\r\n') + 4;
      const length = Number(/^content-length: (\d+)/im.exec(received)?.[1]);
      if (from < 4 || received.length < from + length) return;
      bodies.push(received.slice(from));
      received = '';
      answer(socket);
    });
  });
  return { ...(await start(server)), bodies };
}

/** The URL of a port on which nobody listens. */
export async function findDeadUrl(): Promise<string> {
  const server = await start(createTcpServer());
  await server.close();
  return server.url;
}

async function start(server: Server): Promise<Upstream> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
