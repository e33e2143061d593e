// The cells of one gateway in a thread's part of the counts: for each class of status how many requests took how long, and a few numbers
// that stand for themselves. A cell is a number with a fraction, exact up to 2^53 requests, read and written whole on 64-bit machines.

import type { Exchange } from './exchange.ts';

/** The longest time that counts to each step, in seconds; what takes longer counts to a last step of its own. */
export const DURATION_STEPS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
const STEPS_MS = Float64Array.from(DURATION_STEPS_SECONDS, (seconds) => seconds * 1000);
const STEPS = STEPS_MS.length + 1;

/** Of what status a request ended with, its first digit; 1xx are those that went on as a WebSocket. */
export const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];
const SERVER_ERROR = 4;
/** A caller who left before the end, as in records (record.ts). */
const CLIENT_ERROR = 3;

/** Each class has its steps, and the sum of the seconds. */
const CLASS_CELLS = STEPS + 1;
const RATE_LIMITED = STATUS_CLASSES.length * CLASS_CELLS;
const UNAUTHENTICATED = RATE_LIMITED + 1;
const FAILED = UNAUTHENTICATED + 1;
export const GATEWAY_CELLS = FAILED + 1;

export interface GatewayCounts {
  readonly gateway: string;
  readonly classes: readonly ClassCounts[];
  /** Refused because a limit was used up. */
  readonly rateLimited: number;
  /** Refused for want of a credential that counts. */
  readonly unauthenticated: number;
  /** Answered by Tollgate itself with a status of 500 and above: the service could not be reached, was too slow, was not called … */
  readonly failed: number;
}

export interface ClassCounts {
  readonly status: StatusClass;
  /** How many took so long, step by step; the last counts all that took longer. */
  readonly steps: readonly number[];
  readonly seconds: number;
}

export class RequestCountCells {
  readonly #cells: Float64Array;

  constructor(cells: Float64Array) {
    this.#cells = cells;
  }

  count(row: number, exchange: Exchange, durationMs: number): void {
    const at = row * GATEWAY_CELLS;
    const statusClass = exchange.clientGone ? CLIENT_ERROR : classOf(exchange.status);
    const ofClass = at + statusClass * CLASS_CELLS;
    this.#add(ofClass + stepOf(durationMs), 1);
    this.#add(ofClass + STEPS, durationMs / 1000);
    if (exchange.rateLimited) this.#add(at + RATE_LIMITED, 1);
    if (exchange.authFailed) this.#add(at + UNAUTHENTICATED, 1);
    if (statusClass === SERVER_ERROR && exchange.errorCode !== undefined) this.#add(at + FAILED, 1);
  }

  #add(at: number, value: number): void {
    this.#cells[at] = (this.#cells[at] ?? 0) + value;
  }
}

export function toGatewayCounts(gateway: string, cells: Float64Array): GatewayCounts {
  const cell = (at: number): number => cells[at] ?? 0;
  return {
    gateway,
    classes: STATUS_CLASSES.map((status, i) => ({
      status,
      steps: Array.from({ length: STEPS }, (_, step) => cell(i * CLASS_CELLS + step)),
      seconds: cell(i * CLASS_CELLS + STEPS),
    })),
    rateLimited: cell(RATE_LIMITED),
    unauthenticated: cell(UNAUTHENTICATED),
    failed: cell(FAILED),
  };
}

/** What has no status has failed. */
function classOf(status: number): number {
  return status >= 100 && status < 600 ? Math.trunc(status / 100) - 1 : SERVER_ERROR;
}

function stepOf(durationMs: number): number {
  let step = 0;
  while (step < STEPS_MS.length && durationMs > (STEPS_MS[step] ?? Infinity)) step++;
  return step;
}
