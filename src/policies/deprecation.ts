// Tells callers that an endpoint is deprecated, until when it answers, and what comes after it; and is gone then, where that is wanted.

import { Type } from 'typebox';
import type { Policy } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { Problem } from '../lib/problem.ts';
import { hasField } from './answer-fields.ts';

/** Milliseconds since the epoch, in the years that HTTP's dates can write. */
const Time = Type.Integer({ minimum: 0, maximum: 253_402_300_799_999 });

const config = Type.Object(
  {
    deprecatedAtMs: Type.Union([Time, Type.Null()]),
    sunsetAtMs: Type.Union([Time, Type.Null()]),
    /** A URI reference; it stands between angle brackets. */
    successor: Type.Union([Type.String({ pattern: '^[!-~]+$', maxLength: 2_000 }), Type.Null()]),
    isGoneAfterSunset: Type.Boolean(),
  },
  { additionalProperties: false },
);

export const deprecation: Policy<typeof config> = {
  name: 'deprecation',
  stage: 'guard',
  config,
  compile({ deprecatedAtMs, sunsetAtMs, successor, isGoneAfterSunset }, { clock }) {
    const fields: [name: string, value: string][] = [];
    // RFC 9745 §2.1: a structured date. RFC 8594 §3: one of HTTP's own. RFC 5829 names the relation.
    if (deprecatedAtMs !== null) fields.push(['deprecation', `@${Math.floor(deprecatedAtMs / 1000)}`]);
    if (sunsetAtMs !== null) fields.push(['sunset', new Date(sunsetAtMs).toUTCString()]);
    const link = successor === null ? undefined : `link: <${encodeBrackets(successor)}>; rel="successor-version"\r\n`;
    return {
      onRequest(exchange) {
        if (!isGoneAfterSunset || sunsetAtMs === null || clock.nowMs() < sunsetAtMs) return undefined;
        return problemReply(exchange, new Problem('endpoint_gone'));
      },
      onResponse(_exchange, reply) {
        for (const [name, value] of fields) if (!hasField(reply, name)) reply.lines += `${name}: ${value}\r\n`;
        if (link !== undefined) reply.lines += link;
      },
    };
  },
};

function encodeBrackets(reference: string): string {
  return reference.replaceAll('<', '%3C').replaceAll('>', '%3E');
}
