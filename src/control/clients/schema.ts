// Clients as requests and answers write them: in the spelling of /api-clients, and in that of /clients.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { MAX_REQUESTS, RateLimitSchema } from '../rate-limit.ts';
import * as part from '../schema-parts.ts';

const { closed, optional } = part;

const CLIENT_TYPES = ['web_app', 'mobile_app', 'integration', 'webhook', 'internal'] as const;
const STATUSES = ['pending', 'active', 'suspended', 'rejected', 'expired'] as const;

const name = part.text(255, 'What the application is called.');
const description = part.text(2_000, 'More about it.');
const clientType = part.oneOf(CLIENT_TYPES, 'What kind of application it is.');
const organizationName = part.text(255, 'Whose application it is.');
const contactEmail = part.text(254, 'Whom to write to about it.', { format: 'email' });
const contactPerson = part.text(255, 'Whom to ask for.');
const website = part.text(2_000, 'Where one can read about it.', { format: 'web-page' });
const logoUrl = part.text(2_000, 'Its logo.', { format: 'web-page' });
const redirectUris = listOf('redirect-uri', 20, 2_000, 'Where it lets its users be sent back to.');
const metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Anything of yours, at most 4 KB as JSON.',
});
const scopes = listOf('scope', 50, 100, 'What its keys may do at most. Only what is yours to give.');
const requestedScopes = listOf(
  'scope',
  50,
  100,
  'What it would like to do. Gives it nothing before somebody approves.',
);
const tier = part.text(50, 'The name of a tier: `GET /rate-limits` lists them.');
const monthlyQuota = Type.Integer({
  minimum: 1,
  maximum: MAX_REQUESTS,
  description: 'Requests of all its keys in each month, beside its other limits.',
});
const rateLimits = Type.Object(RateLimitSchema.properties, {
  additionalProperties: false,
  minProperties: 1,
  description: 'In the place of those of its tier, as a whole: a window that is not named is unlimited.',
});
const allowedEndpoints = {
  ...listOf('endpoint-name', 100, 700, 'The endpoints it may call: ids, or method and public path. Absent: all.'),
  minItems: 1,
};
const ipWhitelist = {
  ...listOf('ip-range', 100, 50, 'Addresses and ranges (CIDR) it may call from. Absent: from anywhere.'),
  minItems: 1,
};
const allowedCountries = {
  ...listOf('country', 250, 2, 'Countries it may call from; where the country is not known, it may not. Absent: all.'),
  minItems: 1,
};
const expiresAt = part.givenTime('When all its keys stop to work. Without time zone: UTC midnight of the day.');

/** Fields that are spelled alike under both names. */
const about = {
  organizationName: optional(organizationName),
  contactPerson: optional(contactPerson),
  website: optional(website),
  logoUrl: optional(logoUrl),
  redirectUris: optional(redirectUris),
  metadata: optional(metadata),
};

export const CreateClient = closed({
  name,
  description: optional(description),
  clientType: optional(clientType),
  contactEmail,
  ...about,
  scopes: optional(scopes),
  rateLimitTier: optional(tier),
  rateLimits: optional(rateLimits),
  monthlyQuota: optional(monthlyQuota),
  allowedEndpoints: optional(allowedEndpoints),
  ipWhitelist: optional(ipWhitelist),
  allowedCountries: optional(allowedCountries),
  expiresAt: optional(expiresAt),
  status: optional(part.oneOf(['active', 'pending'], 'active unless told; pending waits for an approval.')),
});

export const RegisterClient = closed({
  clientName: name,
  clientDescription: optional(description),
  clientType,
  contactEmail,
  ...about,
  requestedScopes: optional(requestedScopes),
});

const changes = {
  clientType: optional(part.clearableOneOf(CLIENT_TYPES, 'What kind of application it is.')),
  contactEmail: optional(contactEmail),
  organizationName: optional(part.clearable(organizationName)),
  contactPerson: optional(part.clearable(contactPerson)),
  website: optional(part.clearable(website)),
  logoUrl: optional(part.clearable(logoUrl)),
  redirectUris: optional(redirectUris),
  metadata: optional(metadata),
  rateLimits: optional(part.clearableValue(rateLimits, 'object')),
  monthlyQuota: optional(part.nullable(monthlyQuota)),
  allowedEndpoints: optional(part.clearableValue(allowedEndpoints, 'array')),
  ipWhitelist: optional(part.clearableValue(ipWhitelist, 'array')),
  allowedCountries: optional(part.clearableValue(allowedCountries, 'array')),
  expiresAt: optional(part.clearable(expiresAt)),
  status: optional(
    part.oneOf(['active', 'suspended'], 'suspended stops all its keys at once; active lets them go on.'),
  ),
};
const clearableTier = part.clearable(tier);
const partly = { description: 'What is left out stays as it is; null clears.' };

export const UpdateClient = closed(
  {
    name: optional(name),
    description: optional(part.clearable(description)),
    scopes: optional(scopes),
    rateLimitTier: optional(clearableTier),
    ...changes,
  },
  partly,
);

