import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createGateway } from '../../test/harness/data-plane.ts';
import { scopes } from '../policies/scopes.ts';
import { checkAndPack } from './check-and-pack.ts';
import { type PackedGateway, readPacked } from './packed-snapshot.ts';
import type { GatewayConfig } from './snapshot.ts';

async function packed(gateways: GatewayConfig[]): Promise<PackedGateway[]> {
  return [...readPacked(await checkAndPack({ version: 1, gateways }, [scopes]))];
}

describe('a snapshot that is packed', () => {
  test('is read again as it was, gateway by gateway', async () => {
    const gateways = [
      createGateway('http://ü'),
      createGateway('http://h', { id: 'gw_2', name: '€', routePrefix: '/b' }),
    ];
    const read = await packed(gateways);
    assert.deepEqual(
      read.map((one) => one.read()),
      gateways,
    );
    assert.deepEqual(
      read.map(({ head }) => [head.id, head.routePrefix]),
      [
        ['gw_1', ''],
        ['gw_2', '/b'],
      ],
    );
  });

  test('tells by a digest whether a gateway is as it was', async () => {
    const digestOf = async (gateway: GatewayConfig): Promise<string | undefined> =>
      (await packed([gateway]))[0]?.head.digest;
    assert.equal(await digestOf(createGateway('http://h')), await digestOf(createGateway('http://h')));
    assert.notEqual(await digestOf(createGateway('http://h')), await digestOf(createGateway('http://i')));
  });

  test('tells what each gateway waits for', async () => {
    const check = { path: '/', intervalMs: 1000, timeoutMs: 1000, healthyThreshold: 1, unhealthyThreshold: 1 };
    const service = { name: 'echo', targets: [{ url: 'http://h' }], stripPrefix: false };
    const management = createGateway('unix:/control', { id: null, routePrefix: '/management' });
    const read = await packed([
      management,
      createGateway('http+srv://_api._tcp.test', { id: 'gw_2', routePrefix: '/2' }),
      createGateway('', { id: 'gw_3', routePrefix: '/3', services: [{ ...service, healthCheck: { check } }] }),
      createGateway('', { id: 'gw_4', routePrefix: '/4', services: [{ ...service, healthCheck: { ejectMs: 1 } }] }),
    ]);
    assert.deepEqual(
      read.map(({ head }) => head.waits),
      ['needed', 'needed', 'active', 'idle'],
    );
  });

  const unsound: readonly [what: string, gateways: readonly unknown[], lines: readonly RegExp[]][] = [
    [
      'of another form',
      [{ id: 'gw_9', from: 'the future' }, createGateway('http://h'), { id: 7 }],
      [/gateways\[0\]\.from: is not known here/, /gateways\[2\]\.id/],
    ],
    [
      'that cannot be served',
      [
        createGateway('ftp://h', { id: 'gw_9' }),
        createGateway('http://h', { id: 'gw_8', policies: [{ name: 'ghost', config: {} }] }),
      ],
      [
        /gateways\[0\]\.services\[0\]\.targets\[0\]\.url/,
        /gateways\[1\]\.policies\[0\]\.name: there is no policy "ghost"/,
        /gateways\[1\]\.endpoints\[0\]\.path: .* is published by gateway "demo" already/,
      ],
    ],
  ];
  for (const [what, gateways, lines] of unsound) {
    test(`is refused as a whole with gateways ${what}, and every fault is told`, async () => {
      const config = { version: 1, gateways: [...gateways] } as Parameters<typeof checkAndPack>[0];
      await assert.rejects(checkAndPack(config, [scopes]), (cause) => {
        assert.ok(cause instanceof Error);
        for (const line of lines) assert.match(cause.message, line);
        return true;
      });
    });
  }
});
