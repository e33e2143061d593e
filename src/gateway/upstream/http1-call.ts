// One call on one connection: writes the request, reads the answer, and decides what the connection is good for afterwards.

import type { BodySink, BodySource } from '../body.ts';
import type { Cancellable } from '../exchange.ts';
import { Http1Writer } from '../http1-writer.ts';
import { ChunkedDecoder } from '../wire/chunked.ts';
import { FAULTS, type WireFault } from '../wire/fault.ts';
import { NO_BODY, UNTIL_CLOSE, type Framing } from '../wire/framing.ts';
import { readResponseHead, type ResponseHead } from '../wire/response-head.ts';
import { idleMs } from './idle-time.ts';
import { toFailure, UpstreamFault } from './failure.ts';
import type { ConnectionUser, Http1UpstreamConnection } from './http1-connection.ts';
import type { Call, CallEvents } from './call.ts';
import { toTimeoutFault, type Phase } from './timeouts.ts';
import { agreesToWebSocket } from './websocket.ts';

/** An upstream that only ever says that it is still there is not waited for for ever. */
const MAX_INTERIMS = 16;
/** RFC 9110 §9.2.2: may be sent again when nobody knows whether it was carried out. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Where a call gets its connections from. */
export interface ConnectionSource {
  /** An idle connection, or a new one. */
  take(isFresh: boolean): Http1UpstreamConnection;
  /** The tick at which so many milliseconds have passed. */
  deadline(inMs: number): number;
}

export class Http1Call implements Cancellable, BodySource, BodySink, ConnectionUser {
  readonly #call: Call;
  readonly #events: CallEvents;
  readonly #source: ConnectionSource;
  #connection: Http1UpstreamConnection | undefined = undefined;

  // The request on its way out.
  #writer: Http1Writer | undefined = undefined;
  #isRequestSent = false;

  // The answer on its way in.
  #head: ResponseHead | undefined = undefined;
  #framing: Framing = NO_BODY;
  #remaining = 0;
  #decoder: ChunkedDecoder | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  isPaused = false;
  #hasReceived = false;
  #interims = 0;
  #isTunnel = false;
  #isOver = false;
  #canStay = false;
  #step: Phase = 'connectMs';
  #deadline = 0;
  readonly #lastDeadline: number;

  constructor(call: Call, events: CallEvents, source: ConnectionSource) {
    this.#call = call;
    this.#events = events;
    this.#source = source;
    this.#lastDeadline = source.deadline(call.timeouts.totalMs);
  }

  begin(isFresh: boolean): void {
    const connection = this.#source.take(isFresh);
    this.#connection = connection;
    connection.use(this);
    this.onStep(connection.step);
    const { body, isLengthKnown } = this.#call;
    const isChunked = body !== undefined && !isLengthKnown;
    const head = this.#toHead(isChunked);
    if (body === undefined) {
      this.#isRequestSent = true;
      connection.socket.write(head, 'latin1');
      return;
    }
    this.#writer = new Http1Writer(connection.socket, head, isChunked);
    body.start(this);
    process.nextTick(() => this.flush()); // Bytes that are at hand come before that, and go out with the head.
  }

  // The request's body comes in here.

