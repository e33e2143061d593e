// Where days and months begin in a time zone, across all changes of its clocks.
//
// No arithmetic with offsets: the begin of a day is the first minute whose local date is that day, looked for by halving. So days of 23
// and 25 hours, days that begin at 01:00 because midnight was skipped, and dates that never were all come out right.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** No zone is further from UTC, nor skips or repeats more than a day at once. */
const MARGIN_MS = 48 * HOUR_MS;

export interface Zone {
  /** When the local day begins that comes so many days after the one that holds the moment. Milliseconds since the epoch. */
  dayStartMs(nowMs: number, ahead: number): number;
  monthStartMs(nowMs: number, ahead: number): number;
}

export function isTimeZone(name: string): boolean {
  try {
    createFormat(name);
    return true;
  } catch {
    return false;
  }
}

/** By its IANA name, such as `Europe/Berlin`. Throws a RangeError when the system does not know it. */
export function createZone(name: string): Zone {
  const format = createFormat(name);
  // Local midnight of a date, if clocks were UTC: dates become numbers that can be compared.
  const localDate = (epochMs: number): number => {
    const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(parts.get('year') ?? 0, (parts.get('month') ?? 1) - 1, parts.get('day') ?? 1);
  };
  const firstMinuteOf = (date: number): number => {
    let before = (date - MARGIN_MS) / MINUTE_MS;
    let after = (date + MARGIN_MS) / MINUTE_MS;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (localDate(middle * MINUTE_MS) >= date) after = middle;
      else before = middle;
    }
    return after * MINUTE_MS;
  };

  return {
    dayStartMs(nowMs, ahead) {
      return firstMinuteOf(localDate(nowMs) + ahead * 24 * HOUR_MS);
    },
    monthStartMs(nowMs, ahead) {
      const today = new Date(localDate(nowMs));
      return firstMinuteOf(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + ahead, 1));
    },
  };
}

function createFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  });
}
