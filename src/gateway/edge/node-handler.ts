// Requests that another program's node:http server received, as exchanges: what Express, Fastify and plain servers hand over.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { Exchange } from '../exchange.ts';
import type { Origin } from '../origin.ts';
import { problemReply } from '../problem-reply.ts';
import type { Runner } from '../run.ts';
import type { HeadLimits } from '../wire/head-scanner.ts';
import { toExchange, toRefusedExchange } from './http1-exchange.ts';
import { NodeAnswer } from './node-answer.ts';
import { NodeBody } from './node-body.ts';
import { readNodeHead } from './node-head.ts';
import { toNodeOrigin } from './node-origin.ts';

export interface NodeHandlerOptions {
  readonly runner: Runner;
  readonly clock: Clock;
  readonly limits: HeadLimits & { readonly bodyBytes: number };
  /** Our name in `Via`. */
  readonly pseudonym: string;
  /** Told when a request comes whose body somebody has read before: the program is put together wrongly. */
  readonly onBodyRead: (exchange: Exchange) => void;
}

/** Answers the request, whatever becomes of it; never throws because of what a caller sent. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

export function createNodeHandler(options: NodeHandlerOptions): NodeHandler {
  const { runner, clock, limits, pseudonym } = options;
  const origins = new WeakMap<Socket, Origin>();

  function originOf(socket: Socket): Origin {
    let origin = origins.get(socket);
    if (origin === undefined) {
      origin = toNodeOrigin(socket);
      origins.set(socket, origin);
    }
    return origin;
  }

  return (request, response) => {
    checkUsable(request, response);
    const origin = originOf(request.socket);
    const head = readNodeHead(request, limits);
    if ('reason' in head) {
      const answer = new NodeAnswer({ response, body: undefined, runner, pseudonym });
      answer.exchange = toRefusedExchange(origin, clock);
      answer.refuse(head);
      return;
    }
    const { framing } = head;
    const hasBody = framing.kind !== 'none';
    const body = hasBody ? new NodeBody(request, limits.bodyBytes, () => answer.onBodyTooLarge()) : undefined;
    const answer = new NodeAnswer({ response, body, runner, pseudonym });
    const exchange = toExchange(head, { origin, body, tunnel: undefined, responder: answer }, clock);
    answer.exchange = exchange;
    if (hasBody && request.readableDidRead) refuseRead(exchange, options);
    else if (framing.kind === 'length' && framing.bytes > limits.bodyBytes) answer.onBodyTooLarge();
    else runner.run(exchange);
  };
}

/** What the service would get in its place is nothing at all, and it would wait for it. */
function refuseRead(exchange: Exchange, { onBodyRead }: NodeHandlerOptions): void {
  onBodyRead(exchange);
  const reply = problemReply(exchange, new Problem('body_already_read'));
  exchange.status = reply.status;
  exchange.responder.send(reply);
}

function checkUsable(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor !== 1) {
    throw new TypeError('the handler takes requests of node:http and node:https; for HTTP/2, let the gateway listen');
  }
  if (response.headersSent) throw new Error('the answer has begun already: call the handler first, and nothing else');
}
