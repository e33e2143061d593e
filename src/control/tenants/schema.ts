// Tenants as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { closed, oneOf, optional, text, time } from '../schema-parts.ts';

const name = text(200, 'The name of the tenant, in words.');
const slug = text(50, 'A short name for URLs and sign-in; no two tenants have the same.', { format: 'slug' });
const status = oneOf(
  ['active', 'suspended'],
  'Of a suspended tenant no key works and no gateway is on the air; its data stays, and returns with it.',
);

export const CreateTenant = closed({ name, slug });

export const UpdateTenant = closed(
  { name: optional(name), slug: optional(slug), status: optional(status) },
  { description: 'What is left out stays as it is.' },
);

export const ListTenants = closed({
  ...pagingFields(100),
  sortBy: optional(oneOf(['createdAt', 'name'], 'createdAt unless told.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc unless told.')),
  status: optional(status),
  search: optional(text(200, 'Anywhere in name or slug.')),
});

export const Tenant = closed({
  id: Type.String({ description: '`ten_…`' }),
  name: Type.String(),
  slug: Type.String(),
  status,
  createdAt: time('When it was made.'),
  updatedAt: time('When it was changed last.'),
});

export type CreateTenant = Static<typeof CreateTenant>;
export type UpdateTenant = Static<typeof UpdateTenant>;
export type ListTenants = Static<typeof ListTenants>;
export type Tenant = Static<typeof Tenant>;
