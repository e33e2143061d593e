// Hears the notifications of one channel on a connection of its own, and comes back whenever that is lost. What was said in between is
// lost with it: whoever listens has to look for itself once it listens again.

import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

export interface ListenOptions {
  /** A plain identifier. */
  readonly channel: string;
  readonly onMessage: (payload: string) => void;
  /** From now on nothing is missed until `onLost`. */
  readonly onListening: () => void;
  readonly onLost: (cause: unknown) => void;
}

export interface Listening {
  /** For a connection that seems to be dead without having said so. */
  restart(): void;
  /** Resolves when the connection is closed. */
  stop(): Promise<void>;
}

export function listenPostgres(databaseUrl: string, options: ListenOptions): Listening {
  const stopping = new AbortController();
  let socket: Socket | undefined;
  let failures = 0;

  async function listenOnce(): Promise<void> {
    const own = new Socket();
    socket = own;
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'tollgate listens',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      stream: () => own,
    });
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined); // It is lost in any case; only who waits for it minds.
    client.on('error', lost.reject);
    client.on('end', () => lost.reject(new Error('the connection was closed')));
    client.on('notification', ({ payload }) => options.onMessage(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(options.channel)}`);
      failures = 0;
      options.onListening();
      await lost.promise;
    } finally {
      // Not `client.end()`: a peer that has gone silent would never answer its goodbye.
      own.destroy();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await listenOnce();
      } catch (cause) {
        if (!stopping.signal.aborted) options.onLost(cause);
      }
      const delayMs = Math.min(MIN_RETRY_MS * 2 ** failures++, MAX_RETRY_MS);
      await sleep(delayMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    restart() {
      socket?.destroy();
    },
    async stop() {
      stopping.abort();
      socket?.destroy();
      await running;
    },
  };
}
