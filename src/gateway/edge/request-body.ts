// A request's body as a BodySource.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BodySink, BodySource } from '../body.ts';
import type { HttpResponder } from './http-responder.ts';

export class RequestBody implements BodySource {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #responder: HttpResponder;

  constructor(request: IncomingMessage, response: ServerResponse, responder: HttpResponder) {
    this.#request = request;
    this.#response = response;
    this.#responder = responder;
  }

  start(sink: BodySink): void {
    const request = this.#request;
    // Only now, after authentication and limits, is a waiting client told to go on (RFC 9110 §10.1.1).
    if (request.headers.expect?.toLowerCase() === '100-continue') this.#response.writeContinue();
    request.on('data', (chunk: Buffer) => {
      this.#responder.countRequestBytes(chunk.length);
      if (!sink.write(chunk)) request.pause();
    });
    request.on('end', () => sink.end());
    request.on('error', (cause: Error) => sink.fail(cause));
  }

  resume(): void {
    this.#request.resume();
  }

  /** Whoever read has gone; the rest is read and dropped so that the answer can be delivered. */
  cancel(): void {
    this.#request.removeAllListeners('data');
    this.#request.resume();
  }
}
