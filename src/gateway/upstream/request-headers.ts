// The headers that an upstream gets: the caller's own, in order, less what ends here, plus what we vouch for.

import { parsePublicId } from '../../lib/key-text.ts';
import type { Exchange, HeaderList } from '../exchange.ts';
import { pushForwarding } from '../forwarded.ts';
import type { Plan } from '../plan.ts';
import { isSameToken } from '../wire/octets.ts';
import { isHopByHop, namesNoField, withoutNamed } from './hop-headers.ts';

/** `pseudonym` is our name in `Via`. */
export function toUpstreamHeaders(exchange: Exchange, plan: Plan, pseudonym: string): HeaderList {
  const incoming = exchange.headers;
  let headers: HeaderList = [];
  let host: string | undefined;
  let options = '';
  let takesTrailers = false;
  for (let i = 0; i + 1 < incoming.length; i += 2) {
    const name = incoming[i] ?? '';
    const value = incoming[i + 1] ?? '';
    if (isHopByHop(name)) {
      if (name.length === 2) takesTrailers ||= listsTrailers(value);
      else if (name.length === 10 && isSameToken(name, 'connection') && !namesNoField(value)) options += `${value},`;
    } else if (name.length === 4 && isSameToken(name, 'host')) host ??= value;
    else if (!isReplaced(name, exchange) && !isCredential(name, value, exchange)) headers.push(name, value);
  }
  if (options !== '') headers = withoutNamed(headers, options);

  // RFC 9110 §10.1.4: TE is for the next hop only, and Connection says so.
  if (takesTrailers) headers.push('te', 'trailers', 'connection', 'te');
  if (exchange.tunnel !== undefined) headers.push('connection', 'upgrade', 'upgrade', 'websocket');
  headers.push('via', `${exchange.protocol} ${pseudonym}`);
  pushForwarding(headers, exchange, host);
  headers.push('x-request-id', exchange.correlationId, 'traceparent', exchange.traceparent);
  if (plan.controlToken !== undefined) {
    headers.push('tollgate-control-token', plan.controlToken, 'tollgate-context', toControlContext(exchange));
  }
  return headers;
}

/** Whether what the caller wrote there is not believed: it is set by us, answered by us, or for trusted proxies to say. */
function isReplaced(name: string, exchange: Exchange): boolean {
  switch (name.length) {
    case 5:
      return isSpelled(name, 'proxy'); // CGI makes the variable HTTP_PROXY of it ("httpoxy").
    case 6:
      return isSpelled(name, 'expect');
    case 9:
      if (isSpelled(name, 'forwarded') || isSpelled(name, 'x-real-ip')) return true;
      break;
    case 10:
      if (isSpelled(name, 'tracestate')) return !exchange.continuesTrace;
      break;
    case 11:
      if (isSpelled(name, 'traceparent')) return true;
      break;
    case 12:
      if (isSpelled(name, 'x-request-id')) return true;
      break;
    default:
  }
  if (name.length < 10) return false;
  const first = name.charCodeAt(0) | 0x20;
  if (first === 0x74) return isSpelledFrom(name, 'tollgate-');
  return first === 0x78 && isForwardingClaim(name, exchange);
}

/** `X-Forwarded-…`: four of them we write ourselves; others (`-Prefix`, `-Ssl`, …) only a trusted proxy may. */
function isForwardingClaim(name: string, exchange: Exchange): boolean {
  if (name.length < 13 || !isSpelledFrom(name, 'x-forwarded-')) return false;
  if (!exchange.isPeerTrusted || name.includes('_')) return true;
  const what = name.slice(12);
  return ['for', 'proto', 'host', 'port'].some((ours) => isSameToken(what, ours));
}

/** Whether the name is `lower`, in any spelling. */
function isSpelled(name: string, lower: string): boolean {
  return name.length === lower.length && isSpelledFrom(name, lower);
}

/**
 * Whether the name begins with `lower` but for case, or would for an upstream that reads `_` as `-`, as CGI and its heirs do: whoever
 * spells it so means to get past a look at the name.
 */
function isSpelledFrom(name: string, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const octet = name.charCodeAt(i);
    let folded = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (folded === 0x5f) folded = 0x2d;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * Whether a header carries a key of ours. On routes without authentication too: a caller may send the key everywhere, and an upstream
 * must never see one. A caller's `Authorization` for the upstream itself passes.
 */
function isCredential(name: string, value: string, exchange: Exchange): boolean {
  if (name.length === 9 && isSpelled(name, 'x-api-key')) {
    return exchange.principal !== undefined || parsePublicId(value) !== undefined;
  }
  return name.length === 13 && isSameToken(name, 'authorization') && holdsKey(value);
}

/** Whatever the scheme, and also where it was forgotten: what matters is what follows it. */
function holdsKey(value: string): boolean {
  let from = 0;
  while (from < value.length && !isBlank(value.charCodeAt(from))) from++;
  return parsePublicId(from === value.length ? value : value.slice(from).trim()) !== undefined;
}

const isBlank = (octet: number): boolean => octet === 0x20 || octet === 0x09;

function listsTrailers(value: string): boolean {
  return isSameToken(value, 'trailers') || value.split(',').some((coding) => isSameToken(coding.trim(), 'trailers'));
}

/** What the control plane needs to know of the caller; only it gets this, beside the token that proves who wrote it. */
function toControlContext(exchange: Exchange): string {
  const context = {
    requestId: exchange.id,
    address: exchange.clientAddress,
    forwarded: exchange.isPeerTrusted || wasForwarded(exchange.headers),
    principal: exchange.principal ?? null,
  };
  return Buffer.from(JSON.stringify(context)).toString('base64url');
}

const FORWARDING: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-real-ip',
]);

/** Whether another proxy stands between the caller and us: then a loopback address may be that of another machine. */
function wasForwarded(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) if (FORWARDING.has(headers[i]?.toLowerCase() ?? '')) return true;
  return false;
}
