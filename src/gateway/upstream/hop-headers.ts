// Which fields end at this hop, in either direction (RFC 9110 §7.6.1): those that always do, and those that `Connection` names.

import {
  CONNECTION,
  hasKind,
  KEEP_ALIVE,
  kindSet,
  PROXY_HOP,
  TE,
  TRACEPARENT,
  TRAILER,
  TRANSFER_ENCODING,
  UPGRADE,
  X_REQUEST_ID,
} from '../wire/field-kind.ts';
import { Fields } from '../wire/fields.ts';
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

/** The kinds that end here by their names alone. */
export const HOP_BY_HOP = kindSet(CONNECTION, KEEP_ALIVE, PROXY_HOP, TE, TRAILER, TRANSFER_ENCODING, UPGRADE);

/** What callers do not get: our id and our step in the trace stand in the place of the upstream's. */
export const NOT_FOR_CALLERS = HOP_BY_HOP | kindSet(TRACEPARENT, X_REQUEST_ID);

/** The fields less those that `Connection` names. */
export function withoutConnectionOptions(fields: Fields): Fields {
  const options = fields.joined(CONNECTION);
  if (options === undefined || namesNoField(options)) return fields;
  return Fields.of(withoutNamed(fields.list(), options));
}

/** Trailers less those that the `Connection` of their head names: it means them, too. */
export function withoutOptions(trailers: readonly string[], head: Fields): readonly string[] {
  const options = head.joined(CONNECTION);
  return options === undefined || namesNoField(options) ? trailers : withoutNamed(trailers, options);
}

/** What a caller gets of an upstream's trailers, flat. */
export function toCallerTrailers(trailers: readonly string[] | undefined, head: Fields | undefined): string[] {
  return trailers === undefined || head === undefined || trailers.length === 0
    ? []
    : toCallerList(Fields.of(withoutOptions(trailers, head)));
}

/** What a caller gets of an upstream's fields, flat. */
export function toCallerList(upstream: Fields, drops = 0): string[] {
  const fields = withoutConnectionOptions(upstream);
  const list: string[] = [];
  for (let i = 0; i < fields.length; i++) {
    if (!hasKind(NOT_FOR_CALLERS | drops, fields.kind(i))) list.push(fields.name(i), fields.value(i));
  }
  return list;
}

/** Whether a `Connection` field names nothing but what becomes of the connection: nearly all do. */
function namesNoField(value: string): boolean {
  return isSameToken(value, 'keep-alive') || isSameToken(value, 'close');
}

/** The headers without the fields that this list of `Connection` options names. */
function withoutNamed(headers: readonly string[], options: string): string[] {
  const named = new Set<string>();
  for (const option of options.toLowerCase().split(',')) {
    const name = option.trim();
    if (!END_TO_END.has(name) && !name.startsWith('x-forwarded-') && !name.startsWith('tollgate-')) named.add(name);
  }
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!named.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}
