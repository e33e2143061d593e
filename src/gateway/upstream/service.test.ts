// Who gets the requests while targets fail and come back, with the clock in hand.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createFakeServicesDeps,
  createFakeSweep,
  type FakeSweep,
  settleAll,
} from '../../../test/harness/data-plane.ts';
import type { ServiceConfig } from '../snapshot.ts';
import type { Failure } from './failure.ts';
import type { Member } from './member.ts';
import type { Service } from './service.ts';
import { createServices } from './services.ts';

const REFUSED: Failure = {
  code: 'upstream_unreachable',
  proxyError: 'connection_refused',
  cause: undefined,
  isSent: false,
  isOurs: false,
};
const BROKEN: Failure = { ...REFUSED, proxyError: 'connection_terminated', isSent: true };

const BREAKER = { failureThreshold: 2, resetMs: 1000, trials: 1 };

interface Bench {
  readonly service: Service;
  readonly sweep: FakeSweep;
  readonly members: readonly Member[];
  /** Connections that were tried: the member, and how to tell what came of it. */
  /** Checks that were made, and how to tell what came of them. */
  readonly checks: { readonly member: Member; readonly path: string; readonly done: (hasPassed: boolean) => void }[];
  readonly probes: { readonly member: unknown; readonly done: (isReached: boolean) => void }[];
  /** Another configuration is deployed. */
  readonly deploy: (differences: Partial<ServiceConfig>) => Service;
}

function createBench(count: number, differences: Partial<ServiceConfig> = {}): Bench {
  const sweep = createFakeSweep();
  const probes: Bench['probes'] = [];
  const checks: Bench['checks'] = [];
  const services = createServices(
    createFakeServicesDeps({
      sweep,
      reach: (member, done) => void probes.push({ member, done }),
      check: (target, { path }, done) => {
        const member = service.members.find((candidate) => candidate === target);
        if (member !== undefined) checks.push({ member, path, done });
      },
    }),
  );
  const targets = Array.from({ length: count }, (_, i) => ({ url: `http://t${i}` }));
  const deploy = (more: Partial<ServiceConfig>): Service => {
    const service = services.of(
      { id: 'gw_1', tenantId: 'ten_1' },
      { name: 'orders', targets, stripPrefix: false, ...more },
    );
    settleAll(services, [{ upstream: service }]);
    return service;
  };
  const service = deploy(differences);
  return { service, sweep, members: service.members, probes, checks, deploy };
}

/** Requests one after the other, each answered at once: who got them. */
function callTimes(service: Service, times: number, status = 200): (string | undefined)[] {
  return Array.from({ length: times }, () => {
    const member = service.pick('192.0.2.1');
    if (member !== undefined) answer(member, status);
    return member?.url;
  });
}

function answer(member: Member, status: number): void {
  const epoch = member.begin();
  member.onReached();
  member.onEnd('complete', epoch, member.onHead(status, epoch));
}

function fail(member: Member | undefined, failure: Failure): void {
  assert.ok(member !== undefined);
  member.onFailure(failure, member.begin());
}

describe('a target that cannot be reached', () => {
  test('gets nothing from the first failure on, until a connection was tried with success', () => {
    const { service, members, sweep, probes } = createBench(3);
    callTimes(service, 3);
    fail(members[1], REFUSED);
    assert.deepEqual(new Set(callTimes(service, 20)), new Set(['http://t0', 'http://t2']));
    sweep.pass(900);
    assert.equal(probes.length, 0);
    sweep.pass(100);
    assert.deepEqual([probes.length, probes[0]?.member], [1, members[1]]);
    probes[0]?.done(false);
    assert.ok(!callTimes(service, 20).includes('http://t1'));
    sweep.pass(2000);
    probes[1]?.done(true);
    assert.equal(callTimes(service, 9).filter((url) => url === 'http://t1').length, 3);
    assert.equal(sweep.members.size, 0, 'nothing is left to be done');
  });

  test('is waited for by one request at most while others can be had', () => {
    const { service, members } = createBench(3);
    const waiting = service.pick('');
    assert.ok(waiting !== undefined);
    waiting.begin();
    const others = members.filter((member) => member !== waiting);
    for (const other of others) answer(other, 200);
    assert.deepEqual(new Set(callTimes(service, 50)), new Set(others.map(({ url }) => url)));
    waiting.onReached();
    assert.ok(callTimes(service, 3).includes(waiting.url));
  });

  test('is not waited for by others once it takes long, though it could be reached before', () => {
    const { service, members } = createBench(2);
    callTimes(service, 2);
    const [stuck] = members;
    stuck?.begin();
    stuck?.onStuck({});
    assert.deepEqual(new Set(callTimes(service, 20)), new Set(['http://t1']));
  });

  test('is tried all the same when no other one can be had', () => {
    const { service, members } = createBench(2);
    for (const member of members) fail(member, REFUSED);
    assert.equal(new Set(callTimes(service, 2)).size, 1, 'the first that answers is the one that is up');
    const alone = createBench(1);
    fail(alone.members[0], REFUSED);
    assert.deepEqual(callTimes(alone.service, 1), ['http://t0']);
  });

  test('is not blamed for what fails on our side', () => {
    const { service, members } = createBench(2, { circuitBreaker: { ...BREAKER, failureThreshold: 1 } });
    callTimes(service, 2);
    fail(members[0], { ...REFUSED, isOurs: true });
    assert.equal(new Set(callTimes(service, 4)).size, 2);
  });
});

