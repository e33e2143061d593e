// What compiling many endpoints takes, and whether memory stays flat over many deploys. In this process, without sockets.

import { checkAndPack } from '../src/gateway/check-and-pack.ts';
import { createDataPlane, type DataPlane } from '../src/gateway/data-plane.ts';
import type { SnapshotConfig } from '../src/gateway/snapshot.ts';
import { policies } from '../src/policies/index.ts';
import { atMost, inMilliseconds, type Figure } from './figures.ts';
import { collectGarbage, toMegabytes } from './memory.ts';
import { createCompileDeps, ENDPOINTS, makeGateways, MANY_GATEWAYS } from './routing-gateways.ts';
import { toSpread } from './statistics.ts';

const DEPLOYS = 10_000;
const GATEWAYS = 10;
const COMPILINGS = 7;
const GOAL_MS = 500;
const FLAT_BYTES = 2 * 1024 * 1024;

/** Of many endpoints: all that a deploy leaves to the first request of each gateway, done at once. */
export async function measureCompiling(): Promise<Figure> {
  const dataPlane = openDataPlane();
  const took: number[] = [];
  for (let version = 0; version < COMPILINGS; version++) {
    const gateways = makeGateways(MANY_GATEWAYS, ENDPOINTS, version);
    const begin = performance.now();
    await deploy(dataPlane, { version, gateways });
    took.push(performance.now() - begin);
  }
  await dataPlane.close();
  const { median, max } = toSpread(took);
  const what = `checking, swapping and compiling ${MANY_GATEWAYS * ENDPOINTS} endpoints on ${MANY_GATEWAYS} gateways, none as it was`;
  return atMost(`${what} (at most ${inMilliseconds(max)})`, median, GOAL_MS, inMilliseconds);
}

export async function measureDeploys(): Promise<Figure> {
  const dataPlane = openDataPlane();
  const next = (version: number): Promise<void> =>
    deploy(dataPlane, { version, gateways: makeGateways(GATEWAYS, ENDPOINTS, version) });
  for (let i = 0; i < DEPLOYS / 10; i++) await next(i);
  const before = collectGarbage();
  for (let i = 0; i < DEPLOYS; i++) await next(i);
  const growth = collectGarbage() - before;
  await dataPlane.close();
  return {
    what: `growth of memory over ${DEPLOYS} deploys of ${GATEWAYS * ENDPOINTS} endpoints, ${toMegabytes(before)} before`,
    value: toMegabytes(growth),
    goal: `flat: ≤ ${toMegabytes(FLAT_BYTES)}`,
    isMet: growth <= FLAT_BYTES,
  };
}

function openDataPlane(): DataPlane {
  return createDataPlane({
    ...createCompileDeps(),
    pseudonym: 'tollgate-bench',
    trustedProxies: [],
    privateTargets: 'allow',
    onCircuit: () => {},
    warn: console.error,
  });
}

/** And has every gateway compiled, as if requests came to all of them. */
async function deploy(dataPlane: DataPlane, snapshot: SnapshotConfig): Promise<void> {
  const packed = await checkAndPack(snapshot, policies);
  const faults = await new Promise<readonly string[]>((resolve) => dataPlane.publish(packed, resolve));
  if (faults.length > 0) throw new Error(faults.join());
  for (const { id } of snapshot.gateways) dataPlane.health(id ?? '');
}
