// Every operation of the API that changes something, as a call that succeeds once. Tests walk this table, and a new operation fails them until it
// stands here.

import { OPERATIONS } from '../../src/control/operations.ts';
import type { Operation } from '../../src/control/operation.ts';
import type { CallOptions, TestControl } from './control.ts';

export interface Change {
  /** Makes what the call needs, and answers with the call. */
  readonly prepare: (control: TestControl) => Promise<ChangeCall>;
  /** That the contract's catalogue names for it. */
  readonly event?: string;
}

export interface ChangeCall extends CallOptions {
  readonly method: string;
  readonly path: string;
}

const SHOP = { name: 'shop', upstreamServices: [{ name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] }] };
const CLIENT = { name: 'Acme', contactEmail: 'ada@example.com' };
const REGISTRATION = { clientName: 'Acme', clientType: 'web_app', contactEmail: 'ada@example.com' };
const TENANT = { name: 'Acme', slug: 'acme' };
const OPERATOR = { name: 'Bob', email: 'bob@example.com', role: 'KEY_ADMIN' };
const ROLE = { name: 'BILLING', permissions: ['keys:read'] };
const LIMITS = { requestsPerDay: 5 };
const ENDPOINT = { method: 'GET', path: '/orders', service: 'orders' };

export const CHANGES: Readonly<Record<string, Change>> = {
  setup: {
    prepare: async () => post('/setup', { name: 'Ada', email: 'ada@example.com' }, { as: null }),
    event: 'key.created',
  },
  createKey: {
    prepare: async () => post('/api/v1/keys', { name: 'x', metadata: { password: 'hush' } }),
    event: 'key.created',
  },
  updateKey: { prepare: async (control) => put(await key(control), { name: 'y' }) },
  rotateKey: { prepare: async (control) => post(`${await key(control)}/rotate`, {}), event: 'key.rotated' },
  importKeys: {
    prepare: async () =>
      post('/api/v1/keys/import', { keys: [{ name: 'x', keyPrefix: 'old_', hash: 'a'.repeat(64) }] }),
    event: 'key.created',
  },
  revokeKey: { prepare: async (control) => remove(await key(control)), event: 'key.revoked' },
  createClientKey: {
    prepare: async (control) => post('/api/v1/api-keys', { name: 'x', clientId: await client(control) }),
    event: 'key.created',
  },
  revokeClientKey: {
    prepare: async (control) => {
      const clientId = await client(control);
      const keyId = await make(control, '/api/v1/api-keys', { name: 'x', clientId });
      return remove(`/api/v1/api-clients/${clientId}/api-keys/${keyId}`);
    },
    event: 'key.revoked',
  },
  createClient: { prepare: async () => post('/api/v1/api-clients', CLIENT), event: 'client.created' },
  updateClient: {
    prepare: async (control) => put(`/api/v1/api-clients/${await client(control)}`, { name: 'y' }),
    event: 'client.updated',
  },
  deleteClient: {
    prepare: async (control) => remove(`/api/v1/api-clients/${await client(control)}`),
    event: 'client.deleted',
  },
  registerClient: { prepare: async () => post('/api/v1/clients/register', REGISTRATION), event: 'client.registered' },
  updateRegisteredClient: {
    prepare: async (control) => put(`/api/v1/clients/${await client(control)}`, { clientName: 'y' }),
    event: 'client.updated',
  },
  approveClient: {
    prepare: async (control) => post(`/api/v1/clients/${await registration(control)}/approve`),
    event: 'client.approved',
  },
  rejectClient: {
    prepare: async (control) => post(`/api/v1/clients/${await registration(control)}/reject`),
    event: 'client.rejected',
  },
  suspendClient: {
    prepare: async (control) => post(`/api/v1/clients/${await client(control)}/suspend`),
    event: 'client.suspended',
  },
  reactivateClient: {
    prepare: async (control) => {
      const path = `/api/v1/clients/${await client(control)}`;
      await control.call('POST', `${path}/suspend`);
      return post(`${path}/reactivate`);
    },
    event: 'client.reactivated',
  },
  putRateLimitTier: { prepare: async () => put('/api/v1/rate-limits/tiers/free', LIMITS) },
  deleteRateLimitTier: { prepare: async () => remove('/api/v1/rate-limits/tiers/free') },
  putKeyLimits: { prepare: async (control) => put(limitsOf('keys', await key(control)), LIMITS), event: 'key.updated' },
  deleteKeyLimits: { prepare: async (control) => remove(limitsOf('keys', await key(control))), event: 'key.updated' },
  putClientLimits: {
    prepare: async (control) => put(limitsOf('clients', await client(control)), LIMITS),
    event: 'client.updated',
  },
  deleteClientLimits: {
    prepare: async (control) => remove(limitsOf('clients', await client(control))),
    event: 'client.updated',
  },
  putEndpointLimits: { prepare: async (control) => put(limitsOf('endpoints', await endpoint(control)), LIMITS) },
  deleteEndpointLimits: { prepare: async (control) => remove(limitsOf('endpoints', await endpoint(control))) },
  putTenantLimits: { prepare: async (control) => put(limitsOf('tenants', await tenant(control)), LIMITS) },
  deleteTenantLimits: { prepare: async (control) => remove(limitsOf('tenants', await tenant(control))) },
  createTenant: { prepare: async () => post('/api/v1/tenants', TENANT) },
  updateTenant: { prepare: async (control) => put(await tenant(control), { name: 'y' }) },
  deleteTenant: { prepare: async (control) => remove(await tenant(control)) },
  createOperator: { prepare: async () => post('/api/v1/operators', OPERATOR), event: 'key.created' },
  updateOperator: { prepare: async (control) => put(await operator(control), { name: 'y' }) },
  deleteOperator: { prepare: async (control) => remove(await operator(control)), event: 'key.revoked' },
  createOperatorKey: {
    prepare: async (control) => post(`${await operator(control)}/keys`, { name: 'x' }),
    event: 'key.created',
  },
  setOperatorPassword: {
    prepare: async (control) => put(`${await operator(control)}/password`, { password: 'hush is a long one' }),
  },
  createRole: { prepare: async () => post('/api/v1/roles', ROLE) },
  updateRole: { prepare: async (control) => put(await role(control), { description: 'y' }) },
  deleteRole: { prepare: async (control) => remove(await role(control)) },
  createGateway: { prepare: async () => post('/api/v1/gateways', SHOP) },
  putGateway: {
    prepare: async (control) => {
      await gateway(control);
      return put('/api/v1/gateways', { ...SHOP, version: 'v2' });
    },
  },
  updateGateway: { prepare: async (control) => put(await gateway(control), { description: 'y' }) },
  deleteGateway: { prepare: async (control) => remove(await gateway(control)) },
  deployGateway: {
    prepare: async (control) => post((await endpoint(control)).replace(/\/endpoints\/.*/, '/deploy')),
    event: 'gateway.deployed',
  },
  rollbackGateway: {
    prepare: async (control) => {
      const path = (await endpoint(control)).replace(/\/endpoints\/.*/, '');
      for (let i = 0; i < 2; i++) await control.call('POST', `${path}/deploy`);
      return post(`${path}/rollback`);
    },
    event: 'gateway.deployed',
  },
  applyDeclaration: {
    prepare: async (control) => {
      const gateways = [SHOP, { ...SHOP, name: 'other', endpoints: [ENDPOINT] }];
      await control.call('POST', '/api/v1/gateways/apply', { body: { gateways } });
      const less = { ...SHOP, timeoutSeconds: 5, endpoints: [ENDPOINT] };
      return post('/api/v1/gateways/apply', { gateways: [less], prune: true });
    },
    event: 'gateway.deployed',
  },
  importOpenApi: {
    prepare: async () => {
      const paths = { '/orders': { get: { summary: 'All orders' } } };
      const document = { openapi: '3.1.0', info: { title: 'Orders', version: '1' }, paths };
      return post('/api/v1/gateways/import', { document, target: 'http://127.0.0.1:9000' });
    },
  },
  createEndpoint: { prepare: async (control) => post(`${await gateway(control)}/endpoints`, ENDPOINT) },
  updateEndpoint: { prepare: async (control) => put(await endpoint(control), { summary: 'y' }) },
  deleteEndpoint: { prepare: async (control) => remove(await endpoint(control)) },
};

