// Keys as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { MAX_REQUESTS, RateLimitSchema } from '../rate-limit.ts';
import { clearable, closed, givenTime, oneOf, optional, text, time } from '../schema-parts.ts';

const name = text(200, 'What the key is for, in words.');
const description = text(2_000, 'More about it.');
const owner = text(200, 'Who uses it.');
const scopes = Type.Array(Type.String({ format: 'scope' }), {
  maxItems: 50,
  description:
    'What the key may do: `resource:action`. Only what its maker holds; operators may also give scopes of their own APIs.',
});
export const clientId = text(100, 'The client whose key it is: `cli_…`.');
const metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Anything of yours, at most 4 KB as JSON.',
});
const allowedIpsOptions = { minItems: 1, maxItems: 50, uniqueItems: true };
const allowedIp = Type.String({ format: 'ip-range', maxLength: 50 });
const ALLOWED_IPS = 'Addresses and ranges, such as `192.0.2.7` and `10.0.0.0/8`, from which alone the key works.';
const expiresAt = givenTime('When it stops to work. Without time zone: UTC midnight of the day.');
const environment = text(16, 'A word such as `live` or `test`: shown, searched by, and part of the text of the key.', {
  format: 'environment',
});

/** What every new key is given, however it comes to be. */
export const keyTerms = {
  name,
  description: optional(description),
  owner: optional(owner),
  scopes: optional(scopes),
  rateLimit: optional(RateLimitSchema),
  metadata: optional(metadata),
  environment: optional(environment),
  allowedIps: optional(Type.Array(allowedIp, { ...allowedIpsOptions, description: ALLOWED_IPS })),
  expiresAt: optional(expiresAt),
  expiresInDays: optional(
    Type.Integer({ minimum: 1, maximum: 36_500, description: 'Instead of expiresAt: days from now.' }),
  ),
};

export const CreateKey = closed({ ...keyTerms, clientId: optional(clientId) });

export const CreateClientKey = closed({
  ...keyTerms,
  clientId,
  rateLimitOverride: optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_REQUESTS,
      description: 'Requests a minute in the place of those of the client; the longer windows stay.',
    }),
  ),
});

export const UpdateKey = closed(
  {
    name: optional(name),
    description: optional(clearable(description)),
    owner: optional(clearable(owner)),
    scopes: optional(scopes),
    rateLimit: optional(RateLimitSchema),
    metadata: optional(metadata),
    allowedIps: optional(
      Type.Unsafe<string[] | null>({
        ...allowedIpsOptions,
        type: ['array', 'null'],
        items: allowedIp,
        description: ALLOWED_IPS,
      }),
    ),
    expiresAt: optional(clearable(expiresAt)),
  },
  { description: 'What is left out stays as it is; null clears.' },
);

const KEY_STATUSES = ['active', 'deprecated', 'revoked', 'expired'] as const;
export const status = oneOf(
  KEY_STATUSES,
  'Whether it works: active; deprecated, after its rotation, until expiresAt; revoked and expired keys never will again.',
);

const listFields = {
  ...pagingFields(100),
  sortBy: optional(
    oneOf(['lastUsedAt', 'createdAt', 'name', 'expiresAt'], 'createdAt unless told; never used counts as longest ago.'),
  ),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc unless told.')),
  status: optional(status),
};

export const ListClientKeys = closed(listFields);

export const ListKeys = closed({
  ...listFields,
  owner: optional(text(200, 'Exactly this owner.')),
  clientId: optional(text(100, 'Keys of this client.')),
  environment: optional(text(16, 'Exactly this environment.')),
  search: optional(text(200, 'Anywhere in name, description or owner.')),
  unusedDays: optional(
    Type.Integer({ minimum: 1, maximum: 36_500, description: 'Not used for so many days, nor made since.' }),
  ),
});

const keyFields = {
  id: Type.String({ description: '`key_…`' }),
  name: Type.String(),
  description: optional(Type.String()),
  owner: optional(Type.String()),
  scopes: Type.Array(Type.String()),
  status,
  rateLimit: Type.Object(RateLimitSchema.properties, {
    additionalProperties: false,
    description: 'What holds; a window that is not named is unlimited.',
  }),
  rateLimitOverride: optional(Type.Integer({ description: 'Requests a minute, in the place of those of the client.' })),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  clientId: optional(Type.String({ description: 'The client whose key it is.' })),
  environment: optional(Type.String()),
  allowedIps: optional(Type.Array(Type.String(), { description: 'Where it works; absent: everywhere.' })),
  keyPrefix: Type.String({ description: 'The beginning of the key, to tell keys apart by.' }),
  lastCharacters: optional(Type.String({ description: 'The end of an imported key.' })),
  imported: optional(Type.Boolean({ description: 'True when it was made elsewhere and came here as a hash.' })),
  operatorId: optional(Type.String({ description: 'The operator whose key it is.' })),
  createdBy: Type.String({ description: 'Who made it: an operator or a key.' }),
  createdAt: time('When it was made.'),
  updatedAt: time('When it was changed last.'),
  expiresAt: optional(time('When it stops to work.')),
  deprecatedAt: optional(time('When it was rotated.')),
  replacedBy: optional(Type.String({ description: 'The key that took its place.' })),
  revokedAt: optional(time('When it was revoked.')),
  lastUsedAt: optional(time('When it was used last; absent when never.')),
};

export const Key = closed(keyFields);

const newKeyFields = {
  ...keyFields,
  apiKey: Type.String({ description: 'The key itself. Shown this once; nobody can look it up later.' }),
  key: Type.String({ description: 'The same as apiKey.' }),
};

export const NewKey = closed(newKeyFields);

const keyId = Type.String({ description: 'The same as keyPrefix.' });

export const ClientKey = closed({ ...keyFields, keyId });

export const NewClientKey = closed({ ...newKeyFields, keyId });

export const RevokedKey = closed({
  id: Type.String(),
  status: oneOf(['revoked'], ''),
  revokedAt: time('When it was revoked.'),
});

export type CreateKey = Static<typeof CreateKey>;
export type UpdateKey = Static<typeof UpdateKey>;
export type ListClientKeys = Static<typeof ListClientKeys>;
export type ListKeys = Static<typeof ListKeys>;
export type Key = Static<typeof Key>;
export type NewKey = Static<typeof NewKey>;
export type RevokedKey = Static<typeof RevokedKey>;
export type KeyStatus = (typeof KEY_STATUSES)[number];
