// Faults of a configuration, in the terms of the draft that it was made of. Pure.

import type { Fault } from '../../lib/problem.ts';
import type { Draft, Origin } from './to-config.ts';

/** Where the fields of a draft end up as policies. */
const POLICY_FIELDS: Readonly<Record<string, string>> = {
  'api-key': 'authRequired',
  scopes: 'requiredScopes',
  'rate-limit': 'rateLimit',
  deprecation: 'deprecated',
  cors: 'cors',
  'security-headers': 'securitySettings.headers',
  'body-limit': 'securitySettings.maxBodyBytes',
  vary: 'versioning',
  concurrency: 'maxConcurrentRequests',
};

/** `endpoints[0].policies[1].config.required[2]` → `endpoints[3].requiredScopes`, with method and path in the message. */
function toCallersTerms(fault: Fault, draft: Draft): Fault {
  const [, list, index, rest = ''] = /^(endpoints|services|policies)\[(\d+)\](.*)$/.exec(fault.path) ?? [];
  switch (list) {
    case 'endpoints':
      return within(draft.origins.endpoints[Number(index)], fault, draftField(rest, draft, Number(index)));
    case 'services':
      // What was one upstreamUrl has no fields of its own.
      return within(draft.origins.services[Number(index)], fault, rest);
    case 'policies':
      return { ...fault, path: POLICY_FIELDS[draft.config.policies?.[Number(index)]?.name ?? ''] ?? fault.path };
    case undefined:
    default:
      return fault;
  }
}

/** All that is wrong with a draft: what stands in the way of a configuration at all, and what was found in that. */
export function toDraftsTerms(found: readonly Fault[], draft: Draft): Fault[] {
  const own = found.map((fault) => toCallersTerms(fault, draft));
  return [...draft.faults, ...own.filter(({ path }) => !draft.faults.some((told) => told.path === path))];
}

/** The same of the gateway at this place of a declaration; its endpoints' places are told already. */
export function toDeclarationsTerms(found: readonly Fault[], draft: Draft, index: number): Fault[] {
  return toDraftsTerms(found, draft).map(({ path, message }) => ({
    path: path.startsWith('gateways[') ? path : `gateways[${index}].${path}`,
    message,
  }));
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
