// Header fields that tell browsers to be careful. What an upstream says itself stays as it is.

import { Type } from 'typebox';
import { headerValue, type Exchange } from '../gateway/exchange.ts';
import type { Policy } from '../gateway/policy.ts';
import { hasField } from './answer-fields.ts';

const config = Type.Object(
  {
    fields: Type.Array(
      Type.Object(
        {
          /** In lower case. */
          name: Type.String({ pattern: '^[a-z0-9-]{1,100}$' }),
          value: Type.String({ pattern: '^[\\x21-\\x7e](?:[\\x20-\\x7e]*[\\x21-\\x7e])?$', maxLength: 4_000 }),
          /** RFC 6797 §7.2: `Strict-Transport-Security` is not for answers that came without TLS. */
          isForTlsOnly: Type.Boolean(),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 50 },
    ),
  },
  { additionalProperties: false },
);

export const securityHeaders: Policy<typeof config> = {
  name: 'security-headers',
  stage: 'guard',
  config,
  compile({ fields }) {
    const lines = fields.map(({ name, value, isForTlsOnly }) => ({
      name,
      line: `${name}: ${value}\r\n`,
      isForTlsOnly,
    }));
    return {
      onResponse(exchange, reply) {
        for (const { name, line, isForTlsOnly } of lines) {
          if (isForTlsOnly && !cameByTls(exchange)) continue;
          if (!hasField(reply, name)) reply.lines += line;
        }
      },
    };
  },
};

/** To us, or to a proxy before us that is believed. */
function cameByTls(exchange: Exchange): boolean {
  if (exchange.origin.scheme === 'https') return true;
  return exchange.isPeerTrusted && headerValue(exchange.headers, 'x-forwarded-proto')?.trim().toLowerCase() === 'https';
}
