// The fixed windows in which requests are counted, aligned to the UTC calendar. Pure.
//
// Unix time has no leap seconds, so minutes, hours and days of UTC all begin at whole multiples of their length since the epoch.

export type WindowName = 'minute' | 'hour' | 'day';

export const WINDOW_SECONDS: Readonly<Record<WindowName, number>> = { minute: 60, hour: 3600, day: 86_400 };

/** When the window that holds `nowMs` ends: the first millisecond that is not in it. Milliseconds since the epoch. */
export function windowEndMs(window: WindowName, nowMs: number): number {
  const lengthMs = WINDOW_SECONDS[window] * 1000;
  return (Math.floor(nowMs / lengthMs) + 1) * lengthMs;
}