export const UpdateRegistered = closed(
  {
    clientName: optional(name),
    clientDescription: optional(part.clearable(description)),
    allowedScopes: optional(scopes),
    subscriptionTier: optional(clearableTier),
    ...changes,
  },
  partly,
);

export const ApproveClient = closed({
  allowedScopes: optional({
    ...scopes,
    description: 'What its keys may do at most; all that it asked for when left out. Only what is yours to give.',
  }),
});
const reason = part.text(500, 'Why; shown with the client.');
export const Decision = closed({ reason: optional(reason) });

export const ListClients = closed({
  ...pagingFields(100),
  sortBy: optional(part.oneOf(['createdAt', 'name', 'expiresAt'], 'createdAt unless told.')),
  sortOrder: optional(part.oneOf(['asc', 'desc'], 'desc unless told.')),
  status: optional(part.oneOf(STATUSES, 'Only clients of this status.')),
  rateLimitTier: optional(part.text(50, 'Only clients of this tier.')),
  contactEmail: optional(part.text(254, 'Anywhere in the address of the contact.')),
  search: optional(part.text(200, 'Anywhere in name, organization or address of the contact.')),
});

/** What answers under both names have in common. */
const shown = {
  clientType: optional(clientType),
  organizationName: optional(Type.String()),
  contactEmail: Type.String(),
  contactPerson: optional(Type.String()),
  website: optional(Type.String()),
  logoUrl: optional(Type.String()),
  redirectUris: Type.Array(Type.String()),
  status: part.oneOf(STATUSES, 'Only of an active client the keys work.'),
  statusReason: optional(Type.String({ description: 'What was said when it was rejected or suspended.' })),
  requestedScopes: Type.Array(Type.String(), { description: 'What it asked for when it was registered.' }),
  rateLimits: optional(rateLimits),
  monthlyQuota: optional(monthlyQuota),
  allowedEndpoints: optional(Type.Array(Type.String())),
  ipWhitelist: optional(Type.Array(Type.String())),
  allowedCountries: optional(Type.Array(Type.String())),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  createdBy: Type.String({ description: 'Who made it: an operator or a key.' }),
  createdAt: part.time('When it was made.'),
  updatedAt: part.time('When it was changed last.'),
  approvedBy: optional(Type.String({ description: 'Who approved it: an operator or a key.' })),
  approvedAt: optional(part.time('When it was approved.')),
  expiresAt: optional(part.time('When all its keys stop to work.')),
};
const grantedScopes = Type.Array(Type.String(), { description: 'What its keys may do at most.' });

export const Client = closed({
  id: Type.String({ description: '`cli_…`' }),
  name: Type.String(),
  description: optional(Type.String()),
  scopes: grantedScopes,
  rateLimitTier: optional(tier),
  ...shown,
});

const registeredFields = {
  id: Type.String({ description: '`cli_…`' }),
  clientId: Type.String({ description: 'The same as id.' }),
  clientName: Type.String(),
  clientDescription: optional(Type.String()),
  allowedScopes: grantedScopes,
  subscriptionTier: optional(tier),
  ...shown,
};

export const RegisteredClient = closed(registeredFields);
export const RegisteredWithKeys = closed({
  ...registeredFields,
  credentials: Type.Array(
    closed({
      id: Type.String({ description: '`key_…`' }),
      keyId: Type.String({ description: 'The beginning of the key, to tell keys apart by.' }),
      name: Type.String(),
      createdAt: part.time('When it was made.'),
      expiresAt: optional(part.time('When it stops to work.')),
      lastUsedAt: optional(part.time('When it was used last; absent when never.')),
    }),
    { description: 'Its keys that were not revoked, the newest 100. Never the keys themselves.' },
  ),
});

export const DeletedClient = closed({
  id: Type.String(),
  deleted: Type.Unsafe<true>({ type: 'boolean', const: true }),
  revokedKeys: Type.Integer({ description: 'How many of its keys were revoked with it.' }),
});

export const Dashboard = closed({
  client: Client,
  keys: closed({
    total: Type.Integer({ description: 'All that were made for it.' }),
    usable: Type.Integer({ description: 'Neither revoked nor expired.' }),
    lastUsedAt: optional(part.time('When any of them was used last; absent when never.')),
  }),
  limits: closed({
    tier: optional(tier),
    monthlyQuota: optional(monthlyQuota),
    rateLimit: Type.Object(RateLimitSchema.properties, {
      additionalProperties: false,
      description: 'What holds for each key that has no limits of its own; a window that is not named is unlimited.',
    }),
  }),
});

export type CreateClient = Static<typeof CreateClient>;
export type RegisterClient = Static<typeof RegisterClient>;
export type UpdateClient = Static<typeof UpdateClient>;
export type UpdateRegistered = Static<typeof UpdateRegistered>;
export type ListClients = Static<typeof ListClients>;
export type Client = Static<typeof Client>;
export type RegisteredClient = Static<typeof RegisteredClient>;
export type RegisteredWithKeys = Static<typeof RegisteredWithKeys>;
export type ShownStatus = (typeof STATUSES)[number];

function listOf(format: string, maxItems: number, maxLength: number, meaning: string) {
  return Type.Array(Type.String({ format, maxLength }), { maxItems, uniqueItems: true, description: meaning });
}
