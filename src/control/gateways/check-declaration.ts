// Whether a declaration could be applied, as far as that can be known without a database. Pure.

import type { GatewayConfig } from '../../gateway/snapshot.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { createValidation, faultsOf } from '../validation.ts';
import { declarationFaults } from './declaration-faults.ts';
import { Declaration, type GatewayDocument } from './declaration-schema.ts';
import { checkCandidates, type Surroundings } from './deploy-check.ts';
import { toDeclarationsTerms } from './deploy-faults.ts';
import { fillEndpoint } from './endpoint-columns.ts';
import { fillGateway } from './gateway-columns.ts';
import { withSealedSecrets } from './service-secrets.ts';
import { toDraft, type Draft } from './to-config.ts';

export interface CheckedDeclaration {
  /** With paths such as `gateways[0].endpoints[2].path`. Empty when all is well. */
  readonly faults: readonly Fault[];
  /** What would be served; empty when there are faults. */
  readonly configs: readonly GatewayConfig[];
  readonly gateways: readonly GatewayDocument[];
}

/** Whose a declaration is while nobody has applied it. */
export const NOBODYS_TENANT_ID = 'ten_nobody';

/** With a key, secrets stand in what would be served as they must: sealed under it. */
export function checkDeclaration(
  document: unknown,
  surroundings: Surroundings,
  secretsKey?: Uint8Array,
): CheckedDeclaration {
  const checked = createValidation().compile('body', Declaration)(document);
  const malformed = faultsOf(checked).map(({ path, message }) => ({ path: path.replace(/^body\.?/, ''), message }));
  if (!checked.ok) return { faults: malformed, configs: [], gateways: [] };
  const { gateways } = checked.value;
  const inconsistent = declarationFaults(gateways);
  const sealed = gateways.map((gateway, i) => sealedGateway(gateway, i, secretsKey));
  const foreign = sealed.flatMap((one) => ('faults' in one ? one.faults : []));
  if (foreign.length > 0) return { faults: [...inconsistent, ...foreign], configs: [], gateways };
  const drafts = sealed.flatMap((one, i) => ('faults' in one ? [] : [toDeclaredDraft(one.gateway, i)]));
  const configs = drafts.map(({ config }) => config);
  const found = checkCandidates(configs, [surroundings.management], surroundings);
  const served = drafts.flatMap((draft, i) => toDeclarationsTerms(found[i] ?? [], draft, i));
  const faults = [...inconsistent, ...served.filter((fault) => !isTold(fault, inconsistent))];
  return { faults, configs: faults.length > 0 ? [] : configs, gateways };
}

/** What is wrong with a draft would be wrong with what is served, too: at the same place, or at the field that it is in. */
function isTold({ path }: Fault, told: readonly Fault[]): boolean {
  // There, what has names in a declaration is a list, and its headers have another name.
  const field = path.replace(/\[\d+\]$|\.(?:request|response)Fields$/, '');
  return told.some((fault) => fault.path.startsWith(field) || path.startsWith(fault.path));
}

function sealedGateway(
  gateway: GatewayDocument,
  i: number,
  key: Uint8Array | undefined,
): { readonly gateway: GatewayDocument } | { readonly faults: readonly Fault[] } {
  if (key === undefined) return { gateway };
  try {
    return { gateway: withSealedSecrets(gateway, { key, tenantId: NOBODYS_TENANT_ID, gatewayId: `gw_${i}` }) };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    return {
      faults: cause.errors.map(({ path, message }) => ({ path: path.replace(/^body/, `gateways[${i}]`), message })),
    };
  }
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
