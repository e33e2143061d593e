// The request log as requests and answers write it.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { periodFields } from '../period.ts';
import { closed, optional, oneOf, text, time } from '../schema-parts.ts';

export const ListRequests = closed({
  ...pagingFields(1_000),
  sortBy: optional(oneOf(['timestamp'], 'Only the time of the call.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc (newest first) unless told.')),
  status: optional(text(200, '500, 5xx, or several: 401,403,5xx.', { format: 'status-list' })),
  method: optional(text(20, 'Exactly this method.')),
  path: optional(text(2_000, 'Exactly this path; with a * at the end, all that begin so.')),
  keyId: optional(text(100, 'Calls with this key.')),
  gatewayId: optional(text(100, 'Calls to this gateway.')),
  endpointId: optional(text(100, 'Calls to this endpoint.')),
  rateLimited: optional(Type.Boolean({ description: 'Whether a limit refused the call.' })),
  authFailed: optional(Type.Boolean({ description: 'Whether the credentials were missing or refused.' })),
  minDurationMs: optional(
    Type.Number({ minimum: 0, maximum: 86_400_000, description: 'Calls that took at least so long.' }),
  ),
  ...periodFields,
  search: optional(text(200, 'Anywhere in the request id, path, query, user agent, address or error code.')),
});

export const Request = closed({
  id: Type.String({ description: '`req_…`, as in the header X-Request-Id of the answer.' }),
  timestamp: time('When the call came.'),
  method: Type.String(),
  path: Type.String({ description: 'Without the query.' }),
  query: optional(Type.String({ description: 'With its question mark, secrets masked.' })),
  status: Type.Integer({ description: 'As sent; 499 when the caller left before.' }),
  durationMs: Type.Number(),
  clientIp: Type.String(),
  userAgent: optional(Type.String()),
  keyId: optional(Type.String()),
  gatewayId: optional(Type.String()),
  endpointId: optional(Type.String()),
  service: optional(Type.String({ description: 'The upstream service that the call was for.' })),
  target: optional(Type.String({ description: 'The target of it that was called.' })),
  upstreamMs: optional(Type.Number({ description: 'Time to the first byte of its answer.' })),
  errorCode: optional(Type.String({ description: 'When Tollgate itself answered with an error: which.' })),
  rateLimited: Type.Boolean(),
  authFailed: Type.Boolean(),
  request: closed({
    sizeBytes: Type.Integer({ description: 'Of the body.' }),
    headers: optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Of calls that were refused or failed, secrets masked.',
      }),
    ),
  }),
  response: closed({ sizeBytes: Type.Integer({ description: 'Of the body.' }) }),
});

export type ListRequests = Static<typeof ListRequests>;
export type Request = Static<typeof Request>;
