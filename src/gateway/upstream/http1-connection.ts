// One connection to a target. It carries one call at a time, and is used again only when the last answer ended exactly where it had to.

import type { Socket } from 'node:net';
import type { Sweep, Timed } from '../../lib/sweep.ts';
import { Outlet } from '../outlet.ts';
import type { Target } from '../plan.ts';
import type { TakeBytes } from '../shared-reads.ts';
import type { Phase } from './timeouts.ts';
import { ResponseHeads } from '../wire/response-head.ts';

const HEAD_LIMITS = { headBytes: 65_536, fields: 256 };

/** Whoever uses a connection, from `use` until it says it leaves, or `onClose`. */
export interface ConnectionUser {
  /** Set when the user has all it wanted and the connection is in order: how long it may wait for the next one, in milliseconds. */
  readonly leaveAfter: number | undefined;
  /** It can take nothing now, and says `offerAgain` when it can. */
  readonly isPaused: boolean;
  /** Takes bytes of the answer between `from` and `end`, lent until it returns; what is left is offered again with what comes next, or on `offerAgain`. */
  onBytes(bytes: Buffer, from: number, end: number): number;
  /** All bytes at hand have been offered. */
  onBurstEnd(): void;
  /** The connection is one step further; what is waited for now. */
  onStep(step: Phase): void;
  onDrain(): void;
  /** The upstream has ended its side. Answers whether ours goes on: so it does in a tunnel only. */
  onEnd(): boolean;
  onSweep(tick: number): void;
  /** The connection is gone; without a cause, the upstream ended it in order. */
  onClose(cause: Error | undefined): void;
}

/** Whoever keeps the connections of a target. */
export interface ConnectionOwner {
  /** A socket on its way to the target. */
  open(take: TakeBytes): Socket;
  onIdle(connection: Http1UpstreamConnection): void;
  onGone(connection: Http1UpstreamConnection): void;
}

export class Http1UpstreamConnection implements Timed {
  readonly socket: Socket;
  readonly out: Outlet;
  readonly heads = new ResponseHeads(HEAD_LIMITS);
  readonly #sweep: Sweep;
  readonly #owner: ConnectionOwner;
  #user: ConnectionUser | undefined = undefined;
  #pending: Buffer | undefined = undefined;
  #from = 0;
  #end = 0;
  #cause: Error | undefined = undefined;
  #isOffering = false;
  /** The upstream has ended its side; the connection is gone. Told to the user only after the bytes that came before. */
  #hasEnded = false;
  #isGone = false;
  #idleUntilTick = 0;
  /** What is waited for when a call begins. */
  step: Phase = 'connectMs';
  /** Calls that were carried to their end before the present one. */
  carried = 0;
  /** No further call may be sent on it: it is destroyed, or the upstream has ended its side. */
  isSpent = false;

  constructor(target: Target, sweep: Sweep, owner: ConnectionOwner) {
    this.#sweep = sweep;
    this.#owner = owner;
    this.socket = owner.open((bytes, end) => this.receive(bytes, end));
    this.out = new Outlet(this.socket, () => this.#user?.onDrain());
    const isSecure = target.origin.startsWith('https:');
    this.socket.once('connect', () => this.#goOn(isSecure ? 'handshakeMs' : 'firstByteMs'));
    if (isSecure) this.socket.once('secureConnect', () => this.#goOn('firstByteMs'));
    this.socket.on('end', () => {
      this.isSpent = true;
      this.#hasEnded = true;
      this.#settle();
    });
    this.socket.on('error', (cause) => {
      this.isSpent = true;
      this.#cause = cause;
    });
    this.socket.on('close', () => this.#close());
    sweep.add(this);
  }

  use(user: ConnectionUser): void {
    this.#user = user;
  }

  destroy(): void {
    this.isSpent = true;
    this.socket.destroy();
  }

  /** The user can take bytes again. */
  offerAgain(): void {
    if (this.socket.isPaused()) this.socket.resume();
    this.#offer();
  }

  onSweep(tick: number): void {
    if (this.#user !== undefined) this.#user.onSweep(tick);
    else if (tick >= this.#idleUntilTick) this.destroy();
  }

  #goOn(step: Phase): void {
    this.step = step;
    this.#user?.onStep(step);
  }

  /** Takes the octets before `end`, which are lent until it returns. */
  receive(bytes: Buffer, end: number): void {
    if (this.#user === undefined || this.out.isHolding) {
      this.destroy(); // An answer to nothing, or to what was not said yet: what comes on this connection cannot be trusted.
      return;
    }
    if (this.#pending === undefined) {
      this.#pending = bytes;
      this.#from = 0;
      this.#end = end;
    } else this.#keep(Buffer.concat([this.#pending.subarray(this.#from, this.#end), bytes.subarray(0, end)]));
    this.#offer();
    if (this.#pending === bytes) this.#keep(Buffer.from(bytes.subarray(this.#from, this.#end)));
  }

  #keep(own: Buffer): void {
    this.#pending = own;
    this.#from = 0;
    this.#end = own.length;
  }

  #offer(): void {
    if (this.#isOffering) return;
    this.#isOffering = true;
    while (this.#pending !== undefined && this.#user !== undefined) {
      const taken = this.#user.onBytes(this.#pending, this.#from, this.#end);
      const stuck = taken === this.#from;
      this.#from = taken;
      if (taken === this.#end) this.#pending = undefined;
      if (this.#user?.leaveAfter !== undefined) this.#release(this.#user.leaveAfter);
      else if (stuck) break;
    }
    this.#isOffering = false;
    this.#user?.onBurstEnd();
    if (this.#hasEnded || this.#isGone) this.#settle();
  }

  /** Bytes that nobody asked for, or a request that is not through yet, forbid another use. */
  #release(idleMs: number): void {
    this.#user = undefined;
    if (this.#pending !== undefined || this.isSpent || !this.out.isFlushed) {
      this.destroy();
      return;
    }
    this.carried++;
    this.#idleUntilTick = this.#sweep.deadline(idleMs);
    this.#owner.onIdle(this);
  }

  #close(): void {
    this.isSpent = true;
    this.#sweep.remove(this);
    this.#owner.onGone(this);
    this.#isGone = true;
    this.#settle();
  }

  /** Tells of the end, unless the user has still to take what came before it. */
  #settle(): void {
    const user = this.#user;
    if (this.#pending !== undefined && user?.isPaused === true) return;
    if (this.#hasEnded) {
      this.#hasEnded = false;
      if (user?.onEnd() !== true) this.out.end();
    }
    if (!this.#isGone) return;
    this.#user = undefined;
    user?.onClose(this.#cause);
  }
}
