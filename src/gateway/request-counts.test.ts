import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createExchange } from '../../test/harness/data-plane.ts';
import type { Exchange } from './exchange.ts';
import type { Plan } from './plan.ts';
import {
  createRequestCounts,
  MAX_GATEWAYS,
  openRequestCounts,
  readRequestCounts,
  type RequestCounts,
} from './request-counts.ts';
import { DURATION_STEPS_SECONDS, type GatewayCounts, type StatusClass } from './request-count-cells.ts';

const plan = (requestCounts: RequestCounts, gatewayId: string | null): Plan =>
  ({ countsRow: requestCounts.rowOf(gatewayId) }) satisfies Partial<Plan> as Plan;

/** An exchange that has ended like this. */
function ended(differences: Partial<Exchange>): Exchange {
  return Object.assign(createExchange().exchange, { status: 200 }, differences);
}

function of(memory: SharedArrayBuffer, gateway: string): GatewayCounts {
  const found = readRequestCounts(memory).find((one) => one.gateway === gateway);
  assert.ok(found, `${gateway} is not counted`);
  return found;
}

/** How many there are in each class. */
function counts(requestCounts: GatewayCounts): number[] {
  return requestCounts.classes.map(({ steps }) => steps.reduce((sum, count) => sum + count, 0));
}

function stepsOf(requestCounts: GatewayCounts, status: StatusClass): readonly number[] {
  return requestCounts.classes.find((one) => one.status === status)?.steps ?? [];
}

describe('the counts of requests', () => {
  test('counts each request once, in the class of its status', () => {
    const memory = createRequestCounts(1);
    const requestCounts = openRequestCounts(memory, 1);
    const own = plan(requestCounts, 'gw_1');
    for (const status of [101, 200, 204, 301, 404, 429, 500, 599]) requestCounts.count(ended({ plan: own, status }), 1);
    assert.deepEqual(counts(of(memory, 'gw_1')), [1, 2, 1, 2, 2]);
  });

  test('counts a caller who left as 4xx, and what never got a status as 5xx', () => {
    const memory = createRequestCounts(1);
    const requestCounts = openRequestCounts(memory, 1);
    requestCounts.count(ended({ clientGone: true, status: 200 }), 1);
    requestCounts.count(ended({ status: 0 }), 1);
    assert.deepEqual(counts(of(memory, 'none')), [0, 0, 0, 1, 1]);
  });

  test('counts a time to the first step that is no shorter, and the longest to a last one', () => {
    const memory = createRequestCounts(1);
    const requestCounts = openRequestCounts(memory, 1);
    const times = [0, ...DURATION_STEPS_SECONDS.flatMap((seconds) => [seconds * 1000, seconds * 1000 + 0.01])];
    for (const durationMs of times) requestCounts.count(ended({}), durationMs);
    // Of each step its own end and what was just beyond the one before; the first also 0, the last only what is beyond all.
    const expected = [...DURATION_STEPS_SECONDS.map(() => 2), 1];
    assert.deepEqual(stepsOf(of(memory, 'none'), '2xx'), expected);
    const seconds = of(memory, 'none').classes[1]?.seconds ?? 0;
    assert.ok(Math.abs(seconds - times.reduce((sum, ms) => sum + ms, 0) / 1000) < 1e-6);
  });

  test('tells what was refused by limits and for want of a key, and what Tollgate itself failed at', () => {
    const memory = createRequestCounts(1);
    const requestCounts = openRequestCounts(memory, 1);
    requestCounts.count(ended({ status: 429, rateLimited: true, errorCode: 'rate_limited' }), 1);
    requestCounts.count(ended({ status: 401, authFailed: true, errorCode: 'invalid_key' }), 1);
    requestCounts.count(ended({ status: 502, errorCode: 'upstream_unreachable' }), 1);
    requestCounts.count(ended({ status: 502 }), 1); // The service said so itself.
    const { rateLimited, unauthenticated, failed } = of(memory, 'none');
    assert.deepEqual([rateLimited, unauthenticated, failed], [1, 1, 1]);
  });

  test('sums over all threads, and keeps what a thread counted that died', () => {
    const memory = createRequestCounts(3);
    for (const thread of [1, 2, 3, 2]) {
      const requestCounts = openRequestCounts(memory, thread);
      requestCounts.count(ended({ plan: plan(requestCounts, 'gw_1') }), 1);
    }
    assert.deepEqual(counts(of(memory, 'gw_1')), [0, 4, 0, 0, 0]);
  });

  test('tells gateways apart in whatever order threads get to know them, and the management API from all of them', () => {
    const memory = createRequestCounts(2);
    const [one, two] = [openRequestCounts(memory, 1), openRequestCounts(memory, 2)];
    const ids = ['gw_a', 'gw_b', 'gw_c'];
    const rows = ids.map((id) => one.rowOf(id));
    assert.deepEqual(
      ids.toReversed().map((id) => two.rowOf(id)),
      rows.toReversed(),
    );
    assert.equal(new Set([...rows, one.rowOf(null)]).size, 4);
    one.count(ended({ plan: plan(one, null) }), 1);
    assert.deepEqual(counts(of(memory, 'management')), [0, 1, 0, 0, 0]);
  });

  test('counts gateways beyond the most together, and goes on telling the others apart', () => {
    const memory = createRequestCounts(1);
    const requestCounts = openRequestCounts(memory, 1);
    for (let i = 0; i < MAX_GATEWAYS; i++) requestCounts.rowOf(`gw_${i}`);
    for (const id of ['gw_more', 'gw_even_more', 'gw_7', 'g'.repeat(200)])
      requestCounts.count(ended({ plan: plan(requestCounts, id) }), 1);
    assert.deepEqual(counts(of(memory, 'other')), [0, 3, 0, 0, 0]);
    assert.deepEqual(counts(of(memory, 'gw_7')), [0, 1, 0, 0, 0]);
    assert.equal(readRequestCounts(memory).length, MAX_GATEWAYS + 3);
  });

  test('gives one gateway one place, whichever thread asks first', async () => {
    const memory = createRequestCounts(4);
    const entry = new URL('./request-count-thread.fixture.ts', import.meta.url);
    const workers = [1, 2, 3, 4].map((thread) => new Worker(entry, { workerData: { memory, thread, gateways: 300 } }));
    const rows = await Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [number[]])[0]));
    for (const own of rows) assert.deepEqual(own, rows[0]);
    assert.equal(new Set(rows[0]).size, 300);
    assert.equal(readRequestCounts(memory).length, 303);
  });
});
