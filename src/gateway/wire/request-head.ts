// A request's head, understood: who is meant, how the body is framed, what the connection is to do (RFC 9112 §3, §6, §9).

import { FAULTS, type WireFault } from './fault.ts';
import { toFraming, type Framing } from './framing.ts';
import { HeadScanner, type HeadLimits, type StartLine } from './head-scanner.ts';
import { checkTarget, isAuthority, toAuthority } from './target.ts';
import { hasMember, isSameToken, TARGET, TOKEN } from './octets.ts';

const REQUEST_LINE: StartLine = {
  first: TOKEN,
  middle: TARGET,
  last: TARGET,
  isLastOptional: false,
  isEmptyLineSkipped: true,
  middleFault: FAULTS.target,
  middleLengthFault: FAULTS.targetLength,
};

export interface RequestHead {
  readonly method: string;
  /** Origin form: path and query, byte for byte; `*` for OPTIONS of the server. */
  readonly target: string;
  readonly isHttp10: boolean;
  /** Flat: name, value, …; order, case and duplicates kept. */
  readonly headers: string[];
  readonly host: string | undefined;
  readonly framing: Framing;
  /** Of the caller: it can take another answer on this connection. */
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
  /** The protocol that the caller would like to go on with, when `Connection` names the field. */
  readonly upgrade: string | undefined;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const FORBIDDEN: ReadonlySet<string> = new Set(['TRACE', 'CONNECT']);

export function checkMethod(method: string): WireFault | undefined {
  if (METHODS.has(method)) return undefined;
  return FORBIDDEN.has(method) ? FAULTS.methodForbidden : FAULTS.method;
}

export function createRequestScanner(limits: HeadLimits): HeadScanner {
  return new HeadScanner(REQUEST_LINE, limits);
}

/** Reads the head that the scanner found complete. `text` is exactly its octets, as Latin-1. */
export function readRequestHead(scanner: HeadScanner, text: string): RequestHead | WireFault {
  const version = text.slice(scanner.middleEnd + 1, scanner.lastEnd);
  const isHttp10 = version === 'HTTP/1.0';
  if (!isHttp10 && version !== 'HTTP/1.1') return /^HTTP\/\d\.\d$/.test(version) ? FAULTS.version : FAULTS.startLine;
  const method = text.slice(scanner.firstStart, scanner.firstEnd);
  const wrongMethod = checkMethod(method);
  if (wrongMethod !== undefined) return wrongMethod;

  const headers: string[] = [];
  let host: string | undefined;
  let hosts = 0;
  let contentLength: string | undefined;
  let lengths = 0;
  let transferEncoding: string | undefined;
  let connection = '';
  let expect: string | undefined;
  let upgrade: string | undefined;
  const { fields } = scanner;
  for (let i = 0; i < fields.length; i += 4) {
    const name = text.slice(fields[i], fields[i + 1]);
    const value = text.slice(fields[i + 2], fields[i + 3]);
    headers.push(name, value);
    switch (name.length) {
      case 4:
        if (isSameToken(name, 'host')) {
          host = value;
          hosts++;
        }
        break;
      case 6:
        if (isSameToken(name, 'expect')) expect = expect === undefined ? value : `${expect}, ${value}`;
        break;
      case 7:
        if (isSameToken(name, 'upgrade')) upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`;
        break;
      case 10:
        if (isSameToken(name, 'connection')) connection = connection === '' ? value : `${connection},${value}`;
        break;
      case 14:
        if (isSameToken(name, 'content-length')) {
          contentLength = value;
          lengths++;
        }
        break;
      case 17:
        if (isSameToken(name, 'transfer-encoding')) {
          transferEncoding = transferEncoding === undefined ? value : `${transferEncoding}, ${value}`;
        }
        break;
      default:
    }
  }

  if (hosts > 1 || (hosts === 0 && !isHttp10) || (host !== undefined && !isAuthority(host))) return FAULTS.host;
  const rawTarget = text.slice(scanner.firstEnd + 1, scanner.middleEnd);
  const target = checkTarget(method, rawTarget, host);
  if (typeof target !== 'string') return target;
  if (host === undefined) {
    host = toAuthority(rawTarget);
    if (host !== undefined) headers.push('Host', host);
  }
  const framing = toFraming(lengths, contentLength, transferEncoding, isHttp10);
  if ('status' in framing) return framing;
  if (expect !== undefined && !isSameToken(expect, '100-continue')) return FAULTS.expectation;
  return {
    method,
    target,
    isHttp10,
    headers,
    host,
    framing,
    keepAlive: hasMember(connection, 'close') ? false : !isHttp10 || hasMember(connection, 'keep-alive'),
    expectsContinue: expect !== undefined && !isHttp10,
    upgrade: upgrade !== undefined && !isHttp10 && hasMember(connection, 'upgrade') ? upgrade : undefined,
  };
}
