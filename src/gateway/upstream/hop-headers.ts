// Which fields end at this hop, in either direction (RFC 9110 §7.6.1): those that always do, and those that `Connection` names.

import type { HeaderList } from '../exchange.ts';
import { isSameToken } from '../wire/octets.ts';

/**
 * What `Connection` may name in vain. A caller could otherwise take away what others rely on after us: who is calling, how the content
 * is to be read, what we vouch for. None of these is ever meant for one hop only. `X-Forwarded-*` and `Tollgate-*` belong to them.
 */
const END_TO_END: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'forwarded',
  'host',
  'location',
  'origin',
  'proxy-status',
  'set-cookie',
  'traceparent',
  'tracestate',
  'via',
  'www-authenticate',
  'x-api-key',
  'x-request-id',
]);

/** Whether the field ends here by its name alone; `Connection` itself does. */
export function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return isSameToken(name, 'te');
    case 7:
      return isSameToken(name, 'trailer') || isSameToken(name, 'upgrade');
    case 10:
      return isSameToken(name, 'connection') || isSameToken(name, 'keep-alive');
    case 17:
      if (isSameToken(name, 'transfer-encoding')) return true;
      break;
    default:
  }
  // All of them are between neighbours, but for the list in which every hop tells how it fared (RFC 9209).
  return beginsWith(name, 'proxy-') && !isSameToken(name, 'proxy-status');
}

/** Whether the name begins with `lower`, whose letters are all lower case, but for case. */
function beginsWith(name: string, lower: string): boolean {
  if (name.length < lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const octet = name.charCodeAt(i);
    const folded = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether a `Connection` field names nothing but what becomes of the connection: nearly all do. */
export function namesNoField(value: string): boolean {
  return isSameToken(value, 'keep-alive') || isSameToken(value, 'close');
}

/** The headers without the fields that this list of `Connection` options names. */
export function withoutNamed(headers: HeaderList, options: string): HeaderList {
  const named = new Set<string>();
  for (const option of options.toLowerCase().split(',')) {
    const name = option.trim();
    if (!END_TO_END.has(name) && !name.startsWith('x-forwarded-') && !name.startsWith('tollgate-')) named.add(name);
  }
  const kept: HeaderList = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!named.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}
