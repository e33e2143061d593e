// A connection to one Redis server: opens with its credentials, sends commands and gives each its answer, and opens again when it breaks.
//
// A command costs the process half of what it costs over @redis/client, which does much more than calls of limits need; at ten thousand
// requests a second that is the difference between more and less than ten microseconds a request (docs/decisions/redis-client.md).

import { connect, type Socket } from 'node:net';
import { connect as connectByTls } from 'node:tls';
import { type Command, encodeCommand, RespReader } from './resp.ts';

const DEFAULT_PORT = 6379;
const KEEP_ALIVE_MS = 5000;

export interface RedisLinkOptions {
  /** `redis://[user:password@]host:port[/database]`, `rediss://…` for TLS. */
  readonly url: URL;
  readonly connectTimeoutMs: number;
  /** Commands that wait for an answer; further ones fail at once. */
  readonly maxPending: number;
  /** How long to wait before an attempt, after so many that failed. */
  readonly toDelayMs: (failures: number) => number;
  readonly onReady: () => void;
  /** Each time the connection breaks, or an attempt fails. */
  readonly onFailure: (cause: Error) => void;
}

interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (cause: Error) => void;
}

export class RedisLink {
  readonly #options: RedisLinkOptions;
  #socket: Socket | undefined;
  /** For answers, in the order of the commands. */
  #waiting: Waiting[] = [];
  /** How many at the front have been answered. */
  #answered = 0;
  #out: Buffer[] = [];
  #failures = 0;
  #isReady = false;
  #isDestroyed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#open();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Rejects at once when there is no connection, and when it breaks; it waits for ever for a server that is silent. */
  send(command: Command): Promise<unknown> {
    if (!this.#isReady) return Promise.reject(new Error('there is no connection to Redis'));
    if (this.#waiting.length - this.#answered >= this.#options.maxPending)
      return Promise.reject(new Error('too many calls wait for Redis'));
    return this.#write(command);
  }

  /** Lets go at once; commands that wait are rejected. */
  destroy(): void {
    this.#isDestroyed = true;
    clearTimeout(this.#timer);
    this.#break(new Error('the connection to Redis was closed'));
  }

  #write(command: Command): Promise<unknown> {
    if (this.#out.length === 0) process.nextTick(() => this.#flush());
    encodeCommand(command, this.#out);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** What was written until now goes out at once, in one write. */
  #flush(): void {
    const out = this.#out;
    this.#out = [];
    if (out.length > 0) this.#socket?.write(Buffer.concat(out));
  }

  #open(): void {
    const { url, connectTimeoutMs } = this.#options;
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
    const port = Number(url.port || DEFAULT_PORT);
    const place = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const isTls = url.protocol === 'rediss:';
    const socket = isTls ? connectByTls(place) : connect(place);
    this.#socket = socket;
    const reader = new RespReader((reply) => this.#answer(reply));
    const onLate = (): void => void socket.destroy(new Error('connecting to Redis took too long'));
    const timer = setTimeout(onLate, connectTimeoutMs);
    let fault: Error | undefined;
    socket.on(isTls ? 'secureConnect' : 'connect', () => this.#introduce(socket, timer));
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.read(chunk);
      } catch (cause) {
        socket.destroy(cause instanceof Error ? cause : new Error(String(cause)));
      }
    });
    socket.on('error', (cause) => (fault = cause));
    socket.on('close', () => {
      clearTimeout(timer);
      if (this.#socket === socket) this.#fail(fault ?? new Error('Redis closed the connection'));
    });
  }

  /** Credentials and the database, and whether the server takes commands. */
  #introduce(socket: Socket, timer: NodeJS.Timeout): void {
    const { username, password, pathname } = this.#options.url;
    const user = username === '' ? [] : [decodeURIComponent(username)];
    const answers: Promise<unknown>[] = [];
    if (password !== '') answers.push(this.#write(['AUTH', ...user, decodeURIComponent(password)]));
    if (pathname.length > 1) answers.push(this.#write(['SELECT', pathname.slice(1)]));
    answers.push(this.#write(['PING']));
    Promise.all(answers).then(
      () => {
        clearTimeout(timer);
        if (this.#socket !== socket) return;
        this.#isReady = true;
        this.#failures = 0;
        this.#options.onReady();
      },
      (cause: unknown) => void socket.destroy(cause instanceof Error ? cause : new Error(String(cause))),
    );
  }

  #answer(reply: string | Buffer | null | Error): void {
    const waiting = this.#waiting[this.#answered++];
    if (waiting === undefined) throw new Error('Redis answered without being asked');
    if (this.#answered === this.#waiting.length) {
      this.#waiting = [];
      this.#answered = 0;
    }
    if (reply instanceof Error) waiting.reject(reply);
    else waiting.resolve(reply);
  }

  #fail(cause: Error): void {
    this.#break(cause);
    if (this.#isDestroyed) return;
    this.#options.onFailure(cause);
    // Whoever was told may have let go.
    if (this.#isDestroyed) return;
    this.#timer = setTimeout(() => this.#open(), this.#options.toDelayMs(this.#failures++));
    this.#timer.unref();
  }

  #break(cause: Error): void {
    const waiting = this.#waiting.slice(this.#answered);
    this.#waiting = [];
    this.#answered = 0;
    this.#out = [];
    this.#isReady = false;
    this.#socket?.destroy();
    this.#socket = undefined;
    for (const { reject } of waiting) reject(cause);
  }
}
