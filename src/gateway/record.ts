// What the one line says that every exchange leaves, refused and broken ones too, with nothing secret in it. How it is kept until it is
// stored is record-block.ts.

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

/** What one exchange on a connection nearly always has in common with the one before it. */
export interface SharedPart {
  readonly fields: Exchange['fields'];
  readonly plan: Exchange['plan'];
  readonly principal: Exchange['principal'];
  readonly target: string | undefined;
  readonly clientAddress: string;
  /** Who called, and what stands there, as these tell: JSON without its first brace. */
  readonly context: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** All that as the JSON of a part of an ExchangeRecord. */
  readonly text: string;
  /** In which block it is said, and where in it: for the block to note (record-block.ts). */
  block: number;
  at: number;
}

/** What the record of an exchange shares with others; the same object while it is the same from one to the next on a connection. */
export function toShared(exchange: Exchange): SharedPart {
  const { fields, plan, principal, target, clientAddress, origin, method, path, query } = exchange;
  const last = origin.lastRecord;
  const isSameContext =
    last?.fields === fields &&
    last.plan === plan &&
    last.principal === principal &&
    last.target === target &&
    last.clientAddress === clientAddress;
  if (isSameContext && last.path === path && last.query === query && last.method === method) return last;
  const context = isSameContext ? last.context : toContext(exchange);
  const asked = `{"method":"${method}","path":${quote(maskAndCut(path, MAX_PATH))},"query":${query === '' ? '""' : quote(maskQuery(query))}`;
  const text = `${asked},${context}`;
  const shared = {
    fields,
    plan,
    principal,
    target,
    clientAddress,
    context,
    method,
    path,
    query,
    text,
    block: 0,
    at: 0,
  };
  origin.lastRecord = shared;
  return shared;
}

function toContext({ fields, plan, principal, target, clientAddress }: Exchange): string {
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
  return JSON.stringify(common).slice(1);
}

/** What few records say, as JSON; empty when there is nothing. */
export function toSeldom(exchange: Exchange): string {
  const { id, correlationId, errorCode, rateLimited, authFailed } = exchange;
  const isRefused = toStatus(exchange) >= 400;
  if (!isRefused && !rateLimited && !authFailed && errorCode === undefined && correlationId === id) return '';
  return JSON.stringify({
    ...(correlationId !== id && { correlationId }),
    errorCode,
    ...(rateLimited && { rateLimited }),
    ...(authFailed && { authFailed }),
    ...(isRefused && { requestHeaders: maskHeaders(exchange.headers) }),
  } satisfies Partial<ExchangeRecord>);
}

/** What the caller got; 499 when the caller left first (nginx's number for it). */
export function toStatus({ clientGone, status }: Exchange): number {
  return clientGone ? 499 : status;
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
