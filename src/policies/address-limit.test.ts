import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createExchange, readProblem, valuesOf } from '../../test/harness/data-plane.ts';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import type { Check, Limiter, Verdict } from '../limits/limiter.ts';
import { addressLimit } from './address-limit.ts';

const AT_MS = 1_750_000_000_000;

interface Run {
  readonly exchange: Exchange;
  readonly result: Reply | undefined | Promise<Reply | undefined>;
  readonly taken: readonly Check[];
}

function run(address: string, answer: (checks: readonly Check[]) => ReturnType<Limiter['take']>): Run {
  const taken: Check[] = [];
  const limiter: Limiter = {
    take(checks) {
      taken.push(...checks);
      return answer(checks);
    },
    peek: () => [],
  };
  const { exchange } = createExchange({ peerAddress: address });
  const policy = addressLimit.compile({ name: 'validate', requestsPerMinute: 3 }, createDeps([], { limiter }));
  return { exchange, result: policy.onRequest?.(exchange), taken };
}

const admitted = (): Verdict => ({ outcome: 'admitted', atMs: AT_MS, standings: [] });

function refused(checks: readonly Check[]): Verdict {
  const standings = checks.map((check) => ({ check, remaining: 0, resetAtMs: AT_MS + 20_500 }));
  const [refusedBy] = standings;
  assert.ok(refusedBy !== undefined);
  return { outcome: 'refused', atMs: AT_MS, standings, refusedBy };
}

describe('the limit of an address', () => {
  test('counts each IPv4 address, and each /64 of IPv6, for itself', () => {
    const subjects = ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '2001:db8::ffff:2', '2001:db8:0:1::1'].map(
      (address) => run(address, admitted).taken.map(({ subject, window, limit }) => `${subject} ${window} ${limit}`),
    );
    assert.deepEqual(subjects.flat(), [
      'address:validate:192.0.2.1 minute 3',
      'address:validate:192.0.2.1 minute 3',
      'address:validate:2001:db8:0:0::/64 minute 3',
      'address:validate:2001:db8:0:0::/64 minute 3',
      'address:validate:2001:db8:0:1::/64 minute 3',
    ]);
  });

  test('passes who is within it, at once or after a while', async () => {
    assert.equal(run('192.0.2.1', admitted).result, undefined);
    assert.equal(await run('192.0.2.1', async () => admitted()).result, undefined);
  });

  test('refuses with 429, and tells when to come back', async () => {
    for (const { exchange, result } of [run('::1', refused), run('::1', async (checks) => refused(checks))]) {
      const reply = await result;
      assert.ok(reply !== undefined);
      assert.deepEqual([reply.status, readProblem(reply)['code']], [429, 'rate_limited']);
      assert.deepEqual(valuesOf(reply.headers, 'retry-after'), ['21']);
      assert.equal(exchange.rateLimited, true);
    }
  });

  test('refuses with 503 when nothing can be counted', () => {
    const { exchange, result } = run('::1', () => ({ outcome: 'unavailable', reason: 'Redis at 10.0.0.1 is away' }));
    assert.ok(!(result instanceof Promise) && result !== undefined);
    assert.deepEqual([result.status, readProblem(result)['code']], [503, 'limits_unavailable']);
    assert.doesNotMatch(JSON.stringify(readProblem(result)), /10\.0/);
    assert.equal(exchange.rateLimited, false);
  });
});

describe('the configuration', () => {
  test('is a name and a number', () => {
    assert.deepEqual(checkSchema(addressLimit.config, { name: 'validate', requestsPerMinute: 1 }, 'config'), []);
  });

  const unsound: readonly unknown[] = [
    {},
    { name: 'validate' },
    { requestsPerMinute: 1 },
    { name: 'Validate', requestsPerMinute: 1 },
    { name: 'validate', requestsPerMinute: 0 },
    { name: 'validate', requestsPerMinute: 1.5 },
    { name: 'validate', requestsPerMinute: 1, window: 'hour' },
  ];
  for (const config of unsound) {
    test(`refuses ${JSON.stringify(config)}`, () => {
      assert.notDeepEqual(checkSchema(addressLimit.config, config, 'config'), []);
    });
  }
});
