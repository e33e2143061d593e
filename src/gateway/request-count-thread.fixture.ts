// A thread that asks for the rows of many gateways, in an order of its own, while others do the same.

import { parentPort, workerData } from 'node:worker_threads';
import { openRequestCounts } from './request-counts.ts';

const { memory, thread, gateways } = workerData as { memory: SharedArrayBuffer; thread: number; gateways: number };
const requestCounts = openRequestCounts(memory, thread);
const rows: number[] = Array.from({ length: gateways }, () => 0);
// 7 and 300 have no divisor in common: every number once.
for (let i = 0; i < gateways; i++) {
  const gateway = (i * 7 + thread * 71) % gateways;
  rows[gateway] = requestCounts.rowOf(`gw_${gateway}`);
}
parentPort?.postMessage(rows);
