// The windows of the calendar in which requests are counted: minutes and hours of UTC, days and months of UTC or of a time zone. Pure.
//
// Unix time has no leap seconds, so minutes, hours and days of UTC all begin at whole multiples of their length since the epoch. Months,
// and days of a zone with daylight saving, have to be looked up; that is done once for each window, and not for each request.

import { createZone, type Zone } from './time-zone.ts';

export const WINDOW_NAMES = ['minute', 'hour', 'day', 'month'] as const;

export type WindowName = (typeof WINDOW_NAMES)[number];

/** How long a window lasts; of months, the longest. A day in which the clocks go back is an hour longer. */
export const WINDOW_SECONDS: Readonly<Record<WindowName, number>> = {
  minute: 60,
  hour: 3600,
  day: 86_400,
  month: 2_678_400,
};

/** The window that holds a moment, and the one behind it. Milliseconds since the epoch; an end is the first one that is not inside. */
export class WindowClock {
  startMs = 0;
  endMs = 0;
  nextEndMs = 0;
  readonly #window: WindowName;
  readonly #zone: Zone | undefined;

  /** Without a time zone: UTC. Throws a RangeError for a zone that the system does not know. */
  constructor(window: WindowName, timeZone?: string) {
    this.#window = window;
    const isUtc = timeZone === undefined || timeZone === 'UTC' || window === 'minute' || window === 'hour';
    this.#zone = isUtc ? undefined : createZone(timeZone);
    this.turnTo(0);
  }

  turnTo(nowMs: number): void {
    if (nowMs >= this.startMs && nowMs < this.endMs) return;
    this.startMs = this.#begin(nowMs, 0);
    this.endMs = this.#begin(nowMs, 1);
    this.nextEndMs = this.#begin(nowMs, 2);
  }

  /** The begin of the window that lies so many windows ahead. */
  #begin(nowMs: number, ahead: number): number {
    if (this.#window === 'month') return this.#zone?.monthStartMs(nowMs, ahead) ?? utcMonthStartMs(nowMs, ahead);
    if (this.#zone !== undefined) return this.#zone.dayStartMs(nowMs, ahead);
    const lengthMs = WINDOW_SECONDS[this.#window] * 1000;
    return (Math.floor(nowMs / lengthMs) + ahead) * lengthMs;
  }
}

function utcMonthStartMs(nowMs: number, ahead: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1);
}
