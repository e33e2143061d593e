import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import {
  createDeps,
  createEndpoint,
  createExchange,
  createFakeClock,
  createGateway,
  createSink,
  type FakeClock,
  type FakeExchange,
  readProblem,
  type RecordingSink,
  type FakeHead,
  valuesOf,
} from '../../test/harness/data-plane.ts';
import { Problem } from '../lib/problem.ts';
import { createArrival } from './arrival.ts';
import { compileSnapshot, type Snapshot } from './compile.ts';
import { localReply, type Exchange, type Reply } from './exchange.ts';
import type { CompiledPolicy, Policy } from './policy.ts';
import { problemReply } from './problem-reply.ts';
import { createRunner, type Forward, type Runner } from './run.ts';
import { type PathRules, STRICT_PATHS } from './route-path.ts';
import type { EndpointConfig, GatewayConfig } from './snapshot.ts';

const local = (status: number): Reply => localReply(status, [], undefined);

interface Bench {
  readonly runner: Runner;
  readonly trace: string[];
  readonly sink: RecordingSink;
  readonly clock: FakeClock;
  readonly defects: readonly unknown[];
  /** Runs one request to its end, or as far as it goes without waiting. */
  run(differences?: FakeHead): FakeExchange;
}

interface BenchOptions {
  readonly policies?: readonly CompiledPolicy[];
  /** The policies are the gateway's, not the endpoint's. */
  readonly isOfGateway?: boolean;
  /** The policy that endpoints know as `own`. */
  readonly own?: CompiledPolicy;
  readonly endpoints?: readonly EndpointConfig[];
  readonly version?: GatewayConfig['version'];
  readonly paths?: PathRules;
  readonly forward?: Forward;
}

/** A runner over one endpoint with these policies, in this order. */
function createBench(options: BenchOptions = {}): Bench {
  const trace: string[] = [];
  const defects: unknown[] = [];
  const sink = createSink();
  const clock = createFakeClock();
  const deps = createDeps([], { usage: sink, clock });
  const runner = createRunner(compileWith(options), {
    ...deps,
    arrive: createArrival({ pseudonym: 'tollgate-test', trustedProxies: ['192.0.2.7'] }),
    forward:
      options.forward ??
      ((exchange, _plan, answer) => {
        trace.push('forward');
        answer(exchange, local(200));
      }),
    onDefect: (_, cause) => defects.push(cause),
  });
  return {
    runner,
    trace,
    sink,
    clock,
    defects,
    run(differences) {
      const fake = createExchange(differences);
      runner.run(fake.exchange);
      return fake;
    },
  };
}

function compileWith({ policies = [], endpoints, isOfGateway = false, own, version, paths }: BenchOptions): Snapshot {
  const toPolicy = (name: string, compiled: CompiledPolicy): Policy => ({
    name,
    stage: 'guard',
    config: Type.Unknown(),
    compile: () => compiled,
  });
  const named = policies.map((compiled, i) => toPolicy(`policy ${i}`, compiled));
  const uses = named.map(({ name }) => ({ name, config: null }));
  const gateway = createGateway('http://h', {
    endpoints: [...(endpoints ?? [createEndpoint({ policies: isOfGateway ? [] : uses })])],
    ...(isOfGateway && { policies: uses }),
    ...(version !== undefined && { version }),
  });
  const known = own === undefined ? named : [...named, toPolicy('own', own)];
  return compileSnapshot(
    { version: 1, gateways: [gateway], ...(paths !== undefined && { paths }) },
    { ...createDeps(), policies: known, controlToken: '' },
  );
}

/** A policy that writes down when it is entered and left. */
function tracing(
  name: string,
  trace: () => string[],
  onRequest?: (exchange: Exchange) => Reply | undefined,
): CompiledPolicy {
  return {
    onRequest(exchange) {
      trace().push(`enter ${name}`);
      return onRequest?.(exchange);
    },
    onResponse(_exchange, reply) {
      trace().push(`leave ${name} with ${reply.status}`);
    },
  };
}

