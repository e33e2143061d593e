// Gateways as people write them into files.

import { Type, type Static } from 'typebox';
import { closed, optional, text } from '../schema-parts.ts';
import { CreateEndpoint } from './endpoint-schema.ts';
import { Deployment, FieldChange } from './revision-schema.ts';
import { CreateGateway } from './schema.ts';

const MAX_GATEWAYS = 1_000;
const MAX_ENDPOINTS = 2_000;

export const GatewayDocument = closed(
  {
    ...CreateGateway.properties,
    endpoints: optional(
      Type.Array(CreateEndpoint, {
        maxItems: MAX_ENDPOINTS,
        description: 'What the gateway publishes; each is told from the others by method and path.',
      }),
    ),
  },
  { description: 'A gateway with its endpoints; told from others by its name. What is left out has its default.' },
);

export const Declaration = closed({
  gateways: Type.Array(GatewayDocument, { maxItems: MAX_GATEWAYS, description: 'Each with its endpoints.' }),
});

export const Step = closed({
  action: Type.Unsafe<'create' | 'update' | 'delete' | 'deploy' | 'keep'>({
    type: 'string',
    enum: ['create', 'update', 'delete', 'deploy', 'keep'],
    description: '`keep`: it is not declared, and stays because `prune` was not asked for.',
  }),
  gateway: Type.String({ description: 'Its name.' }),
  endpoint: optional(
    Type.String({ description: 'Such as `GET /users/{id}`; absent when it is about the gateway itself.' }),
  ),
  fields: optional(Type.Array(FieldChange, { description: 'What an update changes.' })),
});

export const ApplyDeclaration = closed({
  ...Declaration.properties,
  prune: optional(
    Type.Boolean({
      description: 'Gateways and endpoints that are not declared are deleted. false unless told.',
    }),
  ),
  dryRun: optional(Type.Boolean({ description: 'Only plans, and changes nothing. false unless told.' })),
  expectedPlan: optional(
    text(100, '`planId` of a plan that was looked at: where it is not the plan any more, nothing is changed.'),
  ),
});

export const AppliedDeclaration = closed({
  planId: Type.String({ description: 'Stands for this plan and no other.' }),
  plan: Type.Array(Step, { description: 'Empty when everything is as it is declared.' }),
  isApplied: Type.Boolean(),
  deployments: Type.Array(Deployment),
});

export type GatewayDocument = Static<typeof GatewayDocument>;
export type Declaration = Static<typeof Declaration>;
export type ApplyDeclaration = Static<typeof ApplyDeclaration>;
export type AppliedDeclaration = Static<typeof AppliedDeclaration>;
export type Step = Static<typeof Step>;
