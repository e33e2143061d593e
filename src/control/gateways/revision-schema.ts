// Deploys, revisions and differences as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { closed, oneOf, optional, text, time } from '../schema-parts.ts';

const routes = (about: string) => Type.Array(Type.String(), { description: `${about}, each as \`GET /path\`.` });

const RouteChanges = closed({
  added: routes('New routes'),
  removed: routes('Routes that are gone'),
  changed: routes('Routes that do something else'),
});

const restored = Type.Integer({ description: 'The revision that came back with this one.' });

export const Deployment = closed({
  gatewayId: Type.String(),
  revision: Type.Integer({ description: 'Counts the deploys of the gateway.' }),
  revisionId: Type.String({ description: '`rev_…`' }),
  deployedAt: time('When it went on the air.'),
  restored: optional(restored),
  changes: RouteChanges,
});

export const Rollback = closed(
  {
    revision: optional(
      Type.Integer({ minimum: 1, description: 'Which one comes back; the one before that which is live unless told.' }),
    ),
    restoreDraft: optional(
      Type.Boolean({
        description:
          'The draft becomes again what the revision was made of; else it stays as it is. false unless told.',
      }),
    ),
  },
  {},
);

export const ListRevisions = closed({
  ...pagingFields(100),
  sortOrder: optional(oneOf(['asc', 'desc'], 'By number; desc unless told.')),
});

const revisionFields = {
  id: Type.String({ description: '`rev_…`' }),
  revision: Type.Integer(),
  isLive: Type.Boolean(),
  createdAt: time('When it was deployed.'),
  createdBy: Type.String({ description: 'The operator or the key that deployed it.' }),
  restored: optional(restored),
};

export const RevisionEntry = closed({
  ...revisionFields,
  changes: optional(
    closed(
      { added: Type.Integer(), removed: Type.Integer(), changed: Type.Integer() },
      { description: 'How many routes, against what was live before.' },
    ),
  ),
});

export const RevisionParams = closed({
  id: Type.String({ maxLength: 100, description: 'The id of the gateway.' }),
  revision: Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'The number of the revision.' }),
});

export const Revision = closed({
  ...revisionFields,
  changes: optional(RouteChanges),
  document: optional(
    Type.Unknown({ description: 'The draft that it was made of, as a declaration writes it; absent for the oldest.' }),
  ),
});

const side = (about: string) => optional(text(20, about, { format: 'revision-name' }));

export const DiffQuery = closed({
  from: side('`live`, `draft` or the number of a revision. live unless told.'),
  to: side('`live`, `draft` or the number of a revision. draft unless told.'),
});

export const FieldChange = closed({
  path: Type.String({ description: 'Such as `endpoints["GET /users/{id}"].timeoutSeconds`.' }),
  before: optional(Type.Unknown({ description: 'Absent when there was nothing.' })),
  after: optional(Type.Unknown({ description: 'Absent when there is nothing any more.' })),
});

export const Difference = closed({
  from: Type.String(),
  to: Type.String(),
  routes: RouteChanges,
  fields: Type.Array(FieldChange, { description: 'What was said and is said of the gateway and its endpoints.' }),
});

export type Deployment = Static<typeof Deployment>;
export type Rollback = Static<typeof Rollback>;
export type ListRevisions = Static<typeof ListRevisions>;
export type RevisionEntry = Static<typeof RevisionEntry>;
export type Revision = Static<typeof Revision>;
export type DiffQuery = Static<typeof DiffQuery>;
export type Difference = Static<typeof Difference>;
export type FieldChange = Static<typeof FieldChange>;
