import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createDeps,
  createExchange,
  createFakeClock,
  createGateway,
  type FakeHead,
  readProblem,
  valuesOf,
} from '../../../test/harness/data-plane.ts';
import { compileSnapshot } from '../compile.ts';
import type { Reply } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import type { Failure } from './failure.ts';
import { Fields } from '../wire/fields.ts';
import { createForward, stripPrefix } from './forward.ts';
import type { Call, CallEvents } from './call.ts';
import { toCallerList } from './hop-headers.ts';

const BODY = { start: () => undefined, resume: () => undefined, cancel: () => undefined };

interface Bench {
  readonly calls: { readonly call: Call; readonly events: CallEvents }[];
  readonly failures: Failure[];
  readonly answers: Reply[];
  forward(plan: Plan, differences?: FakeHead): ReturnType<typeof createExchange>;
}

/** The forwarding over a transport that the test plays. */
function createBench(): Bench {
  const bench: Pick<Bench, 'calls' | 'failures' | 'answers'> = { calls: [], failures: [], answers: [] };
  const clock = createFakeClock();
  const forward = createForward({
    clock,
    pseudonym: 'tollgate-test',
    onFailure: (_, failure) => bench.failures.push(failure),
    transport: {
      send(call, events) {
        clock.advance(4);
        bench.calls.push({ call, events });
        return { cancel: () => undefined };
      },
      retain: () => undefined,
      close: () => Promise.resolve(),
    },
  });
  return {
    ...bench,
    forward(plan, differences) {
      const fake = createExchange(differences);
      forward(fake.exchange, plan, (_, reply) => bench.answers.push(reply));
      return fake;
    },
  };
}

function planOf(urls: readonly string[], strips = false): Plan {
  const services = [{ name: 'echo', targets: urls.map((url) => ({ url })), stripPrefix: strips }];
  const config = { version: 1, gateways: [createGateway('', { routePrefix: '/shop', services })] };
  const [plan] = compileSnapshot(config, { ...createDeps(), policies: [], controlToken: '' }).plans;
  assert.ok(plan !== undefined);
  return plan;
}

describe('the path that an upstream gets', () => {
  const query = '?a=%2F&b=+&&=x';
  const table: readonly [base: string, strips: boolean, path: string, expected: string][] = [
    ['http://h', false, '/shop/x', `/shop/x${query}`],
    ['http://h/', false, '/shop/x', `/shop/x${query}`],
    ['http://h', true, '/shop/x', `/x${query}`],
    ['http://h', true, '/shop/', `/${query}`],
    ['http://h', true, '/shop', `/${query}`],
    ['http://h', true, '/shop/a%2Fb/%7Bc%7d//', `/a%2Fb/%7Bc%7d//${query}`],
    ['http://h/base/v1', true, '/shop/x', `/base/v1/x${query}`],
    ['http://h/base/v1/', false, '/shop/x', `/base/v1/shop/x${query}`],
    // What the router took for the prefix is the prefix, however it was spelled.
    ['http://h', true, '/%73hop/x', `/x${query}`],
    ['http://h', true, '/%73%68%6F%70/x', `/x${query}`],
    ['http://h', true, '//shop/x//y', `/x//y${query}`],
    ['http://h', true, '/shop%2Fx%2fy', `/x%2fy${query}`],
  ];
  for (const [base, strips, path, expected] of table) {
    test(`for ${path} at ${base}${strips ? ', stripped' : ''} is ${expected}`, () => {
      const bench = createBench();
      bench.forward(planOf([base], strips), { path, query });
      assert.equal(bench.calls[0]?.call.path, expected);
    });
  }
});

test('the prefix is taken off by the characters that the router saw', () => {
  const table: readonly [path: string, count: number, expected: string][] = [
    ['/a/b', 2, '/b'],
    ['/%61/b', 2, '/b'],
    ['/a', 2, '/'],
    ['/a/', 2, '/'],
    ['/a//b', 2, '//b'],
  ];
  for (const [path, count, expected] of table) assert.equal(stripPrefix(path, count), expected);
});

test('targets take turns', () => {
  const bench = createBench();
  const plan = planOf(['http://a', 'http://b', 'http://c']);
  const exchanges = [1, 2, 3, 4].map(() => bench.forward(plan).exchange);
  assert.deepEqual(
    exchanges.map((exchange) => exchange.target),
    ['http://a', 'http://b', 'http://c', 'http://a'],
  );
});

describe('what comes back', () => {
  test('is passed on with its headers in order, less those that end at this hop', () => {
    const bench = createBench();
    const { exchange } = bench.forward(planOf(['http://h']));
    const upstream = [
      'Set-Cookie',
      'a=1',
      'Connection',
      'x-hop, close, set-cookie, content-length, via',
      'set-cookie',
      'b=2',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
      'Trailer',
      'x',
      'X-Request-Id',
      'theirs',
      'traceparent',
      'theirs',
      'Proxy-Authenticate',
      'Basic',
      'Upgrade',
      'h2c',
      'Content-Length',
      '2',
      'WWW-Authenticate',
      'Basic',
      'Proxy-Status',
      'origin; error=x',
      'Via',
      '1.1 inner',
    ];
    bench.calls[0]?.events.onHead(207, Fields.of(upstream), BODY);
    const [reply] = bench.answers;
    assert.equal(reply?.status, 207);
    assert.equal(reply?.body, BODY);
    assert.deepEqual(reply?.headers, []);
    assert.deepEqual(toCallerList(reply.fields ?? Fields.of([])), [
      'Set-Cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'Content-Length',
      '2',
      'WWW-Authenticate',
      'Basic',
      'Proxy-Status',
      'origin; error=x',
      'Via',
      '1.1 inner',
    ]);
    assert.equal(exchange.upstreamMs, 4);
    assert.equal(exchange.errorCode, undefined);
  });

  for (const status of [200, 204, 304, 404, 500, 503]) {
    test(`is passed on as it is: ${status}`, () => {
      const bench = createBench();
      const { exchange } = bench.forward(planOf(['http://h']));
      bench.calls[0]?.events.onHead(status, Fields.of([]), BODY);
      assert.equal(bench.answers[0]?.status, status);
      assert.equal(exchange.errorCode, undefined, 'an error of the upstream is not ours');
    });
  }
});

describe('a call that fails', () => {
  const failure: Failure = {
    code: 'upstream_unreachable',
    proxyError: 'connection_refused',
    cause: new Error('connect 10.1.2.3:80'),
  };

  test('is answered with the problem and Proxy-Status, and told in full to the log alone', () => {
    const bench = createBench();
    const { exchange } = bench.forward(planOf(['http://10.1.2.3']));
    bench.calls[0]?.events.onFailure(failure);
    const [reply] = bench.answers;
    assert.equal(reply?.status, 502);
    assert.deepEqual(valuesOf(reply?.headers ?? [], 'proxy-status'), ['tollgate; error=connection_refused']);
    assert.equal(readProblem(reply)['code'], 'upstream_unreachable');
    assert.doesNotMatch(JSON.stringify([readProblem(reply), reply?.headers]), /10\.1/);
    assert.deepEqual(bench.failures, [failure]);
    assert.ok(Number.isNaN(exchange.upstreamMs));
  });

  test('is nobody’s business when the caller has gone', () => {
    const bench = createBench();
    const { exchange } = bench.forward(planOf(['http://h']));
    exchange.clientGone = true;
    bench.calls[0]?.events.onFailure(failure);
    assert.deepEqual([bench.answers, bench.failures, exchange.errorCode], [[], [], undefined]);
  });
});
