import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { createIpMatcher } from '../../lib/ip-range.ts';

const TEXT = '# HELP x What it is.\n# TYPE x gauge\nx 1\n';
const nobody = { as: null };

function metrics(networks: readonly string[]) {
  return { metrics: { isAllowed: createIpMatcher(networks), scrape: async () => TEXT } };
}

forEachDatabase('metrics', (open) => {
  test('are told without a credential, as text that Prometheus reads, on every path', async () => {
    const control = createTestControl(await open(), metrics(['127.0.0.0/8', '::1']));
    for (const path of ['/metrics', '/api/v1/metrics', '/api/metrics']) {
      const answer = await control.call('GET', path, nobody);
      assert.deepEqual([answer.status, answer.text], [200, TEXT]);
      assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
      assert.equal(answer.headers['content-disposition'], undefined);
    }
  });

  const networks = ['127.0.0.0/8', '::1', '10.0.0.0/8', 'fd00::/8'];
  const allowed: readonly [address: string, forwarded: boolean][] = [
    ['127.0.0.1', false],
    ['127.8.8.8', false],
    ['::1', false],
    ['10.1.2.3', false],
    // A trusted proxy says whom it forwards for.
    ['10.1.2.3', true],
    ['fd00::7', false],
  ];
  for (const [address, forwarded] of allowed) {
    test(`are for ${address}${forwarded ? ', forwarded,' : ''} where the networks hold it`, async () => {
      const control = createTestControl(await open(), metrics(networks));
      assert.equal((await control.call('GET', '/metrics', { ...nobody, address, forwarded })).status, 200);
    });
  }

  const refused: readonly [address: string, forwarded: boolean, detail: RegExp][] = [
    ['11.0.0.1', false, /not for 11\.0\.0\.1: .*METRICS_NETWORKS/],
    ['203.0.113.9', true, /METRICS_NETWORKS/],
    ['2001:db8::1', false, /not for 2001:db8::1/],
    ['', false, /METRICS_NETWORKS/],
    // A proxy that nobody trusts brings the whole world from one address.
    ['127.0.0.1', true, /proxy/],
    ['::1', true, /proxy/],
  ];
  for (const [address, forwarded, detail] of refused) {
    test(`are refused to ${address}${forwarded ? ', forwarded,' : ''} with what to do about it, and without telling the networks`, async () => {
      const control = createTestControl(await open(), metrics(networks));
      for (const as of [null, undefined]) {
        const answer = await control.call('GET', '/metrics', { ...(as === null && nobody), address, forwarded });
        assert.deepEqual([answer.status, answer.body.code], [403, 'network_not_allowed']);
        assert.match(answer.body.detail, detail);
        assert.doesNotMatch(answer.text, /10\.0\.0\.0|fd00/);
      }
    });
  }
});