describe('a run of errors', () => {
  for (const [what, fault] of [
    ['answers with 5xx', (member: Member): void => answer(member, 503)],
    ['no answers', (member: Member): void => fail(member, BROKEN)],
    [
      'answers that break off',
      (member: Member): void => {
        const epoch = member.begin();
        member.onEnd('broken', epoch, member.onHead(200, epoch));
      },
    ],
  ] as const) {
    test(`takes a target out for a time: ${what}`, () => {
      const { service, members, sweep } = createBench(2, { healthCheck: { errorThreshold: 3, ejectMs: 5000 } });
      callTimes(service, 2);
      const [ill] = members;
      assert.ok(ill !== undefined);
      for (let i = 0; i < 3; i++) fault(ill);
      assert.deepEqual(new Set(callTimes(service, 10)), new Set(['http://t1']));
      sweep.pass(5000);
      assert.equal(new Set(callTimes(service, 2)).size, 2);
    });
  }

  test('is not made of callers who went away, nor of answers that are theirs to mend', () => {
    const { service, members } = createBench(2, { healthCheck: { errorThreshold: 1 } });
    callTimes(service, 2);
    for (const member of members) {
      const epoch = member.begin();
      member.onEnd('cancelled', epoch, false);
      answer(member, 404);
    }
    assert.equal(new Set(callTimes(service, 2)).size, 2);
  });
});

describe('an open breaker', () => {
  test('keeps all calls from its target, and lets one through after its time', () => {
    const { service, sweep } = createBench(1, { circuitBreaker: BREAKER });
    assert.deepEqual(callTimes(service, 3, 500), ['http://t0', 'http://t0', undefined]);
    assert.equal(service.waitMs(), 1000);
    sweep.pass(900);
    assert.equal(service.pick(''), undefined);
    sweep.pass(100);
    const trial = service.pick('');
    const epoch = trial?.begin() ?? 0;
    assert.equal(service.pick(''), undefined, 'one trial at a time');
    assert.equal(service.waitMs(), 0);
    trial?.onEnd('complete', epoch, trial.onHead(200, epoch));
    assert.deepEqual(callTimes(service, 2), ['http://t0', 'http://t0']);
    assert.equal(sweep.members.size, 0);
  });

  test('leaves the others to the others', () => {
    const { service, members, sweep } = createBench(3, { circuitBreaker: BREAKER });
    callTimes(service, 3);
    for (let i = 0; i < 2; i++) fail(members[0], BROKEN);
    assert.deepEqual(new Set(callTimes(service, 20)), new Set(['http://t1', 'http://t2']));
    sweep.pass(1000);
    assert.equal(callTimes(service, 9).filter((url) => url === 'http://t0').length, 3);
  });

  test('stays open when its gateway is deployed again, unless its rules change', () => {
    const { service, deploy } = createBench(1, { circuitBreaker: BREAKER });
    callTimes(service, 2, 500);
    assert.equal(deploy({ circuitBreaker: BREAKER, loadBalancingStrategy: 'ip_hash' }).pick(''), undefined);
    assert.notEqual(deploy({ circuitBreaker: { ...BREAKER, trials: 2 } }).pick(''), undefined);
  });

  test('closes with the head of an answer that goes on for hours', () => {
    const { service, sweep } = createBench(1, { circuitBreaker: BREAKER });
    callTimes(service, 2, 500);
    sweep.pass(1000);
    const member = service.pick('');
    assert.ok(member !== undefined);
    assert.ok(member.onHead(200, member.begin()));
    assert.equal(member.breaker?.state, 'closed');
    assert.ok(!callTimes(service, 3).includes(undefined));
  });

  test('lets a trial be taken by another when its caller goes away', () => {
    const { service, sweep } = createBench(1, { circuitBreaker: BREAKER });
    callTimes(service, 2, 500);
    sweep.pass(1000);
    const member = service.pick('');
    member?.onEnd('cancelled', member.begin(), false);
    assert.notEqual(service.pick(''), undefined);
  });
});

