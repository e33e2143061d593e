// What an upstream gets of a request: the caller's fields in order and as they came, less what ends here, plus what we vouch for.

import { toFlatText } from '../../lib/flat-text.ts';
import { parsePublicId } from '../../lib/key-text.ts';
import type { Exchange } from '../exchange.ts';
import { toAddedForwardingLines } from '../forwarded.ts';
import type { Plan } from '../plan.ts';
import {
  AUTHORIZATION,
  DISGUISED,
  DISGUISED_API_KEY,
  EXPECT,
  FORWARDED,
  hasKind,
  HOST,
  kindSet,
  PROXY,
  TE,
  TOLLGATE,
  TRACEPARENT,
  TRACESTATE,
  VIA,
  X_API_KEY,
  X_FORWARDED,
  X_FORWARDED_OTHER,
  X_REAL_IP,
  X_REQUEST_ID,
} from '../wire/field-kind.ts';
import { Fields } from '../wire/fields.ts';
import { isSameToken } from '../wire/octets.ts';
import type { FieldChanges } from './field-changes.ts';
import { HOP_BY_HOP, withoutConnectionOptions } from './hop-headers.ts';

/** What the caller wrote there is never believed: it is set by us, or answered by us. */
const REPLACED = kindSet(
  DISGUISED,
  EXPECT,
  FORWARDED,
  HOST,
  PROXY,
  TOLLGATE,
  TRACEPARENT,
  X_FORWARDED,
  X_REAL_IP,
  X_REQUEST_ID,
);
const KEY_FIELDS = kindSet(X_API_KEY, DISGUISED_API_KEY);

/** What is believed of nobody in a head is believed of nobody behind a body: some servers read both as one. */
const NO_TRAILERS = HOP_BY_HOP | REPLACED | KEY_FIELDS | kindSet(AUTHORIZATION, TRACESTATE, VIA, X_FORWARDED_OTHER);

/** What an upstream gets of a request's trailers, as lines. */
export function toTrailerLines(trailers: readonly string[]): string {
  return trailers.length === 0 ? '' : Fields.of(trailers).linesWithout(NO_TRAILERS);
}

/** All fields as lines, but for Host. `pseudonym` is our name in `Via`. */
export function toUpstreamLines(exchange: Exchange, plan: Plan, pseudonym: string): string {
  const changes = plan.rewriting?.request;
  const drops = HOP_BY_HOP | REPLACED | toConditional(exchange);
  let lines =
    changes === undefined && exchange.tunnel === undefined && !exchange.isPeerTrusted
      ? toUsualLines(exchange, drops, pseudonym)
      : toPassedLines(exchange, { drops, pseudonym, changes });
  lines += exchange.idLines;
  if (changes !== undefined) lines += changes.linesOf(exchange, plan);
  if (plan.controlToken !== undefined) {
    lines += `tollgate-control-token: ${plan.controlToken}\r\ntollgate-context: ${toControlContext(exchange)}\r\n`;
  }
  return lines;
}

/** The last of them that were made on a connection: most requests bring the same fields to the same host. */
export interface PassedLines {
  readonly fields: Fields;
  readonly drops: number;
  readonly host: string | undefined;
  readonly protocol: Exchange['protocol'];
  text: string;
  /** It was asked for again. */
  isFlat: boolean;
}

function toUsualLines(exchange: Exchange, drops: number, pseudonym: string): string {
  const { fields, host, protocol, origin } = exchange;
  const last = origin.lastPassed;
  if (last?.fields === fields && last.drops === drops && last.host === host && last.protocol === protocol) {
    if (!last.isFlat) {
      last.text = toFlatText(last.text);
      last.isFlat = true;
    }
    return last.text;
  }
  const text = toPassedLines(exchange, { drops, pseudonym, changes: undefined });
  origin.lastPassed = { fields, drops, host, protocol, text, isFlat: false };
  return text;
}

interface Passing {
  /** The kinds that do not pass. */
  readonly drops: number;
  readonly pseudonym: string;
  readonly changes: FieldChanges | undefined;
}

/** What the caller said, and what of it and of its connection we vouch for. */
function toPassedLines(exchange: Exchange, { drops, pseudonym, changes }: Passing): string {
  const { origin, host } = exchange;
  const passing = withoutConnectionOptions(exchange.fields);
  const fields = changes === undefined ? passing : changes.dropFrom(passing);
  let lines = fields.linesWithout(drops);
  // RFC 9110 §10.1.4: TE is for the next hop only, and Connection says so.
  if (listsTrailers(exchange.fields.joined(TE))) lines += 'te: trailers\r\nconnection: te\r\n';
  if (exchange.tunnel !== undefined) lines += 'connection: upgrade\r\nupgrade: websocket\r\n';
  lines += `via: ${exchange.protocol} ${pseudonym}\r\n`;
  lines += exchange.isPeerTrusted
    ? toAddedForwardingLines(origin, exchange.headers, host)
    : origin.forwardingLines(host);
  return lines;
}

/** The kinds that do not pass this time. */
function toConditional(exchange: Exchange): number {
  const { fields } = exchange;
  let drops = 0;
  if (!exchange.continuesTrace) drops |= 1 << TRACESTATE;
  if (!exchange.isPeerTrusted) drops |= 1 << X_FORWARDED_OTHER;
  // On routes without authentication too: a caller may send the key everywhere, and an upstream must never see one. What is a caller's
  // credential for the upstream itself passes.
  if ((fields.kinds & KEY_FIELDS) !== 0) {
    const isOurs =
      exchange.principal !== undefined || anyHoldsKey(fields, X_API_KEY) || anyHoldsKey(fields, DISGUISED_API_KEY);
    if (isOurs) drops |= KEY_FIELDS;
  }
  if (hasKind(fields.kinds, AUTHORIZATION)) {
    // Who is known, and sent nothing else, was known by it: also by a key that was made elsewhere, which looks like any token.
    const wasProof = exchange.principal !== undefined && !hasKind(fields.kinds, X_API_KEY);
    if (wasProof || anyHoldsKey(fields, AUTHORIZATION)) drops |= 1 << AUTHORIZATION;
  }
  return drops;
}

function anyHoldsKey(fields: Fields, kind: number): boolean {
  for (let i = 0; i < fields.length; i++) if (fields.kind(i) === kind && holdsKey(fields.value(i))) return true;
  return false;
}

/** Whatever the scheme, and also where it was forgotten: what matters is what follows it. */
function holdsKey(value: string): boolean {
  let from = 0;
  while (from < value.length && !isBlank(value.charCodeAt(from))) from++;
  return parsePublicId(from === value.length ? value : value.slice(from).trim()) !== undefined;
}

const isBlank = (octet: number): boolean => octet === 0x20 || octet === 0x09;

function listsTrailers(value: string | undefined): boolean {
  if (value === undefined) return false;
  return isSameToken(value, 'trailers') || value.split(',').some((coding) => isSameToken(coding.trim(), 'trailers'));
}

/** What the control plane needs to know of the caller; only it gets this, beside the token that proves who wrote it. */
function toControlContext(exchange: Exchange): string {
  // What a client may not do was held against the request on the way here, and may be longer than a header.
  const principal = exchange.principal && { ...exchange.principal, restrictions: undefined };
  const context = {
    requestId: exchange.id,
    address: exchange.clientAddress,
    forwarded: exchange.isPeerTrusted || wasForwarded(exchange.headers),
    principal: principal ?? null,
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
