// What is found out about a request before anything is done with it: who is calling, under which id, in which trace, and whether it has
// been here before. One look at each field; a value is read only when its name is one of ours.

import { createIpMatcher } from '../lib/ip-range.ts';
import { Problem } from '../lib/problem.ts';
import type { Exchange } from './exchange.ts';
import { resolveClientAddress } from './forwarded.ts';
import { beginTrace, continueTrace, isTraceparent } from './trace-context.ts';
import { listsHop } from './via.ts';
import { TRACEPARENT, VIA, X_REQUEST_ID } from './wire/field-kind.ts';

const MAX_ID_CHARACTERS = 128;

export interface ArrivalOptions {
  /** Our name in `Via`. */
  readonly pseudonym: string;
  /** Addresses and ranges of the proxies whose word is taken for who is behind them. */
  readonly trustedProxies: readonly string[];
}

/** Notes on the exchange what it finds. Returns why the request may go no further, if so. */
export type Arrive = (exchange: Exchange) => Problem | undefined;

export function createArrival({ pseudonym, trustedProxies }: ArrivalOptions): Arrive {
  const isTrusted = createIpMatcher(trustedProxies);

  return (exchange) => {
    const { fields, origin } = exchange;
    // Several are as good as none: nobody can tell which one is meant.
    const parent = fields.count(TRACEPARENT) === 1 ? fields.first(TRACEPARENT) : undefined;
    if (parent !== undefined && isTraceparent(parent)) {
      exchange.traceLine = continueTrace(parent);
      exchange.continuesTrace = true;
    } else exchange.traceLine = beginTrace();
    if (isTrusted(origin.peerAddress)) {
      exchange.isPeerTrusted = true;
      exchange.clientAddress = resolveClientAddress(exchange.headers, origin.peerAddress, isTrusted);
      const theirId = fields.count(X_REQUEST_ID) === 1 ? fields.first(X_REQUEST_ID) : undefined;
      if (theirId !== undefined && isRequestId(theirId)) exchange.correlationId = theirId;
    }
    const hops = fields.joined(VIA);
    // A trusted proxy may carry the requests for many hosts on one connection (RFC 9110 §7.4).
    if (!exchange.isPeerTrusted && !origin.isFor(exchange.host)) return new Problem('misdirected_request');
    const isLoop = hops !== undefined && listsHop(hops, pseudonym);
    return isLoop ? loopDetected() : undefined;
  };
}

function loopDetected(): Problem {
  return new Problem('loop_detected', { headers: ['proxy-status', 'tollgate; error=proxy_loop_detected'] });
}

/** Letters, digits and `._:-` only: it goes into logs and answers. */
function isRequestId(text: string): boolean {
  if (text === '' || text.length > MAX_ID_CHARACTERS) return false;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    const lower = octet | 0x20;
    const isAlphanumeric = (octet >= 0x30 && octet <= 0x3a) || (lower >= 0x61 && lower <= 0x7a);
    if (!isAlphanumeric && octet !== 0x2d && octet !== 0x2e && octet !== 0x5f) return false;
  }
  return true;
}
