// Faults of a configuration, in the terms of the draft that it was made of. Pure.

import type { Fault } from '../../lib/problem.ts';
import type { Draft, Origin } from './to-config.ts';

/** Where the fields of a draft end up as policies. */
const POLICY_FIELDS: Readonly<Record<string, string>> = {
  'api-key': 'authRequired',
  scopes: 'requiredScopes',
  'rate-limit': 'rateLimit',
};

/** `endpoints[0].policies[1].config.required[2]` → `endpoints[3].requiredScopes`, with method and path in the message. */
export function toCallersTerms(fault: Fault, draft: Draft): Fault {
  const [, list, index, rest = ''] = /^(endpoints|services)\[(\d+)\](.*)$/.exec(fault.path) ?? [];
  switch (list) {
    case 'endpoints':
      return within(draft.origins.endpoints[Number(index)], fault, draftField(rest, draft, Number(index)));
    case 'services':
      // What was one upstreamUrl has no fields of its own.
      return within(draft.origins.services[Number(index)], fault, rest);
    case undefined:
    default:
      return fault;
  }
}

function within(origin: Origin | undefined, fault: Fault, rest: string): Fault {
  if (origin === undefined) return fault;
  const path = origin.path + (origin.path.endsWith('.upstreamUrl') ? '' : rest);
  return {
    path,
    message: fault.message.startsWith(origin.title) ? fault.message : `${origin.title}: ${fault.message}`,
  };
}

function draftField(rest: string, draft: Draft, endpointIndex: number): string {
  if (rest === '.timeoutMs') return '.timeoutSeconds';
  const policy = /^\.policies\[(\d+)\]/.exec(rest);
  if (policy === null) return rest;
  const name = draft.config.endpoints[endpointIndex]?.policies[Number(policy[1])]?.name ?? '';
  return `.${POLICY_FIELDS[name] ?? 'policies'}`;
}
