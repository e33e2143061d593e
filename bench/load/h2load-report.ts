// What h2load prints at its end, as numbers. It tells no percentiles.

import type { LoadReport } from './load.ts';

export function parseH2loadReport(text: string): LoadReport {
  const [, seconds] = find(text, /^finished in ([\d.]+)s, /m);
  // Those that errored or timed out are among the failed.
  const [, failed] = find(text, /^requests: .* (\d+) failed, /m);
  const [, ok, redirected] = find(text, /^status codes: (\d+) 2xx, (\d+) 3xx, /m);
  const protocol = /^Application protocol: (.*)$/m.exec(text)?.[1];
  if (protocol !== 'h2') throw new Error(`h2load spoke ${protocol ?? 'with nobody'}:\n${text.trim()}`);
  return {
    seconds: Number(seconds),
    requests: Number(ok) + Number(redirected),
    errors: Number(failed),
  };
}

function find(text: string, pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(text);
  if (found === null) throw new Error(`h2load printed no report:\n${text.trim()}`);
  return found;
}
