// What open-loop.lua prints, as numbers.

import type { LoadReport } from './load.ts';

export function parseOpenLoopReport(text: string): LoadReport {
  const due = read(text, 'due');
  const unanswered = read(text, 'unanswered');
  return {
    seconds: read(text, 'seconds'),
    requests: due - unanswered,
    errors: read(text, 'errors'),
    p50Ms: read(text, 'p50Ms'),
    p99Ms: read(text, 'p99Ms'),
    pace: { due, unanswered, lateP99Ms: read(text, 'lateP99Ms') },
  };
}

function read(text: string, name: string): number {
  const value = new RegExp(`^\\{.*"${name}":([\\d.]+)[,}]`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`the open loop printed no ${name}:\n${text.trim()}`);
  return Number(value);
}
