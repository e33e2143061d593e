// Health as answers show it.

import { Type } from 'typebox';
import { closed, oneOf, optional } from '../schema-parts.ts';

export const Health = closed({
  status: oneOf(['ok', 'draining'], 'draining: it finishes what it has and takes nothing new.'),
});

export const Liveness = closed({
  status: oneOf(['ok'], ''),
  uptimeSeconds: Type.Integer({ description: 'Since its start.' }),
});

export const Readiness = closed({
  status: oneOf(['ready', 'unavailable'], ''),
  draining: Type.Boolean(),
  dependencies: Type.Array(
    closed({
      name: Type.String(),
      status: oneOf(['up', 'down'], ''),
      latencyMs: optional(Type.Number({ description: 'How long it took to answer; absent when it did not.' })),
    }),
  ),
});
