// The listener: sockets in, exchanges out.

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { toFlatText } from '../../lib/flat-text.ts';
import { Sweep } from '../../lib/sweep.ts';
import { Origin, type Reached } from '../origin.ts';
import type { TlsCertificate } from '../ports.ts';
import type { Runner } from '../run.ts';
import { acceptShared } from '../shared-reads.ts';
import type { ConnectionCounts } from './connection-counts.ts';
import { Http1Connection } from './http1-connection.ts';
import type { EdgeLimits } from './limits.ts';
import type { EdgeConnection } from './shared.ts';
import { createTlsListener, type TlsEdge, type TlsListener } from './tls.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly runner: Runner;
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  /** Those of all threads. */
  readonly counts: ConnectionCounts;
  /** Our name in `Via`. */
  readonly pseudonym: string;
  /** Proxies bring the connections of many callers from one address: they are limited in all, not by address. */
  readonly isTrusted: (address: string) => boolean;
  /** No other thread listens on the port; if somebody does, it is taken. */
  readonly isAlone?: boolean;
  /** A second port, for TLS. */
  readonly tls?: TlsListenerOptions | undefined;
}

export interface TlsListenerOptions {
  readonly port: number;
  readonly certificates: readonly TlsCertificate[];
}

export interface Listener {
  /** The one that was asked for, or the free one that 0 got. */
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** Shown to new connections from now on; those that stand go on. */
  setCertificates(certificates: readonly TlsCertificate[]): void;
  /** Stops listening, lets requests in flight finish, then resolves; idle connections are closed at once. */
  drain(): Promise<void>;
  /** Breaks whatever is still open. */
  destroy(): void;
}

export async function listen(options: ListenerOptions): Promise<Listener> {
  const edge = new Edge(options);
  // A caller who ends their side may still read (tunnels do); what an end means is decided by the connection.
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
    edge.accept(socket),
  );
  const port = await bind(server, options, options.port);
  edge.listensOn(port);
  const tls = options.tls && createTlsListener(options.tls.certificates, edge);
  const tlsPort = tls && (await bind(tls.server, options, options.tls?.port ?? 0));
  return { port, tlsPort, ...toEnds(edge, [server], tls) };
}

/** On one port, for TLS alone. */
export async function listenForTls(
  options: Omit<ListenerOptions, 'port' | 'tls'> & { readonly tls: TlsListenerOptions },
): Promise<Omit<Listener, 'tlsPort'>> {
  const edge = new Edge(options);
  const tls = createTlsListener(options.tls.certificates, edge);
  const port = await bind(tls.server, options, options.tls.port);
  return { port, ...toEnds(edge, [], tls) };
}

function toEnds(
  edge: Edge,
  plain: readonly Server[],
  tls: TlsListener | undefined,
): Omit<Listener, 'port' | 'tlsPort'> {
  return {
    setCertificates: (certificates) => tls?.setCertificates(certificates),
    async drain() {
      const closed = [...plain, ...(tls === undefined ? [] : [tls.server])].map(close);
      tls?.drain();
      // The server does not count the connections that were taken over from it (shared-reads.ts): the edge does.
      await Promise.all([...closed, edge.drain()]);
      edge.sweep.stop();
    },
    destroy() {
      tls?.drain();
      edge.destroy();
    },
  };
}

type EdgeOptions = Omit<ListenerOptions, 'host' | 'port' | 'tls'>;

class Edge implements TlsEdge {
  readonly clock: Clock;
  readonly runner: Runner;
  readonly limits: EdgeLimits;
  readonly viaLine: string;
  readonly sweep: Sweep;
  draining = false;
  readonly #isTrusted: (address: string) => boolean;
  readonly #connections = new Set<EdgeConnection>();
  #onEmpty: (() => void) | undefined = undefined;
  /** Of connections, and TLS handshakes that are to become some. */
  readonly #counts: ConnectionCounts;
  #plain: Reached = { port: 0, names: undefined };
  #date = '';
  #dateSecond = 0;

  constructor({ clock, runner, limits, counts, pseudonym, isTrusted }: EdgeOptions) {
    this.clock = clock;
    this.runner = runner;
    this.limits = limits;
    this.viaLine = toFlatText(`via: 1.1 ${pseudonym}\r\n`);
    this.#counts = counts;
    this.#isTrusted = isTrusted;
    this.sweep = new Sweep(() => clock.monotonicMs());
  }

  listensOn(port: number): void {
    this.#plain = { port, names: undefined };
  }

  accept(socket: Socket): void {
    const address = this.admit(socket);
    if (address === undefined) return;
    const shared = acceptShared(socket, (bytes, end) => connection.receive(bytes, end));
    const connection = new Http1Connection(shared, new Origin('http', address, this.#plain), this);
    this.open(connection);
  }

  admit(socket: Socket): string | undefined {
    const address = toAddress(socket.remoteAddress);
    const limits = this.#isTrusted(address) ? { ...this.limits, connectionsPerAddress: Infinity } : this.limits;
    if (this.#counts.admit(address, limits)) return address;
    socket.destroy(); // Nothing is read from whoever holds too many: an answer would cost what the limit is there to save.
    return undefined;
  }

  open(connection: EdgeConnection): void {
    this.#connections.add(connection);
    this.sweep.add(connection);
    if (this.draining) connection.drain();
  }

  forget(connection: EdgeConnection, address: string): void {
    this.#connections.delete(connection);
    this.sweep.remove(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
    this.release(address);
  }

  release(address: string): void {
    this.#counts.release(address);
  }

  httpDate(): string {
    const second = Math.floor(this.clock.nowMs() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }

  /** Resolves when the last connection is gone. */
  async drain(): Promise<void> {
    this.draining = true;
    for (const connection of this.#connections) connection.drain();
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}

/** IPv4 callers of a dual-stack socket are shown as IPv4. */
function toAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

function bind(
  server: Server,
  { host, isAlone = false }: Pick<ListenerOptions, 'host' | 'isAlone'>,
  port: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // With SO_REUSEPORT every gateway thread listens for itself and the kernel spreads the connections.
    server.listen({ host, port, reusePort: !isAlone && process.platform === 'linux', backlog: 4096 }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