  write(bytes: Buffer, from: number, end: number): boolean {
    const writer = this.#writer;
    if (writer === undefined || this.#isOver) return true; // Nobody reads any more; the rest falls away.
    if (this.#step === 'firstByteMs') this.onStep('firstByteMs');
    return writer.write(bytes, from, end);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isRequestSent = true;
    this.#writer?.end();
    if (this.#isTunnel) this.#connection?.socket.end();
  }

  /** The request broke off on the caller's side: the upstream must not take it for whole. */
  fail(): void {
    this.cancel();
  }

  // The answer's body goes out here.

  start(sink: BodySink): void {
    this.#sink = sink;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.onStep('betweenBytesMs');
    this.#connection?.offerAgain();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection?.socket.destroy();
  }

  // The connection speaks here.

  onBytes(bytes: Buffer, from: number, end: number): number {
    if (this.#isOver) return end;
    if (this.isPaused) {
      this.#connection?.socket.pause();
      return from;
    }
    this.#hasReceived = true;
    this.onStep('betweenBytesMs');
    return this.#head === undefined ? this.#readHead(bytes, from, end) : this.#readBody(bytes, from, end);
  }

  /** Milliseconds for which the connection may wait for another call; undefined while this one needs it, or has broken it. */
  get leaveAfter(): number | undefined {
    return this.#canStay ? idleMs(this.#head) : undefined;
  }

  onStep(step: Phase): void {
    this.#step = step;
    this.#deadline = this.#source.deadline(this.#call.timeouts[step]);
  }

  onBurstEnd(): void {
    this.#sink?.flush();
  }

  onDrain(): void {
    (this.#isTunnel ? this.#call.tunnel : this.#call.body)?.resume();
  }

  onEnd(): boolean {
    if (this.#isTunnel) this.#sink?.end();
    return this.#isTunnel;
  }

  onSweep(tick: number): void {
    if (this.#isOver || this.#isTunnel) return;
    const { timeouts } = this.#call;
    if (tick >= this.#lastDeadline) this.#break(toTimeoutFault('totalMs', timeouts));
    else if (!this.isPaused && tick >= this.#deadline) this.#break(toTimeoutFault(this.#step, timeouts));
  }

  onClose(cause: Error | undefined): void {
    const connection = this.#connection;
    if (this.#isOver || connection === undefined) return;
    if (this.#head !== undefined && this.#framing.kind === 'close' && cause === undefined) {
      this.#finish(connection);
      return;
    }
    if (connection.carried > 0 && !this.#hasReceived && this.#isRepeatable()) {
      this.begin(true);
      return;
    }
    this.#break(
      cause ?? new UpstreamFault('upstream_unreachable', 'connection_terminated', 'the upstream closed the connection'),
    );
  }

  #readHead(bytes: Buffer, from: number, end: number): number {
    const { scanner } = this.#connection ?? {};
    if (scanner === undefined) return end;
    const found = scanner.scan(bytes, from, end);
    if (found === undefined) return from;
    if (found !== true) return this.#refuse(found, end);
    const headEnd = from + scanner.scanned;
    const head = readResponseHead(scanner, bytes.toString('latin1', from, headEnd), this.#call.method);
    scanner.reset();
    if ('reason' in head) return this.#refuse(head, end);
    if (head.status === 101 && this.#call.tunnel !== undefined)
      return this.#openTunnel(head, this.#call.tunnel) ? headEnd : end;
    if (head.status < 200) return this.#takeInterim(head) ? headEnd : end;
    this.#head = head;
    this.#framing = head.framing;
    this.#remaining = head.framing.kind === 'length' ? head.framing.bytes : 0;
    if (head.framing.kind === 'chunked') this.#decoder = new ChunkedDecoder();
    this.#events.onHead(head.status, head.fields, this);
    if (head.framing.kind === 'none' && this.#connection !== undefined) this.#finish(this.#connection);
    return headEnd;
  }

  /** The upstream agrees to go on as a WebSocket; RFC 6455 §4.1 says how it proves that it understood. */
  #openTunnel(head: ResponseHead, tunnel: BodySource): boolean {
    if (!agreesToWebSocket(head, this.#call.websocketKey)) {
      this.#break(toProtocolFault(FAULTS.startLine));
      return false;
    }
    this.#head = head;
    this.#framing = UNTIL_CLOSE;
    this.#isTunnel = true;
    this.#isRequestSent = false;
    if (this.#connection !== undefined) this.#writer = new Http1Writer(this.#connection.socket, '', false);
    this.#events.onHead(head.status, head.fields, this);
    tunnel.start(this);
    return true;
  }

  /** 100 is between the upstream and us, who have sent the body already; 101 was not asked for; the others are for the caller. */
  #takeInterim(head: ResponseHead): boolean {
    if (head.status === 101 || ++this.#interims > MAX_INTERIMS) {
      this.#break(toProtocolFault(FAULTS.startLine));
      return false;
    }
    if (head.status !== 100) this.#events.onInterim(head.status, head.fields);
    return true;
  }

  #readBody(bytes: Buffer, from: number, end: number): number {
    switch (this.#framing.kind) {
      case 'length': {
        const bodyEnd = Math.min(end, from + this.#remaining);
        this.#remaining -= bodyEnd - from;
        this.onData(bytes, from, bodyEnd);
        if (this.#remaining === 0 && this.#connection !== undefined) this.#finish(this.#connection);
        return bodyEnd;
      }
      case 'chunked': {
        const bodyEnd = this.#decoder?.feed(bytes, from, end, this) ?? end;
        if (typeof bodyEnd !== 'number') return this.#refuse(bodyEnd, end);
        if (this.#decoder?.isDone === true && this.#connection !== undefined) this.#finish(this.#connection);
        return bodyEnd;
      }
      case 'close':
        this.onData(bytes, from, end);
        return end;
      case 'none':
        return from;
    }
  }

  /** Body data, framed by the decoder or by us. */
  onData(bytes: Buffer, from: number, end: number): void {
    if (this.#sink?.write(bytes, from, end) === false) this.isPaused = true;
  }

  /** The answer is complete. The connection goes back only when the request is, too, and both sides want to go on. */
  #finish(connection: Http1UpstreamConnection): void {
    this.#isOver = true;
    const canStay = this.#head?.keepAlive === true && this.#isRequestSent && this.#writer?.isDry !== false;
    if (!canStay) {
      connection.socket.destroy();
      if (!this.#isRequestSent) this.#call.body?.cancel();
    }
    this.#canStay = canStay;
    this.#sink?.end(this.#decoder?.trailers);
  }

  /** What came after the fault is never looked at. */
  #refuse(fault: WireFault, end: number): number {
    this.#break(toProtocolFault(fault));
    return end;
  }

  #break(cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection?.socket.destroy();
    if (!this.#isRequestSent) this.#call.body?.cancel();
    if (this.#head === undefined) this.#events.onFailure(toFailure(cause));
    else this.#sink?.fail(cause);
  }

  #isRepeatable(): boolean {
    return this.#call.body === undefined && IDEMPOTENT.has(this.#call.method);
  }

  flush(): void {
    this.#writer?.flush();
  }

  #toHead(isChunked: boolean): string {
    const { method, path, lines, target } = this.#call;
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${target.authority}\r\n${lines}`;
    return isChunked ? `${head}transfer-encoding: chunked\r\n\r\n` : `${head}\r\n`;
  }
}

function toProtocolFault(fault: WireFault): UpstreamFault {
  return new UpstreamFault('upstream_invalid', 'http_protocol_error', fault.reason);
}
