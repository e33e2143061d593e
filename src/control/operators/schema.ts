// Operators as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { closed, oneOf, optional, text, time } from '../schema-parts.ts';

const MIN_PASSWORD_CHARACTERS = 12;
const MAX_PASSWORD_CHARACTERS = 200;

const name = text(200, 'The name of the operator.');
const email = text(254, 'Their e-mail address; no two operators of a tenant have the same.', { format: 'email' });
const role = text(
  50,
  'The name of a role: SUPER_ADMIN, KEY_ADMIN, KEY_VIEWER, USER_ADMIN, SUPPORT, or one of the tenant’s own.',
  {
    format: 'role-name',
  },
);
const status = oneOf(['active', 'suspended'], 'Of a suspended operator no key and no password works.');

export const CreateOperator = closed({
  name,
  email,
  role,
  tenantId: optional(text(100, 'The tenant that they work for; the caller’s own unless told.')),
});

export const UpdateOperator = closed(
  { name: optional(name), email: optional(email), role: optional(role), status: optional(status) },
  { description: 'What is left out stays as it is.' },
);

export const ListOperators = closed({
  ...pagingFields(100),
  sortBy: optional(oneOf(['createdAt', 'name', 'email'], 'createdAt unless told.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc unless told.')),
  role: optional(text(50, 'Exactly this role.')),
  status: optional(status),
  search: optional(text(200, 'Anywhere in name or e-mail address.')),
});

const operatorFields = {
  id: Type.String({ description: '`usr_…`' }),
  tenantId: Type.String(),
  name: Type.String(),
  email: Type.String(),
  role: Type.String(),
  status,
  createdAt: time('When they were made an operator.'),
  updatedAt: time('When they were changed last.'),
  passwordChangedAt: optional(time('When their password was set; absent when they have none.')),
};

const issuedKeyFields = {
  apiKey: Type.String({ description: 'The key itself. Shown this once; nobody can look it up later.' }),
  key: Type.String({ description: 'The same as apiKey.' }),
  keyId: Type.String({ description: '`key_…`' }),
};

export const Operator = closed(operatorFields);
export const NewOperator = closed({ ...operatorFields, ...issuedKeyFields });

export const CreateOperatorKey = closed({
  name: text(200, 'What the key is for, in words.'),
  scopes: optional(
    Type.Array(Type.String({ format: 'scope' }), {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
      description: 'What the key may do of all that the role permits; everything unless told.',
    }),
  ),
  expiresInDays: optional(Type.Integer({ minimum: 1, maximum: 36_500, description: 'Never, unless told.' })),
});

export const NewOperatorKey = closed({
  id: Type.String({ description: '`key_…`' }),
  operatorId: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: time('When it was made.'),
  expiresAt: optional(time('When it stops to work.')),
  ...issuedKeyFields,
});

const password = Type.String({
  maxLength: MAX_PASSWORD_CHARACTERS,
  minLength: MIN_PASSWORD_CHARACTERS,
  description: 'Length is what makes it strong; there are no rules about kinds of characters.',
});

export const SetPassword = closed({
  password,
  currentPassword: optional(
    Type.String({
      maxLength: MAX_PASSWORD_CHARACTERS,
      description: 'The password in force: needed to change one’s own, and for nobody else’s.',
    }),
  ),
});

export const PasswordSet = closed({
  id: Type.String({ description: '`usr_…`' }),
  passwordChangedAt: time('Now.'),
});

export type CreateOperator = Static<typeof CreateOperator>;
export type UpdateOperator = Static<typeof UpdateOperator>;
export type ListOperators = Static<typeof ListOperators>;
export type Operator = Static<typeof Operator>;
export type CreateOperatorKey = Static<typeof CreateOperatorKey>;
export type SetPassword = Static<typeof SetPassword>;
