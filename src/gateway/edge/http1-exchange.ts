// From a request's head to an Exchange.

import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/id.ts';
import type { BodySource, RequestBody } from '../body.ts';
import { Exchange, type Protocol, type Responder } from '../exchange.ts';
import type { Origin } from '../origin.ts';
import { Fields } from '../wire/fields.ts';
import { isSameToken } from '../wire/octets.ts';
import type { RequestHead } from '../wire/request-head.ts';

export interface ExchangeParts {
  readonly origin: Origin;
  readonly body: RequestBody | undefined;
  readonly tunnel: BodySource | undefined;
  readonly responder: Responder;
}

export function toExchange(
  head: RequestHead,
  { origin, body, tunnel, responder }: ExchangeParts,
  clock: Clock,
): Exchange {
  const startedAtMs = clock.nowMs();
  return new Exchange({
    id: newId('req', startedAtMs),
    startedAtMs,
    startedTick: clock.monotonicMs(),
    method: head.method,
    path: head.path,
    query: head.query,
    fields: head.fields,
    host: head.host,
    protocol: head.isHttp10 ? '1.0' : '1.1',
    origin,
    body,
    tunnel,
    responder,
  });
}

const NO_FIELDS = Fields.of([]);

/** What is refused before it is a request leaves a record, too; its answer is written by hand. */
export function toRefusedExchange(origin: Origin, clock: Clock, protocol: Protocol = '1.1'): Exchange {
  const startedAtMs = clock.nowMs();
  return new Exchange({
    id: newId('req', startedAtMs),
    startedAtMs,
    startedTick: clock.monotonicMs(),
    method: '',
    path: '',
    query: '',
    fields: NO_FIELDS,
    host: undefined,
    protocol,
    origin,
    body: undefined,
    tunnel: undefined,
    responder: { send: () => {}, sendInterim: () => {} },
  });
}

/** RFC 6455 §4.1: the one protocol that a connection may go on with. */
export function isWebSocket(head: RequestHead): boolean {
  return (
    head.upgrade !== undefined &&
    isSameToken(head.upgrade, 'websocket') &&
    head.method === 'GET' &&
    head.framing.kind === 'none'
  );
}
