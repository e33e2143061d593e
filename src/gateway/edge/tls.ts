// The TLS listener: handshakes here, then HTTP/1.1 or HTTP/2, as the two sides agree (ALPN, RFC 7301).

import type { Server, Socket } from 'node:net';
import { createServer, TLSSocket, type SecureContext } from 'node:tls';
import { Origin } from '../origin.ts';
import type { TlsCertificate } from '../ports.ts';
import { compileCertificates, TLS_OPTIONS } from './certificates.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import type { EdgeConnection, EdgeShared } from './shared.ts';

/** A fatal `unrecognized_name` (RFC 6066 §3) as a plaintext record: nothing is encrypted yet, and OpenSSL's own word would be a vaguer one. */
const UNRECOGNIZED_NAME = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 112);

/** The part of the edge that counts connections. */
export interface TlsEdge extends EdgeShared {
  /** The address of a caller who may come in; whoever may not is closed. */
  admit(socket: Socket): string | undefined;
  release(address: string): void;
  open(connection: EdgeConnection): void;
}

export interface TlsListener {
  readonly server: Server;
  /** Shown to new connections from now on; those that stand go on. */
  setCertificates(certificates: readonly TlsCertificate[]): void;
  /** Closes the connections whose handshake is under way. */
  drain(): void;
}

interface Handshake {
  readonly socket: Socket;
  readonly address: string;
}

export function createTlsListener(certificates: readonly TlsCertificate[], edge: TlsEdge): TlsListener {
  let table = compileCertificates(certificates);
  /** By address and port of the caller: the one thing that the socket below TLS and the one above have in common. */
  const handshakes = new Map<string, Handshake>();

  function chooseCertificate(this: unknown, host: string, choose: Choose): void {
    const context = table.find(host);
    if (context !== undefined) {
      choose(null, context);
      return;
    }
    const refusal = new Error('no certificate for this name');
    const raw = this instanceof TLSSocket ? handshakes.get(toKey(this))?.socket : undefined;
    if (raw?.writable === true) raw.write(UNRECOGNIZED_NAME, () => choose(refusal));
    else choose(refusal);
  }

  const server = createServer({
    ...TLS_OPTIONS,
    ...table.fallback,
    allowHalfOpen: true,
    noDelay: true,
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: edge.limits.headTimeoutMs,
    SNICallback: chooseCertificate,
  });
  server.prependListener('connection', (socket: Socket) => {
    const address = edge.admit(socket);
    if (address === undefined) return;
    const key = toKey(socket);
    handshakes.set(key, { socket, address });
    socket.once('close', () => {
      if (handshakes.get(key)?.socket !== socket) return;
      handshakes.delete(key);
      edge.release(address);
    });
  });
  // Node tells of a handshake that takes too long, and leaves it standing.
  server.on('tlsClientError', (_cause, socket) => socket.destroy());
  server.on('secureConnection', (socket) => {
    const key = toKey(socket);
    const handshake = handshakes.get(key);
    if (handshake === undefined) {
      socket.destroy();
      return;
    }
    handshakes.delete(key);
    const { address } = handshake;
    const servername = typeof socket.servername === 'string' ? socket.servername : undefined;
    const origin = new Origin('https', address, { port: socket.localPort ?? 0, names: table.shownTo(servername) });
    if (socket.alpnProtocol === 'h2') {
      edge.open(new Http2Connection(socket, origin, edge));
      return;
    }
    const connection = new Http1Connection(socket, origin, edge);
    socket.on('data', (chunk: Buffer) => connection.receive(chunk, chunk.length));
    edge.open(connection);
  });

  return {
    server,
    setCertificates(next) {
      table = compileCertificates(next);
      server.setSecureContext(table.fallback);
    },
    drain() {
      for (const { socket } of handshakes.values()) socket.destroy();
    },
  };
}

type Choose = (refusal: Error | null, context?: SecureContext) => void;

const toKey = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
