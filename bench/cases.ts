// What is measured, as a table: the name that `--only` takes, the request, and who sends it.

import { ANSWER_100, ANSWER_16K, ANSWER_1M, MAX_TAKEN_BYTES, TAKE, VARIED, type Route } from './routes.ts';

export interface RequestShape {
  readonly route: Route;
  /** Of the request's body; none when 0. */
  readonly bodyBytes: number;
  readonly secure: boolean;
  /** The caller asks for the connection to be closed, and opens another one for its next request. */
  readonly closes: boolean;
}

export interface LoadCase {
  readonly name: string;
  readonly what: string;
  /** `latency` finds its own rate; the others send as fast as they are answered. */
  readonly load: 'http1' | 'http2' | 'half-rate';
  readonly request: RequestShape;
  /** There is a figure to reach: all contestants take part, in all rounds. */
  readonly hasGoal: boolean;
}

/** What most cases ask. */
export const GET: RequestShape = { route: ANSWER_100, bodyBytes: 0, secure: false, closes: false };

export const LOAD_CASES: readonly LoadCase[] = [
  { name: 'get', what: 'GET, 100-byte answer', load: 'http1', request: GET, hasGoal: true },
  ask('get-varied', 'GET, fields that differ from request to request, in answers too', { route: VARIED }),
  ask('get-16k', 'GET, 16 KiB answer', { route: ANSWER_16K }),
  ask('get-1m', 'GET, 1 MiB answer', { route: ANSWER_1M }),
  ask('post', 'POST of 100 bytes, 100-byte answer', { route: TAKE, bodyBytes: 100 }),
  ask('post-16k', 'POST of 16 KiB', { route: TAKE, bodyBytes: 16_384 }),
  ask('post-1m', 'POST of 1 MiB', { route: TAKE, bodyBytes: MAX_TAKEN_BYTES }),
  ask('close', 'GET on a new connection for every request', { closes: true }),
  ask('tls', 'GET over TLS 1.3, connections kept', { secure: true }),
  { ...ask('h2', 'GET over HTTP/2 (and TLS 1.3)', { secure: true }), load: 'http2' },
  {
    name: 'latency',
    what: 'GET at half of the rate at which nginx is saturated, however late the answers',
    load: 'half-rate',
    request: GET,
    hasGoal: true,
  },
];

/** Cases that are no load: the memory of idle connections; start, and memory at rest. */
export const OTHER_CASES = ['idle', 'start'] as const;

export const CASE_NAMES: readonly string[] = [...LOAD_CASES.map(({ name }) => name), ...OTHER_CASES];

function ask(name: string, what: string, request: Partial<RequestShape>): LoadCase {
  return { name, what, load: 'http1', request: { ...GET, ...request }, hasGoal: false };
}