describe('the way through', () => {
  test('enters the policies, forwards, and leaves them in reverse', () => {
    const names = ['a', 'b', 'c'];
    const bench = createBench({ policies: names.map((name) => tracing(name, () => bench.trace)) });
    const { sent, exchange } = bench.run();
    assert.deepEqual(bench.trace, [
      'enter a',
      'enter b',
      'enter c',
      'forward',
      'leave c with 200',
      'leave b with 200',
      'leave a with 200',
    ]);
    assert.equal(sent.length, 1);
    assert.equal(exchange.status, 200);
    assert.equal(exchange.idLines, `x-request-id: req_1\r\n${exchange.traceLine}`);
  });

  test('ends before any policy for a request that came back, and the record says where', () => {
    const bench = createBench({ policies: [tracing('a', () => bench.trace)] });
    const { sent, exchange } = bench.run({ headers: ['Via', '1.1 tollgate-test'] });
    assert.deepEqual(bench.trace, []);
    assert.equal(sent[0]?.status, 508);
    assert.equal(readProblem(sent[0])['code'], 'loop_detected');
    assert.deepEqual([exchange.errorCode, exchange.plan?.gatewayId], ['loop_detected', 'gw_1']);
  });

  test('gives every answer the id that a trusted proxy knows it by, and the problem the one that the log knows', () => {
    const bench = createBench({
      policies: [{ onRequest: (exchange) => problemReply(exchange, new Problem('invalid_key')) }],
    });
    const { exchange, sent } = bench.run({ peerAddress: '192.0.2.7', headers: ['X-Request-Id', 'theirs'] });
    assert.ok(exchange.idLines.startsWith('x-request-id: theirs\r\n'));
    assert.equal(readProblem(sent[0])['requestId'], 'req_1');
  });

  test('stops where a policy answers, and leaves only the policies that were entered, that one included', () => {
    const bench = createBench({
      policies: [
        tracing('a', () => bench.trace),
        tracing(
          'b',
          () => bench.trace,
          () => local(403),
        ),
        tracing('c', () => bench.trace),
      ],
    });
    const { exchange } = bench.run();
    assert.deepEqual(bench.trace, ['enter a', 'enter b', 'leave b with 403', 'leave a with 403']);
    assert.equal(exchange.status, 403);
  });

  test('passes policies that have one half only', () => {
    const bench = createBench({
      policies: [
        {},
        { onResponse: (_, reply) => void reply.headers.push('x-limit', '1') },
        { onRequest: () => undefined },
      ],
    });
    const { sent } = bench.run();
    assert.deepEqual(valuesOf(sent[0]?.headers ?? [], 'x-limit'), ['1']);
  });

  test('lets policies add headers to the refusals of later ones', () => {
    const bench = createBench({
      policies: [
        { onResponse: (_, reply) => void reply.headers.push('x-limit', '1') },
        { onRequest: () => local(401) },
      ],
    });
    const [reply] = bench.run().sent;
    assert.equal(reply?.status, 401);
    assert.deepEqual(valuesOf(reply?.headers ?? [], 'x-limit'), ['1']);
  });

  test('ends before it returns when no policy waits', () => {
    const bench = createBench({ policies: [{ onRequest: () => undefined }, { onRequest: () => undefined }] });
    assert.equal(bench.run().sent.length, 1);
  });

  test('serves the new snapshot after a swap, and ends an exchange of the old one on the old', async () => {
    const waiting = Promise.withResolvers<Reply | undefined>();
    const bench = createBench({ policies: [{ onRequest: () => waiting.promise }, tracing('old', () => bench.trace)] });
    const first = bench.run();
    bench.runner.swap(compileWith({ endpoints: [createEndpoint({ path: '/new' })] }));
    assert.equal(bench.run({ path: '/' }).exchange.status, 404);
    assert.equal(bench.run({ path: '/new' }).exchange.status, 200);
    waiting.resolve(undefined);
    await waiting.promise;
    await flush();
    assert.deepEqual(bench.trace, ['forward', 'enter old', 'forward', 'leave old with 200']);
    assert.equal(first.exchange.status, 200);
  });
});

