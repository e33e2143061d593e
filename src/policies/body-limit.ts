// Turns requests away whose body is longer than a gateway takes: before they are forwarded where the length is announced, and in the
// middle where it is not.

import { Type } from 'typebox';
import { headerValue } from '../gateway/exchange.ts';
import type { Policy } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { Problem } from '../lib/problem.ts';

const config = Type.Object(
  { maxBytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) },
  { additionalProperties: false },
);

export const bodyLimit: Policy<typeof config> = {
  name: 'body-limit',
  stage: 'guard',
  config,
  compile({ maxBytes }) {
    return {
      onRequest(exchange) {
        if (exchange.body === undefined) return undefined;
        const announced = headerValue(exchange.headers, 'content-length');
        if (announced !== undefined && Number(announced) > maxBytes)
          return problemReply(exchange, new Problem('body_too_large'));
        exchange.body.cap(maxBytes);
        return undefined;
      },
    };
  },
};
