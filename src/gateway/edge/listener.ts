// The listener: sockets in, exchanges out.

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { Sweep } from '../../lib/sweep.ts';
import type { Runner } from '../run.ts';
import { Http1Connection } from './http1-connection.ts';
import { DEFAULT_LIMITS, type EdgeLimits } from './limits.ts';
import type { EdgeShared } from './shared.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly runner: Runner;
  readonly clock: Clock;
  readonly limits?: Partial<EdgeLimits>;
}

export interface Listener {
  /** The one that was asked for, or the free one that 0 got. */
  readonly port: number;
  /** Stops listening, lets requests in flight finish, then resolves; idle connections are closed at once. */
  drain(): Promise<void>;
  /** Breaks whatever is still open. */
  destroy(): void;
}

export async function listen(options: ListenerOptions): Promise<Listener> {
  const edge = new Edge(options);
  // A caller who ends their side may still read (tunnels do); what an end means is decided by the connection.
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, (socket) =>
    edge.accept(socket),
  );
  const port = await bind(server, options);
  return {
    port,
    drain() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => {
        edge.sweep.stop();
        resolve();
      });
      edge.drain();
      return promise;
    },
    destroy: () => edge.destroy(),
  };
}

class Edge implements EdgeShared {
  readonly clock: Clock;
  readonly runner: Runner;
  readonly limits: EdgeLimits;
  readonly sweep: Sweep;
  draining = false;
  readonly #connections = new Set<Http1Connection>();
  readonly #perAddress = new Map<string, number>();
  #date = '';
  #dateSecond = 0;

  constructor({ clock, runner, limits }: ListenerOptions) {
    this.clock = clock;
    this.runner = runner;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.sweep = new Sweep(() => clock.monotonicMs());
  }

  accept(socket: Socket): void {
    const address = toAddress(socket.remoteAddress);
    const held = this.#perAddress.get(address) ?? 0;
    if (this.#connections.size >= this.limits.connections || held >= this.limits.connectionsPerAddress) {
      socket.destroy(); // Nothing is read from whoever holds too many: an answer would cost what the limit is there to save.
      return;
    }
    this.#perAddress.set(address, held + 1);
    const connection = new Http1Connection(socket, 'http', address, this);
    this.#connections.add(connection);
    this.sweep.add(connection);
  }

  forget(connection: Http1Connection, address: string): void {
    this.#connections.delete(connection);
    this.sweep.remove(connection);
    const held = (this.#perAddress.get(address) ?? 1) - 1;
    if (held === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, held);
  }

  httpDate(): string {
    const second = Math.floor(this.clock.nowMs() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }

  drain(): void {
    this.draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  destroy(): void {
    for (const connection of this.#connections) connection.socket.destroy();
  }
}

/** IPv4 callers of a dual-stack socket are shown as IPv4. */
function toAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

function bind(server: Server, { host, port }: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // With SO_REUSEPORT every gateway thread listens for itself and the kernel spreads the connections.
    server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 4096 }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
