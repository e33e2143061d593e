// The edge's side of one exchange: writes the answer, tells of the caller's leaving, and ends with the record.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { BodySink } from '../body.ts';
import { headerValue, type Exchange, type Reply, type Responder } from '../exchange.ts';
import type { Edge } from './http-server.ts';

export class HttpResponder implements Responder, BodySink {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #edge: Edge;
  #broken = false;
  #exchange: Exchange | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, edge: Edge) {
    this.#request = request;
    this.#response = response;
    this.#edge = edge;
  }

  isOn(socket: Socket): boolean {
    return this.#request.socket === socket;
  }

  attach(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#edge.responders.add(this);
    this.#response.on('close', () => this.#close(exchange));
  }

  countRequestBytes(bytes: number): void {
    if (this.#exchange !== undefined) this.#exchange.requestBytes += bytes;
  }

  send(reply: Reply): void {
    const response = this.#response;
    const { body, headers } = reply;
    if (response.destroyed) {
      if (body !== undefined && 'cancel' in body) body.cancel();
      return;
    }
    if (this.#edge.draining) headers.push('connection', 'close');
    if (body === undefined || !('start' in body)) {
      this.#sendLocal(reply.status, headers, body);
      return;
    }
    response.writeHead(reply.status, headers);
    response.on('drain', () => body.resume());
    body.start(this);
    // An answer of unknown length may be a stream of events whose first one is far away: its head goes out now.
    if (headerValue(headers, 'content-length') === undefined) response.flushHeaders();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#exchange !== undefined) this.#exchange.responseBytes += chunk.length;
    return this.#response.write(chunk);
  }

  end(): void {
    this.#response.end();
  }

  /** The answer broke off: the connection is broken too, so that it cannot look complete. */
  fail(): void {
    this.#broken = true;
    this.#response.destroy();
  }

  #sendLocal(status: number, headers: string[], body: Uint8Array | undefined): void {
    const bytes = body ?? new Uint8Array();
    headers.push('content-length', String(bytes.length));
    this.#response.writeHead(status, headers);
    if (this.#request.method === 'HEAD') this.#response.end();
    else {
      if (this.#exchange !== undefined) this.#exchange.responseBytes += bytes.length;
      this.#response.end(bytes);
    }
  }

  #close(exchange: Exchange): void {
    if (this.#broken) exchange.errorCode = 'upstream_broken_off';
    else if (!this.#response.writableFinished) {
      exchange.clientGone = true;
      exchange.upstreamCall?.cancel();
    }
    const { draining, responders, runner, server } = this.#edge;
    responders.delete(this);
    runner.finish(exchange);
    if (draining) server.closeIdleConnections();
  }
}
