import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { VerifiedKey } from '../control/keys/verify-schema.ts';
import { parseVerification, toCredential } from './answer.ts';

const KEY: VerifiedKey = {
  id: 'key_1',
  name: 'billing',
  kind: 'key',
  status: 'active',
  expiresAt: '2030-01-01T00:00:00.000Z',
  scopes: ['orders:read'],
  limits: [
    { of: 'key', algorithm: 'sliding', window: 'minute', limit: 60 },
    { of: 'client', algorithm: 'fixed', window: 'month', limit: 9, timeZone: 'Europe/Vienna' },
    { of: 'tenant', algorithm: 'bucket', window: 'hour', limit: 60, burst: 5 },
    { of: 'key', algorithm: 'concurrency', limit: 2 },
  ],
  allowedIps: ['10.0.0.0/8'],
  client: { id: 'cli_1', status: 'active', allowedEndpoints: ['GET /orders'] },
};
const PROOF = { publicId: 'abc', hash: new Uint8Array(48), pepper: 'p' };

function parse(key: unknown, more: object = {}): ReturnType<typeof parseVerification> {
  return parseVerification(JSON.stringify({ success: true, data: { isValid: true, key, ...more } }));
}

describe('what a control plane says of a key', () => {
  test('becomes a credential with all that binds it', () => {
    assert.deepEqual(parse(KEY), { state: 'known', key: KEY });
    assert.deepEqual(toCredential(KEY, PROOF, 'ten_here'), {
      ...PROOF,
      status: 'active',
      expiresAtMs: Date.parse('2030-01-01'),
      allowedIps: ['10.0.0.0/8'],
      principal: {
        kind: 'key',
        tenantId: 'ten_here',
        keyId: 'key_1',
        operatorId: undefined,
        name: 'billing',
        scopes: ['orders:read'],
        limits: KEY.limits,
        clientId: 'cli_1',
        restrictions: { endpoints: ['GET /orders'] },
      },
      client: { status: 'active', expiresAtMs: undefined },
    });
  });

  test('is told from a key that it does not know', () => {
    assert.deepEqual(parseVerification('{"data":{"isValid":false,"reason":"invalid_key"}}'), { state: 'unknown' });
  });

  test('is not believed at all where any of it is not understood', () => {
    const { status: _, ...withoutStatus } = KEY;
    const limit = { of: 'key', algorithm: 'fixed', window: 'day', limit: 5 };
    const wrong: readonly [string, unknown][] = [
      ['a restriction of a later release', { ...KEY, onlyOnSundays: true }],
      ['one of its client', { ...KEY, client: { ...KEY.client, allowedPlanets: ['earth'] } }],
      ['no status', withoutStatus],
      ['a status of a later release', { ...KEY, status: 'sleeping' }],
      ['addresses that are none', { ...KEY, allowedIps: ['everywhere'] }],
      ['a time that is none', { ...KEY, expiresAt: 'soon' }],
      ['a limit of a later kind', { ...KEY, limits: [{ ...limit, algorithm: 'leaky' }] }],
      ['a limit of nothing', { ...KEY, limits: [{ ...limit, limit: 0 }] }],
      ['a window without one', { ...KEY, limits: [{ of: 'key', algorithm: 'fixed', limit: 5 }] }],
      ['a bucket without a burst', { ...KEY, limits: [{ ...limit, algorithm: 'bucket', window: 'minute' }] }],
      ['a bucket of a day', { ...KEY, limits: [{ ...limit, algorithm: 'bucket', burst: 5 }] }],
      ['a burst of a window', { ...KEY, limits: [{ ...limit, burst: 5 }] }],
      ['a window at the same time', { ...KEY, limits: [{ ...limit, algorithm: 'concurrency' }] }],
      ['a zone that is none', { ...KEY, limits: [{ ...limit, timeZone: 'Moon/Crater' }] }],
      ['no key at all', undefined],
    ];
    for (const [what, key] of wrong) assert.equal(parse(key), undefined, what);
    assert.equal(parse(KEY, { trustMe: true }), undefined);
    for (const body of ['', 'null', '[]', '{}', '{"data":null}', '{"data":{}}', '<html>'])
      assert.equal(parseVerification(body), undefined, body);
  });
});
