import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createDeps,
  createEndpoint,
  createFakeClock,
  createGateway,
  type FakeClock,
} from '../../test/harness/data-plane.ts';
import { scopes } from '../policies/scopes.ts';
import { type PackedSnapshot, packSnapshot } from './packed-snapshot.ts';
import type { Plan } from './plan.ts';
import { createPublications } from './publications.ts';
import { type RequestCounts, UNCOUNTED } from './request-counts.ts';
import type { GatewayConfig } from './snapshot.ts';
import { createSnapshotLoader, type LoadedSnapshot, type SnapshotLoader } from './snapshot-loader.ts';

function makeGateways(count: number): GatewayConfig[] {
  return Array.from({ length: count }, (_, i) =>
    createGateway('http://h', {
      id: `gw_${i}`,
      name: `g${i}`,
      routePrefix: `/g${i}`,
      endpoints: [createEndpoint({ path: '/a' })],
    }),
  );
}

function pack(gateways: GatewayConfig[], version = 1): PackedSnapshot {
  return packSnapshot({ version, gateways });
}

/** Whose every look at the clock takes a millisecond. */
function createSlowClock(): FakeClock {
  const clock = createFakeClock();
  return {
    ...clock,
    monotonicMs() {
      clock.advance(1);
      return clock.monotonicMs();
    },
  };
}

interface Bench {
  readonly loader: SnapshotLoader;
  readonly pauses: () => number;
  /** The ids of gateways that could not be compiled. */
  readonly broken: (string | null)[];
}

function createBench(requestCounts: RequestCounts = UNCOUNTED): Bench {
  let pauses = 0;
  const broken: (string | null)[] = [];
  const loader = createSnapshotLoader({
    ...createDeps(),
    requestCounts,
    clock: createSlowClock(),
    policies: [scopes],
    controlToken: '',
    async pause() {
      pauses++;
    },
    onBroken: ({ id }) => broken.push(id),
  });
  return { loader, pauses: () => pauses, broken };
}

async function load(loader: SnapshotLoader, packed: PackedSnapshot): Promise<LoadedSnapshot> {
  const loaded = await loader.load(packed);
  assert.ok('router' in loaded);
  return loaded;
}

function planAt(snapshot: LoadedSnapshot, path: string): Plan {
  const found = snapshot.router.find({ method: 'GET', path, host: undefined, headers: [] });
  assert.ok(!('miss' in found));
  return found;
}

function compiled({ gateways }: LoadedSnapshot): (string | null)[] {
  return gateways.filter(({ isCompiled }) => isCompiled).map(({ head }) => head.id);
}

