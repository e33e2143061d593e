// What the script is told and what it answers, as take-script.ts lays it down: lists of numbers of 32 bits, the low byte first.

import type { WindowClock } from '../lib/window.ts';
import type { OrderedSet, Shape } from './redis-checks.ts';
import { OPERATIONS } from './take-script.ts';

const MINUTE_MS = 60_000;
const BYTES = 4;
/** The time, and how much of what comes. */
const HEAD = 5;
const WINDOW = 3;
const SHAPE_HEAD = 2;
const SHAPED_CHECK = 6;
const REQUEST_HEAD = 4;
const REPLY_HEAD = 2;
const TALLY = 3;
const MAX_NUMBER = 2 ** 32 - 1;

/** What the script is to do for one request. */
export interface Order {
  readonly operation: keyof typeof OPERATIONS;
  readonly set: OrderedSet;
  readonly cost: number;
  /** For take, leave and renew the name of the place, or the names with blanks between them; else nothing. */
  readonly names: string;
  /** For refund the minute in which it was counted, for merge the one in which its window ends. */
  readonly minute: number;
}

export interface Program {
  readonly keys: readonly string[];
  readonly numbers: Buffer;
  readonly names: readonly string[];
}

/**
 * `atMs` is the moment by the server's clock, as well as it is known: which windows are told depends on it. `givenMs`, for tests, is the
 * moment that the script goes by in place of the server's clock.
 */
export function toProgram(orders: readonly Order[], atMs: number, givenMs: number | undefined): Program {
  const keys = new Map<string, number>();
  /** Of the keys of all orders, in their order. */
  const keyNumbers: number[] = [];
  const windows = new Map<WindowClock, number>();
  const shapes = new Map<Shape, number>();
  let size = HEAD;
  for (const { set } of orders) {
    size += REQUEST_HEAD + set.keys.length;
    for (const key of set.keys) keyNumbers.push(numberIn(keys, key));
    if (shapes.has(set.shape)) continue;
    shapes.set(set.shape, shapes.size + 1);
    size += SHAPE_HEAD + SHAPED_CHECK * set.shape.checks.length;
    for (const { clock } of set.shape.checks)
      if (clock !== undefined && !windows.has(clock)) windows.set(clock, windows.size + 1);
  }
  const writer = new Writer(size + WINDOW * windows.size);
  writer
    .time(givenMs ?? 0)
    .number(windows.size)
    .number(shapes.size)
    .number(orders.length);
  for (const clock of windows.keys()) {
    clock.turnTo(atMs);
    writer.minute(clock.startMs).minute(clock.endMs).minute(clock.nextEndMs);
  }
  for (const shape of shapes.keys()) writeShape(writer, shape, windows);
  const names: string[] = [];
  let nextKey = 0;
  for (const order of orders) {
    const { operation, set, cost } = order;
    writer
      .number(OPERATIONS[operation])
      .number(shapes.get(set.shape) ?? 0)
      .number(cost);
    // The list of numbers is the first argument.
    writer.number(order.names === '' ? order.minute : names.push(order.names) + 1);
    for (let i = 0; i < set.keys.length; i++) writer.number(keyNumbers[nextKey++] ?? 0);
  }
  return { keys: [...keys.keys()], numbers: writer.buffer, names };
}

/** From 1; a new one is the last. */
function numberIn(numbers: Map<string, number>, key: string): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size + 1);
  return numbers.size;
}

function writeShape(writer: Writer, shape: Shape, windows: ReadonlyMap<WindowClock, number>): void {
  writer.number(shape.keys).number(shape.checks.length);
  for (const { kind, key, place, clock, capacity, refill } of shape.checks) {
    const window = clock === undefined ? 0 : (windows.get(clock) ?? 0);
    writer.number(kind).number(key).number(place).number(window).number(capacity).number(refill);
  }
}

class Writer {
  readonly buffer: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(numbers: number) {
    this.buffer = Buffer.allocUnsafe(numbers * BYTES);
    this.#view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.byteLength);
  }

  number(value: number): this {
    this.#view.setUint32(this.#at, Math.min(value, MAX_NUMBER), true);
    this.#at += BYTES;
    return this;
  }

  minute(atMs: number): this {
    return this.number(atMs / MINUTE_MS);
  }

  time(atMs: number): this {
    const minute = Math.floor(atMs / MINUTE_MS);
    return this.number(minute).number(atMs - minute * MINUTE_MS);
  }
}

/** What the script answered to some orders. */
export interface Reply {
  readonly atMs: number;
  /** The windows that came with the call were not those of the server's clock: nothing was done. */
  readonly isOtherTime: boolean;
  readonly bytes: DataView;
}

/** Throws for an answer in another form. */
export function parseReply(reply: unknown, orders: readonly Order[]): Reply {
  if (!(reply instanceof Uint8Array)) throw new Error('the script answered with something else than bytes');
  const bytes = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  let numbers = REPLY_HEAD;
  for (const { set } of orders) numbers += 1 + TALLY * set.shape.checks.length;
  const isOtherTime = bytes.byteLength === REPLY_HEAD * BYTES;
  if (!isOtherTime && bytes.byteLength !== numbers * BYTES) throw new Error('the script answered in another form');
  return { atMs: bytes.getUint32(0, true) * MINUTE_MS + bytes.getUint32(BYTES, true), isOtherTime, bytes };
}

/** Goes through the answers, one order after the other. */
export class ReplyReader {
  readonly #reply: Reply;
  #at = REPLY_HEAD * BYTES;

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  /** Fills the meters of the next order in; whether it was admitted. */
  next({ set: { meters, shape } }: Order): boolean {
    const { bytes, atMs } = this.#reply;
    const isAdmitted = bytes.getUint32(this.#at, true) === 1;
    let at = this.#at + BYTES;
    this.#at = at + TALLY * BYTES * shape.checks.length;
    for (const meter of meters) {
      meter.count = bytes.getUint32(at, true);
      meter.endMinute = bytes.getUint32(at + BYTES, true);
      meter.rest = bytes.getUint32(at + 2 * BYTES, true);
      meter.turn(atMs);
      at += TALLY * BYTES;
    }
    return isAdmitted;
  }
}
