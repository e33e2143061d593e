// A million wrong keys, each another one and well-formed, at a gateway thread's memory and the look-up behind it.

import { createCredentialSource } from '../src/control/publish/credential-source.ts';
import { loadCredentials } from '../src/control/publish/credentials.ts';
import type { OpenedDatabase } from '../src/db/open.ts';
import { createCredentialCache } from '../src/gateway/credential-cache.ts';
import { newKeyText } from '../src/lib/key-text.ts';
import { apiKey } from '../src/policies/api-key.ts';
import { createDeps, createExchange } from '../test/harness/data-plane.ts';
import type { Figure, Notebook } from './figures.ts';
import { collectGarbage, toMegabytes } from './memory.ts';

const WRONG_KEYS = 1_000_000;
const AT_ONCE = 500;
const LOOK_EVERY = 100_000;
/** What the engine's own doings take and give. */
const FLAT_BYTES = 2 * 1024 * 1024;

export async function measureFlood({ lookups }: OpenedDatabase, { note }: Pick<Notebook, 'note'>): Promise<Figure[]> {
  let queries = 0;
  const source = createCredentialSource({
    load(publicIds) {
      queries++;
      return loadCredentials(lookups, publicIds, {});
    },
    onAway: (cause) => console.error(cause),
    onBack: () => undefined,
  });
  const cache = createCredentialCache({
    ask(publicId, id) {
      void source
        .find(publicId)
        .then((credential) =>
          cache.answer(publicId, id, credential === undefined ? { state: 'unknown' } : { state: 'known', credential }),
        );
    },
    nowMs: () => performance.now(),
    limits: { entries: 10_000, ageMs: 300_000, awayMs: 900_000 },
  });
  const policy = apiKey.compile({}, createDeps([], { credentials: cache }));
  const attempt = async (): Promise<void> => {
    const { exchange } = createExchange({ headers: ['X-API-Key', newKeyText('tg_live').text] });
    const reply = await policy.onRequest?.(exchange);
    if (reply?.status !== 401) throw new Error('a wrong key was not refused with 401');
  };

  const held: number[] = [];
  for (let tried = 0; tried < WRONG_KEYS; tried += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, attempt));
    if ((tried + AT_ONCE) % LOOK_EVERY === 0) held.push(collectGarbage());
  }
  note(`memory after each ${LOOK_EVERY} wrong keys: ${held.map(toMegabytes).join(', ')}`);
  const growth = (held.at(-1) ?? 0) - (held[0] ?? 0);
  return [
    {
      what: `growth of memory from the first ${LOOK_EVERY} to ${WRONG_KEYS} wrong keys`,
      value: toMegabytes(growth),
      goal: `flat: ≤ ${toMegabytes(FLAT_BYTES)}`,
      isMet: growth <= FLAT_BYTES,
    },
    { what: 'wrong keys for each query to the database', value: (WRONG_KEYS / queries).toFixed(0), goal: '' },
  ];
}
