// The listener: node:http in, Exchanges out. Its objects stay in this folder.

import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/id.ts';
import { Problem } from '../../lib/problem.ts';
import type { BodySource } from '../body.ts';
import { Exchange, type Responder } from '../exchange.ts';
import { problemReply } from '../problem-reply.ts';
import type { Runner } from '../run.ts';
import { HttpResponder } from './http-responder.ts';
import { RequestBody } from './request-body.ts';

const MAX_HEAD_BYTES = 16_384;
const HEAD_TIMEOUT_MS = 15_000;
const IDLE_TIMEOUT_MS = 75_000;
const LINGER_MS = 1000;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly runner: Runner;
  readonly clock: Clock;
}

/** What the exchanges of one listener share. */
export interface Edge {
  readonly server: Server;
  readonly runner: Runner;
  readonly clock: Clock;
  /** The answers under way. */
  readonly responders: Set<HttpResponder>;
  /** No new requests: connections are closed after the answers under way. */
  draining: boolean;
}

export interface Listener {
  /** The one that was asked for, or the free one that 0 got. */
  readonly port: number;
  /** Stops listening, lets requests in flight finish, then resolves; idle connections are closed at once. */
  drain(): Promise<void>;
  /** Breaks whatever is still open. */
  destroy(): void;
}

export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = createServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: HEAD_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    requestTimeout: 0, // Bodies may stream for as long as they move.
    requireHostHeader: false, // Held by isStrict, with an answer and a record.
    insecureHTTPParser: false,
  });
  const edge: Edge = { server, runner: options.runner, clock: options.clock, responders: new Set(), draining: false };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => begin(request, response, edge);
  server.on('request', onRequest);
  server.on('checkContinue', onRequest); // `100 Continue` is sent when the body is first wanted: see RequestBody.
  server.on('checkExpectation', onRequest); // Other expectations are ignored (RFC 9110 §10.1.1).
  server.on('connect', (request: IncomingMessage) => refuseMalformed(new Error('not a tunnel'), request.socket, edge));
  server.on('clientError', (error: Error, socket: Socket) => refuseMalformed(error, socket, edge));
  const port = await bind(server, options);
  return {
    port,
    drain() {
      edge.draining = true;
      return new Promise((resolve) => server.close(() => resolve()));
    },
    destroy: () => server.closeAllConnections(),
  };
}

function begin(request: IncomingMessage, response: ServerResponse, edge: Edge): void {
  const target = request.url ?? '/';
  const split = target.indexOf('?');
  const responder = new HttpResponder(request, response, edge);
  const exchange = toExchange(edge.clock, responder, {
    method: request.method ?? '',
    path: split < 0 ? target : target.slice(0, split),
    query: split < 0 ? '' : target.slice(split),
    headers: request.rawHeaders,
    peerAddress: toAddress(request.socket.remoteAddress),
    body: hasBody(request) ? new RequestBody(request, response, responder) : undefined,
  });
  responder.attach(exchange);
  if (isStrict(request)) edge.runner.run(exchange);
  else refuse(exchange, responder);
}

/** What the parser lets pass: other versions (RFC 9112 §2.3), no Host or two (§3.2), codings that are not undone here (§6.1). */
function isStrict(request: IncomingMessage): boolean {
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || request.httpVersion !== '1.1')) return false;
  let hosts = 0;
  for (let i = 0; i < request.rawHeaders.length; i += 2) if (request.rawHeaders[i]?.toLowerCase() === 'host') hosts++;
  return request.httpVersion === '1.1' ? hosts === 1 : request.httpVersion === '1.0' && hosts <= 1;
}

function refuse(exchange: Exchange, responder: Responder): void {
  const reply = problemReply(exchange, new Problem('malformed_request'));
  reply.headers.push('x-request-id', exchange.id, 'connection', 'close');
  exchange.status = reply.status;
  responder.send(reply);
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: string[];
  readonly peerAddress: string;
  readonly body: BodySource | undefined;
}

function toExchange(clock: Clock, responder: Responder, head: Head): Exchange {
  const startedAtMs = clock.nowMs();
  return new Exchange({
    ...head,
    id: newId('req', startedAtMs),
    startedAtMs,
    startedTick: clock.monotonicMs(),
    scheme: 'http',
    responder,
  });
}

/** Answers what is not HTTP, closes the connection, and leaves a record like every exchange. */
function refuseMalformed(error: Error, socket: Socket, { runner, clock, responders }: Edge): void {
  const code = 'code' in error ? error.code : undefined;
  // Answers under way own the connection: bytes of ours would be taken for theirs. Its end breaks them off, and they leave the records.
  if (code === 'ECONNRESET' || !socket.writable || responders.values().some((responder) => responder.isOn(socket))) {
    socket.destroy();
    return;
  }
  const problem = new Problem(
    code === 'HPE_HEADER_OVERFLOW'
      ? 'head_too_large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'malformed_request',
  );
  const exchange = toExchange(
    clock,
    { send: () => {} },
    { method: '', path: '', query: '', headers: [], peerAddress: toAddress(socket.remoteAddress), body: undefined },
  );
  const reply = problemReply(exchange, problem);
  exchange.status = problem.status;
  const body = reply.body instanceof Uint8Array ? Buffer.from(reply.body) : Buffer.alloc(0);
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n`;
  socket.end(
    Buffer.concat([Buffer.from(`${head}x-request-id: ${exchange.id}\r\ncontent-length: ${body.length}\r\n\r\n`), body]),
  );
  socket.setTimeout(LINGER_MS, () => socket.destroy()); // Time to read the answer; whoever stays is not waited for.
  runner.finish(exchange);
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/** IPv4 callers of a dual-stack socket are shown as IPv4. */
function toAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

function bind(server: Server, { host, port }: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // With SO_REUSEPORT every gateway thread listens for itself and the kernel spreads the connections.
    server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 4096 }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
