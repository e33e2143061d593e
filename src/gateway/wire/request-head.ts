// A request's head, understood: who is meant, how the body is framed, what the connection is to do (RFC 9112 §3, §6, §9).

import { FAULTS, type WireFault } from './fault.ts';
import { CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING } from './field-kind.ts';
import { Fields } from './fields.ts';
import { toFraming, type Framing } from './framing.ts';
import { HeadScanner, type HeadLimits, type StartLine } from './head-scanner.ts';
import type { RememberedHead } from './remembered-head.ts';
import { checkTarget, isAuthority, splitTarget, toAuthority } from './target.ts';
import { isSameToken, TARGET, TOKEN } from './octets.ts';
import { readUpgrade, staysOpen } from './persistence.ts';

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
  /** Byte for byte; `*` for OPTIONS of the server. */
  readonly path: string;
  /** With its question mark, byte for byte; empty when there is none. */
  readonly query: string;
  readonly isHttp10: boolean;
  readonly fields: Fields;
  readonly host: string | undefined;
  readonly framing: Framing;
  /** Of the caller: it can take another answer on this connection. */
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
  /** The protocol that the caller would like to go on with, when `Connection` names the field. */
  readonly upgrade: string | undefined;
}

const METHODS: ReadonlyMap<string, string> = new Map(
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => [method, method]),
);
/** As a field `Allow` lists them. */
export const ALLOWED_METHODS = [...METHODS.keys()].join(', ');
const FORBIDDEN: ReadonlySet<string> = new Set(['TRACE', 'CONNECT']);

export function checkMethod(method: string): WireFault | undefined {
  if (METHODS.has(method)) return undefined;
  return FORBIDDEN.has(method) ? FAULTS.methodForbidden : FAULTS.method;
}

export function createRequestScanner(limits: HeadLimits): HeadScanner {
  return new HeadScanner(REQUEST_LINE, limits);
}

/** The heads of the requests on one connection. */
export class RequestHeads {
  readonly #scanner: HeadScanner;
  readonly #remembered: RememberedHead;
  /** What the remembered head is understood as. */
  #last: RequestHead | undefined = undefined;
  /** Octets of the head that was read last. */
  length = 0;
  /** A head has begun and is not all there. */
  isWithin = false;

  constructor(limits: HeadLimits) {
    this.#scanner = createRequestScanner(limits);
    this.#remembered = this.#scanner.remembered;
  }

  /** The head that begins at `from`; undefined while it is not all there: then call again with the same, grown. */
  read(bytes: Buffer, from: number, end: number): RequestHead | WireFault | undefined {
    if (!this.isWithin && this.#last !== undefined && this.#remembered.standsAt(bytes, from, end)) {
      this.length = this.#remembered.length;
      return this.#last;
    }
    const scanner = this.#scanner;
    const found = scanner.scan(bytes, from, end);
    this.isWithin = found === undefined && scanner.scanned > 0;
    if (found !== true) return found;
    this.length = scanner.scanned;
    const head = readRequestHead(scanner, scanner.readText(bytes, from), this.#last);
    scanner.reset();
    this.#last = 'reason' in head ? undefined : head;
    return head;
  }
}

/**
 * Reads the head that the scanner found complete. `text` is what its `readText` gave; `previous` what was read before on this
 * connection: what follows from the fields alone is taken from there when they are the same.
 */
export function readRequestHead(scanner: HeadScanner, text: string, previous?: RequestHead): RequestHead | WireFault {
  const isHttp10 = isVersion(text, scanner, VERSION_10);
  if (!isHttp10 && !isVersion(text, scanner, VERSION_11)) return toVersionFault(text, scanner);
  const method = readMethod(text, scanner);
  if (typeof method !== 'string') return method;

  let fields = scanner.toFields(text);
  if (previous?.fields === fields && previous.isHttp10 === isHttp10 && previous.host !== undefined) {
    const target = checkTarget(method, text.slice(scanner.firstEnd + 1, scanner.middleEnd), previous.host);
    if (typeof target !== 'string') return target;
    const { host, framing, keepAlive, expectsContinue, upgrade } = previous;
    const { path, query } = splitTarget(target);
    return { method, path, query, isHttp10, fields, host, framing, keepAlive, expectsContinue, upgrade };
  }
  const sent = fields.first(HOST);
  if (sent === undefined ? !isHttp10 : fields.count(HOST) > 1) return FAULTS.host;
  if (sent !== undefined && sent !== lastAuthority) {
    if (!isAuthority(sent)) return FAULTS.host;
    lastAuthority = sent;
  }
  const rawTarget = text.slice(scanner.firstEnd + 1, scanner.middleEnd);
  const target = checkTarget(method, rawTarget, sent);
  if (typeof target !== 'string') return target;
  const host = sent ?? toAuthority(rawTarget);
  if (sent === undefined && host !== undefined) fields = Fields.of([...fields.list(), 'Host', host]);
  const framing = toFraming(
    fields.count(CONTENT_LENGTH),
    fields.first(CONTENT_LENGTH),
    fields.joined(TRANSFER_ENCODING),
    isHttp10,
  );
  if ('status' in framing) return framing;
  const expect = fields.joined(EXPECT);
  if (expect !== undefined && !isSameToken(expect, '100-continue')) return FAULTS.expectation;
  return {
    method,
    ...splitTarget(target),
    isHttp10,
    fields,
    host,
    framing,
    keepAlive: staysOpen(fields, isHttp10),
    expectsContinue: expect !== undefined && !isHttp10,
    upgrade: isHttp10 ? undefined : readUpgrade(fields),
  };
}

const VERSION_10 = 'HTTP/1.0';
const VERSION_11 = 'HTTP/1.1';

/** The last one that was found well-formed: nearly every request names the same. */
let lastAuthority = '';

function isVersion(text: string, { middleEnd, lastEnd }: HeadScanner, version: string): boolean {
  return lastEnd - middleEnd === version.length + 1 && text.startsWith(version, middleEnd + 1);
}

function toVersionFault(text: string, { middleEnd, lastEnd }: HeadScanner): WireFault {
  return /^HTTP\/\d\.\d$/.test(text.slice(middleEnd + 1, lastEnd)) ? FAULTS.version : FAULTS.startLine;
}

/** The common one without a look into the set. What comes from here is one and the same string for each method. */
function readMethod(text: string, { firstStart, firstEnd }: HeadScanner): string | WireFault {
  if (firstEnd - firstStart === 3 && text.startsWith('GET', firstStart)) return 'GET';
  const method = text.slice(firstStart, firstEnd);
  return checkMethod(method) ?? METHODS.get(method) ?? FAULTS.method;
}
