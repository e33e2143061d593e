// What a gateway that stands elsewhere asks of a key, and is answered: both ends read it here.

import { Type, type Static } from 'typebox';
import { closed, oneOf, optional, text, time } from '../schema-parts.ts';

const count = (description: string) => Type.Integer({ minimum: 1, maximum: 2 ** 31, description });

export const VerifyKey = closed({ key: text(512, 'The key, all of it.') });

const limits = Type.Array(
  closed({
    of: oneOf(['key', 'client', 'tenant'], 'Over whose calls it is counted.'),
    algorithm: oneOf(['fixed', 'sliding', 'bucket', 'concurrency'], 'How it is counted.'),
    window: optional(oneOf(['minute', 'hour', 'day', 'month'], 'Not with concurrency.')),
    limit: count('The most in a window; with bucket, the pace; with concurrency, the most at the same time.'),
    burst: optional(count('With bucket: the most at once.')),
    timeZone: optional(text(100, 'Whose days and months they are; UTC without it.')),
  }),
  { maxItems: 100, description: 'All of them must hold.' },
);

const client = closed({
  id: Type.String({ description: '`cli_…`' }),
  status: oneOf(['pending', 'active', 'suspended', 'rejected'], 'No key works of a client that is not active.'),
  expiresAt: optional(time('When its keys stop to work.')),
  ipWhitelist: optional(
    Type.Array(Type.String({ format: 'ip-range' }), { description: 'From where alone it may call.' }),
  ),
  allowedCountries: optional(Type.Array(Type.String(), { description: 'From which countries alone it may call.' })),
  allowedEndpoints: optional(Type.Array(Type.String(), { description: 'What alone it may call.' })),
});

const key = closed(
  {
    id: Type.String({ description: '`key_…`' }),
    name: Type.String(),
    kind: oneOf(['key', 'operator'], 'Whether an operator holds it.'),
    operatorId: optional(Type.String({ description: 'The operator who holds it.' })),
    status: oneOf(
      ['active', 'deprecated', 'revoked'],
      'Active; deprecated, after its rotation, until expiresAt; revoked.',
    ),
    expiresAt: optional(time('When it stops to work.')),
    suspended: optional(oneOf(['operator', 'tenant'], 'Whose suspension stops it.')),
    scopes: Type.Array(Type.String(), {
      description: 'What it permits, after what its client or the role of its operator leaves of it.',
    }),
    limits,
    allowedIps: optional(
      Type.Array(Type.String({ format: 'ip-range' }), { description: 'From where alone it works.' }),
    ),
    client: optional(client),
  },
  { description: 'Absent when the key is not known.' },
);

export const Verification = closed({
  isValid: Type.Boolean({ description: 'Whether it works now. Where it may be used from is for the asker to hold.' }),
  reason: optional(Type.String({ description: 'Why it does not, as the code of the problem that callers get.' })),
  key: optional(key),
});

export type Verification = Static<typeof Verification>;
export type VerifiedKey = NonNullable<Verification['key']>;
