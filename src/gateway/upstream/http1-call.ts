// One call on one connection: writes the request, reads the answer, and decides what the connection is good for afterwards.

import type { BodySink, BodySource } from '../body.ts';
import type { Cancellable } from '../exchange.ts';
import { ChunkedDecoder } from '../wire/chunked.ts';
import { FAULTS, type WireFault } from '../wire/fault.ts';
import { NO_BODY, UNTIL_CLOSE, type Framing } from '../wire/framing.ts';
import type { ResponseHead } from '../wire/response-head.ts';
import { toCallerTrailers } from './hop-headers.ts';
import { idleMs } from './idle-time.ts';
import { toFailure, toProtocolFault, UpstreamFault } from './failure.ts';
import type { ConnectionUser, Http1UpstreamConnection } from './http1-connection.ts';
import type { Call, CallEvents } from './call.ts';
import { OutgoingBody, type OutgoingHost } from './outgoing-body.ts';
import { toTimeoutFault, type Phase } from './timeouts.ts';
import { agreesToWebSocket } from './websocket.ts';

/** An upstream that only ever says that it is still there is not waited for for ever. */
const MAX_INTERIMS = 16;
/** A connection that takes longer than this is one that others should not wait for as well. */
const STUCK_MS = 500;

/** Where a call gets its connections from. */
export interface ConnectionSource {
  /** An idle connection, or a new one. */
  take(isFresh: boolean): Http1UpstreamConnection;
  /** The tick at which so many milliseconds have passed. */
  deadline(inMs: number): number;
}

export class Http1Call implements Cancellable, BodySource, ConnectionUser, OutgoingHost {
  readonly #call: Call;
  readonly #events: CallEvents;
  readonly #source: ConnectionSource;
  #connection: Http1UpstreamConnection | undefined = undefined;

  /** The rest of the request, where there is more than its head. */
  #outgoing: OutgoingBody | undefined = undefined;

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
  isOver = false;
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
    this.#outgoing = undefined;
    connection.use(this);
    this.#wait(connection.step);
    if (this.#call.body === undefined) connection.out.writeText(this.#toHead(false));
    else if (connection.step === 'firstByteMs') this.#sendBody(this.#call.body, connection);
    // A body waits for the connection: what was not begun can be sent elsewhere.
  }

  #sendBody(body: BodySource, connection: Http1UpstreamConnection): void {
    const framing = this.#call.isLengthKnown ? 'length' : 'chunks';
    const outgoing = new OutgoingBody(this, connection, this.#toHead(framing === 'chunks'), framing);
    this.#outgoing = outgoing;
    body.start(outgoing);
    process.nextTick(() => outgoing.flush()); // Bytes that are at hand come before that, and go out with the head.
  }

  onSending(): void {
    if (this.#step === 'firstByteMs') this.#wait('firstByteMs');
  }

  // The answer's body goes out here.

  start(sink: BodySink): void {
    this.#sink = sink;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#wait('betweenBytesMs');
    this.#connection?.offerAgain();
  }

  cancel(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#connection?.destroy();
    this.#events.onEnd('cancelled');
  }

  // The connection speaks here.

  onBytes(bytes: Buffer, from: number, end: number): number {
    if (this.isOver) return end;
    if (this.isPaused) {
      this.#connection?.socket.pause();
      return from;
    }
    this.#hasReceived = true;
    this.#wait('betweenBytesMs');
    return this.#head === undefined ? this.#readHead(bytes, from, end) : this.#readBody(bytes, from, end);
  }

  /** Milliseconds for which the connection may wait for another call; undefined while this one needs it, or has broken it. */
  get leaveAfter(): number | undefined {
    return this.#canStay ? idleMs(this.#head) : undefined;
  }

  onStep(step: Phase): void {
    this.#wait(step);
    if (step !== 'firstByteMs') return;
    this.#events.onReached();
    const { body } = this.#call;
    if (body !== undefined && this.#connection !== undefined) this.#sendBody(body, this.#connection);
  }

  #wait(step: Phase): void {
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
    if (this.isOver || this.#isTunnel) return;
    const { timeouts } = this.#call;
    if (this.#step === 'connectMs' && tick >= this.#deadline - timeouts.connectMs + STUCK_MS) this.#events.onStuck();
    if (tick >= this.#lastDeadline) this.#break(toTimeoutFault('totalMs', timeouts));
    else if (!this.isPaused && tick >= this.#deadline) this.#break(toTimeoutFault(this.#step, timeouts));
  }

  onClose(cause: Error | undefined): void {
    const connection = this.#connection;
    if (this.isOver || connection === undefined) return;
    if (this.#head !== undefined && this.#framing.kind === 'close' && cause === undefined) {
      this.#finish(connection);
      return;
    }
    if (connection.carried > 0 && !this.#hasReceived && this.#call.isRepeatable) {
      this.begin(true);
      return;
    }
    this.#break(
      cause ?? new UpstreamFault('upstream_unreachable', 'connection_terminated', 'the upstream closed the connection'),
    );
  }

  #readHead(bytes: Buffer, from: number, end: number): number {
    const { heads } = this.#connection ?? {};
    if (heads === undefined) return end;
    const head = heads.read(bytes, from, end, this.#call.method);
    if (head === undefined) return from;
    const headEnd = from + heads.length;
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
    this.#events.onHead(head.status, head.fields, this);
    if (this.#connection !== undefined) {
      this.#outgoing = new OutgoingBody(this, this.#connection, '', 'tunnel');
      tunnel.start(this.#outgoing);
    }
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
    if (this.isOver) return; // Whoever took the head, or the last octets, may have cancelled.
    this.isOver = true;
    const canStay = this.#head?.keepAlive === true && this.#isRequestSent();
    if (!canStay) {
      connection.destroy();
      if (!this.#isRequestSent()) this.#call.body?.cancel();
    }
    this.#canStay = canStay;
    this.#sink?.end(toCallerTrailers(this.#decoder?.trailers, this.#head?.fields));
    this.#events.onEnd('complete');
  }

  /** What came after the fault is never looked at. */
  #refuse(fault: WireFault, end: number): number {
    this.#break(toProtocolFault(fault));
    return end;
  }

  #break(cause: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#connection?.destroy();
    if (this.#head === undefined) {
      // Whether the body is wanted by somebody else is not for us to say.
      this.#events.onFailure(toFailure(cause, this.#step !== 'connectMs' && this.#step !== 'handshakeMs'));
      return;
    }
    if (!this.#isRequestSent()) this.#call.body?.cancel();
    this.#sink?.fail(cause);
    this.#events.onEnd('broken');
  }

  #isRequestSent(): boolean {
    return this.#outgoing === undefined ? this.#call.body === undefined : this.#outgoing.isSent;
  }

  #toHead(isChunked: boolean): string {
    const { method, path, lines, authority } = this.#call;
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}`;
    return isChunked ? `${head}transfer-encoding: chunked\r\n\r\n` : `${head}\r\n`;
  }
}