/** Operations that change nothing though their method is not GET, and why. */
const READS: Readonly<Record<string, string>> = {
  validateKey: 'tells whether a key is valid; a POST, so that the key stands in no address',
  verifyKey: 'tells what a key permits; a POST for the same reason',
};

/** What the table must have. */
export const CHANGING: readonly Operation[] = OPERATIONS.filter(
  ({ method, id }) => method !== 'GET' && READS[id] === undefined,
);

/** From the path of a resource, or its id. */
const limitsOf = (plural: string, path: string): string =>
  `/api/v1/rate-limits/${plural}/${path.split('/').at(-1) ?? ''}`;
const post = (path: string, body?: unknown, more: CallOptions = {}): ChangeCall => ({
  method: 'POST',
  path,
  ...(body !== undefined && { body }),
  ...more,
});
const put = (path: string, body: unknown): ChangeCall => ({ method: 'PUT', path, body });
const remove = (path: string): ChangeCall => ({ method: 'DELETE', path });

async function key(control: TestControl): Promise<string> {
  return `/api/v1/keys/${await make(control, '/api/v1/keys', { name: 'x' })}`;
}

async function client(control: TestControl): Promise<string> {
  return make(control, '/api/v1/api-clients', CLIENT);
}

async function registration(control: TestControl): Promise<string> {
  return make(control, '/api/v1/clients/register', REGISTRATION);
}

async function tenant(control: TestControl): Promise<string> {
  return `/api/v1/tenants/${await make(control, '/api/v1/tenants', TENANT)}`;
}

async function operator(control: TestControl): Promise<string> {
  return `/api/v1/operators/${await make(control, '/api/v1/operators', OPERATOR)}`;
}

async function role(control: TestControl): Promise<string> {
  await make(control, '/api/v1/roles', ROLE);
  return `/api/v1/roles/${ROLE.name}`;
}

async function gateway(control: TestControl): Promise<string> {
  return `/api/v1/gateways/${await make(control, '/api/v1/gateways', SHOP)}`;
}

async function endpoint(control: TestControl): Promise<string> {
  const path = `${await gateway(control)}/endpoints`;
  return `${path}/${await make(control, path, ENDPOINT)}`;
}

async function make(control: TestControl, path: string, body: unknown): Promise<string> {
  const made = await control.call('POST', path, { body });
  if (made.status !== 201) throw new Error(`${path} answered ${made.text}`);
  return made.body.data.id;
}
