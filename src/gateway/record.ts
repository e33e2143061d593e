// The one line that every exchange leaves, refused and broken ones too, with nothing secret in it.

import type { Exchange } from './exchange.ts';
import type { ExchangeRecord } from './ports.ts';
import { USER_AGENT } from './wire/field-kind.ts';

const MASK = '***';
const MAX_PATH = 2000;
const MAX_QUERY = 2000;
const MAX_VALUE = 500;
const MAX_HEADERS = 50;

const SECRET_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
  'x-setup-token',
]);
// Names under which secrets travel in headers and queries that we cannot all know.
const SECRET_NAME = /key|token|secret|passw|pwd|auth|session|signature|credential|code|jwt/i;
// The text of a key of ours, wherever it turns up (see lib/key-text.ts), its underscores percent-encoded or not.
const KEY_TEXT = /[a-z](?:[a-z0-9_]|%5[Ff]){0,31}(?:_|%5[Ff])[0-9A-Za-z]{12}(?:_|%5[Ff])[0-9A-Za-z]{49}/g;
const MAX_KEY_TEXT = 200;

/** What one exchange on a connection nearly always has in common with the one before it, and how the record says it. */
export interface LastRecord {
  readonly fields: Exchange['fields'];
  readonly plan: Exchange['plan'];
  readonly principal: Exchange['principal'];
  readonly target: string | undefined;
  readonly clientAddress: string;
  /** Who called what, as these tell. */
  readonly context: string;
  // What was asked and what came of it.
  method: string;
  path: string;
  query: string;
  status: number;
  requestBytes: number;
  responseBytes: number;
  outcome: string;
}

/**
 * An ExchangeRecord as JSON: written by hand, for most of it is the same text again and again, and an object of so many parts costs more to
 * make and to turn into text. `status` is what the caller got; 499 when the caller left first (nginx's number for it).
 */
export function toRecord(exchange: Exchange, durationMs: number): string {
  const { id, correlationId, upstreamMs, errorCode } = exchange;
  const status = exchange.clientGone ? 499 : exchange.status;
  const last = toLast(exchange);
  let text = `{"requestId":"${id}","startedAtMs":${exchange.startedAtMs},"durationMs":${toMicroseconds(durationMs)}${toFlags(exchange)}`;
  if (!Number.isNaN(upstreamMs)) text += `,"upstreamMs":${toMicroseconds(upstreamMs)}`;
  if (correlationId !== id) text += `,"correlationId":${quote(correlationId)}`;
  if (errorCode !== undefined) text += `,"errorCode":${quote(errorCode)}`;
  if (status >= 400) text += `,"requestHeaders":${JSON.stringify(maskHeaders(exchange.headers))}`;
  return `${text},${toOutcome(exchange, status, last)}${last.context}`;
}

function toFlags({ rateLimited, authFailed }: Exchange): string {
  if (!rateLimited && !authFailed) return ',"rateLimited":false,"authFailed":false';
  return `,"rateLimited":${rateLimited},"authFailed":${authFailed}`;
}

function toLast({ fields, plan, principal, target, clientAddress, origin }: Exchange): LastRecord {
  const last = origin.lastRecord;
  if (
    last?.fields === fields &&
    last.plan === plan &&
    last.principal === principal &&
    last.target === target &&
    last.clientAddress === clientAddress
  )
    return last;
  const userAgent = fields.first(USER_AGENT);
  const common = {
    clientIp: clientAddress,
    tenantId: principal?.tenantId ?? plan?.tenantId,
    gatewayId: plan?.gatewayId,
    endpointId: plan?.endpointId,
    keyId: principal?.keyId,
    userAgent: userAgent === undefined ? undefined : maskAndCut(userAgent, MAX_VALUE),
    service: plan?.service,
    target,
  } satisfies Partial<ExchangeRecord>;
  const known = { fields, plan, principal, target, clientAddress, context: JSON.stringify(common).slice(1) };
  const nothing = { method: '', path: '', query: '', status: 0, requestBytes: 0, responseBytes: 0, outcome: '' };
  origin.lastRecord = { ...known, ...nothing };
  return origin.lastRecord;
}

function toOutcome(exchange: Exchange, status: number, last: LastRecord): string {
  const { method, path, query, requestBytes, responseBytes } = exchange;
  if (
    last.path !== path ||
    last.responseBytes !== responseBytes ||
    last.status !== status ||
    last.method !== method ||
    last.query !== query ||
    last.requestBytes !== requestBytes
  ) {
    last.method = method;
    last.path = path;
    last.query = query;
    last.status = status;
    last.requestBytes = requestBytes;
    last.responseBytes = responseBytes;
    last.outcome = `"status":${status},"method":"${method}","path":${quote(maskAndCut(path, MAX_PATH))},"query":${query === '' ? '""' : quote(maskQuery(query))},"requestBytes":${requestBytes},"responseBytes":${responseBytes},`;
  }
  return last.outcome;
}

/** Finer than that is noise. */
function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** As JSON; nearly all texts need nothing but the quotation marks. */
function quote(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

export function maskHeaders(headers: readonly string[]): string[] {
  const masked: string[] = [];
  for (let i = 0; i + 1 < headers.length && i < MAX_HEADERS * 2; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    const secret = SECRET_HEADERS.has(name.toLowerCase()) || SECRET_NAME.test(name);
    masked.push(maskAndCut(name, MAX_VALUE), secret ? MASK : maskAndCut(value, MAX_VALUE));
  }
  return masked;
}

/** Masks the values of parameters whose names tell of a secret; all else stays as it came. */
export function maskQuery(query: string): string {
  const parts = query.slice(1, MAX_QUERY + MAX_KEY_TEXT).split('&');
  const masked = parts.map((part) => {
    const split = part.indexOf('=');
    if (split < 0) return part;
    return SECRET_NAME.test(decode(part.slice(0, split))) ? `${part.slice(0, split)}=${MASK}` : part;
  });
  return maskAndCut(`?${masked.join('&')}`, MAX_QUERY);
}

/** Masks first: a key that is cut in two would not be known any more, and still be one. */
function maskAndCut(text: string, length: number): string {
  const start = text.slice(0, length + MAX_KEY_TEXT);
  return (start.includes('_') || start.includes('%5') ? start.replaceAll(KEY_TEXT, MASK) : start).slice(0, length);
}

function decode(name: string): string {
  try {
    return name.includes('%') ? decodeURIComponent(name) : name;
  } catch {
    return name;
  }
}
