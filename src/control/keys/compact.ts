// Keys on the compact surface: bare bodies, times in milliseconds since the epoch.

import { Type, type Static } from 'typebox';
import { closed, oneOf, optional } from '../schema-parts.ts';
import { status, type Key, type NewKey, type RevokedKey } from './schema.ts';

const epochMs = (about: string) => Type.Integer({ description: `${about}, in milliseconds since 1970.` });

const compactKeyFields = {
  id: Type.String(),
  name: Type.String(),
  owner: optional(Type.String()),
  scopes: Type.Array(Type.String()),
  status,
  createdAt: epochMs('When it was made'),
  expiresAt: optional(epochMs('When it stops to work')),
  lastUsedAt: optional(epochMs('When it was used last')),
};

export const CompactKey = closed(compactKeyFields);

export const CompactNewKey = closed({
  ...compactKeyFields,
  key: Type.String({ description: 'The key itself, shown this once.' }),
});

export const CompactKeyList = closed({
  keys: Type.Array(CompactKey),
  count: Type.Integer({ description: 'Keys in this answer.' }),
  cursor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Leads to the next page; null at the end.',
  }),
});

export const CompactRevokedKey = closed({
  id: Type.String(),
  status: oneOf(['revoked'], ''),
  revokedAt: epochMs('When it was revoked'),
});

export const CompactRotation = closed({
  newKey: CompactNewKey,
  oldKey: closed({ id: Type.String(), status, expiresAt: epochMs('Until when it works') }),
});

export function toCompactKey(key: Key): Static<typeof CompactKey> {
  return {
    id: key.id,
    name: key.name,
    ...(key.owner !== undefined && { owner: key.owner }),
    scopes: key.scopes,
    status: key.status,
    createdAt: Date.parse(key.createdAt),
    ...(key.expiresAt !== undefined && { expiresAt: Date.parse(key.expiresAt) }),
    ...(key.lastUsedAt !== undefined && { lastUsedAt: Date.parse(key.lastUsedAt) }),
  };
}

export function toCompactNewKey(key: NewKey): Static<typeof CompactNewKey> {
  return { ...toCompactKey(key), key: key.key };
}

export function toCompactRevokedKey({ revokedAt, ...rest }: RevokedKey): Static<typeof CompactRevokedKey> {
  return { ...rest, revokedAt: Date.parse(revokedAt) };
}
