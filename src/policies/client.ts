// Holds a client to from where, and to which endpoints, it may call. Most clients, and all keys of nobody's, may from and to everywhere:
// for them it is one look at a field.

import { Type } from 'typebox';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { Policy, PolicyDeps } from '../gateway/policy.ts';
import type { ClientRestrictions } from '../gateway/ports.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { namesEndpoint } from '../lib/endpoint-pattern.ts';
import { createIpMatcher } from '../lib/ip-range.ts';
import { Problem } from '../lib/problem.ts';

/** Each client has a matcher of its own in each thread, so each remembers little. */
const MAX_REMEMBERED_ADDRESSES = 16;

const config = Type.Object({}, { additionalProperties: false });

export const client: Policy<typeof config> = {
  name: 'client',
  stage: 'authorize',
  config,
  compile: (_config, deps) => ({ onRequest: (exchange) => check(exchange, deps) }),
};

type Plan = NonNullable<Exchange['plan']>;

interface CompiledRestrictions {
  readonly admitsAddress: ((address: string) => boolean) | undefined;
  readonly countries: ReadonlySet<string> | undefined;
  readonly endpoints: readonly string[] | undefined;
  /** What was found out about each route; gone with its snapshot. */
  readonly admittedPlans: WeakMap<Plan, boolean>;
}

/** Restrictions come with a principal, which the credential cache keeps; what follows from them is kept as long. */
const compiled = new WeakMap<ClientRestrictions, CompiledRestrictions>();

function check(exchange: Exchange, deps: PolicyDeps): Reply | undefined {
  const restrictions = exchange.principal?.restrictions;
  if (restrictions === undefined) return undefined;
  const rules = compiled.get(restrictions) ?? compile(restrictions);
  const problem =
    addressProblem(exchange, rules) ?? countryProblem(exchange, rules, deps) ?? endpointProblem(exchange, rules);
  return problem && problemReply(exchange, problem);
}

function compile(restrictions: ClientRestrictions): CompiledRestrictions {
  const { addresses, countries, endpoints } = restrictions;
  const rules = {
    admitsAddress: addresses && createIpMatcher(addresses, MAX_REMEMBERED_ADDRESSES),
    countries: countries && new Set(countries),
    endpoints,
    admittedPlans: new WeakMap<Plan, boolean>(),
  };
  compiled.set(restrictions, rules);
  return rules;
}

function addressProblem({ clientAddress }: Exchange, { admitsAddress }: CompiledRestrictions): Problem | undefined {
  if (admitsAddress === undefined || admitsAddress(clientAddress)) return undefined;
  return new Problem('address_not_allowed', { detail: `The client may not call from ${clientAddress || 'nowhere'}.` });
}

function countryProblem(
  exchange: Exchange,
  { countries }: CompiledRestrictions,
  deps: PolicyDeps,
): Problem | undefined {
  if (countries === undefined) return undefined;
  const country = deps.countries.find(exchange);
  if (country !== undefined && countries.has(country)) return undefined;
  const whence = country ?? 'a country that is not known';
  return new Problem('country_not_allowed', { detail: `The client may not call from ${whence}.` });
}

function endpointProblem({ plan }: Exchange, rules: CompiledRestrictions): Problem | undefined {
  if (rules.endpoints === undefined) return undefined;
  if (plan !== undefined && admitsPlan(plan, rules.endpoints, rules.admittedPlans)) return undefined;
  return new Problem('endpoint_not_allowed', { detail: `The client may not call ${plan?.route ?? 'this'}.` });
}

function admitsPlan(plan: Plan, endpoints: readonly string[], known: WeakMap<Plan, boolean>): boolean {
  const before = known.get(plan);
  if (before !== undefined) return before;
  const isAdmitted = namesEndpoint(endpoints, { id: plan.endpointId, route: plan.route });
  known.set(plan, isAdmitted);
  return isAdmitted;
}
