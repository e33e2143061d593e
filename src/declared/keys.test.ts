import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toKeyHash } from '../lib/key-hash.ts';
import { newKeyText } from '../lib/key-text.ts';
import { toPeppers } from '../lib/pepper.ts';
import { parseKeys, type KeyOptions } from './keys.ts';

const OPTIONS: KeyOptions = {
  peppers: toPeppers('the pepper of the tests, 32 characters', 'the one before it, 32 characters and'),
  tenantId: 'ten_1',
  defaultRateLimit: { requestsPerMinute: 100 },
};

function makeHash(secret = 'the pepper of the tests, 32 characters'): string {
  return toKeyHash(newKeyText('tg_live').text, toPeppers(secret).current) ?? '';
}

describe('a list of keys', () => {
  test('becomes credentials, found by what stands in the texts', () => {
    const hash = makeHash();
    const entry = {
      name: 'billing',
      hash,
      scopes: ['read:orders'],
      rateLimit: { requestsPerDay: 7 },
      allowedIps: ['10.0.0.0/8'],
      expiresAt: '2030-01-31T12:00:00Z',
      owner: 'somebody',
      description: 'for readers',
    };
    const { keys, faults } = parseKeys([entry, { name: 'plain', hash: makeHash() }], OPTIONS);
    assert.deepEqual(faults, []);
    assert.equal(keys.size, 2);
    const credential = keys.get(hash.split(':')[1] ?? '');
    assert.equal(credential?.expiresAtMs, Date.parse(entry.expiresAt));
    assert.deepEqual(credential?.allowedIps, ['10.0.0.0/8']);
    assert.deepEqual(credential?.principal, {
      kind: 'key',
      tenantId: 'ten_1',
      keyId: 'billing',
      operatorId: undefined,
      name: 'billing',
      scopes: ['orders:read'],
      limits: [{ window: 'day', limit: 7 }],
    });
    assert.deepEqual([...keys.values()][1]?.principal.limits, [{ window: 'minute', limit: 100 }]);
  });

  test('may be empty, as a file with comments only is', () => {
    assert.deepEqual(parseKeys(null, OPTIONS), { keys: new Map(), faults: [] });
    assert.deepEqual(parseKeys(undefined, OPTIONS), { keys: new Map(), faults: [] });
  });

  test('takes keys that were hashed under the pepper before', () => {
    const { faults, keys } = parseKeys(
      [{ name: 'a', hash: makeHash('the one before it, 32 characters and') }],
      OPTIONS,
    );
    assert.deepEqual([faults, keys.size], [[], 1]);
  });

  const hash = makeHash();
  const faulty: readonly [string, unknown, readonly string[], RegExp][] = [
    ['no list', { keys: [] }, [''], /must be a list of keys/],
    ['an entry that is none', [1], ['[0]'], /must be an object/],
    ['a field that is not known', [{ name: 'a', hash, scope: [] }], ['[0].scope'], /did you mean scopes/],
    ['a key in clear text', [{ name: 'a', hash: newKeyText('tg').text }], ['[0].hash'], /never the key itself/],
    [
      'a name twice',
      [
        { name: 'a', hash },
        { name: 'a', hash: makeHash() },
      ],
      ['[1].name'],
      /there already, at \[0\]/,
    ],
    [
      'a key twice',
      [
        { name: 'a', hash },
        { name: 'b', hash },
      ],
      ['[1].hash'],
      /there twice/,
    ],
    [
      'another pepper',
      [{ name: 'a', hash: makeHash('quite another pepper, 32 characters') }],
      ['[0].hash'],
      /another HMAC/,
    ],
    ['a time that is none', [{ name: 'a', hash, expiresAt: 'soon' }], ['[0].expiresAt'], /date and time/],
    ['several faults', [{ name: 'a' }, { hash: 'x' }], ['[0].hash', '[1].name'], /required/],
  ];
  for (const [what, document, paths, message] of faulty) {
    test(`lets nobody in with ${what}`, () => {
      const { keys, faults } = parseKeys(document, OPTIONS);
      assert.equal(keys.size, 0);
      assert.deepEqual(
        faults.map(({ path }) => path),
        paths,
      );
      assert.match(faults[0]?.message ?? '', message);
    });
  }
});
