// HTTP/2 in a closed loop: each stream is followed by the next one when it has its answer.

import type { Stage } from '../stage.ts';
import { parseH2loadReport } from './h2load-report.ts';
import { runToEnd, type Load, type LoadReport, type Target } from './load.ts';

/** Of each connection, as browsers have several. Requests under way are as many as in the other cases. */
const STREAMS = 8;
const ACTIVITY_TIMEOUT_SECONDS = 5;
/** What Node and wrk agree on; h2load alone would choose another. */
const CIPHER = 'TLS_AES_256_GCM_SHA384';

export async function runH2load(stage: Stage, { url, headers }: Target, load: Load): Promise<LoadReport> {
  const { h2load, seconds, connections, core } = load;
  if (h2load === undefined) throw new Error('h2load is not installed.');
  const args = [
    '--threads=1',
    `--clients=${Math.max(1, Math.round(connections / STREAMS))}`,
    `--max-concurrent-streams=${STREAMS}`,
    `--duration=${seconds}s`,
    `--connection-inactivity-timeout=${ACTIVITY_TIMEOUT_SECONDS}s`,
    `--tls13-ciphers=${CIPHER}`,
    ...Object.entries(headers).map(([name, value]) => `--header=${name.toLowerCase()}: ${value}`),
    url,
  ];
  return parseH2loadReport(await runToEnd(stage, { file: h2load, args, core }, seconds));
}