describe('a target that is checked', () => {
  const check = { path: '/up', intervalMs: 1000, timeoutMs: 500, healthyThreshold: 1, unhealthyThreshold: 2 };

  /** What the checks of one round say. */
  function tell({ checks, sweep }: Bench, isWell: (member: Member) => boolean): void {
    checks.length = 0;
    sweep.pass(1100);
    for (const { member, done } of checks) done(isWell(member));
  }

  test('gets nothing while its checks fail, whatever else it answers', () => {
    const bench = createBench(2, { healthCheck: { check } });
    const { service, members, checks, sweep } = bench;
    callTimes(service, 2);
    sweep.pass(100);
    assert.deepEqual(
      checks.map(({ member, path }) => [member, path]),
      members.map((member) => [member, '/up']),
    );
    for (const { done } of checks) done(true);
    for (let i = 0; i < 2; i++) tell(bench, (member) => member !== members[0]);
    assert.deepEqual(new Set(callTimes(service, 10)), new Set(['http://t1']));
    tell(bench, () => true);
    assert.equal(new Set(callTimes(service, 2)).size, 2);
  });

  test('is back with a check, too, when no connection could be made before', () => {
    const bench = createBench(2, { healthCheck: { check } });
    callTimes(bench.service, 2);
    bench.sweep.pass(100);
    for (const { done } of bench.checks) done(true);
    fail(bench.members[0], REFUSED);
    tell(bench, () => true);
    assert.equal(new Set(callTimes(bench.service, 2)).size, 2);
  });

  test('is called all the same when all fail, or more than the panic threshold allows', () => {
    for (const [panicPercent, failing, expected] of [
      [0, 4, 4],
      [0, 3, 1],
      [50, 3, 4],
      [50, 2, 2],
    ] as const) {
      const bench = createBench(4, { healthCheck: { check, panicPercent } });
      callTimes(bench.service, 4);
      bench.sweep.pass(100);
      for (const { done } of bench.checks) done(true);
      for (let i = 0; i < 2; i++) tell(bench, (member) => !bench.members.slice(0, failing).includes(member));
      assert.equal(new Set(callTimes(bench.service, 12)).size, expected, `${failing} of 4 at ${panicPercent} %`);
    }
  });
});

describe('a slow start', () => {
  const healthCheck = { errorThreshold: 1, ejectMs: 1000, slowStartMs: 10_000 };

  test('gives a target that comes back a growing part of the requests, from a tenth', () => {
    const { service, members, sweep } = createBench(2, { healthCheck });
    const part = (): number => {
      const got = callTimes(service, 1100).filter((url) => url === 'http://t0');
      return got.length;
    };
    assert.equal(part(), 550, 'none at the beginning of all');
    fail(members[0], BROKEN);
    sweep.pass(1000);
    assert.equal(part(), 100);
    sweep.pass(5000);
    assert.ok(Math.abs(part() - 367) < 3);
    sweep.pass(5000);
    assert.equal(part(), 550);
    assert.equal(sweep.members.size, 0);
  });

  test('holds for a target that is added', () => {
    const { sweep, deploy } = createBench(1, { healthCheck });
    const next = deploy({ healthCheck, targets: [{ url: 'http://t0' }, { url: 'http://new' }] });
    const added = (): number => callTimes(next, 1100).filter((url) => url === 'http://new').length;
    assert.equal(added(), 100);
    sweep.pass(10_000);
    assert.equal(added(), 550);
  });
});

test('what is deployed no more is not swept any more', () => {
  const { service, members, sweep, deploy } = createBench(2);
  fail(members[0], REFUSED);
  assert.deepEqual([...sweep.members], [service]);
  const next = deploy({ targets: [{ url: 'http://t0' }] });
  assert.deepEqual([...sweep.members], [next]);
  deploy({ targets: [{ url: 'http://t9' }] });
  assert.equal(sweep.members.size, 0);
});

describe('the room of a target', () => {
  test('is shared evenly among the threads, and every one has some', () => {
    for (const [most, threads, room] of [
      [8, 4, 2],
      [9, 4, 3],
      [1, 4, 1],
      [undefined, 4, Infinity],
    ] as const) {
      const services = createServices(createFakeServicesDeps({ threads }));
      const targets = [{ url: 'http://t', ...(most !== undefined && { maxConcurrentRequests: most }) }];
      const service = services.of({ id: 'gw_1', tenantId: 'ten_1' }, { name: 'orders', targets, stripPrefix: false });
      settleAll(services, [{ upstream: service }]);
      assert.equal(service.members[0]?.room, room);
    }
  });
});
