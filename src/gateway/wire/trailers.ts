// What may come behind a body (RFC 9110 §6.5), whichever version of HTTP carries it.

export const MAX_TRAILER_BYTES = 8192;

/**
 * What a head was judged by may not come after it (RFC 9110 §6.5.1): framing, routing, the connection, credentials, the kind of content.
 * Refused and not dropped, because a sender of these wants to be read in two ways.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'max-forwards',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** `name` in lower case. */
export const isForbiddenTrailer = (name: string): boolean => FORBIDDEN.has(name);
