// What loads a contestant for some seconds, and what is found.

import type { RequestShape } from '../cases.ts';
import type { Part, Stage } from '../stage.ts';

export interface Load {
  /** With a rate the loop is open: requests are sent when they are due, however late the answers. */
  readonly kind: 'http1' | 'http2' | { readonly requestsPerSecond: number };
  readonly request: RequestShape;
  readonly seconds: number;
  readonly connections: number;
  readonly core: number;
  /** The program for HTTP/2. */
  readonly h2load: string | undefined;
}

/** The load for one contestant. */
export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of an open loop: whether it was one. */
export interface Pace {
  /** That should have been sent. */
  readonly due: number;
  /** Of these, without a good answer when the load was over, or never sent for want of a free connection. */
  readonly unanswered: number;
  /** How late the load itself was in sending what found a connection free. */
  readonly lateP99Ms: number;
}

export interface LoadReport {
  readonly seconds: number;
  /** Answered with 2xx or 3xx. */
  readonly requests: number;
  /** Answered otherwise, and connections refused, broken or timed out. */
  readonly errors: number;
  /** Where the load tells them. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** How well an open loop was held. */
  readonly pace?: Pace;
}

/** What a load may take beyond its seconds, for connecting, for its last requests and for its report. */
const GRACE_MS = 15_000;

/** Runs the load to its end and returns what it printed; ends it when it takes too long, or we are to end. */
export async function runToEnd(stage: Stage, part: Part, seconds: number): Promise<string> {
  const player = stage.start({ ...part, endsByItself: true });
  const kill = (): void => player.kill('SIGKILL');
  const timer = setTimeout(kill, seconds * 1000 + GRACE_MS);
  stage.signal.addEventListener('abort', kill, { once: true });
  try {
    await player.job.exit;
    stage.signal.throwIfAborted();
    return player.job.logTail();
  } finally {
    clearTimeout(timer);
    stage.signal.removeEventListener('abort', kill);
  }
}
