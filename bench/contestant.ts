// Whoever proxies: the same upstream, the same load, one after another.

import { countRequests, type Period } from './management.ts';
import { startNginx, type CertificateFiles } from './nginx.ts';
import { KEYED, OPEN } from './routes.ts';
import type { Stage } from './stage.ts';
import { isGatewayThread, type Tollgate } from './tollgate.ts';

export interface Contestant {
  readonly name: string;
  /** What it does for each request. */
  readonly work: string;
  readonly origin: string;
  /** Absent where it does not speak TLS. */
  readonly tlsOrigin?: string;
  /** What the paths begin with. */
  readonly prefix: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly pid: number;
  /** Whether a thread of this name carries requests; the others of the process count as company. */
  readonly carriesRequests: (threadName: string) => boolean;
  /** How many requests for a path its log holds of a period, where it keeps one that can be asked. */
  readonly countRecords?: (path: string, period: Period) => Promise<number>;
}

/** One that is a process of its own. */
export interface Stoppable extends Contestant {
  readonly stop: () => Promise<void>;
}

/** The contestant beside which the others are measured. */
export const PEER = 'nginx';
export const BARE = 'tollgate bare';
export const ALL_ON = 'tollgate all on';

export interface Keys {
  /** The operator's. */
  readonly adminKey: string;
  /** One with three limits that are never reached. */
  readonly apiKey: string;
  /** One that may call once a minute. */
  readonly tightKey: string;
}

export interface ProxyPlan {
  readonly file: string;
  readonly core: number;
  /** The upstream's origin. */
  readonly upstream: string;
  readonly certificate: CertificateFiles;
}

/** How nginx reaches the upstream, with Lua and without. */
export function toUpstreamBlock(upstream: string): string {
  return `upstream bench { server ${new URL(upstream).host}; keepalive 1024; keepalive_requests 1000000000; }`;
}

// Bodies stream both ways, as in Tollgate, and through buffers of its size: with nginx's own, which are smaller, long bodies cost it twice as
// much, and short ones no less.
export const PROXY_PASS = `proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
      client_body_buffer_size 64k;
      client_max_body_size 0;`;

export async function startBareNginx(stage: Stage, plan: ProxyPlan, folder = 'proxy'): Promise<Stoppable> {
  const nginx = await startNginx(stage, {
    ...plan,
    name: folder,
    http: toUpstreamBlock(plan.upstream),
    server: `location / { ${PROXY_PASS} }`,
  });
  return {
    ...nginx,
    name: PEER,
    work: 'proxy_pass, nothing else',
    prefix: OPEN,
    headers: {},
    carriesRequests: () => true,
  };
}

/** Tollgate takes part twice, as one process; the request log is always on. */
export const OURS = [
  { name: BARE, work: 'no key, log record' },
  { name: ALL_ON, work: 'key, three limit windows, limit headers, log record' },
] as const;

export function toTollgateContestants({ origin, tlsOrigin, pid }: Tollgate, keys: Keys): Contestant[] {
  const management = { origin, apiKey: keys.adminKey };
  const shared = {
    origin,
    tlsOrigin,
    pid,
    carriesRequests: isGatewayThread,
    countRecords: (path: string, period: Period) => countRequests(management, path, period),
  };
  const [bare, allOn] = OURS;
  return [
    { ...shared, ...bare, prefix: OPEN, headers: {} },
    { ...shared, ...allOn, prefix: KEYED, headers: { 'X-API-Key': keys.apiKey } },
  ];
}
