// The operations on clients under the name /clients: registration, what is decided about it, and the same clients in the spelling of
// registrations.

import { inTenant } from '../../db/tenant-transaction.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { IdParams } from '../schema-parts.ts';
import { changeClient, existing, makeClient, type Step } from './change.ts';
import { toRegistration } from './new-client.ts';
import { toClient, toRegistered, toRegisteredWithKeys } from './present.ts';
import { clientFaults } from './rules.ts';
import * as schema from './schema.ts';
import { approve, reactivate, reject, suspend, update } from './steps.ts';
import { findClient, newestKeys, type ClientRow } from './store.ts';

const MAX_CREDENTIALS = 100;
const MAY_DECIDE = ['admin:clients:approve'];
const MAY_CHANGE = ['admin:clients:update', 'clients:update'];

const registerClient = operation(['admin:clients:create', 'clients:create', 'admin:clients:register'], {
  id: 'registerClient',
  method: 'POST',
  path: '/clients/register',
  summary: 'Register a client',
  description: 'It is pending, and may do nothing, until it is approved; the setting CLIENT_APPROVAL can spare that.',
  tag: 'Clients',
  body: schema.RegisterClient,
  replies: { 201: schema.RegisteredClient },
  faults: ({ body }, context) => clientFaults(body, context),
  async handle({ body }, context) {
    const row = toRegistration(body, context);
    const events = ['client.registered', ...(row.status === 'active' ? ['client.approved'] : [])];
    const made = await makeClient(context, row, { action: 'client.register', events });
    return { status: 201, ...answer(made, context) };
  },
});

const getRegistered = operation(['admin:clients:read', 'clients:read'], {
  id: 'getRegisteredClient',
  method: 'GET',
  path: '/clients/{id}',
  summary: 'Look at a client and its credentials',
  description: 'The key of a client sees its own only.',
  tag: 'Clients',
  params: IdParams,
  replies: { 200: schema.RegisteredWithKeys },
  async handle({ params }, { services, principal, nowMs }) {
    const { row, keys } = await inTenant(services.db, principal, async (trx) => {
      const client = existing(await findClient(trx, principal, params.id));
      return { row: client, keys: await newestKeys(trx, client, MAX_CREDENTIALS) };
    });
    const data = toRegisteredWithKeys(row, keys, nowMs);
    const beside = keys.length === 0 ? {} : { credentials: data.credentials };
    return { status: 200, data, resource: { ...toClient(row, nowMs), ...beside } };
  },
});

const putRegistered = operation(MAY_CHANGE, {
  id: 'updateRegisteredClient',
  method: 'PUT',
  path: '/clients/{id}',
  summary: 'Change a client',
  description: 'Holds for all its keys at once, on every node within a second.',
  tag: 'Clients',
  params: IdParams,
  body: schema.UpdateRegistered,
  replies: { 200: schema.RegisteredClient },
  faults: ({ body }, context) => clientFaults(body, context),
  async handle({ params, body }, context) {
    const decide = (before: ClientRow): Step | undefined =>
      update(before, toUpdate(body), context.principal, 'body.allowedScopes');
    const row = await changeClient(context, params.id, decide, 'subscriptionTier');
    return { status: 200, ...answer(row, context) };
  },
});

const approveClient = operation(MAY_DECIDE, {
  id: 'approveClient',
  method: 'POST',
  path: '/clients/{id}/approve',
  summary: 'Approve a client',
  description: 'One that is pending or was rejected. The approver gives the scopes, and so must hold them.',
  tag: 'Clients',
  params: IdParams,
  body: schema.ApproveClient,
  isBodyOptional: true,
  replies: { 200: schema.RegisteredClient },
  async handle({ params, body }, context) {
    const approval = { scopes: body.allowedScopes, principal: context.principal, now: new Date(context.nowMs) };
    const row = await changeClient(context, params.id, (before) => approve(before, approval));
    return { status: 200, ...answer(row, context) };
  },
});

const rejectClient = decision(MAY_DECIDE, {
  verb: 'reject',
  summary: 'Reject a client that is pending',
  description: 'Its keys stay without effect. It may still be approved later.',
  decide: reject,
});

const suspendClient = decision(MAY_CHANGE, {
  verb: 'suspend',
  summary: 'Suspend a client',
  description: 'All its keys stop at once, on every node within a second.',
  decide: suspend,
});

const reactivateClient = operation(MAY_CHANGE, {
  id: 'reactivateClient',
  method: 'POST',
  path: '/clients/{id}/reactivate',
  summary: 'Let a suspended client go on',
  tag: 'Clients',
  params: IdParams,
  replies: { 200: schema.RegisteredClient },
  async handle({ params }, context) {
    const row = await changeClient(context, params.id, reactivate);
    return { status: 200, ...answer(row, context) };
  },
});

export const REGISTERED_CLIENT_OPERATIONS: readonly Operation[] = [
  registerClient,
  getRegistered,
  putRegistered,
  approveClient,
  rejectClient,
  suspendClient,
  reactivateClient,
];

/** One client under two names has one ETag. */
function answer(row: ClientRow, { nowMs }: AuthorizedContext) {
  return { data: toRegistered(row, nowMs), resource: toClient(row, nowMs) };
}

interface Decided {
  readonly verb: string;
  readonly summary: string;
  readonly description: string;
  readonly decide: (before: ClientRow, reason: string | undefined) => Step | undefined;
}

/** Something that is done to a client, for a reason that may be told. */
function decision(anyOf: readonly string[], { verb, summary, description, decide }: Decided): Operation {
  return operation(anyOf, {
    id: `${verb}Client`,
    method: 'POST',
    path: `/clients/{id}/${verb}`,
    summary,
    description,
    tag: 'Clients',
    params: IdParams,
    body: schema.Decision,
    isBodyOptional: true,
    replies: { 200: schema.RegisteredClient },
    async handle({ params, body }, context) {
      const row = await changeClient(context, params.id, (before) => decide(before, body.reason));
      return { status: 200, ...answer(row, context) };
    },
  });
}

function toUpdate(body: schema.UpdateRegistered): schema.UpdateClient {
  const { clientName, clientDescription, allowedScopes, subscriptionTier, ...alike } = body;
  return {
    ...alike,
    ...(clientName !== undefined && { name: clientName }),
    ...(clientDescription !== undefined && { description: clientDescription }),
    ...(allowedScopes !== undefined && { scopes: allowedScopes }),
    ...(subscriptionTier !== undefined && { rateLimitTier: subscriptionTier }),
  };
}
