// Lets pages of other origins read answers (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol): answers preflights itself, and marks
// every answer, refusals too, so that a page can tell a 401 from a network that is down.

import { Type, type Static } from 'typebox';
import { headerValue, localReply, type Exchange, type Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, Policy } from '../gateway/policy.ts';
import { ACCESS_CONTROL } from '../gateway/wire/field-kind.ts';
import { createOriginJudge } from '../lib/origins.ts';

const Names = Type.Array(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$" }), { maxItems: 100 });

const config = Type.Object(
  {
    /** `https://app.example.com`, `https://*.example.com`, or `*` for every origin. */
    allowOrigins: Type.Array(Type.String({ maxLength: 300 }), { minItems: 1, maxItems: 100 }),
    allowMethods: Names,
    /** `*`: whatever a page asks for. */
    allowHeaders: Names,
    exposeHeaders: Names,
    /** Only for origins that are named, never for those that `*` lets in. */
    allowCredentials: Type.Boolean(),
    maxAgeSeconds: Type.Integer({ minimum: 0, maximum: 86_400 }),
  },
  { additionalProperties: false },
);

export const cors: Policy<typeof config> = { name: 'cors', stage: 'guard', config, compile };

const ANY = '*';

function compile(options: Static<typeof config>): CompiledPolicy {
  const judge = createOriginJudge(options.allowOrigins);
  const isForAll = options.allowOrigins.includes(ANY);
  const methods = options.allowMethods.join(', ');
  const allowed = options.allowHeaders.includes(ANY) ? undefined : options.allowHeaders.join(', ');
  const exposed = options.exposeHeaders.join(', ');
  const maxAge = String(options.maxAgeSeconds);

  return {
    onRequest(exchange) {
      return isPreflight(exchange) ? localReply(204, [], undefined) : undefined;
    },
    onResponse(exchange, reply) {
      // Two answers to one question are none: what an upstream says of it does not count.
      reply.drops |= 1 << ACCESS_CONTROL;
      // A cache must not give one origin what was made for another.
      if (!isForAll || options.allowCredentials) reply.lines += 'vary: Origin\r\n';
      const origin = headerValue(exchange.headers, 'origin');
      const verdict = origin === undefined ? 'refused' : judge(origin);
      if (origin === undefined || verdict === 'refused') return;
      reply.headers.push('access-control-allow-origin', verdict === 'named' ? origin : ANY);
      if (options.allowCredentials && verdict === 'named') {
        reply.headers.push('access-control-allow-credentials', 'true');
      }
      if (isPreflight(exchange)) answerPreflight(exchange, reply);
      else if (exposed !== '') reply.headers.push('access-control-expose-headers', exposed);
    },
  };

  function answerPreflight(exchange: Exchange, reply: Reply): void {
    const wanted = allowed ?? headerValue(exchange.headers, 'access-control-request-headers') ?? '';
    reply.headers.push('access-control-allow-methods', methods);
    if (wanted !== '') reply.headers.push('access-control-allow-headers', wanted);
    reply.headers.push('access-control-max-age', maxAge);
  }
}

function isPreflight({ method, headers }: Exchange): boolean {
  if (method !== 'OPTIONS') return false;
  return (
    headerValue(headers, 'origin') !== undefined && headerValue(headers, 'access-control-request-method') !== undefined
  );
}
