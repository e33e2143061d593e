// Whether a declaration could be applied, as far as that can be known without a database. Pure.

import type { GatewayConfig } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import { createValidation, faultsOf } from '../validation.ts';
import { declarationFaults } from './declaration-faults.ts';
import { Declaration, type GatewayDocument } from './declaration-schema.ts';
import { checkCandidates, type Surroundings } from './deploy-check.ts';
import { toDeclarationsTerms } from './deploy-faults.ts';
import { fillEndpoint } from './endpoint-columns.ts';
import { fillGateway } from './gateway-columns.ts';
import { toDraft, type Draft } from './to-config.ts';

export interface CheckedDeclaration {
  /** With paths such as `gateways[0].endpoints[2].path`. Empty when all is well. */
  readonly faults: readonly Fault[];
  /** What would be served; empty when there are faults. */
  readonly configs: readonly GatewayConfig[];
  readonly gateways: readonly GatewayDocument[];
}

/** Whose a declaration is while nobody has applied it. */
const NOBODYS_TENANT_ID = 'ten_nobody';

export function checkDeclaration(document: unknown, surroundings: Surroundings): CheckedDeclaration {
  const checked = createValidation().compile('body', Declaration)(document);
  const malformed = faultsOf(checked).map(({ path, message }) => ({ path: path.replace(/^body\.?/, ''), message }));
  if (!checked.ok) return { faults: malformed, configs: [], gateways: [] };
  const { gateways } = checked.value;
  const inconsistent = declarationFaults(gateways);
  if (inconsistent.length > 0) return { faults: inconsistent, configs: [], gateways };
  const drafts = gateways.map(toDeclaredDraft);
  const configs = drafts.map(({ config }) => config);
  const found = checkCandidates(configs, [surroundings.management], surroundings);
  const faults = drafts.flatMap((draft, i) => toDeclarationsTerms(found[i] ?? [], draft, i));
  return { faults, configs: faults.length > 0 ? [] : configs, gateways };
}

function toDeclaredDraft({ endpoints = [], ...gateway }: GatewayDocument, i: number): Draft {
  return toDraft(
    { ...fillGateway(gateway), id: `gw_${i}`, tenantId: NOBODYS_TENANT_ID },
    endpoints.map((endpoint, j) => ({
      ...fillEndpoint(endpoint),
      id: `ep_${i}_${j}`,
      deprecatedSince: endpoint.deprecated === true ? new Date(0) : null,
      place: `gateways[${i}].endpoints[${j}]`,
    })),
  );
}
