// How long a body is (RFC 9112 §6.3). One reading only: whatever two parties could read differently is refused.

import { FAULTS, type WireFault } from './fault.ts';
import { isDigit, isSameToken } from './octets.ts';

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Answers and tunnels only: the body ends with the connection. */
  | { readonly kind: 'close' };

export const NO_BODY: Framing = { kind: 'none' };
export const CHUNKED: Framing = { kind: 'chunked' };
export const UNTIL_CLOSE: Framing = { kind: 'close' };

// 15 digits stay below 2^53.
const MAX_LENGTH_DIGITS = 15;

/** The framing that the fields of a message tell, or what is wrong with them. */
export function toFraming(
  lengths: number,
  contentLength: string | undefined,
  transferEncoding: string | undefined,
  isHttp10: boolean,
): Framing | WireFault {
  if (transferEncoding !== undefined) {
    if (lengths > 0) return FAULTS.framing;
    if (isHttp10) return FAULTS.transferEncoding;
    return isSameToken(transferEncoding, 'chunked') ? CHUNKED : codingFault(transferEncoding);
  }
  if (contentLength === undefined) return NO_BODY;
  const bytes = lengths === 1 ? parseLength(contentLength) : -1;
  if (bytes < 0) return FAULTS.contentLength;
  return bytes === 0 ? NO_BODY : { kind: 'length', bytes };
}

/** Digits only: no sign, no white space, no list. -1 when it is anything else. */
function parseLength(text: string): number {
  if (text.length === 0 || text.length > MAX_LENGTH_DIGITS) return -1;
  for (let i = 0; i < text.length; i++) if (!isDigit(text.charCodeAt(i))) return -1;
  return Number(text);
}

/** Known codings before a last `chunked` are merely unsupported; all else is malformed (RFC 9112 §6.1). */
function codingFault(transferEncoding: string): WireFault {
  return /^(?:(?:gzip|deflate|compress|x-gzip|x-compress)[ \t]*,[ \t]*)+chunked$/i.test(transferEncoding)
    ? FAULTS.transferCoding
    : FAULTS.transferEncoding;
}
