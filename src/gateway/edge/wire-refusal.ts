// The answer to what is not a request: a problem like any other, and the end of the connection.

import { STATUS_CODES } from 'node:http';
import { Problem, type ProblemCode } from '../../lib/problem.ts';
import type { Exchange } from '../exchange.ts';
import { problemReply } from '../problem-reply.ts';
import type { WireFault } from '../wire/fault.ts';
import { ALLOWED_METHODS } from '../wire/request-head.ts';

export interface Refusal {
  readonly status: WireFault['status'] | 408;
  readonly reason: string;
}

const CODES: Readonly<Record<Refusal['status'], ProblemCode>> = {
  400: 'malformed_request',
  405: 'method_forbidden',
  408: 'request_timeout',
  413: 'body_too_large',
  414: 'target_too_long',
  417: 'expectation_failed',
  431: 'head_too_large',
  501: 'not_implemented',
  505: 'version_not_supported',
};

export function toRefusalProblem({ status, reason }: Refusal, ends = 'connection'): Problem {
  // RFC 9110 §15.5.6: whoever gets 405 is told what is allowed.
  const headers = status === 405 ? ['allow', ALLOWED_METHODS] : [];
  return new Problem(CODES[status], { detail: `The request was refused: ${reason}. The ${ends} is closed.`, headers });
}

/** The whole answer as Latin-1 text; notes status and code on the exchange. */
export function toWireReply(exchange: Exchange, refusal: Refusal): string {
  const reply = problemReply(exchange, toRefusalProblem(refusal));
  exchange.status = reply.status;
  const body = reply.body instanceof Uint8Array ? Buffer.from(reply.body).toString('latin1') : '';
  exchange.responseBytes = body.length;
  let head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`;
  for (let i = 0; i < reply.headers.length; i += 2) head += `${reply.headers[i]}: ${reply.headers[i + 1]}\r\n`;
  return `${head}x-request-id: ${exchange.id}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
