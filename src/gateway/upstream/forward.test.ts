import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createDeps,
  createExchange,
  createFakeClock,
  type FakeClock,
  createGateway,
  type FakeHead,
  readProblem,
  settleAll,
  valuesOf,
} from '../../../test/harness/data-plane.ts';
import { compileSnapshot } from '../compile.ts';
import type { Reply } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import type { ServiceConfig } from '../snapshot.ts';
import type { Failure } from './failure.ts';
import { Fields } from '../wire/fields.ts';
import { createForward } from './forward.ts';
import type { Call, CallEvents } from './call.ts';
import { toCallerList } from './hop-headers.ts';
import type { Timeouts } from './timeouts.ts';
import { stripPrefix } from './upstream-path.ts';

const BODY = { start: () => undefined, resume: () => undefined, cancel: () => undefined, cap: () => undefined };

interface Bench {
  readonly calls: {
    readonly call: Call;
    readonly events: CallEvents;
    readonly target: string;
    readonly path: string;
    readonly timeouts: Timeouts;
  }[];
  readonly clock: FakeClock;
  readonly failures: Failure[];
  readonly answers: Reply[];
  readonly delayed: (() => void)[];
  forward(plan: Plan, differences?: FakeHead): ReturnType<typeof createExchange>;
}

/** The forwarding over a transport that the test plays. */
function createBench(): Bench {
  const bench: Pick<Bench, 'calls' | 'failures' | 'answers' | 'delayed'> = {
    calls: [],
    failures: [],
    answers: [],
    delayed: [],
  };
  const clock = createFakeClock();
  const forward = createForward({
    clock,
    pseudonym: 'tollgate-test',
    random: () => 0.5,
    later: (callback) => {
      bench.delayed.push(callback);
      return { cancel: () => void bench.delayed.pop() };
    },
    onFailure: (_, failure) => bench.failures.push(failure),
    transport: {
      send(call, events) {
        clock.advance(4);
        // As it was then: a call that is made again changes.
        const { target, path, timeouts } = call;
        bench.calls.push({ call, events, target: target.url, path, timeouts });
        return { cancel: () => undefined, cap: () => undefined };
      },
      retain: () => undefined,
      close: () => Promise.resolve(),
    },
  });
  return {
    ...bench,
    clock,
    forward(plan, differences) {
      const fake = createExchange(differences);
      forward(fake.exchange, plan, (_, reply) => bench.answers.push(reply));
      return fake;
    },
  };
}

