import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetHealth } from '../gateway/ports.ts';
import type { Family } from '../lib/exposition.ts';
import { MAX_TARGETS, targetFamilies } from './target-families.ts';

const WELL: TargetHealth = { url: 'http://a', weight: 1, ill: undefined, circuit: 'closed', inFlight: 1 };

const target = (differences: Partial<TargetHealth>): TargetHealth => ({ ...WELL, ...differences });

/** What one thread says of one service. */
const view = (...targets: readonly Partial<TargetHealth>[]) => [
  { gatewayId: 'gw_1', services: [{ service: 's', targets: targets.map(target) }] },
];

function valuesOf(families: readonly Family[], name: string): [string, number][] {
  const found = families.find((family) => family.name === name);
  return (found?.samples ?? []).map(({ labels, value }) => [Object.values(labels).join(' '), value]);
}

test('a target is as healthy as the share of the threads that send requests to it', () => {
  const families = targetFamilies([view({ ill: 'unreachable' }), view({}), view({ circuit: 'open' }), view({})]);
  assert.deepEqual(valuesOf(families, 'tollgate_target_healthy_ratio'), [['gw_1 s http://a', 0.5]]);
  assert.deepEqual(valuesOf(families, 'tollgate_target_circuit_threads'), [
    ['gw_1 s http://a closed', 3],
    ['gw_1 s http://a half_open', 0],
    ['gw_1 s http://a open', 1],
  ]);
  assert.deepEqual(valuesOf(families, 'tollgate_target_requests_in_flight'), [['gw_1 s http://a', 4]]);
  assert.deepEqual(valuesOf(families, 'tollgate_targets'), [
    ['up', 0],
    ['partial', 1],
    ['down', 0],
  ]);
});

test('a target without a breaker has no state of one', () => {
  const families = targetFamilies([view({ circuit: undefined })]);
  assert.deepEqual(valuesOf(families, 'tollgate_target_circuit_threads'), []);
});

test('a URL that is two targets of a service has one series: two would refuse the whole scrape', () => {
  const families = targetFamilies([view({}, { ill: 'check' })]);
  assert.deepEqual(valuesOf(families, 'tollgate_target_healthy_ratio'), [['gw_1 s http://a', 0.5]]);
});

test('of more targets than are shown, those that are ill are shown first, and the sums are of all', () => {
  const many = Array.from({ length: MAX_TARGETS + 5 }, (_, i) => ({ url: `http://t${i}` }));
  const families = targetFamilies([view(...many, { url: 'http://ill', ill: 'errors' })]);
  const shown = valuesOf(families, 'tollgate_target_healthy_ratio');
  assert.equal(shown.length, MAX_TARGETS);
  assert.deepEqual(shown[0], ['gw_1 s http://ill', 0]);
  assert.deepEqual(valuesOf(families, 'tollgate_targets'), [
    ['up', MAX_TARGETS + 5],
    ['partial', 0],
    ['down', 1],
  ]);
});
