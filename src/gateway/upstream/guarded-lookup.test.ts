import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { describe, test } from 'node:test';
import { createGuardedLookup, type PrivateTargets, refusalOf, resolveBySystem } from './guarded-lookup.ts';

function look(
  addresses: readonly string[],
  privateTargets: PrivateTargets,
  options: { readonly all?: boolean; readonly family?: number } = { all: true },
): readonly string[] | string {
  const found = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
  let told: readonly string[] | string = 'nothing';
  const lookup = createGuardedLookup(privateTargets, (_name, done) => done(null, found));
  lookup('target.example', options, (cause, address) => {
    if (cause !== null) told = cause.message;
    else told = typeof address === 'string' ? [address] : address.map((one) => one.address);
  });
  return told;
}

describe('what a name leads to', () => {
  const FORBIDDEN = [
    '169.254.169.254',
    'fe80::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    'fd00:ec2::254',
    '0.0.0.0',
    'fe80::1%eth0',
    'junk',
  ];
  for (const address of FORBIDDEN) {
    test(`is refused with private targets or without: ${address}`, () => {
      for (const privateTargets of ['allow', 'refuse'] as const) {
        assert.equal(look([address], privateTargets), `no request may go to target.example (${address})`);
      }
    });
  }

  for (const address of ['127.0.0.1', '10.0.0.1', '::1', 'fd12::1', '::ffff:192.168.1.1', '100.64.0.1']) {
    test(`is refused by setting: ${address}`, () => {
      assert.deepEqual(look([address], 'allow'), [address]);
      assert.equal(look([address], 'refuse'), `no request may go to target.example (${address})`);
    });
  }

  test('goes without the addresses that are refused', () => {
    const mixed = ['169.254.169.254', '192.0.2.7', '10.0.0.1', '2001:db8::7'];
    assert.deepEqual(look(mixed, 'refuse'), ['192.0.2.7', '2001:db8::7']);
    assert.deepEqual(look(mixed, 'refuse', {}), ['192.0.2.7']);
    assert.deepEqual(look(mixed, 'refuse', { family: 6 }), ['2001:db8::7']);
  });

  test('is nothing where the name is unknown', () => {
    const lookup = createGuardedLookup('allow', (_name, done) => done(new Error('ENOTFOUND'), []));
    lookup('x.example', { all: true }, (cause) => assert.equal(cause?.message, 'ENOTFOUND'));
  });
});

test('a host is refused by what it says itself', () => {
  for (const host of ['169.254.169.254', '::ffff:169.254.169.254', 'metadata.google.internal']) {
    assert.notEqual(refusalOf(host, 'allow'), undefined, host);
  }
  for (const host of ['127.0.0.1', 'localhost', 'db.internal']) {
    assert.equal(refusalOf(host, 'allow'), undefined, host);
    assert.notEqual(refusalOf(host, 'refuse'), undefined, host);
  }
  for (const host of ['192.0.2.7', 'api.example.com']) assert.equal(refusalOf(host, 'refuse'), undefined, host);
});

test('a name that the system does not know is told as such, and breaks nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  createGuardedLookup('allow', resolveBySystem)('nobody.invalid', { all: true }, (cause) => resolve(cause?.code));
  assert.match((await promise) ?? '', /^(?:ENOTFOUND|EAI_AGAIN)$/);
});
