// An answer's head, understood as strictly as a request's (RFC 9112 §4, §6.3): an upstream that can be read in two ways is not believed.

import { FAULTS, type WireFault } from './fault.ts';
import { CHUNKED, NO_BODY, toFraming, UNTIL_CLOSE, type Framing } from './framing.ts';
import { HeadScanner, type HeadLimits, type StartLine } from './head-scanner.ts';
import { FIELD_VALUE, hasMember, isDigit, isSameToken, TARGET } from './octets.ts';

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
  readonly headers: string[];
  readonly framing: Framing;
  /** Whether the connection can carry another request after this answer. */
  readonly keepAlive: boolean;
  /** The protocol that a 101 goes on with. */
  readonly upgrade: string | undefined;
}

export function createResponseScanner(limits: Omit<HeadLimits, 'targetBytes'>): HeadScanner {
  return new HeadScanner(STATUS_LINE, { ...limits, targetBytes: 3 });
}

/** Reads the head that the scanner found complete; `method` is the request's, for it decides whether there is a body. */
export function readResponseHead(scanner: HeadScanner, text: string, method: string): ResponseHead | WireFault {
  const version = text.slice(0, scanner.firstEnd);
  const isHttp10 = version === 'HTTP/1.0';
  if (!isHttp10 && version !== 'HTTP/1.1') return FAULTS.version;
  const status = parseStatus(text, scanner.firstEnd + 1, scanner.middleEnd);
  if (status < 0) return FAULTS.startLine;

  const headers: string[] = [];
  let contentLength: string | undefined;
  let lengths = 0;
  let transferEncoding: string | undefined;
  let connection = '';
  let upgrade: string | undefined;
  const { fields } = scanner;
  for (let i = 0; i < fields.length; i += 4) {
    const name = text.slice(fields[i], fields[i + 1]);
    const value = text.slice(fields[i + 2], fields[i + 3]);
    headers.push(name, value);
    switch (name.length) {
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

  const declared = toFraming(lengths, contentLength, transferEncoding, isHttp10);
  if ('status' in declared) return declared;
  const framing = toAnswerFraming(declared, lengths, status, method);
  const wantsMore = hasMember(connection, 'close') ? false : !isHttp10 || hasMember(connection, 'keep-alive');
  return {
    status,
    headers,
    framing,
    keepAlive: wantsMore && framing.kind !== 'close',
    upgrade: hasMember(connection, 'upgrade') ? upgrade : undefined,
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
  for (let i = from; i < end; i++) if (!isDigit(text.charCodeAt(i))) return -1;
  const status = Number(text.slice(from, end));
  return status >= 100 && status <= 599 ? status : -1;
}
