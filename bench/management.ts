// The calls of the management API that a run needs.

export interface Management {
  readonly origin: string;
  readonly apiKey: string;
}

const CALL_TIMEOUT_MS = 30_000;
/** Never reached: what is measured is counting, not refusing. */
const ENDLESS = 1_000_000_000;

/** Makes the first operator. */
export async function setUp(origin: string): Promise<Management> {
  const answer = await call({ origin, apiKey: '' }, 'POST', '/setup', { name: 'Bench', email: 'bench@example.com' });
  return { origin, apiKey: textAt(answer, 'apiKey') };
}

/** A gateway with `/bench/open`, which anybody may call, and `/bench/keyed`, which takes a key. */
export async function publishBench(management: Management, upstream: string): Promise<void> {
  const gateway = await call(management, 'POST', '/api/v1/gateways', {
    name: 'bench',
    routePrefix: '/bench',
    upstreamServices: [{ name: 'upstream', targets: [{ url: upstream }] }],
  });
  const path = `/api/v1/gateways/${textAt(gateway, 'data', 'id')}`;
  const endpoint = { method: 'GET', service: 'upstream' };
  await call(management, 'POST', `${path}/endpoints`, { ...endpoint, path: '/open', authRequired: false });
  await call(management, 'POST', `${path}/endpoints`, { ...endpoint, path: '/keyed', authRequired: true });
  await call(management, 'POST', `${path}/deploy`, {});
}

/** A key with limits per minute, hour and day. */
export async function issueKey(management: Management): Promise<string> {
  const key = await call(management, 'POST', '/api/v1/keys', {
    name: 'bench',
    rateLimit: { requestsPerMinute: ENDLESS, requestsPerHour: ENDLESS, requestsPerDay: ENDLESS },
  });
  return textAt(key, 'data', 'apiKey');
}

/** How many requests for a path the log holds from a time on; it counts to 100,000. */
export async function countRequests(management: Management, path: string, since: Date): Promise<number> {
  const query = new URLSearchParams({ path, startDate: since.toISOString(), pageSize: '1' });
  const total = at(await call(management, 'GET', `/api/v1/requests?${query.toString()}`), ['meta', 'total']);
  if (typeof total !== 'number') throw new Error('the list of requests has no total');
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
