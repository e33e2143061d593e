// The management API as an OpenAPI 3.1 document, made of the operations themselves.

import type { TObject, TSchema } from 'typebox';
import { PROBLEMS } from '../lib/problem.ts';
import type { Form, Operation } from './operation.ts';
import type { Access } from './permissions.ts';
import { replySchema } from './reply-schema.ts';

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION = `The management API of Tollgate. Answers come in an envelope, \`{ success, data, meta? }\`; errors are problem details (RFC 9457)
with a stable \`code\`. What stands below \`/api/v1\` answers below \`/api\` as well; paths at the root are the compact surface, with bare bodies and times in
milliseconds.`;

export function toOpenApi(operations: readonly Operation[]): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This Tollgate' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths: toPaths(operations),
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      parameters: {
        TenantId: {
          name: 'X-Tenant-Id',
          in: 'header',
          description:
            'The tenant to act in, for operators of the default tenant who hold `admin:tenants:act`. The caller’s own unless told.',
          schema: { type: 'string' },
        },
      },
      responses: {
        Problem: {
          description: 'A refusal, or a failure.',
          content: { 'application/problem+json': { schema: PROBLEM } },
        },
      },
    },
  };
}

const PROBLEM: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'success', 'code', 'requestId'],
  properties: {
    type: { type: 'string', description: 'A name for the kind of problem.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened, and what to do.' },
    instance: { type: 'string', description: 'The path that was called.' },
    success: { const: false },
    code: { enum: Object.keys(PROBLEMS), description: 'Stable; for programs.' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      description: 'Every fault of the request.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

const ETAG: Json = { description: 'Names this state of the resource.', schema: { type: 'string' } };

function toPaths(operations: readonly Operation[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const method = operation.method.toLowerCase();
    (paths[`/api/v1${operation.path}`] ??= {})[method] = toPathItem(operation, 'envelope');
    if (operation.compact !== undefined)
      (paths[operation.compact.path] ??= {})[method] = toPathItem(operation, 'compact');
  }
  return paths;
}

function toPathItem(operation: Operation, form: Form): Json {
  return {
    operationId: form === 'compact' ? `${operation.id}Compact` : operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: toDescription(operation),
    security: operation.access === 'public' ? [] : [{ apiKey: [] }, { bearer: [] }],
    parameters: [
      ...(operation.access === 'public' ? [] : [{ $ref: '#/components/parameters/TenantId' }]),
      ...toParameters('path', operation.params),
      ...toParameters('query', operation.query),
      ...toParameters('header', operation.headers),
    ],
    ...(operation.body !== undefined && {
      requestBody: {
        required: !operation.isBodyOptional,
        content: { 'application/json': { schema: toSchema(operation.body) } },
      },
    }),
    responses: toResponses(operation, form),
  };
}

function toDescription({ description, access }: Operation): string {
  const needs = toNeeds(access);
  return description === '' ? needs : `${description} ${needs}`;
}

function toNeeds(access: Access): string {
  if (access === 'public') return 'No credential is needed.';
  if (access === 'authenticated') return 'Needs a credential, and whatever is told above.';
  return `Needs ${access.anyOf.map((scope) => `\`${scope}\``).join(' or ')}.`;
}

function toParameters(place: 'path' | 'query' | 'header', schema: TObject): Json[] {
  const required: readonly string[] = schema.required ?? [];
  return Object.entries(schema.properties).map(([name, property]) => {
    const { description = name, ...rest } = toSchema(property);
    return { name, in: place, required: required.includes(name), description, schema: rest };
  });
}

function toResponses(operation: Operation, form: Form): Json {
  const responses: Record<string, Json> = {};
  for (const status of Object.keys(operation.replies)) {
    const schema = toSchema(replySchema(operation, Number(status), form));
    const description = Number(status) < 400 ? operation.summary : 'Not now; the body tells why.';
    const headers = operation.standards.answersResource && { headers: { ETag: ETAG } };
    responses[status] = { description, ...headers, content: { 'application/json': { schema } } };
  }
  if (operation.streams.length > 0) {
    const content = operation.streams.map((mediaType) => [mediaType, { schema: { type: 'string' } }]);
    responses['200'] = { description: operation.summary, content: Object.fromEntries(content) };
  }
  if (operation.standards.conditions === 'read')
    responses['304'] = { description: 'Nothing changed since the ETag in If-None-Match.' };
  responses['default'] = { $ref: '#/components/responses/Problem' };
  return responses;
}

/** Plain JSON: what TypeBox keeps on a schema for itself goes away. */
function toSchema(schema: TSchema): Record<string, unknown> {
  const json: unknown = JSON.parse(JSON.stringify(schema));
  return typeof json === 'object' && json !== null ? { ...json } : {};
}
