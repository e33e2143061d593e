// Taking over keys that were made elsewhere, by their hashes: nobody has to hand out new ones.

import { Type, type Static } from 'typebox';
import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { digestOf, toForeignId, toOwnForeignId } from '../../lib/foreign-key-text.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { checkDefined } from '../defined-scopes.ts';
import { toForeignRow } from '../issue-key.ts';
import { operation, type AuthorizedContext } from '../operation.ts';
import { checkGrant } from '../permissions.ts';
import { closed, optional, text } from '../schema-parts.ts';
import { announceKeys } from './announce.ts';
import { checkPlaced, type PlacedScope } from './grants.ts';
import { mintOf, toOrder } from './make.ts';
import { checkOwnLimits, findOwner, ownerId } from './owner.ts';
import { showing } from './present.ts';
import { keyFaults } from './rules.ts';
import { clientId, Key, keyTerms } from './schema.ts';
import { findTakenPublicIds, insertNewKeys, type KeyRow, type NewKeyRow } from './store.ts';

/** Each leaves an audit entry and an event, all in one transaction. */
const MAX_IMPORTED = 500;

const ForeignKey = closed({
  hash: text(64, 'SHA-256 of the text of the key, in hexadecimal digits.', { format: 'sha256' }),
  keyPrefix: text(16, 'How the key begins, to tell keys apart by. Never all of it.'),
  lastCharacters: optional(text(4, 'How the key ends.')),
  ...keyTerms,
});

const ImportKeys = closed({
  clientId: optional(clientId),
  keys: Type.Array(ForeignKey, { minItems: 1, maxItems: MAX_IMPORTED, description: 'All of them, or none.' }),
});
type ImportKeys = Static<typeof ImportKeys>;

export const importKeys = operation(['admin:keys:create', 'keys:create'], {
  id: 'importKeys',
  method: 'POST',
  path: '/keys/import',
  summary: 'Take over keys that were made elsewhere',
  description:
    'By the SHA-256 hash of each text; who has such a key goes on calling with it. The text must be 16 to 256 visible characters of ASCII without spaces. A weak text stays weak: rotate such keys soon.',
  tag: 'Keys',
  body: ImportKeys,
  replies: { 201: closed({ keys: Type.Array(Key, { description: 'In the order of the request.' }) }) },
  faults: ({ body }, { nowMs }) => importFaults(body.keys ?? [], nowMs),
  async handle({ body }, context) {
    const { services, principal } = context;
    const scopes = body.keys.flatMap(({ scopes: own = [] }, i) =>
      own.map((scope, j): PlacedScope => ({ scope, path: `body.keys[${i}].scopes[${j}]` })),
    );
    await checkPlaced(scopes, async (plain) => checkGrant(plain, principal));
    for (const key of body.keys) checkOwnLimits(principal, key);
    const { rows, data } = await inTenant(services.db, principal, async (trx) => {
      const taken = await takeOver(trx, context, body, scopes);
      const show = await showing(trx, context, taken);
      return { rows: taken, data: { keys: taken.map(show) } };
    });
    // Whoever has such a key may have tried it already, and been remembered as unknown.
    await services.dataPlane.forgetCredentials(rows.map((row) => row.public_id));
    return { status: 201, data };
  },
});

async function takeOver(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  { keys, ...terms }: ImportKeys,
  scopes: readonly PlacedScope[],
): Promise<KeyRow[]> {
  const publicIds = keys.map(({ hash }) => toForeignId(hash.toLowerCase()));
  const { principal, services } = context;
  await checkPlaced(scopes, (plain) =>
    checkDefined(trx, principal, services.undefinedScopes, { scopes: plain, path: 'body.scopes' }),
  );
  // Counted first: the client of the keys stays until they are there.
  await bumpVersion(trx, publicIds);
  const owner = ownerId(principal, terms);
  if (owner !== undefined) await checkPlaced(scopes, (plain) => findOwner(trx, context, owner, plain));
  const own = (publicId: string): string => toOwnForeignId(publicId, principal.tenantId);
  const taken = await findTakenPublicIds(trx, principal, [...publicIds, ...publicIds.map(own)]);
  const isTaken = (publicId: string): boolean => taken.has(publicId) || taken.has(own(publicId));
  if (taken.size > 0) {
    const errors = publicIds.flatMap((publicId, i) =>
      isTaken(publicId) ? [{ path: `body.keys[${i}].hash`, message: 'was imported before' }] : [],
    );
    throw new Problem('key_exists', { errors });
  }
  const wanted = keys.map((key) => toRow(context, { ...terms, ...key }));
  const made = new Map((await insertNewKeys(trx, wanted)).map((row) => [row.id, row]));
  // Another tenant has taken the key over before: that is nobody's business, and no reason to refuse it.
  const others = wanted.filter((row) => !made.has(row.id));
  for (const row of others) row.public_id = own(row.public_id);
  const again = await insertNewKeys(trx, others);
  for (const row of again) made.set(row.id, row);
  const rows = wanted.flatMap((row) => made.get(row.id) ?? []);
  if (rows.length < wanted.length) throw new Problem('key_exists');
  const show = await showing(trx, context, rows);
  await announceKeys(
    trx,
    rows.map((after) => ({ context, changed: { action: 'import', after }, show })),
  );
  return rows;
}

function toRow(
  context: AuthorizedContext,
  { hash, keyPrefix, lastCharacters, ...wish }: ImportKeys['keys'][number] & Pick<ImportKeys, 'clientId'>,
): NewKeyRow {
  const foreign = { digest: hash.toLowerCase(), keyPrefix, lastCharacters: lastCharacters ?? null };
  return toForeignRow(toOrder(context, wish), foreign, mintOf(context));
}

function importFaults(keys: ImportKeys['keys'], nowMs: number): Fault[] {
  const places = new Map<string, string>();
  return keys.flatMap((key, i) => {
    const at = `body.keys[${i}]`;
    const digest = key.hash.toLowerCase();
    const faults = keyFaults(key, nowMs, at);
    const before = places.get(toForeignId(digest));
    if (before !== undefined) faults.push({ path: `${at}.hash`, message: `is the same as ${before}.hash` });
    places.set(toForeignId(digest), before ?? at);
    const shown = key.keyPrefix + (key.lastCharacters ?? '');
    if ([key.keyPrefix, shown].some((part) => digestOf(part) === digest))
      faults.push({ path: `${at}.keyPrefix`, message: 'gives the key away: send less of it' });
    return faults;
  });
}
