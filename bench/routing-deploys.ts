// Whether memory stays flat over many deploys. In this process, without sockets.

import { compileSnapshot } from '../src/gateway/compile.ts';
import { checkSnapshot } from '../src/gateway/snapshot.ts';
import { policies } from '../src/policies/index.ts';
import type { Figure } from './figures.ts';
import { collectGarbage, toMegabytes } from './memory.ts';
import { createCompileDeps, makeGateways } from './routing-gateways.ts';

const DEPLOYS = 10_000;
const FLAT_BYTES = 2 * 1024 * 1024;

export function measureDeploys(): Figure {
  const deps = createCompileDeps();
  const gateways = makeGateways(10, 10);
  let live = compileSnapshot({ version: 0, gateways }, deps);
  deps.services.settle(live.plans);
  const deploy = (version: number): void => {
    // A copy, as what comes from another thread is; and none of its endpoints is what it was.
    const next = structuredClone({ version, gateways: makeGateways(10, 10, version) });
    if (checkSnapshot(next, policies).length > 0) throw new Error('the configuration of the benchmark is refused');
    live = compileSnapshot(next, deps);
    deps.services.settle(live.plans);
  };
  for (let i = 0; i < DEPLOYS / 10; i++) deploy(i);
  const before = collectGarbage();
  for (let i = 0; i < DEPLOYS; i++) deploy(i);
  const growth = collectGarbage() - before;
  return {
    what: `growth of memory over ${DEPLOYS} deploys of ${live.plans.length} endpoints, ${toMegabytes(before)} before`,
    value: toMegabytes(growth),
    goal: `flat: ≤ ${toMegabytes(FLAT_BYTES)}`,
    isMet: growth <= FLAT_BYTES,
  };
}
