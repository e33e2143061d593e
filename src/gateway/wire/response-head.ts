// An answer's head, understood as strictly as a request's (RFC 9112 §4, §6.3): an upstream that can be read in two ways is not believed.

import { FAULTS, type WireFault } from './fault.ts';
import { CONTENT_LENGTH, TRANSFER_ENCODING } from './field-kind.ts';
import type { Fields } from './fields.ts';
import { CHUNKED, NO_BODY, toFraming, UNTIL_CLOSE, type Framing } from './framing.ts';
import { HeadScanner, type HeadLimits, type StartLine } from './head-scanner.ts';
import { FIELD_VALUE, isDigit, TARGET } from './octets.ts';
import type { RememberedHead } from './remembered-head.ts';
import { readUpgrade, staysOpen } from './persistence.ts';

const STATUS_LINE: StartLine = {
  first: TARGET,
  middle: TARGET,
  last: FIELD_VALUE,
  isLastOptional: true,
  isEmptyLineSkipped: false,
  middleFault: FAULTS.startLine,
  middleLengthFault: FAULTS.startLine,
};

export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
  readonly framing: Framing;
  /** Whether the connection can carry another request after this answer. */
  readonly keepAlive: boolean;
  /** The protocol that a 101 goes on with. */
  readonly upgrade: string | undefined;
}

export function createResponseScanner(limits: Omit<HeadLimits, 'targetBytes'>): HeadScanner {
  return new HeadScanner(STATUS_LINE, { ...limits, targetBytes: 3 });
}

/** The heads of the answers on one connection. */
export class ResponseHeads {
  readonly #scanner: HeadScanner;
  readonly #remembered: RememberedHead;
  #isWithin = false;
  /** What the remembered head is understood as. */
  #last: ResponseHead | undefined = undefined;
  /** Of the request that the last one answered. */
  #method = '';

  constructor(limits: Omit<HeadLimits, 'targetBytes'>) {
    this.#scanner = createResponseScanner(limits);
    this.#remembered = this.#scanner.remembered;
  }

  /** Octets of the head that was read last. */
  length = 0;

  /** The head that begins at `from`; undefined while it is not all there: then call again with the same, grown. */
  read(bytes: Buffer, from: number, end: number, method: string): ResponseHead | WireFault | undefined {
    const isKnown = !this.#isWithin && this.#last !== undefined && method === this.#method;
    if (isKnown && this.#remembered.standsAt(bytes, from, end)) {
      this.length = this.#remembered.length;
      return this.#last;
    }
    const scanner = this.#scanner;
    const found = scanner.scan(bytes, from, end);
    this.#isWithin = found === undefined;
    if (found !== true) return found;
    this.length = scanner.scanned;
    const head = readResponseHead(scanner, scanner.readText(bytes, from), method);
    scanner.reset();
    this.#last = 'reason' in head ? undefined : head;
    this.#method = method;
    return head;
  }
}

/** Reads the head that the scanner found complete; `method` is the request's, for it decides whether there is a body. */
export function readResponseHead(scanner: HeadScanner, text: string, method: string): ResponseHead | WireFault {
  const isHttp11 = scanner.firstEnd === 8 && text.startsWith('HTTP/1.1');
  const isHttp10 = !isHttp11 && scanner.firstEnd === 8 && text.startsWith('HTTP/1.0');
  if (!isHttp11 && !isHttp10) return FAULTS.version;
  const status = parseStatus(text, scanner.firstEnd + 1, scanner.middleEnd);
  if (status < 0) return FAULTS.startLine;

  const fields = scanner.toFields(text);
  const lengths = fields.count(CONTENT_LENGTH);
  const declared = toFraming(lengths, fields.first(CONTENT_LENGTH), fields.joined(TRANSFER_ENCODING), isHttp10);
  if ('status' in declared) return declared;
  const framing = toAnswerFraming(declared, lengths, status, method);
  return {
    status,
    fields,
    framing,
    keepAlive: framing.kind !== 'close' && staysOpen(fields, isHttp10),
    upgrade: readUpgrade(fields),
  };
}

/** RFC 9112 §6.3: HEAD, 1xx, 204 and 304 have no body whatever the fields say; an answer that tells no length ends with the connection. */
function toAnswerFraming(declared: Framing, lengths: number, status: number, method: string): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NO_BODY;
  if (declared === CHUNKED || lengths > 0) return declared;
  return UNTIL_CLOSE;
}

function parseStatus(text: string, from: number, end: number): number {
  if (end - from !== 3) return -1;
  let status = 0;
  for (let i = from; i < end; i++) {
    const octet = text.charCodeAt(i);
    if (!isDigit(octet)) return -1;
    status = status * 10 + octet - 0x30;
  }
  return status >= 100 && status <= 599 ? status : -1;
}
