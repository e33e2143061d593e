// What can be said of the limits of one key, client, endpoint or tenant: the same three calls for each of them.

import type { Static, TObject } from 'typebox';
import type { EndpointLimits } from '../db/limit-schema.ts';
import type { Fault } from '../lib/problem.ts';
import { operation, type AuthorizedContext, type Operation } from './operation.ts';
import { rateLimitFaults } from './rate-limit.ts';
import { IdParams } from './schema-parts.ts';

/** Somebody or something that has limits. */
export interface Limited<Override extends TObject, Shown extends TObject> {
  /** `Key`, for the names of the operations. */
  readonly name: string;
  /** `keys`, in the path. */
  readonly plural: string;
  /** `a key`, for readers. */
  readonly words: string;
  readonly description: string;
  readonly override: Override;
  readonly shown: Shown;
  /** Throws when there is none. */
  readonly show: (context: AuthorizedContext, id: string) => Promise<Static<Shown>>;
  /** Undefined: nothing is said of it any more. Checks the precondition. */
  readonly change: (
    context: AuthorizedContext,
    id: string,
    override: Partial<Static<Override>> | undefined,
  ) => Promise<void>;
}

const MAY_READ = ['admin:rate-limits:read', 'rate-limits:read'];
const MAY_UPDATE = ['admin:rate-limits:update', 'rate-limits:update'];
const AT_ONCE = 'Holds at once, on every node within a second; what was used stays used.';

export function overrideOperations<Override extends TObject, Shown extends TObject>(
  limited: Limited<Override, Shown>,
): Operation[] {
  const { name, plural, words, description, show, change } = limited;
  const path = `/rate-limits/${plural}/{id}`;
  const route = { path, tag: 'Rate limits', params: IdParams, replies: { 200: limited.shown } } as const;
  return [
    operation(MAY_READ, {
      ...route,
      id: `get${name}Limits`,
      method: 'GET',
      summary: `Look at the limits of ${words}`,
      handle: async ({ params }, context) => ({ status: 200, data: await show(context, params.id) }),
    }),
    operation(MAY_UPDATE, {
      ...route,
      id: `put${name}Limits`,
      method: 'PUT',
      summary: `Say what the limits of ${words} are`,
      description: `${description} ${AT_ONCE}`,
      body: limited.override,
      faults: ({ body }) => overrideFaults(body),
      async handle({ params, body }, context) {
        await change(context, params.id, body);
        return { status: 200, data: await show(context, params.id) };
      },
    }),
    operation(MAY_UPDATE, {
      ...route,
      id: `delete${name}Limits`,
      method: 'DELETE',
      summary: `Take back what was said of the limits of ${words}`,
      description: `The answer shows what holds from then on. ${AT_ONCE}`,
      async handle({ params }, context) {
        await change(context, params.id, undefined);
        const data = await show(context, params.id);
        return { status: 200, data, resource: data };
      },
    }),
  ];
}

function overrideFaults(body: object): Fault[] {
  const { perClient, ...windows }: EndpointLimits = body;
  return [...rateLimitFaults(windows, 'body'), ...rateLimitFaults(perClient, 'body.perClient')];
}