/** Lets everything run that waits for settled promises only. */
const flush = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('a policy that waits', () => {
  const cases: readonly [what: string, reply: Reply | undefined, status: number, trace: readonly string[]][] = [
    [
      'goes on when it lets through',
      undefined,
      200,
      ['enter a', 'enter c', 'forward', 'leave c with 200', 'leave a with 200'],
    ],
    ['stops when it refuses', local(401), 401, ['enter a', 'leave a with 401']],
  ];
  for (const [what, reply, status, expected] of cases) {
    test(what, async () => {
      const waiting = Promise.withResolvers<Reply | undefined>();
      const bench = createBench({
        policies: [
          tracing('a', () => bench.trace),
          { onRequest: () => waiting.promise },
          tracing('c', () => bench.trace),
        ],
      });
      const { sent, exchange } = bench.run();
      assert.equal(sent.length, 0);
      waiting.resolve(reply);
      await flush();
      assert.equal(exchange.status, status);
      assert.deepEqual(bench.trace, expected);
    });
  }

  test('is 500 and a defect when its promise is rejected', async () => {
    const bench = createBench({ policies: [{ onRequest: () => Promise.reject(new Error('broken')) }] });
    const { sent } = bench.run();
    await flush();
    assert.equal(sent[0]?.status, 500);
    assert.equal(readProblem(sent[0])['code'], 'internal_error');
    assert.deepEqual(bench.defects.map(String), ['Error: broken']);
  });

  test('forwards nothing once the caller has gone', async () => {
    const waiting = Promise.withResolvers<Reply | undefined>();
    const bench = createBench({ policies: [{ onRequest: () => waiting.promise }, tracing('b', () => bench.trace)] });
    const { exchange, sent } = bench.run();
    exchange.clientGone = true;
    waiting.resolve(undefined);
    await flush();
    assert.deepEqual(bench.trace, []);
    assert.equal(sent.length, 0);
  });
});

describe('a defect', () => {
  const thrower = (): never => {
    throw new Error('broken at /srv/secret.ts');
  };

  test('in onRequest is answered with 500 through the policies that were entered, and told', () => {
    const bench = createBench({
      policies: [tracing('a', () => bench.trace), { onRequest: thrower }, tracing('c', () => bench.trace)],
    });
    const [reply] = bench.run().sent;
    assert.equal(reply?.status, 500);
    assert.deepEqual(bench.trace, ['enter a', 'leave a with 500']);
    assert.equal(bench.defects.length, 1);
    assert.doesNotMatch(JSON.stringify(readProblem(reply)), /broken|secret/);
  });

  test('in onResponse is answered with 500 through the policies that are left, and told', () => {
    const bench = createBench({ policies: [tracing('a', () => bench.trace), { onResponse: thrower }] });
    const { sent, exchange } = bench.run();
    assert.equal(sent[0]?.status, 500);
    assert.equal(exchange.errorCode, 'internal_error');
    assert.deepEqual(bench.trace, ['enter a', 'forward', 'leave a with 500']);
    assert.equal(bench.defects.length, 1);
  });

  test('in onResponse releases the body that nobody will read', () => {
    let cancelled = 0;
    const body = { start: () => undefined, resume: () => undefined, cancel: () => cancelled++ };
    const bench = createBench({
      policies: [{ onResponse: thrower }],
      forward: (exchange, _plan, answer) => answer(exchange, { ...local(200), body }),
    });
    assert.equal(bench.run().sent[0]?.status, 500);
    assert.equal(cancelled, 1);
  });

  test('in several policies is told each time and answered once', () => {
    const bench = createBench({ policies: [{ onResponse: thrower }, { onResponse: thrower }, { onRequest: thrower }] });
    assert.deepEqual(
      bench.run().sent.map((reply) => reply.status),
      [500],
    );
    assert.equal(bench.defects.length, 3);
  });

  for (const waits of [false, true]) {
    test(`in the forwarding is answered with 500 and told, ${waits ? 'after a policy that waited' : 'at once'}`, async () => {
      const bench = createBench({
        policies: waits ? [{ onRequest: () => Promise.resolve(undefined) }] : [],
        forward: thrower,
      });
      const { sent } = bench.run();
      await flush();
      assert.deepEqual(
        sent.map((reply) => reply.status),
        [500],
      );
      assert.equal(bench.defects.length, 1);
    });
  }
});

