// Tells caches which fields of a request an answer depends on.

import { Type } from 'typebox';
import type { Policy } from '../gateway/policy.ts';

const config = Type.Object(
  {
    fields: Type.Array(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$" }), { minItems: 1, maxItems: 20 }),
  },
  { additionalProperties: false },
);

export const vary: Policy<typeof config> = {
  name: 'vary',
  stage: 'guard',
  config,
  compile({ fields }) {
    const line = `vary: ${fields.join(', ')}\r\n`;
    return {
      onResponse(_exchange, reply) {
        reply.lines += line;
      },
    };
  },
};
