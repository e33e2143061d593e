// What the upstream serves, and the contestants proxy. A path tells what is asked of the upstream, and nothing else does.

/** Where what everybody may call is published, and what takes a key. */
export const OPEN = '/bench/open';
export const KEYED = '/bench/keyed';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Behind `OPEN` or `KEYED`. */
  readonly path: '/answer-100' | '/answer-varied' | '/answer-16k' | '/answer-1m' | '/take';
  /** The answer is so many letters x. */
  readonly answerBytes: number;
  /** No request and no answer has the fields of another. */
  readonly varies?: true;
}

const KIBIBYTE = 1024;

export const ANSWER_100: Route = { method: 'GET', path: '/answer-100', answerBytes: 100 };
/** Neighbours that never say the same twice: nothing that was found out about fields can be used again. */
export const VARIED: Route = { method: 'GET', path: '/answer-varied', answerBytes: 100, varies: true };
export const ANSWER_16K: Route = { method: 'GET', path: '/answer-16k', answerBytes: 16 * KIBIBYTE };
export const ANSWER_1M: Route = { method: 'GET', path: '/answer-1m', answerBytes: KIBIBYTE * KIBIBYTE };
/** Answers when it has read the whole body: an early answer would let every proxy leave work undone. */
export const TAKE: Route = { method: 'POST', path: '/take', answerBytes: 100 };

export const ROUTES: readonly Route[] = [ANSWER_100, VARIED, ANSWER_16K, ANSWER_1M, TAKE];

/** The largest body that is sent to `TAKE`. */
export const MAX_TAKEN_BYTES = KIBIBYTE * KIBIBYTE;
