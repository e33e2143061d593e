// A request's head as HTTP/2 frames it, understood as strictly as HTTP/1.1's: what goes on to an upstream is HTTP/1.1, so whatever could
// mean something else there is refused here (RFC 9113 §8.2, §8.3, §10.3).

import { FAULTS, type WireFault } from '../wire/fault.ts';
import { toFraming, type Framing } from '../wire/framing.ts';
import type { HeadLimits } from '../wire/head-scanner.ts';
import { FIELD_VALUE, SPACE, TAB, TARGET, TOKEN } from '../wire/octets.ts';
import { checkMethod } from '../wire/request-head.ts';
import { isAuthority } from '../wire/target.ts';
import { isForbiddenTrailer, MAX_TRAILER_BYTES } from '../wire/trailers.ts';

export interface Http2Head {
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly target: string;
  /** `host` first, then the fields as they came; the crumbs of the cookie are one field again (RFC 9113 §8.2.3). */
  readonly headers: string[];
  readonly framing: Framing;
  readonly expectsContinue: boolean;
}

const fault = (reason: string): WireFault => ({ status: 400, reason });

const HTTP2_FAULTS = {
  pseudo: fault('missing, repeated, unknown or misplaced pseudo-header'),
  scheme: fault('the scheme is not https'),
  authority: fault('missing or malformed :authority, or a host that differs from it'),
  connection: fault('connection-specific field in HTTP/2'),
} as const;

/** RFC 9113 §8.2.2: their meaning ends with a connection, and HTTP/2 has its own. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** What a field costs beside its octets (RFC 9113 §6.5.2). */
const FIELD_OVERHEAD = 32;

/** Reads a flat list of fields, pseudo-headers first, as they came. */
export function readHttp2Head(raw: readonly string[], limits: HeadLimits): Http2Head | WireFault {
  const pseudo = readPseudoHeaders(raw);
  if ('reason' in pseudo) return pseudo;
  const { method, path, authority } = pseudo;
  const wrongMethod = checkMethod(method);
  if (wrongMethod !== undefined) return wrongMethod; // CONNECT among them, which has no path.
  const wrongPath = checkPath(method, path, limits.targetBytes);
  if (wrongPath !== undefined) return wrongPath;
  if (pseudo.scheme !== 'https') return HTTP2_FAULTS.scheme;

  const fields = readFields(raw, pseudo.count, limits);
  if ('reason' in fields) return fields;
  const { headers } = fields;
  const host = authority ?? fields.host;
  if (host === undefined || !isAuthority(host)) return HTTP2_FAULTS.authority;
  if (fields.host !== undefined && fields.host.toLowerCase() !== host.toLowerCase()) return HTTP2_FAULTS.authority;
  headers[1] = host;
  const framing = toFraming(fields.lengths, fields.contentLength, undefined, false);
  if ('status' in framing) return framing;
  if (fields.expect !== undefined && fields.expect.toLowerCase() !== '100-continue') return FAULTS.expectation;
  return { method, target: path ?? '', headers, framing, expectsContinue: fields.expect !== undefined };
}

interface PseudoHeaders {
  readonly method: string;
  readonly path: string | undefined;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  /** Of list entries that they take up. */
  readonly count: number;
}

/** RFC 9113 §8.3: each at most once, before all other fields; no others than these. */
function readPseudoHeaders(raw: readonly string[]): PseudoHeaders | WireFault {
  const values = new Map<string, string>();
  let count = 0;
  for (; count < raw.length && raw[count]?.startsWith(':') === true; count += 2) {
    const name = raw[count] ?? '';
    if (values.has(name) || !PSEUDO_HEADERS.has(name)) return HTTP2_FAULTS.pseudo;
    values.set(name, raw[count + 1] ?? '');
  }
  const method = values.get(':method');
  if (method === undefined) return HTTP2_FAULTS.pseudo;
  if (method !== 'CONNECT' && !(values.has(':path') && values.has(':scheme'))) return HTTP2_FAULTS.pseudo;
  return {
    method,
    path: values.get(':path'),
    scheme: values.get(':scheme'),
    authority: values.get(':authority'),
    count,
  };
}

const PSEUDO_HEADERS: ReadonlySet<string> = new Set([':method', ':path', ':scheme', ':authority']);

/** Origin form only, or `*` for OPTIONS of the server; no space, no control, no fragment, nothing beyond ASCII. */
function checkPath(method: string, path: string | undefined, maxBytes: number): WireFault | undefined {
  if (path === undefined) return HTTP2_FAULTS.pseudo;
  if (path.length > maxBytes) return FAULTS.targetLength;
  if (path === '*' && method === 'OPTIONS') return undefined;
  return path.startsWith('/') && consistsOf(path, TARGET) ? undefined : FAULTS.target;
}

interface Fields {
  /** With room for `host` in front. */
  readonly headers: string[];
  readonly host: string | undefined;
  readonly contentLength: string | undefined;
  readonly lengths: number;
  readonly expect: string | undefined;
}

function readFields(raw: readonly string[], from: number, limits: HeadLimits): Fields | WireFault {
  const headers: string[] = ['host', ''];
  let sizeBytes = 0;
  let host: string | undefined;
  let contentLength: string | undefined;
  let lengths = 0;
  let expect: string | undefined;
  let cookieAt = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    sizeBytes += name.length + value.length + FIELD_OVERHEAD;
    if (i < from) continue;
    const wrong = checkField(name, value);
    if (wrong !== undefined) return wrong;
    switch (name) {
      case 'host':
        if (host !== undefined) return HTTP2_FAULTS.authority;
        host = value;
        continue;
      case 'cookie':
        if (cookieAt >= 0) {
          headers[cookieAt] += `; ${value}`;
          continue;
        }
        cookieAt = headers.length + 1;
        break;
      case 'content-length':
        contentLength = value;
        lengths++;
        break;
      case 'expect':
        expect = expect === undefined ? value : `${expect}, ${value}`;
        break;
      default:
    }
    headers.push(name, value);
  }
  if (sizeBytes > limits.headBytes) return FAULTS.headLength;
  if (headers.length / 2 > limits.fields) return FAULTS.fieldCount;
  return { headers, host, contentLength, lengths, expect };
}

/** Reads a flat list of trailers as they came; undefined when one of them may not be there. */
export function readHttp2Trailers(raw: readonly string[]): string[] | undefined {
  const trailers: string[] = [];
  let sizeBytes = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    sizeBytes += name.length + value.length + FIELD_OVERHEAD;
    if (sizeBytes > MAX_TRAILER_BYTES || isForbiddenTrailer(name)) return undefined;
    if (checkField(name, value) !== undefined) return undefined;
    trailers.push(name, value);
  }
  return trailers;
}

function checkField(name: string, value: string): WireFault | undefined {
  if (name.startsWith(':')) return HTTP2_FAULTS.pseudo;
  if (name === '' || !consistsOf(name, TOKEN) || name !== name.toLowerCase()) return FAULTS.fieldName;
  if (CONNECTION_SPECIFIC.has(name) || (name === 'te' && value !== 'trailers')) return HTTP2_FAULTS.connection;
  const isPadded = isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1));
  return isPadded || !consistsOf(value, FIELD_VALUE) ? FAULTS.fieldValue : undefined;
}

const isBlank = (octet: number): boolean => octet === SPACE || octet === TAB;

function consistsOf(text: string, octets: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (octets[text.charCodeAt(i)] !== 1) return false;
  return true;
}
