// Holds the requests that a gateway has under way to a number; each gateway thread has its part of it.

import { Type } from 'typebox';
import type { Policy } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { later } from '../lib/later.ts';
import { Problem } from '../lib/problem.ts';
import { Gate, type Entry } from './gate.ts';

const config = Type.Object(
  {
    /** In all threads together. */
    requests: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  },
  { additionalProperties: false },
);

const MOST_WAITING = 1000;
const PATIENCE_MS = 5000;
/** How soon a place will be free is anybody's guess. */
const HEADERS = ['retry-after', '1'];

export const concurrency: Policy<typeof config> = {
  name: 'concurrency',
  stage: 'message',
  config,
  compile({ requests }, { threads }) {
    const inside = Math.ceil(requests / threads);
    const gate = new Gate({ inside, waiting: Math.min(inside, MOST_WAITING), patienceMs: PATIENCE_MS }, later);
    return {
      onRequest(exchange) {
        const toReply = (entry: Entry) =>
          entry === 'in' ? undefined : problemReply(exchange, new Problem('gateway_busy', { headers: HEADERS }));
        const entered = gate.enter(exchange);
        return typeof entered === 'string' ? toReply(entered) : entered.then(toReply);
      },
      onEnd: (exchange) => gate.leave(exchange),
    };
  },
};