describe('a request that leads nowhere', () => {
  const endpoints = [createEndpoint({ path: '/a' }), createEndpoint({ path: '/a', method: 'PUT' })];
  const cases: readonly [method: string, path: string, status: number, code: string][] = [
    ['GET', '/b', 404, 'route_not_found'],
    ['GET', '/a/../b', 400, 'ambiguous_path'],
    ['POST', '/a', 405, 'method_not_allowed'],
    ['PROPFIND', '/a', 405, 'method_not_allowed'],
  ];
  for (const [method, path, status, code] of cases) {
    test(`is answered with ${status} ${code}: ${method} ${path}`, () => {
      const { sent, exchange } = createBench({ endpoints }).run({ method, path });
      assert.equal(sent[0]?.status, status);
      const problem = readProblem(sent[0]);
      assert.deepEqual([problem['code'], problem['instance'], problem['requestId']], [code, path, 'req_1']);
      assert.deepEqual(valuesOf(sent[0]?.headers ?? [], 'allow'), status === 405 ? ['GET, HEAD, PUT, OPTIONS'] : []);
      assert.deepEqual(valuesOf(sent[0]?.headers ?? [], 'content-type'), ['application/problem+json']);
      assert.deepEqual(
        [exchange.plan?.gatewayId, exchange.plan?.endpointId],
        [status === 405 ? 'gw_1' : undefined, undefined],
      );
    });
  }

  test('is sent on where dot segments are to be resolved', () => {
    const paths = { ...STRICT_PATHS, dotSegments: 'redirect' } as const;
    const { sent } = createBench({ endpoints, paths }).run({ method: 'POST', path: '/a/../b', query: '?c=../d' });
    assert.equal(sent[0]?.status, 308);
    assert.deepEqual(valuesOf(sent[0]?.headers ?? [], 'location'), ['/b?c=../d']);
  });

  test('meets the guards of the gateway that is there, and no other of its policies', () => {
    const endpoint = createEndpoint({ path: '/a', policies: [{ name: 'own', config: null }] });
    const bench = createBench({
      policies: [tracing('guard', () => bench.trace)],
      endpoints: [endpoint],
      isOfGateway: true,
      own: tracing('own', () => bench.trace),
    });
    const options = bench.run({ method: 'OPTIONS', path: '/a' });
    assert.equal(options.sent[0]?.status, 204);
    assert.deepEqual(valuesOf(options.sent[0]?.headers ?? [], 'allow'), ['GET, HEAD, OPTIONS']);
    bench.run({ method: 'DELETE', path: '/a' });
    bench.run({ path: '/nowhere' });
    assert.deepEqual(bench.trace, ['enter guard', 'leave guard with 204', 'enter guard', 'leave guard with 405']);
    bench.trace.length = 0;
    bench.run({ path: '/a' });
    assert.deepEqual(bench.trace, [
      'enter guard',
      'enter own',
      'forward',
      'leave own with 200',
      'leave guard with 200',
    ]);
  });

  test('is answered by a guard that answers, such as a preflight', () => {
    const bench = createBench({
      policies: [
        tracing(
          'guard',
          () => bench.trace,
          () => local(299),
        ),
      ],
      endpoints: [createEndpoint({ path: '/a' })],
      isOfGateway: true,
    });
    assert.equal(bench.run({ method: 'OPTIONS', path: '/a' }).sent[0]?.status, 299);
  });

  test('names the versions that there are', () => {
    const version = { by: 'header', name: 'x-api-version', value: '2', isDefault: false } as const;
    const { sent } = createBench({ endpoints, version }).run({ path: '/a' });
    assert.equal(sent[0]?.status, 400);
    assert.equal(readProblem(sent[0])['code'], 'unknown_api_version');
    assert.match(String(readProblem(sent[0])['detail']), /x-api-version: 2/);
  });
});

describe('the record', () => {
  test('is left once, however often the edge says that it is done', () => {
    const bench = createBench();
    const { exchange } = bench.run();
    assert.equal(bench.sink.records.length, 0, 'not before the end of the answer');
    bench.clock.advance(12);
    bench.runner.finish(exchange);
    bench.clock.advance(100);
    bench.runner.finish(exchange);
    assert.deepEqual(
      bench.sink.records.map(({ requestId, status, durationMs }) => ({ requestId, status, durationMs })),
      [{ requestId: 'req_1', status: 200, durationMs: 12 }],
    );
  });

  test('is left for refusals and for callers that went away', () => {
    const bench = createBench({ endpoints: [] });
    const refused = bench.run();
    bench.runner.finish(refused.exchange);
    const gone = bench.run();
    gone.exchange.clientGone = true;
    bench.runner.finish(gone.exchange);
    assert.deepEqual(
      bench.sink.records.map((record) => record.status),
      [404, 499],
    );
  });
});
