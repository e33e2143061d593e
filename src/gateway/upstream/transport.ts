// Calls to upstream services over our own HTTP/1.1: a pool of connections for every target.

import type { Socket } from 'node:net';
import { Sweep } from '../../lib/sweep.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Target } from '../plan.ts';
import type { TakeBytes } from '../shared-reads.ts';
import { Http1Call, type ConnectionSource } from './http1-call.ts';
import { Http1UpstreamConnection, type ConnectionOwner } from './http1-connection.ts';
import type { Transport } from './call.ts';
import type { OpenSocket } from './open-socket.ts';

export function createTransport(clock: Clock, openSocket: OpenSocket): Transport {
  const sweep = new Sweep(() => clock.monotonicMs());
  const pools = new Map<string, Pool>();

  function poolOf(target: Target): Pool {
    const key = poolKey(target);
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new Pool(target, sweep, openSocket);
      pools.set(key, pool);
    }
    return pool;
  }

  return {
    send(call, events) {
      const running = new Http1Call(call, events, poolOf(call.target));
      running.begin(false);
      return running;
    },
    retain(targets) {
      const wanted = new Set(targets.map(poolKey));
      for (const [key, pool] of pools) {
        if (wanted.has(key)) continue;
        pools.delete(key);
        pool.retire();
      }
    },
    async close() {
      for (const pool of pools.values()) pool.destroy();
      pools.clear();
      sweep.stop();
    },
  };
}

function poolKey({ socketPath, origin, place, tls }: Target): string {
  if (socketPath !== undefined) return socketPath;
  const key = place === undefined ? origin : `${origin} ${place.address} ${place.port ?? ''}`;
  return tls === undefined ? key : `${key} ${tls.identity}`;
}

class Pool implements ConnectionSource, ConnectionOwner {
  readonly #target: Target;
  readonly #sweep: Sweep;
  readonly #openSocket: OpenSocket;
  readonly #all = new Set<Http1UpstreamConnection>();
  /** The last one back is the first one out: the others may grow cold and close. */
  readonly #idle: Http1UpstreamConnection[] = [];
  #isRetired = false;

  constructor(target: Target, sweep: Sweep, openSocket: OpenSocket) {
    this.#target = target;
    this.#sweep = sweep;
    this.#openSocket = openSocket;
  }

  deadline(inMs: number): number {
    return this.#sweep.deadline(inMs);
  }

  take(isFresh: boolean): Http1UpstreamConnection {
    const idle = isFresh ? undefined : this.#takeIdle();
    if (idle !== undefined) return idle;
    const connection = new Http1UpstreamConnection(this.#target, this.#sweep, this);
    this.#all.add(connection);
    return connection;
  }

  #takeIdle(): Http1UpstreamConnection | undefined {
    let idle = this.#idle.pop();
    while (idle?.isSpent === true) idle = this.#idle.pop();
    return idle;
  }

  open(take: TakeBytes): Socket {
    return this.#openSocket(this.#target, take);
  }

  onIdle(connection: Http1UpstreamConnection): void {
    if (this.#isRetired) connection.destroy();
    else this.#idle.push(connection);
  }

  onGone(connection: Http1UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** No new calls: what is idle closes now, what is busy after its call. */
  retire(): void {
    this.#isRetired = true;
    for (const connection of this.#idle) connection.destroy();
  }

  destroy(): void {
    for (const connection of this.#all) connection.destroy();
  }
}
