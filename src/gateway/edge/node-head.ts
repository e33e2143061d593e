// A request's head as node:http read it, understood as strictly as one of our own connections: it is written down again as it stood on
// the wire and read by the same scanner, so that there is one reading of a head, whoever received it.

import type { IncomingMessage } from 'node:http';
import { FAULTS, type WireFault } from '../wire/fault.ts';
import type { HeadLimits } from '../wire/head-scanner.ts';
import { createRequestScanner, readRequestHead, type RequestHead } from '../wire/request-head.ts';

/** What ends a line: in a part of one, it would be read as the begin of another. */
const LINE_END = /[\r\n]/;

export function readNodeHead(request: IncomingMessage, limits: HeadLimits): RequestHead | WireFault {
  const text = writeNodeHead(request);
  if (typeof text !== 'string') return text;
  const bytes = Buffer.from(text, 'latin1');
  const scanner = createRequestScanner(limits);
  const found = scanner.scan(bytes, 0, bytes.length);
  if (found === undefined) return FAULTS.startLine;
  return found === true ? readRequestHead(scanner, text) : found;
}

/** One character an octet, with the empty line at its end. */
export function writeNodeHead(request: IncomingMessage): string | WireFault {
  const { method = '', httpVersion, rawHeaders } = request;
  const target = targetOf(request);
  if (LINE_END.test(method) || LINE_END.test(target)) return FAULTS.target;
  let text = `${method} ${target} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const line = `${rawHeaders[i]}: ${rawHeaders[i + 1]}`;
    if (LINE_END.test(line)) return FAULTS.fieldValue;
    text += `${line}\r\n`;
  }
  return `${text}\r\n`;
}

/** As the caller sent it: Express takes the prefix that a handler is mounted at away from `url`, and keeps all of it here. */
function targetOf(request: IncomingMessage): string {
  if ('originalUrl' in request && typeof request.originalUrl === 'string') return request.originalUrl;
  return request.url ?? '';
}
