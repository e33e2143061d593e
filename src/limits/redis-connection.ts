// One connection to Redis, or to a Redis Cluster, that comes back by itself when it breaks and lets nobody wait meanwhile.

import type { createCluster, RESP_TYPES } from '@redis/client';
import { RedisLink } from './redis-link.ts';
import type { Command } from './resp.ts';

/** How long opening waits for the first attempt to connect. */
const FIRST_ATTEMPT_MS = 2000;
const CONNECT_TIMEOUT_MS = 1000;
const MAX_RECONNECT_DELAY_MS = 1000;
/** How long a connection that was given up is kept, so that what it answers yet can be taken back. */
const LINGER_MS = 60_000;
/** Calls that wait for an answer; further ones fail at once. More than a server that is alive keeps waiting. */
const MAX_PENDING = 10_000;

export interface RedisConnectionOptions {
  /** `redis://[user:password@]host:port[/database]`, `rediss://…` for TLS. Of a cluster, any of its nodes. */
  readonly url: string;
  /** Told when the connection is made, and when it breaks or an attempt fails. */
  readonly onChange: (connected: boolean, cause: Error | undefined) => void;
}

interface Link {
  readonly isReady: boolean;
  send(key: string, command: Command): Promise<unknown>;
  destroy(): void;
}

/** For clusters: which node has what, and where it went. */
interface Library {
  readonly createCluster: typeof createCluster;
  readonly RESP_TYPES: typeof RESP_TYPES;
}

export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  #link: Link;
  readonly #givenUp = new Map<Link, NodeJS.Timeout>();
  /** Undefined until a server says that it is one of a cluster. */
  #library: Library | undefined;
  #isLoading = false;
  #isClosed = false;
  #lastFailure: Error | undefined;

  private constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#link = this.#connect();
  }

  /** Returns when the first attempt has succeeded or failed; a connection that failed goes on trying. Throws for a URL that is none. */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    toUrl(options.url);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FIRST_ATTEMPT_MS);
    const onChange: RedisConnectionOptions['onChange'] = (connected, cause) => {
      resolve();
      options.onChange(connected, cause);
    };
    const connection = new RedisConnection({ ...options, onChange });
    await promise;
    clearTimeout(timer);
    return connection;
  }

  get isReady(): boolean {
    return this.#link.isReady;
  }

  /**
   * Sends one command to where this key is; commands of one turn of the event loop go out in one write. Rejects at once when there is no
   * connection, and when it breaks; it may wait for ever for a server that is silent.
   */
  send(key: string, command: Command): Promise<unknown> {
    if (this.#link.isReady) return this.#link.send(key, command);
    // One that was given up and answers all the same, while the new one is being made.
    for (const link of this.#givenUp.keys()) if (link.isReady) return link.send(key, command);
    return Promise.reject(new Error('there is no connection to Redis', { cause: this.#lastFailure }));
  }

  /** To be told of every error: some say that the connection leads to the wrong place. */
  learn(cause: Error): void {
    if (cause.message.startsWith('MOVED') && !this.#isLoading) void this.#becomeCluster();
    // A replica that was the primary once: the address may lead to another server by now.
    if (cause.message.startsWith('READONLY')) this.replace();
  }

  /**
   * Gives the connection up and makes another, as for a server that has gone silent: TCP would notice after many minutes. The calls that
   * wait may be answered yet, for a while.
   */
  replace(): void {
    if (this.#isClosed) return;
    const old = this.#link;
    this.#link = this.#connect();
    this.#givenUp.set(
      old,
      setTimeout(() => this.#drop(old), LINGER_MS),
    );
    this.#givenUp.get(old)?.unref();
  }

  /** Lets go at once; calls that wait are rejected. */
  close(): void {
    this.#isClosed = true;
    for (const link of this.#givenUp.keys()) this.#drop(link);
    this.#link.destroy();
  }

  /** Loaded only here, because it costs every thread 5 MB, and most installations have no cluster. */
  async #becomeCluster(): Promise<void> {
    this.#isLoading = true;
    this.#library = await import('@redis/client');
    this.replace();
  }

  #drop(link: Link): void {
    clearTimeout(this.#givenUp.get(link));
    if (this.#givenUp.delete(link)) link.destroy();
  }

  #connect(): Link {
    return this.#library === undefined ? this.#connectToServer() : this.#connectToCluster(this.#library);
  }

  #connectToServer(): Link {
    const server = new RedisLink({
      url: toUrl(this.#options.url),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      maxPending: MAX_PENDING,
      toDelayMs: toReconnectDelay,
      onReady: () => this.#tellReady(link),
      onFailure: (cause) => this.#fail(link, cause),
    });
    const link: Link = {
      get isReady() {
        return server.isReady;
      },
      send: (_key, command) => server.send(command),
      destroy: () => server.destroy(),
    };
    return link;
  }

  #connectToCluster({ createCluster, RESP_TYPES }: Library): Link {
    const { url } = this.#options;
    // What the script answers is no text.
    const asBytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };
    const cluster = createCluster({ rootNodes: [toClientOptions(url)], defaults: toNodeOptions(url) });
    const link: Link = {
      get isReady() {
        return cluster.isReady;
      },
      send: (key, command) => cluster.sendCommand(key, false, [...command], asBytes),
      destroy: () => cluster.destroy(),
    };
    cluster.on('connect', () => this.#tellReady(link));
    cluster.on('error', (cause: Error) => this.#fail(link, cause));
    // A cluster whose nodes could not be found does not look for them again by itself.
    const again = (): void => {
      if (this.#link === link) this.replace();
    };
    cluster.connect().catch(() => setTimeout(again, MAX_RECONNECT_DELAY_MS).unref());
    return link;
  }

  #tellReady(link: Link): void {
    if (!this.#givenUp.has(link)) this.#options.onChange(true, undefined);
  }

  #fail(link: Link, cause: Error): void {
    // One that was given up does not come back.
    if (this.#givenUp.has(link)) {
      this.#drop(link);
      return;
    }
    this.#lastFailure = cause;
    this.#options.onChange(false, cause);
  }
}

/** Throws for a URL that is none. */
function toUrl(text: string): URL {
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw new TypeError('the URL of Redis has to begin with redis:// or rediss://');
  return url;
}

function toClientOptions(url: string) {
  return { url, ...toUsualOptions(), socket: toSocketOptions() };
}

/** For the nodes that a cluster names, which share the credentials and the TLS of the URL. */
function toNodeOptions(url: string) {
  const { username, password, protocol } = new URL(url);
  return {
    ...toUsualOptions(),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    socket: { ...toSocketOptions(), ...(protocol === 'rediss:' && { tls: true as const }) },
  };
}

function toUsualOptions() {
  return {
    // A call that could wait for a new connection would be counted there for nobody.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_PENDING,
    // Whoever calls has a deadline of its own, which costs no AbortSignal for every call.
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled' as const,
  };
}

function toSocketOptions() {
  return { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: toReconnectDelay };
}

/** Doubling from 50 ms, with chance, so that the nodes do not all come at the same moment. */
function toReconnectDelay(retries: number): number {
  return Math.min(50 * 2 ** retries, MAX_RECONNECT_DELAY_MS) * (0.5 + Math.random() / 2);
}
