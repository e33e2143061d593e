// One connection to Redis that looks after itself: comes back when it broke, is replaced when it went silent, and lets nobody wait.

import type { createClient } from '@redis/client';

/** How long opening waits for the first attempt to connect, in milliseconds. */
const FIRST_ATTEMPT_MS = 2000;
const CONNECT_TIMEOUT_MS = 1000;
const MAX_RECONNECT_DELAY_MS = 1000;
/** A connection is asked for a sign of life this often, and given up when none came for so many times. */
const BEAT_MS = 1000;
const MAX_SILENT_BEATS = 3;
/** Calls that wait for an answer; further ones fail at once. More than a server that is alive keeps waiting for a tenth of a second. */
const MAX_PENDING = 10_000;

export interface RedisConnectionOptions {
  /** `redis://[user:password@]host:port[/database]`, `rediss://…` for TLS. */
  readonly url: string;
  /** How long a call waits for its answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Told when the connection is made, and when it breaks or an attempt fails. */
  readonly onChange: (connected: boolean, cause: Error | undefined) => void;
}

export class RedisConnection {
  readonly #newClient: () => Client;
  readonly #options: RedisConnectionOptions;
  readonly #beat: NodeJS.Timeout;
  #client: Client;
  #lastFailure: Error | undefined;
  #silentBeats = 0;

  private constructor(options: RedisConnectionOptions, create: typeof createClient) {
    this.#newClient = () => newClient(create, options.url);
    this.#options = options;
    this.#client = this.#connect();
    this.#beat = setInterval(() => this.#checkLife(), BEAT_MS);
    this.#beat.unref();
  }

  /** Returns when the first attempt has succeeded or failed; a connection that failed goes on trying. Throws for a URL that is none. */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    // Loaded here, because it costs every thread 5 MB, and most installations have no Redis.
    const library = await import('@redis/client');
    const connection = new RedisConnection(options, library.createClient);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FIRST_ATTEMPT_MS);
      const settle = (): void => {
        clearTimeout(timer);
        resolve();
      };
      connection.#client.once('ready', settle).once('error', settle);
    });
    return connection;
  }

  /**
   * Sends one command; commands of one tick go out in one write. Rejects within the timeout, at once when there is no connection. A
   * command whose time ran out may still be carried out.
   */
  async send(command: readonly string[]): Promise<unknown> {
    if (!this.#client.isReady) throw new Error('there is no connection to Redis', { cause: this.#lastFailure });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('Redis did not answer in time')), this.#options.timeoutMs);
    });
    try {
      const reply: unknown = await Promise.race([this.#client.sendCommand(command), timeout]);
      this.#silentBeats = 0;
      return reply;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets go at once; calls that wait are rejected. */
  close(): void {
    clearInterval(this.#beat);
    this.#client.destroy();
  }

  #connect(): Client {
    const client = this.#newClient();
    client.on('ready', () => {
      this.#silentBeats = 0;
      this.#options.onChange(true, undefined);
    });
    client.on('error', (cause: Error) => {
      this.#lastFailure = cause;
      this.#options.onChange(false, cause);
    });
    // Every failed attempt is told as an error event and tried again; the promise is rejected by `destroy` alone.
    client.connect().catch(() => {});
    return client;
  }

  /** TCP notices after many minutes that a machine is gone. A server that is frozen accepts and never answers. */
  #checkLife(): void {
    if (this.#silentBeats >= MAX_SILENT_BEATS) {
      this.#silentBeats = 0;
      this.#client.destroy();
      this.#client = this.#connect();
    }
    this.#silentBeats++;
    if (this.#client.isReady) this.send(['PING']).catch(() => {});
  }
}

type Client = ReturnType<typeof newClient>;

// The return type is long and follows from the options.
function newClient(create: typeof createClient, url: string) {
  return create({
    url,
    // A call that could wait for a new connection would outlive its timeout there and be counted for nobody.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_PENDING,
    // Ours is shorter, and costs no AbortSignal for every call.
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled',
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: toReconnectDelay },
  });
}

/** Doubling from 50 ms, with chance, so that the nodes do not all come at the same moment. */
function toReconnectDelay(retries: number): number {
  return Math.min(50 * 2 ** retries, MAX_RECONNECT_DELAY_MS) * (0.5 + Math.random() / 2);
}
