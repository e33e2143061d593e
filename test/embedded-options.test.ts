// What another program may not say when it makes a gateway, and what it is told then.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createGateway, type GatewayOptions } from '../src/embedded/index.ts';
import { newKeyText } from '../src/lib/key-text.ts';

describe('what cannot be a gateway', () => {
  const url = 'http://127.0.0.1:1';
  const faulty: readonly [string, unknown, RegExp][] = [
    ['nothing', undefined, /needs an object/],
    ['neither configuration nor service', {}, /config: is missing/],
    ['both', { config: { gateways: [] }, upstream: url }, /upstream: goes without config/],
    ['an option that is not known', { upstrem: url }, /upstrem: is not known; did you mean upstream\?/],
    ['a service that is no URL', { upstream: '127.0.0.1:3000', open: true }, /upstream: must be an http/],
    [
      'a file that is not there',
      { config: '/nowhere/api.yaml' },
      /api\.yaml: cannot be read \(there is no such file\)/,
    ],
    ['a folder', { config: '/tmp' }, /\/tmp: cannot be read \(it is a folder\)/],
    ['keys that are asked for and not given', { upstream: url }, /keys: is missing: GET \/\* asks callers for a key/],
    [
      'a key in clear text',
      { upstream: url, keys: [{ name: 'a', hash: newKeyText('tg').text }] },
      /never the key itself/,
    ],
    ['a metadata service', { upstream: 'http://169.254.169.254', open: true }, /must not lead to 169\.254/],
    ['private targets', { upstream: url, open: true, privateTargets: 'refuse' }, /private networks are refused/],
    ['a secret that is too short', { upstream: url, open: true, hmacSecret: 'x' }, /at least 32 characters/],
    ['limits that are none', { upstream: url, open: true, limits: { bodyBytes: -1 } }, /bodyBytes must be a whole/],
    ['limits that are not known', { upstream: url, open: true, limits: { body: 1 } }, /limits: body is not known/],
    ['paths that are not known', { upstream: url, open: true, paths: { case: 'loud' } }, /case must be sensitive or/],
    ['proxies that are none', { upstream: url, open: true, trustedProxies: ['me'] }, /trustedProxies: must be a list/],
    ['a callback that is none', { upstream: url, open: true, onRecord: 'log' }, /onRecord: must be a function/],
    ['an open configuration', { config: { gateways: [] }, open: true }, /open: goes with upstream/],
  ];
  for (const [what, options, message] of faulty) {
    test(`is refused in words that help: ${what}`, () => {
      assert.throws(() => createGateway(options as GatewayOptions), { name: 'DeclarationError', message });
    });
  }

  test('is told whole: of options all, of files all', () => {
    const config = { gateways: [{ name: 'a', nme: 1 }, { routePrefix: 'x' }] };
    const options = { config, keys: [{ name: 'b' }] } as unknown as GatewayOptions;
    assert.throws(() => createGateway(options), {
      faults: [
        'config: gateways[0].nme is not known here; did you mean name?',
        'config: gateways[1].name is required',
        'config: gateways[1].routePrefix must begin with a slash, not end with one, and hold plain segments only, such as /shop/v1',
        'keys: [0].hash is required',
      ],
    });
  });
});
