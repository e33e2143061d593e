// Every operation of the management API.

import { AUDIT_OPERATIONS } from './audit/routes.ts';
import { REGISTERED_CLIENT_OPERATIONS } from './clients/registered-routes.ts';
import { CLIENT_LIMIT_OPERATIONS } from './clients/limit-routes.ts';
import { CLIENT_OPERATIONS } from './clients/routes.ts';
import { DESCRIPTION_OPERATIONS } from './description/routes.ts';
import { DECLARATION_OPERATIONS } from './gateways/declaration-routes.ts';
import { DEPLOY_OPERATIONS } from './gateways/deploy-routes.ts';
import { IMPORT_OPERATIONS } from './gateways/import-routes.ts';
import { ENDPOINT_OPERATIONS } from './gateways/endpoint-routes.ts';
import { ENDPOINT_LIMIT_OPERATIONS } from './gateways/limit-routes.ts';
import { GATEWAY_HEALTH_OPERATIONS } from './gateways/health-routes.ts';
import { GATEWAY_OPERATIONS } from './gateways/routes.ts';
import { HEALTH_OPERATIONS } from './health/routes.ts';
import { CLIENT_KEY_OPERATIONS } from './keys/client-key-routes.ts';
import { KEY_LIMIT_OPERATIONS } from './keys/limit-routes.ts';
import { KEY_OPERATIONS } from './keys/routes.ts';
import { METRICS_OPERATIONS } from './metrics/routes.ts';
import type { Method, Operation } from './operation.ts';
import { OPERATOR_KEY_OPERATIONS } from './operators/key-routes.ts';
import { PASSWORD_OPERATIONS } from './operators/password-routes.ts';
import { OPERATOR_OPERATIONS } from './operators/routes.ts';
import { STATUS_OPERATIONS } from './rate-limits/status-routes.ts';
import { TIER_OPERATIONS } from './rate-limits/tier-routes.ts';
import { REQUEST_OPERATIONS } from './requests/routes.ts';
import { ROLE_OPERATIONS } from './roles/routes.ts';
import { SETUP_OPERATIONS } from './setup/routes.ts';
import { TENANT_LIMIT_OPERATIONS } from './tenants/limit-routes.ts';
import { TENANT_OPERATIONS } from './tenants/routes.ts';

export const OPERATIONS: readonly Operation[] = [
  ...SETUP_OPERATIONS,
  ...KEY_OPERATIONS,
  ...CLIENT_KEY_OPERATIONS,
  ...CLIENT_OPERATIONS,
  ...REGISTERED_CLIENT_OPERATIONS,
  ...TIER_OPERATIONS,
  ...STATUS_OPERATIONS,
  ...KEY_LIMIT_OPERATIONS,
  ...CLIENT_LIMIT_OPERATIONS,
  ...ENDPOINT_LIMIT_OPERATIONS,
  ...TENANT_LIMIT_OPERATIONS,
  ...GATEWAY_OPERATIONS,
  ...ENDPOINT_OPERATIONS,
  ...GATEWAY_HEALTH_OPERATIONS,
  ...DEPLOY_OPERATIONS,
  ...DECLARATION_OPERATIONS,
  ...IMPORT_OPERATIONS,
  ...REQUEST_OPERATIONS,
  ...TENANT_OPERATIONS,
  ...OPERATOR_OPERATIONS,
  ...OPERATOR_KEY_OPERATIONS,
  ...PASSWORD_OPERATIONS,
  ...ROLE_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...HEALTH_OPERATIONS,
  ...METRICS_OPERATIONS,
  ...DESCRIPTION_OPERATIONS,
];

export interface ManagementRoute {
  readonly operationId: string;
  readonly method: Method;
  /** Parameters as `{id}`. */
  readonly path: string;
  readonly isPublic: boolean;
}

/** Every path under which the control plane answers: versioned, unversioned and compact. */
export function managementRoutes(operations: readonly Operation[]): ManagementRoute[] {
  return operations.flatMap((operation) => {
    const paths = [`/api/v1${operation.path}`, `/api${operation.path}`];
    if (operation.compact !== undefined) paths.push(operation.compact.path);
    const { id: operationId, method, access } = operation;
    return paths.map((path) => ({ operationId, method, path, isPublic: access === 'public' }));
  });
}
