// The answer to one request that node:http received.

import type { ServerResponse } from 'node:http';
import type { BodySink } from '../body.ts';
import type { Exchange, Reply, Responder } from '../exchange.ts';
import { problemReply } from '../problem-reply.ts';
import type { Runner } from '../run.ts';
import { toCallerList } from '../upstream/hop-headers.ts';
import type { NodeBody } from './node-body.ts';
import { toRefusalProblem, type Refusal } from './wire-refusal.ts';

export interface NodeAnswerOptions {
  readonly response: ServerResponse;
  /** Undefined when the request has none. */
  readonly body: NodeBody | undefined;
  readonly runner: Runner;
  /** Our name in `Via`. */
  readonly pseudonym: string;
}

export class NodeAnswer implements Responder, BodySink {
  readonly #response: ServerResponse;
  readonly #body: NodeBody | undefined;
  readonly #runner: Runner;
  readonly #pseudonym: string;
  exchange: Exchange | undefined = undefined;
  #hasBegun = false;
  /** All of the answer is with node:http. */
  #isSent = false;
  #resumeSource: (() => void) | undefined = undefined;

  constructor({ response, body, runner, pseudonym }: NodeAnswerOptions) {
    this.#response = response;
    this.#body = body;
    this.#runner = runner;
    this.#pseudonym = pseudonym;
    response.on('drain', () => this.#resumeSource?.());
    response.on('error', () => {}); // Told by `close`, which always follows.
    response.on('close', () => this.#onClose());
  }

  send(reply: Reply): void {
    const { body } = reply;
    const isStream = body !== undefined && 'start' in body;
    if (this.#hasBegun || this.#response.destroyed) {
      if (isStream) body.cancel();
      return;
    }
    this.#hasBegun = true;
    if (!this.#respond(reply, isStream ? -1 : (body?.byteLength ?? 0))) {
      if (isStream) body.cancel();
      this.#break('upstream_invalid');
      return;
    }
    if (isStream) {
      this.#resumeSource = () => body.resume();
      body.start(this);
      return;
    }
    if (body !== undefined) this.write(Buffer.from(body.buffer, body.byteOffset, body.byteLength), 0, body.byteLength);
    this.end();
  }

  /** Left out, as RFC 9110 §15.2 allows: what node:http can say between is not what came. */
  sendInterim(): void {}

  /** In place of an answer: the request itself turned out to be wrong. */
  refuse(refusal: Refusal): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    const reply = problemReply(exchange, toRefusalProblem(refusal));
    reply.headers.push('connection', 'close');
    exchange.status = reply.status;
    this.send(reply);
  }

  /** What came is more than is taken: the rest is not waited for. */
  onBodyTooLarge(): void {
    const { exchange } = this;
    exchange?.upstreamCall?.cancel();
    this.#body?.break(new Error('body too large'));
    if (this.#hasBegun) this.#break('body_too_large');
    else this.refuse({ status: 413, reason: 'body too large' });
  }

  write(bytes: Buffer, from: number, end: number): boolean {
    if (from === end || this.#response.writableEnded) return true;
    // The answer to HEAD has no body, whatever its reply holds.
    if (this.exchange === undefined || this.exchange.method === 'HEAD') return true;
    this.exchange.responseBytes += end - from;
    return this.#response.write(Buffer.from(bytes.subarray(from, end))); // It is only lent to us, and the response keeps it.
  }

  /** Nothing is held back: node:http joins what is written in one turn. */
  flush(): void {}

  end(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    // After the answer nobody reads the rest of a request, and a part of it must not look whole.
    this.#body?.break(new Error('answered before the request was complete'));
    this.#response.end();
  }

  /** The answer broke off: the connection is broken too, so that it cannot look complete. */
  fail(): void {
    this.#break('upstream_broken_off');
  }

  /** False when node:http cannot say the upstream's head. Date and the fields of the connection are its own. */
  #respond({ status, fields, drops, headers, lines }: Reply, length: number): boolean {
    const list = fields === undefined ? [...headers] : [...toCallerList(fields, drops), ...headers];
    if (fields !== undefined) list.push('via', `1.1 ${this.#pseudonym}`);
    for (const line of `${lines}${this.exchange?.idLines ?? ''}`.split('\r\n')) {
      const colon = line.indexOf(': ');
      if (colon > 0) list.push(line.slice(0, colon), line.slice(colon + 2));
    }
    if (length >= 0 && status !== 204 && status !== 304) list.push('content-length', String(length));
    try {
      this.#response.writeHead(status, status === 204 ? withoutLength(list) : list);
      return true;
    } catch {
      return false;
    }
  }

  #break(code: string): void {
    if (this.#isSent) return;
    this.#isSent = true;
    if (this.exchange !== undefined) this.exchange.errorCode = code;
    this.#body?.break(new Error('the answer broke off'));
    this.#response.destroy();
  }

  #onClose(): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    if (!this.#isSent) {
      exchange.clientGone = true;
      exchange.upstreamCall?.cancel();
      this.#body?.break(new Error('the caller has gone'));
    }
    exchange.requestBytes = this.#body?.received ?? 0;
    this.#runner.finish(exchange);
  }
}

/** RFC 9110 §8.6: with 204 it must not be there, and could be taken for a body's. */
function withoutLength(list: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) {
    if (list[i]?.toLowerCase() !== 'content-length') kept.push(list[i] ?? '', list[i + 1] ?? '');
  }
  return kept;
}