describe('a snapshot that is loaded', () => {
  test('leaves time for requests: it never works longer than a slice at once', async () => {
    const { loader, pauses } = createBench();
    await load(loader, pack(makeGateways(50)));
    assert.ok(pauses() >= 50, `${pauses()} pauses`);
  });

  test('compiles the gateways that requests come to, and no other', async () => {
    const { loader } = createBench();
    const snapshot = await load(loader, pack(makeGateways(3)));
    assert.deepEqual(compiled(snapshot), []);
    assert.equal(planAt(snapshot, '/g1/a').gatewayId, 'gw_1');
    assert.ok('miss' in snapshot.router.find({ method: 'GET', path: '/g9/a', host: undefined, headers: [] }));
    assert.deepEqual(compiled(snapshot), ['gw_1']);
    assert.equal(planAt(snapshot, '/g1/a'), planAt(snapshot, '/g1/a'));
  });

  test('has counts for all of its gateways, also for those that nobody calls', async () => {
    const rows: (string | null)[] = [];
    const { loader } = createBench({ rowOf: (id) => rows.push(id), count: () => {} });
    await load(loader, pack(makeGateways(2)));
    assert.deepEqual(rows, ['gw_0', 'gw_1']);
  });

  test('compiles what changed, and keeps the plans of what did not', async () => {
    const { loader } = createBench();
    const gateways = makeGateways(3);
    const first = await load(loader, pack(gateways));
    const plans = [0, 1, 2].map((i) => planAt(first, `/g${i}/a`));
    const changed = gateways.with(1, { ...(gateways[1] ?? createGateway('')), name: 'other' });
    const second = await load(loader, pack(changed, 2));
    assert.equal(second.version, 2);
    assert.deepEqual(compiled(second), ['gw_0', 'gw_2']);
    assert.equal(planAt(second, '/g0/a'), plans[0]);
    assert.notEqual(planAt(second, '/g1/a'), plans[1]);
    assert.equal(planAt(second, '/g2/a'), plans[2]);
    const third = await load(loader, pack(gateways.slice(0, 1), 3));
    assert.ok('miss' in third.router.find({ method: 'GET', path: '/g1/a', host: undefined, headers: [] }));
    assert.equal(planAt(third, '/g0/a'), plans[0]);
  });

  test('takes over a gateway that nobody has called yet as it is', async () => {
    const { loader } = createBench();
    const first = await load(loader, pack(makeGateways(2)));
    const second = await load(loader, pack(makeGateways(2), 2));
    assert.deepEqual(second.gateways, first.gateways);
    assert.equal(planAt(second, '/g0/a'), planAt(first, '/g0/a'));
  });

  test('compiles at once what no request could wait for: the management API, and services whose place DNS has to tell', async () => {
    const { loader } = createBench();
    const management = createGateway('unix:/control', { id: null, routePrefix: '/management' });
    const named = createGateway('http+srv://_api._tcp.test', { id: 'gw_9', routePrefix: '/named' });
    assert.deepEqual(compiled(await load(loader, pack([management, ...makeGateways(1), named]))), [null, 'gw_9']);
  });

  test('is compared by its rules of paths', async () => {
    const { loader } = createBench();
    const paths = {
      case: 'insensitive',
      trailingSlash: 'ignore',
      doubleSlashes: 'merge',
      encodedSlash: 'separate',
      dotSegments: 'redirect',
    } as const;
    const snapshot = await load(loader, packSnapshot({ version: 1, paths, gateways: makeGateways(1) }));
    assert.equal(planAt(snapshot, '/G0//A/').gatewayId, 'gw_0');
  });

  test('stands for a gateway that cannot be compiled with a refusal of all that could be its', async () => {
    const { loader, broken } = createBench();
    const policies = [{ name: 'ghost', config: {} }];
    const ghost = createGateway('http://h', { id: 'gw_9', routePrefix: '/ghost', policies });
    const wide = createGateway('http://h', { id: 'gw_wide', endpoints: [createEndpoint({ path: '/{any}/b' })] });
    const snapshot = await load(loader, pack([wide, ghost, ...makeGateways(1)]));
    assert.deepEqual(broken, []);
    for (const path of ['/ghost', '/ghost/b', '/ghost/b/c']) {
      const plan = planAt(snapshot, path);
      assert.deepEqual([plan.gatewayId, plan.tenantId, plan.policies.length], ['gw_9', 'ten_of_key', 1]);
    }
    assert.equal(planAt(snapshot, '/g0/a').gatewayId, 'gw_0');
    assert.equal(planAt(snapshot, '/other/b').gatewayId, 'gw_wide');
    assert.deepEqual(broken, ['gw_9']);
  });

  test('is refused when it is the management API that cannot be compiled, and what was known stays known', async () => {
    const { loader } = createBench();
    const [sound] = makeGateways(1);
    assert.ok(sound !== undefined);
    const first = await load(loader, pack([sound]));
    const plan = planAt(first, '/g0/a');
    const management = createGateway('unix:/control', { id: null, policies: [{ name: 'ghost', config: {} }] });
    assert.deepEqual(await loader.load(pack([sound, management], 2)), ['the management API cannot be served']);
    assert.equal(planAt(await load(loader, pack([sound], 3)), '/g0/a'), plan);
  });

  test('is the same when it is loaded at once', () => {
    const { loader, pauses } = createBench();
    const loaded = loader.loadNow(pack(makeGateways(2)));
    assert.ok('router' in loaded);
    assert.deepEqual([planAt(loaded, '/g1/a').gatewayId, pauses()], ['gw_1', 0]);
  });
});

describe('publications', () => {
  /** A loader that the test lets finish. */
  function createSlow() {
    const begun: { packed: PackedSnapshot; end: (loaded: LoadedSnapshot | readonly string[]) => void }[] = [];
    const swapped: number[] = [];
    const loader: Pick<SnapshotLoader, 'load'> = {
      load(packed) {
        const { promise, resolve } = Promise.withResolvers<LoadedSnapshot | readonly string[]>();
        begun.push({ packed, end: resolve });
        return promise;
      },
    };
    const publications = createPublications(loader, ({ version }) => swapped.push(version));
    return { publications, begun, swapped };
  }
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const empty = (version: number): LoadedSnapshot => ({
    version,
    router: { find: () => ({ miss: 'not-found' }) },
    gateways: [],
  });

  test('are taken in one at a time, and of those that wait the newest answers for all', async () => {
    const { publications, begun, swapped } = createSlow();
    const told: string[] = [];
    for (const version of [1, 2, 3, 4]) {
      publications.publish(pack([], version), (faults) => told.push(`${version}:${faults.length}`));
    }
    assert.equal(begun.length, 1);
    begun[0]?.end(empty(1));
    await turn();
    assert.deepEqual([begun.map(({ packed }) => packed.version), told], [[1, 4], ['1:0']]);
    begun[1]?.end(['no']);
    await turn();
    assert.deepEqual([told, swapped], [['1:0', '2:1', '3:1', '4:1'], [1]]);
    publications.publish(pack([], 5), () => told.push('5'));
    begun[2]?.end(empty(5));
    await turn();
    assert.deepEqual([told.at(-1), swapped], ['5', [1, 5]]);
  });

  test('that break while they are loaded are refused, and the next is taken in', async () => {
    const swapped: number[] = [];
    const { loader } = createBench();
    const publications = createPublications(loader, ({ version }) => swapped.push(version));
    const told: (readonly string[])[] = [];
    const torn = { ...pack(makeGateways(1)), ends: Uint32Array.of(1, 2) };
    publications.publish(torn, (faults) => told.push(faults));
    publications.publish(pack(makeGateways(1), 2), (faults) => told.push(faults));
    while (told.length < 2) await turn();
    assert.match(String(told[0]), /it could not be loaded/);
    assert.deepEqual([told[1], swapped], [[], [2]]);
  });
});
