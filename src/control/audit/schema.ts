// The audit log as requests and answers write it.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { periodFields } from '../period.ts';
import { closed, oneOf, optional, text, time } from '../schema-parts.ts';

const filterFields = {
  action: optional(text(100, 'Exactly this action, such as key.create; with a * at the end, all that begin so.')),
  actorId: optional(text(100, 'What this operator or key did.')),
  resourceType: optional(text(100, 'Changes of resources of this type, such as api_key.')),
  resourceId: optional(text(200, 'Changes of this resource.')),
  requestId: optional(text(200, 'What this call changed.')),
  ...periodFields,
};

export const ListAuditLogs = closed({
  ...pagingFields(1_000),
  sortBy: optional(oneOf(['timestamp'], 'Only the time of the change.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc (newest first) unless told.')),
  ...filterFields,
});

export const ExportAuditLogs = closed({
  format: optional(oneOf(['ndjson', 'csv'], 'ndjson (a JSON object a line) unless told.')),
  ...filterFields,
});

export const VerifyAuditLogs = closed({
  checkpoint: optional(
    text(100, '`checkpoint` of an answer before: only what came after it is looked at, and that it is still there.', {
      format: 'audit-checkpoint',
    }),
  ),
});

const FieldChange = closed({
  before: optional(Type.Unknown({ description: 'As it was; absent when it was not there.' })),
  after: optional(Type.Unknown({ description: 'As it is; absent when it is not there any more.' })),
});

export const AuditLog = closed({
  id: Type.String({ description: '`aud_…`' }),
  sequence: Type.Integer({ description: 'Counts from 1 without a gap.' }),
  timestamp: time('When it was changed.'),
  action: Type.String({ description: '`key.create`, `gateway.deploy` …' }),
  actor: closed({
    type: oneOf(['operator', 'key', 'system'], 'Who: `system` is Tollgate itself.'),
    id: Type.String(),
    name: Type.String(),
    email: optional(Type.String({ description: 'Of an operator.' })),
    role: optional(Type.String({ description: 'Of an operator, at that time.' })),
    keyId: optional(Type.String({ description: 'The key with which an operator called.' })),
  }),
  resource: closed({ type: Type.String({ description: '`api_key`, `gateway` …' }), id: Type.String() }),
  details: Type.Record(Type.String(), Type.Unknown(), { description: 'What is worth knowing; secrets are masked.' }),
  changes: Type.Record(Type.String(), FieldChange, {
    description:
      'Each field that changed; secrets are masked, and values of more than 4,096 characters told by their hash.',
  }),
  requestId: optional(Type.String({ description: 'The call that did it, as in the request log.' })),
  clientIp: optional(Type.String({ description: 'Where the call came from.' })),
  hash: Type.String({ description: 'The link of the chain that this entry is.' }),
});

export const AuditVerdict = closed({
  isIntact: Type.Boolean({ description: 'Nothing was found to be removed, altered or put in, as far as was looked.' }),
  isComplete: Type.Boolean({ description: 'The end was reached; otherwise go on with `checkpoint`.' }),
  checked: Type.Integer({ description: 'Entries looked at by this call.' }),
  checkpoint: Type.String({
    description: 'Where this call ended. Kept elsewhere, it proves later that nothing was cut off.',
  }),
  faults: Type.Array(
    closed({
      sequence: Type.Integer({ description: 'Where.' }),
      id: optional(Type.String({ description: 'The entry, where there is one.' })),
      kind: oneOf(['missing', 'altered', 'unchained', 'cut', 'surplus', 'checkpoint'], 'What.'),
      message: Type.String(),
    }),
    { description: 'At most 100; the first are the oldest.' },
  ),
});

export type AuditFilterQuery = Omit<Static<typeof ExportAuditLogs>, 'format'>;
export type ListAuditLogs = Static<typeof ListAuditLogs>;
export type AuditLog = Static<typeof AuditLog>;
export type AuditVerdict = Static<typeof AuditVerdict>;
export type AuditFault = AuditVerdict['faults'][number];