function planOf(urls: readonly string[], strips = false, more: Partial<ServiceConfig> = {}): Plan {
  const services = [{ name: 'echo', targets: urls.map((url) => ({ url })), stripPrefix: strips, ...more }];
  const config = { version: 1, gateways: [createGateway('', { routePrefix: '/shop', services })] };
  const deps = createDeps();
  const { plans } = compileSnapshot(config, { ...deps, policies: [], controlToken: '' });
  settleAll(deps.services, plans);
  const [plan] = plans;
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
      assert.equal(bench.calls[0]?.path, expected);
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
    isSent: false,
    isOurs: false,
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

describe('a call that failed', () => {
  const retry = { attempts: 1, statuses: [502, 503] };
  const fault: Failure = {
    code: 'upstream_unreachable',
    proxyError: 'connection_terminated',
    cause: new Error('reset'),
    isSent: true,
    isOurs: false,
  };
  const unsent: Failure = { ...fault, isSent: false };
  const twoTargets = (more: Partial<ServiceConfig> = {}): Plan =>
    planOf(['http://a/base', 'http://b'], false, { retry, ...more });
  const oneTarget = (more: Partial<ServiceConfig> = {}): Plan => planOf(['http://a'], false, { retry, ...more });
  const targetsOf = (bench: Bench): string[] => bench.calls.map(({ target }) => target);
  const statusesOf = (bench: Bench): (number | undefined)[] => bench.answers.map(({ status }) => status);

  test('goes to another target at once, with the path of that one, and the caller sees its answer alone', () => {
    const bench = createBench();
    const { exchange } = bench.forward(twoTargets(), { path: '/shop/x' });
    bench.calls[0]?.events.onFailure(fault);
    assert.deepEqual(
      bench.calls.map(({ target, path }) => [target, path]),
      [
        ['http://a/base', '/base/shop/x'],
        ['http://b', '/shop/x'],
      ],
    );
    bench.calls[1]?.events.onHead(200, Fields.of([]), BODY);
    assert.deepEqual([statusesOf(bench), exchange.target, exchange.upstreamMs], [[200], 'http://b', 4]);
    assert.deepEqual([bench.failures, exchange.errorCode], [[fault], undefined]);
  });

  test('goes to the only target again after a pause', () => {
    const bench = createBench();
    bench.forward(oneTarget());
    bench.calls[0]?.events.onFailure(fault);
    assert.deepEqual([targetsOf(bench), bench.delayed.length], [['http://a'], 1]);
    bench.delayed[0]?.();
    assert.deepEqual(targetsOf(bench), ['http://a', 'http://a']);
  });

  test('is made no more often than is said, each time at another target', () => {
    const bench = createBench();
    const urls = ['http://a', 'http://b', 'http://c', 'http://d'];
    bench.forward(planOf(urls, false, { retry: { ...retry, attempts: 2 } }));
    for (const i of [0, 1, 2]) bench.calls[i]?.events.onFailure(fault);
    assert.deepEqual([new Set(targetsOf(bench)).size, bench.calls.length, statusesOf(bench)], [3, 3, [502]]);
  });

  test('is made once only where nothing is said', () => {
    const bench = createBench();
    bench.forward(planOf(['http://a', 'http://b']));
    bench.calls[0]?.events.onFailure(unsent);
    assert.deepEqual([bench.calls.length, statusesOf(bench)], [1, [502]]);
  });

  const repeated: readonly [what: string, head: FakeHead, failure: Failure, isRetried: boolean][] = [
    ['GET', { method: 'GET' }, fault, true],
    ['PUT without a body', { method: 'PUT' }, fault, true],
    ['DELETE', { method: 'DELETE' }, fault, true],
    ['PUT with a body', { method: 'PUT', body: BODY }, fault, true],
    ['POST', { method: 'POST' }, fault, false],
    ['PATCH with a body', { method: 'PATCH', body: BODY }, fault, false],
    ['POST with Idempotency-Key', { method: 'POST', headers: ['Idempotency-Key', 'k'] }, fault, true],
    ['POST with both', { method: 'POST', body: BODY, headers: ['idempotency-key', 'k'] }, fault, true],
    ['POST with a body of which nothing was sent', { method: 'POST', body: BODY }, unsent, true],
    ['PATCH of which nothing was sent', { method: 'PATCH' }, unsent, true],
  ];
  for (const [what, head, failure, isRetried] of repeated) {
    test(`is ${isRetried ? '' : 'not '}made again: ${what}`, () => {
      const bench = createBench();
      bench.forward(twoTargets(), head);
      bench.calls[0]?.events.onFailure(failure);
      assert.deepEqual([bench.calls.length, statusesOf(bench)], isRetried ? [2, []] : [1, [502]]);
    });
  }

  test('lets go of the body only when it is not made again', () => {
    let cancelled = 0;
    const body = { ...BODY, cancel: () => void cancelled++ };
    const bench = createBench();
    bench.forward(twoTargets(), { method: 'PUT', body });
    bench.calls[0]?.events.onFailure(fault);
    assert.equal(cancelled, 0);
    bench.calls[1]?.events.onFailure(fault);
    assert.deepEqual([cancelled, statusesOf(bench)], [1, [502]]);
  });

  test('has for all tries together the time for the first byte', () => {
    const bench = createBench();
    bench.forward(twoTargets());
    bench.clock.advance(1000);
    bench.calls[0]?.events.onFailure(fault);
    assert.deepEqual(
      bench.calls.map(({ timeouts: { firstByteMs, connectMs } }) => [firstByteMs, connectMs]),
      [
        [5000, 5000],
        [3996, 3996],
      ],
    );
    const late = createBench();
    late.forward(twoTargets());
    late.clock.advance(4996);
    late.calls[0]?.events.onFailure({ ...fault, code: 'upstream_timeout' });
    assert.deepEqual([late.calls.length, statusesOf(late)], [1, [504]]);
  });

  test('is not made again when the caller has gone meanwhile', () => {
    const bench = createBench();
    const { exchange } = bench.forward(twoTargets());
    exchange.clientGone = true;
    bench.calls[0]?.events.onFailure(fault);
    assert.equal(bench.calls.length, 1);
  });

  test('is not made again when the caller goes while it waits', () => {
    const bench = createBench();
    const { exchange } = bench.forward(oneTarget());
    bench.calls[0]?.events.onFailure(fault);
    exchange.upstreamCall?.cancel();
    assert.equal(bench.delayed.length, 0);
  });

  test('is made again for a fifth of the requests at most, when many fail', () => {
    const bench = createBench();
    const plan = twoTargets();
    for (let i = 0; i < 1000; i++) {
      bench.forward(plan);
      while (bench.answers.length <= i) bench.calls.at(-1)?.events.onFailure(fault);
    }
    const retries = bench.calls.length - 1000;
    assert.ok(retries >= 200 && retries <= 212, `${retries}`);
  });

  test('waits for a connection alone: the others that have none yet go to another target', () => {
    const bench = createBench();
    const plan = twoTargets();
    for (let i = 0; i < 4; i++) bench.forward(plan);
    assert.deepEqual(targetsOf(bench), ['http://a/base', 'http://b', 'http://a/base', 'http://b']);
    const [scout, proven, other] = bench.calls;
    proven?.events.onReached();
    for (let i = 0; i < 3; i++) scout?.events.onStuck();
    assert.equal(bench.calls.length, 4);
    other?.events.onStuck();
    assert.deepEqual(targetsOf(bench).slice(4), ['http://b']);
    bench.calls[4]?.events.onHead(200, Fields.of([]), BODY);
    assert.deepEqual(statusesOf(bench), [200]);
    scout?.events.onReached();
    bench.forward(plan);
    const { length } = bench.calls;
    bench.calls.at(-1)?.events.onStuck();
    assert.equal(bench.calls.length, length, 'the next time, somebody has to find out again');
  });

  test('is made again for every request of which nothing was sent: that multiplies nobody’s load', () => {
    const bench = createBench();
    const plan = twoTargets();
    for (let i = 0; i < 100; i++) {
      bench.forward(plan);
      bench.calls.at(-1)?.events.onFailure(unsent);
      for (const goOn of bench.delayed.splice(0)) goOn();
      bench.calls.at(-1)?.events.onHead(200, Fields.of([]), BODY);
    }
    assert.deepEqual([bench.calls.length, new Set(statusesOf(bench))], [200, new Set([200])]);
  });

  test('is made again for an answer that is as good as none, which nobody sees', () => {
    let cancelled = 0;
    const bench = createBench();
    bench.forward(twoTargets());
    bench.calls[0]?.events.onHead(503, Fields.of(['Retry-After', '3600']), { ...BODY, cancel: () => void cancelled++ });
    assert.deepEqual([targetsOf(bench), cancelled, statusesOf(bench)], [['http://a/base', 'http://b'], 1, []]);
    bench.calls[1]?.events.onHead(503, Fields.of([]), BODY);
    assert.deepEqual(statusesOf(bench), [503], 'the last one is passed on');
  });

  test('is not made again for other answers, nor for what may not be repeated', () => {
    for (const [status, method] of [
      [500, 'GET'],
      [404, 'GET'],
      [503, 'POST'],
    ] as const) {
      const bench = createBench();
      bench.forward(twoTargets(), { method });
      bench.calls[0]?.events.onHead(status, Fields.of([]), BODY);
      assert.deepEqual([bench.calls.length, statusesOf(bench)], [1, [status]]);
    }
  });

  test('waits as long as its only target asks, and passes the answer on where that is too long', () => {
    const asking = createBench();
    asking.forward(oneTarget());
    asking.calls[0]?.events.onHead(503, Fields.of(['Retry-After', '2']), BODY);
    assert.deepEqual([asking.calls.length, asking.delayed.length, statusesOf(asking)], [1, 1, []]);
    const tooLong = createBench();
    tooLong.forward(oneTarget());
    tooLong.calls[0]?.events.onHead(503, Fields.of(['Retry-After', '20']), BODY);
    assert.deepEqual([tooLong.calls.length, tooLong.delayed.length, statusesOf(tooLong)], [1, 0, [503]]);
  });

  test('is refused when the breaker of its only target has opened meanwhile', () => {
    const bench = createBench();
    bench.forward(oneTarget({ circuitBreaker: { failureThreshold: 1, resetMs: 1000, trials: 1 } }));
    bench.calls[0]?.events.onFailure(fault);
    bench.delayed[0]?.();
    assert.deepEqual([bench.calls.length, readProblem(bench.answers[0])['code']], [1, 'circuit_open']);
  });
});

test('without a target that may be called, the caller is told when to come back', () => {
  const bench = createBench();
  const plan = planOf(['http://a'], false, { circuitBreaker: { failureThreshold: 1, resetMs: 7000, trials: 1 } });
  bench.forward(plan);
  bench.calls[0]?.events.onHead(500, Fields.of([]), BODY);
  bench.forward(plan);
  const [, refused] = bench.answers;
  assert.deepEqual([refused?.status, readProblem(refused)['code'], bench.calls.length], [503, 'circuit_open', 1]);
  assert.deepEqual(valuesOf(refused?.headers ?? [], 'retry-after'), ['7']);
});
