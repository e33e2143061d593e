// Whether configurations can go on the air beside what is there.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Policy } from '../../gateway/policy.ts';
import { checkSnapshot, type GatewayConfig, type PathRules } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import { otherLiveConfigs } from './revision-store.ts';
import { targetFaults, type PrivateTargets } from './target-faults.ts';

/** What a configuration is held against. */
export interface Surroundings {
  readonly policies: readonly Policy[];
  readonly management: GatewayConfig;
  readonly paths: PathRules;
  readonly privateTargets: PrivateTargets;
}

/** The faults of each candidate, with paths below it. What stands in the way of all of them is told as the first one's. */
export async function checkBesideOthers(
  trx: Kysely<Database>,
  candidates: readonly GatewayConfig[],
  surroundings: Surroundings,
): Promise<Fault[][]> {
  const [tenant] = candidates.map(({ tenantId }) => tenantId);
  const others = await otherLiveConfigs(
    trx,
    candidates.map(({ id }) => id ?? ''),
  );
  // What other tenants call their gateways is their affair.
  const shown = others.map((config) => (config.tenantId === tenant ? config : rename(config)));
  return checkCandidates(candidates, [surroundings.management, ...shown], surroundings);
}

/** The same beside these, all of which can be served. Pure. */
export function checkCandidates(
  candidates: readonly GatewayConfig[],
  beside: readonly GatewayConfig[],
  { policies, paths, privateTargets }: Surroundings,
): Fault[][] {
  const faults = candidates.map((config) => targetFaults(config, privateTargets));
  const gateways = [...beside, ...candidates];
  for (const { path, message } of checkSnapshot({ version: 0, paths, gateways }, policies)) {
    const [, index = '', rest = ''] = /^gateways\[(\d+)\]\.?(.*)$/.exec(path) ?? [];
    const own = faults[Number(index) - beside.length];
    if (index !== '' && own !== undefined) own.push({ path: rest, message });
    // Whatever the others have wrong is not the candidates' fault, but stands in their way as well.
    else faults[0]?.push({ path, message: `another gateway stands in the way: ${message}` });
  }
  return faults;
}

function rename(config: GatewayConfig): GatewayConfig {
  return { ...config, name: '(of another tenant)' };
}
