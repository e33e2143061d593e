// Connections that another program's node:http server gives away because a request on them wants to switch protocols. They go on as
// connections of our own, for that one request and what follows its switch: authentication and limits first, then the tunnel.

import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import { Sweep } from '../../lib/sweep.ts';
import type { Runner } from '../run.ts';
import { Http1Connection } from './http1-connection.ts';
import { toRefusedExchange } from './http1-exchange.ts';
import type { EdgeLimits } from './limits.ts';
import { writeNodeHead } from './node-head.ts';
import { toNodeOrigin } from './node-origin.ts';
import type { EdgeConnection, EdgeShared } from './shared.ts';
import { toWireReply } from './wire-refusal.ts';

export interface NodeUpgradeOptions {
  readonly runner: Runner;
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  /** Our name in `Via`. */
  readonly pseudonym: string;
}

/** Answers the request, whatever becomes of it, and ends the connection after an answer that is no switch. */
export type NodeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface NodeUpgrades {
  readonly upgrade: NodeUpgrade;
  /** Resolves when the last connection is gone. */
  drain(): Promise<void>;
  /** Breaks whatever is still open. */
  destroy(): void;
}

export function createNodeUpgrades(options: NodeUpgradeOptions): NodeUpgrades {
  const { runner, clock, limits, pseudonym } = options;
  const connections = new Set<EdgeConnection>();
  const sweep = new Sweep(() => clock.monotonicMs());
  let onEmpty: (() => void) | undefined;
  const shared: EdgeShared = {
    runner,
    clock,
    limits,
    viaLine: `via: 1.1 ${pseudonym}\r\n`,
    sweep,
    // The server has given the connection away for one request: who is not let in has to make another one for the next.
    draining: true,
    httpDate: () => new Date(clock.nowMs()).toUTCString(),
    forget(connection) {
      connections.delete(connection);
      sweep.remove(connection);
      if (connections.size === 0) onEmpty?.();
    },
  };

  return {
    upgrade(request, socket, head) {
      if (!(socket instanceof Socket))
        throw new TypeError('upgrade: takes what servers of node:http and node:https tell');
      if (socket.destroyed) return;
      const origin = toNodeOrigin(socket);
      const text = writeNodeHead(request);
      if (typeof text !== 'string') {
        const exchange = toRefusedExchange(origin, clock);
        socket.end(toWireReply(exchange, text));
        runner.finish(exchange);
        return;
      }
      socket.setTimeout(0);
      socket.setNoDelay(true);
      const connection = new Http1Connection(socket, origin, shared);
      connections.add(connection);
      sweep.add(connection);
      const first = Buffer.concat([Buffer.from(text, 'latin1'), head]);
      connection.receive(first, first.length);
      socket.on('data', (chunk: Buffer) => connection.receive(chunk, chunk.length));
    },
    async drain() {
      if (connections.size > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
      sweep.stop();
    },
    destroy() {
      for (const connection of connections) connection.destroy();
    },
  };
}
