// Which of several services takes a request: by what the request says, else by weight, and then a caller stays where they are.

import type { Exchange } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import { hashText, pickByKey, toChoice, type Choice } from './balance.ts';
import type { TrafficConfig, WhenConfig } from './traffic-config.ts';

/** A service by its weight, as the balancer sees it. */
interface Side {
  readonly plan: Plan;
  readonly share: number;
  readonly seed: number;
}

interface Rule {
  readonly plan: Plan;
  readonly header: WhenConfig['header'];
  readonly clientIds: ReadonlySet<string> | undefined;
}

export class Split {
  readonly #rules: readonly Rule[];
  readonly #sides: Choice<Side>;

  constructor(rules: readonly Rule[], sides: readonly Side[]) {
    this.#rules = rules;
    this.#sides = toChoice(sides);
  }

  /** Undefined: the endpoint's own service takes it. */
  choose(exchange: Exchange): Plan | undefined {
    for (const rule of this.#rules) if (holds(rule, exchange)) return rule.plan;
    return pickByKey(this.#sides, hashText(callerOf(exchange)))?.plan;
  }
}

/**
 * A caller's place hangs on the names of gateway and services alone: it is the same at every endpoint of the gateway, on every thread and
 * node, and another weight moves only as many callers as it has to.
 */
export function compileSplit(
  ways: NonNullable<TrafficConfig['split']>,
  gatewayId: string,
  planOf: (service: string, timeoutMs: number) => Plan,
): Split {
  const rules: Rule[] = [];
  const sides: Side[] = [];
  for (const { service, timeoutMs, weight = 0, when } of ways) {
    const plan = planOf(service, timeoutMs);
    if (when !== undefined)
      rules.push({ plan, header: when.header, clientIds: when.clientIds && new Set(when.clientIds) });
    else if (weight > 0) sides.push({ plan, share: weight, seed: hashText(`${gatewayId} ${service}`) });
  }
  return new Split(rules, sides);
}

/** Who stays on one side: the client, else the key, else the address. */
function callerOf({ principal, clientAddress }: Exchange): string {
  return principal === undefined ? clientAddress : (principal.clientId ?? principal.keyId);
}

/** All that is said must hold. */
function holds({ header, clientIds }: Rule, { principal, headers }: Exchange): boolean {
  if (clientIds !== undefined && (principal?.clientId === undefined || !clientIds.has(principal.clientId)))
    return false;
  return header === undefined || hasHeader(headers, header.name, header.value);
}

export function hasHeader(headers: readonly string[], name: string, value: string | undefined): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i];
    if (candidate?.length !== name.length || candidate.toLowerCase() !== name) continue;
    if (value === undefined || headers[i + 1] === value) return true;
  }
  return false;
}
