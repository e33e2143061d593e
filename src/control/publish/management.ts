// The management API as a gateway: the first upstream of the data plane, reached over a private Unix socket.

import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { EndpointConfig, GatewayConfig } from '../../gateway/snapshot.ts';
import type { Operation } from '../operation.ts';
import { managementRoutes } from '../operations.ts';

const SERVICE = 'control';
/** A little more than the control plane gives its own handlers. */
const TIMEOUT_MS = 65_000;

export interface ManagementOptions {
  readonly operations: readonly Operation[];
  readonly socketPath: string;
  /** How often one address may ask whether a key is valid. */
  readonly validationsPerMinute: number;
}

/** Public operations that tell something about what a stranger guesses: their limit is their own. */
const GUESSED_AT: ReadonlySet<string> = new Set(['validateKey']);
/** Asked by whoever looks after the node, and never refused for asking often. */
const WATCHED: ReadonlySet<string> = new Set(['getHealth', 'getLiveness', 'getReadiness', 'getMetrics']);

export function managementGateway({ operations, socketPath, validationsPerMinute }: ManagementOptions): GatewayConfig {
  return {
    id: null,
    tenantId: DEFAULT_TENANT_ID,
    name: 'management',
    routePrefix: '',
    services: [{ name: SERVICE, targets: [{ url: `unix:${socketPath}` }], stripPrefix: false }],
    endpoints: managementRoutes(operations).map(({ operationId, method, path, isPublic }) => ({
      id: null,
      method,
      path,
      service: SERVICE,
      timeoutMs: TIMEOUT_MS,
      policies: isPublic ? open(operationId, validationsPerMinute) : guarded(),
    })),
  };
}

/** Keys are checked and limited here; what they permit is the control plane's to decide. */
function guarded(): EndpointConfig['policies'] {
  return [
    { name: 'api-key', config: {} },
    { name: 'client', config: {} },
    { name: 'rate-limit', config: { endpoint: null } },
  ];
}

/** Of strangers, the address is limited. */
function open(operationId: string, requestsPerMinute: number): EndpointConfig['policies'] {
  if (WATCHED.has(operationId)) return [];
  if (!GUESSED_AT.has(operationId)) return [{ name: 'rate-limit', config: { endpoint: null } }];
  const address = { name: 'validate', windows: [{ window: 'minute', limit: requestsPerMinute }] };
  return [{ name: 'rate-limit', config: { endpoint: null, address } }];
}
