import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { toOpenApi } from './openapi.ts';
import { managementRoutes, OPERATIONS } from './operations.ts';

const Document = Type.Object({
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Object({ operationId: Type.String() }))),
});

test('the description is valid OpenAPI 3.1', async () => {
  const document = structuredClone(toOpenApi(OPERATIONS));
  const validator = new Validator();
  const result = await validator.validate({ ...document });
  assert.deepEqual([result.valid, result.errors ?? []], [true, []]);
  assert.equal(validator.version, '3.1');
});

test('every operation stands in the description, under each path but the unversioned, and nothing else does', () => {
  const document: unknown = structuredClone(toOpenApi(OPERATIONS));
  assert.ok(Value.Check(Document, document));
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = managementRoutes(OPERATIONS)
    .filter(({ path }) => !path.startsWith('/api/') || path.startsWith('/api/v1/'))
    .map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(described.toSorted(), served.toSorted());
});

test('operation ids and routes are unique', () => {
  const ids = OPERATIONS.map(({ id }) => id);
  assert.deepEqual(ids, [...new Set(ids)]);
  const routes = managementRoutes(OPERATIONS).map(
    ({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`,
  );
  assert.deepEqual(routes, [...new Set(routes)]);
});

test('every schema refuses fields that it does not know', () => {
  for (const { id, params, query, headers, body } of OPERATIONS) {
    for (const schema of [params, query, headers, ...(body === undefined ? [] : [body])]) {
      assert.ok('additionalProperties' in schema && schema.additionalProperties === false, id);
    }
  }
});
