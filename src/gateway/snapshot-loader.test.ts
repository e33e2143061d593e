import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createEndpoint, createFakeClock, createGateway } from '../../test/harness/data-plane.ts';
import { scopes } from '../policies/scopes.ts';
import type { Snapshot } from './compile.ts';
import type { Plan } from './plan.ts';
import { createPublications } from './publications.ts';
import type { GatewayConfig } from './snapshot.ts';
import { createSnapshotLoader, packSnapshot, type PackedSnapshot, type SnapshotLoader } from './snapshot-loader.ts';

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

/** A loader whose every look at the clock takes a millisecond, and which counts its pauses. */
function createBench(): { loader: SnapshotLoader; pauses: () => number } {
  const clock = createFakeClock();
  let pauses = 0;
  const loader = createSnapshotLoader({
    ...createDeps(),
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs() {
        clock.advance(1);
        return clock.monotonicMs();
      },
    },
    policies: [scopes],
    controlToken: '',
    async pause() {
      pauses++;
    },
  });
  return { loader, pauses: () => pauses };
}

async function load(loader: SnapshotLoader, packed: PackedSnapshot): Promise<Snapshot> {
  const loaded = await loader.load(packed);
  assert.ok('router' in loaded);
  return loaded;
}

function planAt(snapshot: Snapshot, path: string): Plan {
  const found = snapshot.router.find({ method: 'GET', path, host: undefined, headers: [] });
  assert.ok(!('miss' in found));
  return found;
}

describe('a snapshot that is loaded', () => {
  test('leaves time for requests: it never works longer than a slice at once', async () => {
    const { loader, pauses } = createBench();
    const snapshot = await load(loader, pack(makeGateways(50)));
    assert.equal(snapshot.plans.length, 50);
    assert.ok(pauses() >= 50, `${pauses()} pauses`);
  });

  test('compiles what changed, and keeps the plans of what did not', async () => {
    const { loader } = createBench();
    const gateways = makeGateways(3);
    const first = await load(loader, pack(gateways));
    const changed = gateways.with(1, { ...(gateways[1] ?? createGateway('')), name: 'other' });
    const second = await load(loader, pack(changed, 2));
    assert.equal(second.version, 2);
    assert.equal(planAt(second, '/g0/a'), planAt(first, '/g0/a'));
    assert.notEqual(planAt(second, '/g1/a'), planAt(first, '/g1/a'));
    assert.equal(planAt(second, '/g2/a'), planAt(first, '/g2/a'));
    const third = await load(loader, pack(gateways.slice(0, 1), 3));
    assert.ok('miss' in third.router.find({ method: 'GET', path: '/g1/a', host: undefined, headers: [] }));
    assert.deepEqual(third.plans, [planAt(first, '/g0/a')]);
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

  const unsound: readonly [what: string, gateway: unknown, line: RegExp][] = [
    ['of another form', { id: 'gw_9', from: 'the future' }, /gateways\[1\]\.from: is not known here/],
    [
      'that cannot be served',
      createGateway('ftp://h', { id: 'gw_9' }),
      /gateways\[1\]\.services\[0\]\.targets\[0\]\.url/,
    ],
    [
      'with a policy that nobody knows',
      createGateway('http://h', { id: 'gw_9', policies: [{ name: 'ghost', config: {} }] }),
      /gateways\[1\]\.policies\[0\]\.name: there is no policy "ghost"/,
    ],
  ];
  for (const [what, gateway, line] of unsound) {
    test(`is refused as a whole with a gateway ${what}, and what was known stays known`, async () => {
      const { loader } = createBench();
      const [sound] = makeGateways(1);
      assert.ok(sound !== undefined);
      const first = await load(loader, pack([sound]));
      const refused = await loader.load({
        version: 2,
        paths: undefined,
        gateways: [JSON.stringify(sound), JSON.stringify(gateway)],
      });
      assert.ok(!('router' in refused));
      assert.match(refused.join(), line);
      const third = await load(loader, pack([sound], 3));
      assert.equal(planAt(third, '/g0/a'), planAt(first, '/g0/a'));
    });
  }
});

describe('publications', () => {
  /** A loader that the test lets finish. */
  function createSlow() {
    const begun: { packed: PackedSnapshot; end: (loaded: Snapshot | readonly string[]) => void }[] = [];
    const swapped: number[] = [];
    const loader: SnapshotLoader = {
      load(packed) {
        const { promise, resolve } = Promise.withResolvers<Snapshot | readonly string[]>();
        begun.push({ packed, end: resolve });
        return promise;
      },
    };
    const publications = createPublications(loader, ({ version }) => swapped.push(version));
    return { publications, begun, swapped };
  }
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const empty = (version: number): Snapshot => ({
    version,
    router: { find: () => ({ miss: 'not-found' }) },
    plans: [],
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
    publications.publish({ version: 1, paths: undefined, gateways: ['{'] }, (faults) => told.push(faults));
    publications.publish(pack(makeGateways(1), 2), (faults) => told.push(faults));
    while (told.length < 2) await turn();
    assert.match(String(told[0]), /it could not be loaded/);
    assert.deepEqual([told[1], swapped], [[], [2]]);
  });
});
