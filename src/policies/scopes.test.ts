import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Reply } from '../gateway/exchange.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import { createDeps, createExchange, createKey, readProblem, valuesOf } from '../../test/harness/data-plane.ts';
import { scopes } from './scopes.ts';

/** What becomes of a caller who holds `granted`, or of one who is nobody. */
function run(granted: readonly string[] | undefined, required: string[]): Reply | undefined {
  const { exchange } = createExchange();
  if (granted !== undefined) exchange.principal = createKey({}, granted).credential.principal;
  const result = scopes.compile({ required }, createDeps()).onRequest?.(exchange);
  assert.ok(!(result instanceof Promise), 'nothing waits here');
  return result;
}

describe('a caller', () => {
  const admitted: readonly [granted: readonly string[], required: string[]][] = [
    [['orders:read'], ['orders:read']],
    [['orders:read'], ['read:orders']],
    [
      ['orders:read', 'orders:write'],
      ['orders:read', 'delete:orders'],
    ],
    [['*'], ['orders:read', 'admin:keys:read']],
    [['orders:*'], ['orders:read', 'write:orders']],
  ];
  for (const [granted, required] of admitted) {
    test(`who holds ${granted.join(', ')} passes where ${required.join(', ')} is required`, () => {
      assert.equal(run(granted, required), undefined);
    });
  }

  const refused: readonly [granted: readonly string[] | undefined, required: string[], missing: string][] = [
    [[], ['orders:read'], 'orders:read'],
    [['orders:readx'], ['orders:read'], 'orders:read'],
    [['orders:read'], ['orders:read', 'write:orders'], 'orders:write'],
    [['other:*'], ['orders:read', 'orders:write'], 'orders:read and orders:write'],
    // A route whose authentication was forgotten is closed, not open.
    [undefined, ['orders:read'], 'orders:read'],
  ];
  for (const [granted, required, missing] of refused) {
    test(`who holds ${granted?.join(', ') ?? 'no credential'} is refused where ${required.join(', ')} is required`, () => {
      const reply = run(granted, required);
      assert.equal(reply?.status, 403);
      const problem = readProblem(reply);
      assert.equal(problem['code'], 'insufficient_scope');
      assert.equal(problem['detail'], `This endpoint requires ${missing}, which the key does not hold.`);
      const [challenge = ''] = valuesOf(reply?.headers ?? [], 'www-authenticate');
      assert.match(challenge, /^Bearer realm="tollgate", error="insufficient_scope", scope="[^"]+"$/);
    });
  }
});

describe('the configuration', () => {
  const sound: readonly unknown[] = [
    { required: ['orders:read'] },
    { required: ['*'] },
    { required: Array.from({ length: 50 }, (_, i) => `orders:action${i}`) },
  ];
  for (const config of sound) {
    test(`may be ${JSON.stringify(config).slice(0, 40)}`, () => {
      assert.deepEqual(checkSchema(scopes.config, config, 'config'), []);
    });
  }

  const unsound: readonly [config: unknown, path: string][] = [
    [null, 'config'],
    [{}, 'config.required'],
    [{ required: [] }, 'config.required'],
    [{ required: 'orders:read' }, 'config.required'],
    [{ required: ['orders'] }, 'config.required[0]'],
    [{ required: ['orders:read', 'a:"b'] }, 'config.required[1]'],
    [{ required: ['orders:read\r\nx: y'] }, 'config.required[0]'],
    [{ required: [`a:${'b'.repeat(99)}`] }, 'config.required[0]'],
    [{ required: Array.from({ length: 51 }, (_, i) => `a:b${i}`) }, 'config.required'],
    [{ required: ['a:b'], any: true }, 'config.any'],
  ];
  for (const [config, path] of unsound) {
    test(`refuses ${JSON.stringify(config)?.slice(0, 40)} at ${path}`, () => {
      assert.deepEqual([...new Set(checkSchema(scopes.config, config, 'config').map((fault) => fault.path))], [path]);
    });
  }
});
