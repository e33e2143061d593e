// What `wrk --latency` prints at its end, as numbers.

import type { LoadReport } from './load.ts';

const UNIT_MS = new Map([
  ['us', 0.001],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

export function parseWrkReport(text: string): LoadReport {
  const [, answered = '', time = ''] = find(text, /^\s*(\d+) requests in (\S+),/m);
  const refused = Number(/^\s*Non-2xx or 3xx responses: (\d+)$/m.exec(text)?.[1] ?? 0);
  const broken =
    /^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$/m.exec(text)?.slice(1) ?? [];
  return {
    seconds: parseMs(time) / 1000,
    requests: Number(answered) - refused,
    errors: broken.reduce((total, count) => total + Number(count), refused),
    p50Ms: parseMs(find(text, /^\s*50%\s+(\S+)\s*$/m)[1]),
    p99Ms: parseMs(find(text, /^\s*99%\s+(\S+)\s*$/m)[1]),
  };
}

function parseMs(text: string | undefined): number {
  const [, digits = '', unit = ''] = /^([\d.]+)([a-z]+)$/.exec(text ?? '') ?? [];
  const unitMs = UNIT_MS.get(unit);
  if (unitMs === undefined || digits === '') throw new Error(`wrk told a time that is none: ${text}`);
  return Number(digits) * unitMs;
}

function find(text: string, pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(text);
  if (found === null) throw new Error(`wrk printed no report:\n${text.trim()}`);
  return found;
}
