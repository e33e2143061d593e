// Calls to upstream services over undici, whose objects stay in this file.

import { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import type { BodySink, BodySource } from '../body.ts';
import type { Cancellable, HeaderList } from '../exchange.ts';
import type { Target } from '../plan.ts';
import { toFailure, type Failure } from './failure.ts';

const CONNECT_TIMEOUT_MS = 5000;
const KEEP_ALIVE_MS = 30_000;

export interface Call {
  readonly target: Target;
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: BodySource | undefined;
  /** To the first byte of the answer, and between two reads of its body. */
  readonly timeoutMs: number;
}

/** Exactly one of the two is called, once. What breaks after the head breaks the body. */
export interface CallEvents {
  onHead(status: number, headers: HeaderList, body: BodySource): void;
  onFailure(failure: Failure): void;
}

export interface Transport {
  send(call: Call, events: CallEvents): Cancellable;
  /** Closes the connections to all targets but these; calls in flight finish. */
  retain(targets: readonly Target[]): void;
  close(): Promise<void>;
}

export function createTransport(): Transport {
  const pools = new Map<string, Pool>();

  function poolOf(target: Target): Pool {
    const key = poolKey(target);
    let pool = pools.get(key);
    if (pool === undefined) {
      const connect = {
        timeout: CONNECT_TIMEOUT_MS,
        ...(target.socketPath !== undefined && { socketPath: target.socketPath }),
      };
      pool = new Pool(target.origin, { connect, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS });
      pools.set(key, pool);
    }
    return pool;
  }

  return {
    send(call, events) {
      const running = new RunningCall(call, events);
      running.dispatch(poolOf(call.target));
      return running;
    },
    retain(targets) {
      const wanted = new Set(targets.map(poolKey));
      for (const [key, pool] of pools) {
        if (wanted.has(key)) continue;
        pools.delete(key);
        pool.close().catch(() => pool.destroy());
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

const poolKey = (target: Target): string => target.socketPath ?? target.origin;

/** One call: undici's handler on one side, a body to be read on the other. */
class RunningCall implements Cancellable, BodySource, Dispatcher.DispatchHandler {
  readonly #call: Call;
  readonly #events: CallEvents;
  #controller: Dispatcher.DispatchController | undefined;
  #sink: BodySink | undefined;
  #answered = false;
  #cancelled = false;

  constructor(call: Call, events: CallEvents) {
    this.#call = call;
    this.#events = events;
  }

  dispatch(pool: Pool): void {
    const { path, method, headers, body, timeoutMs } = this.#call;
    const stream = body === undefined ? null : toReadable(body);
    try {
      pool.dispatch({ path, method, headers, body: stream, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }, this);
    } catch (cause) {
      this.onResponseError(undefined, cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled) controller.abort(new Error('cancelled before it began'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return; // Interim answers are between us and the upstream.
    this.#answered = true;
    this.#events.onHead(status, toHeaderList(controller.rawHeaders), this);
    if (this.#sink === undefined) controller.pause();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#sink?.write(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#sink?.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#answered) this.#sink?.fail(error);
    else {
      this.#answered = true;
      this.#events.onFailure(toFailure(error));
    }
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#controller?.resume();
  }

  resume(): void {
    this.#controller?.resume();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#controller?.abort(new Error('cancelled'));
  }
}

/** A request body as the stream that undici wants. */
function toReadable(source: BodySource): Readable {
  let started = false;
  const readable = new Readable({
    read() {
      if (started) source.resume();
      else {
        started = true;
        source.start({
          write: (chunk) => readable.push(chunk),
          end: () => readable.push(null),
          fail: (cause) => readable.destroy(cause),
        });
      }
    },
    destroy(error, done) {
      source.cancel(); // Without an error too: the upstream may answer before it has read everything.
      done(error);
    },
  });
  return readable;
}

function toHeaderList(raw: Dispatcher.DispatchController['rawHeaders']): HeaderList {
  return Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : [];
}
