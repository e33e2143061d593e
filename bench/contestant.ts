// Whoever proxies: the same upstream, the same load, one after another.

import { countRequests } from './management.ts';
import { startNginx } from './nginx.ts';
import type { Stage } from './stage.ts';
import type { Tollgate } from './tollgate.ts';

const CHECK_TIMEOUT_MS = 5000;
/** The name that the supervisor gives its threads. */
const GATEWAY_THREAD = /^gateway-\d+$/;

export interface Contestant {
  readonly name: string;
  /** What it does for each request. */
  readonly work: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly pid: number;
  /** Whether a thread of this name carries requests; the others of the process count as company. */
  readonly carriesRequests: (threadName: string) => boolean;
  /** How many requests its log holds from a time on, where it keeps one. */
  readonly countRecords?: (since: Date) => Promise<number>;
}

export interface BareNginxPlan {
  readonly file: string;
  readonly core: number;
  /** The upstream's origin. */
  readonly upstream: string;
}

export async function startBareNginx(stage: Stage, { file, core, upstream }: BareNginxPlan): Promise<Contestant> {
  const { url, pid } = await startNginx(stage, {
    file,
    name: 'proxy',
    core,
    http: `upstream bench { server ${new URL(upstream).host}; keepalive 1024; keepalive_requests 1000000000; }`,
    server: 'location / { proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection ""; }',
  });
  return { name: 'nginx', work: 'proxy_pass, nothing else', url, headers: {}, pid, carriesRequests: () => true };
}

export interface Keys {
  /** The operator's. */
  readonly adminKey: string;
  /** One with three limits. */
  readonly apiKey: string;
}

/** Tollgate twice, as one process: bare forwarding, and with everything on. The request log is always on. */
export function toTollgateContestants({ origin, pid }: Tollgate, keys: Keys): Contestant[] {
  const carriesRequests = (threadName: string): boolean => GATEWAY_THREAD.test(threadName);
  const management = { origin, apiKey: keys.adminKey };
  const serve = (path: string) => ({
    url: origin + path,
    pid,
    carriesRequests,
    countRecords: (since: Date) => countRequests(management, path, since),
  });
  return [
    { ...serve('/bench/open'), name: 'tollgate bare', work: 'no key, log record', headers: {} },
    {
      ...serve('/bench/keyed'),
      name: 'tollgate all on',
      work: 'key, three limit windows, limit headers, log record',
      headers: { 'X-API-Key': keys.apiKey },
    },
  ];
}

/** Refuses a contestant that does not do its work: what is measured must be the real answer, not a quick refusal. */
export async function checkContestant({ name, url, headers }: Contestant, bodyBytes: number): Promise<void> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
  const body = await response.text();
  if (response.status !== 200 || body !== 'x'.repeat(bodyBytes))
    throw new Error(`${name} answers with ${response.status}: ${body.slice(0, 300)}`);
  const isLimited = response.headers.has('x-ratelimit-limit');
  if (isLimited !== Object.hasOwn(headers, 'X-API-Key'))
    throw new Error(`${name} answers ${isLimited ? 'with' : 'without'} limit headers`);
}
