// What a remembered key costs: the processor time of its authentication, and the memory that it takes in each gateway thread.

import { createCredentialCache, type CredentialCache } from '../src/gateway/credential-cache.ts';
import type { Credential } from '../src/gateway/ports.ts';
import { apiKey } from '../src/policies/api-key.ts';
import { createDeps, createExchange, createKey, type FakeKey } from '../test/harness/data-plane.ts';
import { atMost, inMicroseconds, type Figure } from './figures.ts';
import { collectGarbage } from './memory.ts';
import { toSpread } from './statistics.ts';

const ROUNDS = 7;
const CALLS = 200_000;
const KEYS = 1000;
const PRINCIPALS = 20_000;
const GOAL_US = 2;
const LIMITS = { ageMs: 300_000, awayMs: 900_000 };

/** One whole step `api-key`: header, form, memory, proof, state. */
export async function measureCached(): Promise<Figure> {
  const keys = Array.from({ length: KEYS }, () => createKey({}, ['orders:read']));
  const cache = await remember(keys);
  const policy = apiKey.compile({}, createDeps([], { credentials: cache }));
  const exchanges = keys.map(
    ({ text }) =>
      createExchange({
        headers: ['Host', 'api.example.com', 'User-Agent', 'bench', 'Accept', '*/*', 'X-API-Key', text],
      }).exchange,
  );
  const call = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const exchange = exchanges[i % KEYS];
      if (exchange === undefined || policy.onRequest?.(exchange) !== undefined)
        throw new Error('a good key was refused');
    }
  };
  call(CALLS);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    call(CALLS);
    const { user, system } = process.cpuUsage(start);
    rounds.push((user + system) / CALLS);
  }
  const { median, min, max } = toSpread(rounds);
  const spread = `${inMicroseconds(min)} to ${inMicroseconds(max)}`;
  return atMost(`authentication of a remembered key, processor time (${spread})`, median, GOAL_US, inMicroseconds);
}

/** As structured cloning brings them to a thread: every credential with strings and buffers of its own. */
export async function measurePrincipals(): Promise<Figure> {
  const keys = Array.from({ length: PRINCIPALS }, () =>
    createKey({}, ['orders:read', 'orders:write', 'customers:read']),
  );
  const before = collectGarbage();
  const cache = await remember(keys, PRINCIPALS);
  const after = collectGarbage();
  const known = keys.filter(({ credential }) => cache.recall(credential.publicId) !== undefined).length;
  if (known !== PRINCIPALS) throw new Error(`${known} of ${PRINCIPALS} are remembered`);
  const bytes = Math.round((after - before) / PRINCIPALS);
  return { what: 'memory of a remembered key with three scopes', value: `${bytes} bytes`, goal: 'stated' };
}

async function remember(keys: readonly FakeKey[], entries = KEYS): Promise<CredentialCache> {
  const known = new Map(keys.map(({ credential }) => [credential.publicId, credential]));
  const cache = createCredentialCache({
    ask(publicId, id) {
      const credential: Credential = structuredClone(known.get(publicId) ?? fail());
      queueMicrotask(() => cache.answer(publicId, id, { state: 'known', credential }));
    },
    nowMs: () => performance.now(),
    limits: { entries, ...LIMITS },
  });
  const policy = apiKey.compile({}, createDeps([], { credentials: cache }));
  for (const { text } of keys) {
    const refused = await policy.onRequest?.(createExchange({ headers: ['X-API-Key', text] }).exchange);
    if (refused !== undefined) throw new Error('a good key was refused');
  }
  return cache;
}

function fail(): never {
  throw new Error('an unknown key was asked for');
}
