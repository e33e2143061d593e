// The calls of the management API that a run needs.

import { KEYED, OPEN, ROUTES } from './routes.ts';

export interface Management {
  readonly origin: string;
  readonly apiKey: string;
}

const PREFIX = '/bench';
const CALL_TIMEOUT_MS = 60_000;
/** Never reached: what is measured is counting, not refusing. */
const ENDLESS = 1_000_000_000;
/** The list of requests counts to 100,000, and no contestant answers as many in a second. */
const COUNTED_MS = 1000;

/** Makes the first operator. */
export async function setUp(origin: string): Promise<Management> {
  const answer = await call({ origin, apiKey: '' }, 'POST', '/setup', { name: 'Bench', email: 'bench@example.com' });
  return { origin, apiKey: textAt(answer, 'apiKey') };
}

/** A gateway with every route twice: for anybody, and for those who have a key. */
export async function publishBench(management: Management, upstream: string): Promise<void> {
  const gateway = await call(management, 'POST', '/api/v1/gateways', {
    name: 'bench',
    routePrefix: PREFIX,
    upstreamServices: [{ name: 'upstream', targets: [{ url: upstream }] }],
  });
  const path = `/api/v1/gateways/${textAt(gateway, 'data', 'id')}`;
  for (const prefix of [OPEN, KEYED]) {
    for (const route of ROUTES) {
      await call(management, 'POST', `${path}/endpoints`, {
        method: route.method,
        path: prefix.slice(PREFIX.length) + route.path,
        service: 'upstream',
        authRequired: prefix === KEYED,
      });
    }
  }
  await call(management, 'POST', `${path}/deploy`, {});
}

/** A key with limits per minute, hour and day. */
export async function issueKey(management: Management, requestsPerMinute = ENDLESS): Promise<string> {
  const key = await call(management, 'POST', '/api/v1/keys', {
    name: 'bench',
    rateLimit: { requestsPerMinute, requestsPerHour: ENDLESS, requestsPerDay: ENDLESS },
  });
  return textAt(key, 'data', 'apiKey');
}

/** So many keys, so many calls at a time. The operator's own limit is raised for it. */
export async function makeManyKeys(management: Management, count: number, atOnce: number): Promise<void> {
  const own = await call(management, 'GET', '/api/v1/keys?sortOrder=asc&search=bench@example.com');
  const rateLimit = { requestsPerMinute: ENDLESS, requestsPerHour: ENDLESS, requestsPerDay: ENDLESS };
  await call(management, 'PUT', `/api/v1/keys/${textAt(own, 'data', '0', 'id')}`, { rateLimit });
  let left = count;
  const make = async (): Promise<void> => {
    while (left-- > 0) await call(management, 'POST', '/api/v1/keys', { name: 'bench', scopes: ['orders:read'] });
  };
  await Promise.all(Array.from({ length: atOnce }, make));
}

export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** How many requests for a path the log holds of a period. */
export async function countRequests(management: Management, path: string, { from, to }: Period): Promise<number> {
  let total = 0;
  for (let startMs = from.getTime(); startMs < to.getTime(); startMs += COUNTED_MS) {
    const query = new URLSearchParams({
      path,
      startDate: new Date(startMs).toISOString(),
      endDate: new Date(Math.min(startMs + COUNTED_MS, to.getTime())).toISOString(),
      pageSize: '1',
    });
    const counted = at(await call(management, 'GET', `/api/v1/requests?${query.toString()}`), ['meta', 'total']);
    if (typeof counted !== 'number') throw new Error('the list of requests has no total');
    total += counted;
  }
  return total;
}

async function call(management: Management, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(management.origin + path, {
    method,
    headers: {
      ...(management.apiKey !== '' && { 'x-api-key': management.apiKey }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${answer}`);
  return JSON.parse(answer);
}

function textAt(answer: unknown, ...path: readonly string[]): string {
  const value = at(answer, path);
  if (typeof value !== 'string') throw new Error(`the answer has no text at ${path.join('.')}`);
  return value;
}

function at(answer: unknown, path: readonly string[]): unknown {
  let value = answer;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = new Map<string, unknown>(Object.entries(value)).get(name);
  }
  return value;
}
