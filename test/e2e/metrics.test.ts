// What a scrape of a whole node tells, read by a parser that is not ours, while two gateway threads count.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createApi, type Api } from '../harness/api.ts';
import { readScrape, type Scrape } from '../harness/scrape.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';
import { METRICS } from '../../src/metrics/catalogue.ts';

const CALLS = 60;
describe('GET /metrics', () => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let admin: Api;
  let upstream: Upstream;
  let gateway: string;

  before(async () => {
    sandbox = await createSandbox();
    tollgate = await sandbox.start({ TOLLGATE_PUBLIC_REQUESTS_PER_MINUTE: '0', TOLLGATE_TRUSTED_PROXIES: '127.0.0.2' });
    upstream = await startUpstream((request, response) => {
      response.statusCode = request.url === '/m/missing' ? 404 : 200;
      response.end('ok');
    });
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    admin = createApi(tollgate.url, setup.body.apiKey);
    const made = await admin.call('POST', '/api/v1/gateways', {
      name: 'a "quoted"\\ name',
      routePrefix: '/m',
      upstreamServices: [
        { name: 'here', targets: [{ url: upstream.url }] },
        { name: 'away', targets: [{ url: 'http://127.0.0.1:9' }], circuitBreaker: { failureThreshold: 2 } },
      ],
    });
    gateway = made.body.data.id;
    const endpoints = `/api/v1/gateways/${gateway}/endpoints`;
    const open = { method: 'GET', authRequired: false };
    await admin.call('POST', endpoints, { ...open, path: '/away', service: 'away' });
    await admin.call('POST', endpoints, { ...open, path: '/*', service: 'here' });
    await admin.call('POST', endpoints, { method: 'GET', path: '/closed', service: 'here', authRequired: true });
    await admin.call('POST', `/api/v1/gateways/${gateway}/deploy`, {});
  });
  after(async () => {
    await sandbox.remove();
    await upstream.close();
  });

  async function scrape(): Promise<Scrape> {
    const response = await fetch(`${tollgate.url}/metrics`);
    assert.equal(response.status, 200);
    return readScrape(await response.text());
  }

  /** Each on a connection of its own, so that both threads get some. */
  async function callMany(path: string): Promise<void> {
    for (let i = 0; i < CALLS; i++)
      await (await fetch(tollgate.url + path, { headers: { connection: 'close' } })).text();
  }

  it('holds every metric of the catalogue with its type and help, and no other', async () => {
    const { families } = await scrape();
    assert.deepEqual(families.map(({ name }) => name).toSorted(), Object.keys(METRICS).toSorted());
    for (const { name, type, help } of families) {
      assert.equal(type, METRICS[name as keyof typeof METRICS].type.toUpperCase());
      assert.equal(help, METRICS[name as keyof typeof METRICS].help);
    }
  });

  it('tells every series once', async () => {
    const { samples } = await scrape();
    const series = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).toSorted()]));
    assert.equal(new Set(series).size, series.length);
  });

  it('counts every request exactly once over all threads, and never goes back', async () => {
    const earlier = await scrape();
    await callMany('/m/hello');
    await callMany('/m/missing');
    await callMany('/m/closed');
    await callMany('/m/away');
    await callMany('/nowhere');
    // A record is left when the answer is out: the caller may be the first to know.
    const later = await settle(earlier, 5 * CALLS);
    const grown = (name: string, labels: Readonly<Record<string, string>>): number =>
      later.value(name, labels) - earlier.value(name, labels);

    const own = { gateway };
    assert.equal(grown('tollgate_requests_total', { ...own, status: '2xx' }), CALLS);
    assert.equal(grown('tollgate_requests_total', { ...own, status: '4xx' }), 2 * CALLS);
    assert.equal(grown('tollgate_requests_total', { ...own, status: '5xx' }), CALLS);
    assert.equal(grown('tollgate_requests_failed_total', own), CALLS);
    assert.equal(grown('tollgate_requests_unauthenticated_total', own), CALLS);
    assert.equal(grown('tollgate_requests_total', { gateway: 'none', status: '4xx' }), CALLS);
    assert.equal(grown('tollgate_request_duration_seconds_count', own), 4 * CALLS);
    for (const one of earlier.samples.filter(({ name }) => /_(?:total|bucket|count|sum)$/.test(name)))
      assert.ok(later.value(one.name, one.labels) >= one.value, `${one.name} went back`);
  });

  /** Scrapes until so many requests more are counted than earlier, whatever they are. */
  async function settle(earlier: Scrape, more: number): Promise<Scrape> {
    const count = (one: Scrape): number =>
      one.sum('tollgate_requests_total', { gateway }) + one.sum('tollgate_requests_total', { gateway: 'none' });
    while (true) {
      const now = await scrape();
      if (count(now) >= count(earlier) + more) return now;
    }
  }

  it('has histograms that add up: each step holds the one before, and the last the count of all classes', async () => {
    const { samples, value, sum } = await scrape();
    const gateways = new Set(samples.map(({ labels }) => labels['gateway']).filter((id) => id !== undefined));
    assert.ok(gateways.has(gateway));
    for (const id of gateways) {
      const steps = samples.filter(
        ({ name, labels }) => name === 'tollgate_request_duration_seconds_bucket' && labels['gateway'] === id,
      );
      const ends = steps.map(({ labels }) => Number(labels['le']?.replace('+Inf', 'Infinity')));
      assert.deepEqual(
        ends,
        ends.toSorted((a, b) => a - b),
      );
      for (const [i, step] of steps.entries()) assert.ok(step.value >= (steps[i - 1]?.value ?? 0));
      const count = value('tollgate_request_duration_seconds_count', { gateway: id });
      assert.equal(steps.at(-1)?.value, count);
      const sockets = value('tollgate_requests_total', { gateway: id, status: '1xx' });
      assert.equal(sum('tollgate_requests_total', { gateway: id }) - sockets, count);
    }
  });

  it('tells of targets how they are and how their circuits stand, over all threads', async () => {
    const { value, sum } = await scrape();
    const here = { gateway, service: 'here', target: upstream.url };
    const away = { gateway, service: 'away', target: 'http://127.0.0.1:9' };
    assert.equal(value('tollgate_target_healthy_ratio', here), 1);
    assert.equal(value('tollgate_target_healthy_ratio', away), 0);
    assert.equal(sum('tollgate_target_circuit_threads', away), 2);
    assert.equal(value('tollgate_target_circuit_threads', { ...away, state: 'closed' }), 0);
    assert.equal(value('tollgate_targets', { state: 'up' }), 1);
    assert.equal(value('tollgate_targets', { state: 'down' }), 1);
  });

  it('tells of names that people chose as they chose them', async () => {
    const { value, samples } = await scrape();
    const info = samples.find(({ name }) => name === 'tollgate_gateway_info');
    assert.equal(info?.labels['name'], 'a "quoted"\\ name');
    assert.equal(value('tollgate_gateway_info', { gateway }), 1);
  });

  it('tells of the limits, the records, the look-ups, and of each thread', async () => {
    const { value } = await scrape();
    assert.equal(value('tollgate_limit_counters_evicted_total', {}), 0);
    assert.equal(value('tollgate_limit_fallbacks_total', {}), 0);
    assert.ok(value('tollgate_records_stored_total', {}) > 0);
    assert.equal(value('tollgate_records_dropped_total', { reason: 'buffer_full' }), 0);
    assert.ok(value('tollgate_key_lookups_total', { outcome: 'known' }) > 0);
    for (const thread of ['main', 'gateway-1', 'gateway-2']) {
      assert.equal(value('tollgate_thread_up', { thread }), 1);
      assert.ok(value('tollgate_thread_busy_seconds_total', { thread }) > 0);
      assert.ok(value('tollgate_thread_heap_used_bytes', { thread }) > 0);
    }
    assert.ok(value('process_cpu_seconds_total', {}) > 0);
    assert.ok(value('tollgate_connections', {}) >= 1);
  });

  it('is for this machine alone unless told, whoever a trusted proxy forwards for', async () => {
    const forwarded = { headers: { 'x-forwarded-for': '203.0.113.9' } };
    const answer = await fetch(`${tollgate.url}/metrics`, forwarded);
    assert.equal(answer.status, 403);
    assert.equal(((await answer.json()) as { code: string }).code, 'network_not_allowed');
  });

  it('names no path, no key and no address of a caller', async () => {
    await fetch(`${tollgate.url}/m/a-path-of-its-own?with=a-query`, { headers: { 'x-api-key': 'a-key-of-its-own' } });
    const text = await (await fetch(`${tollgate.url}/metrics`)).text();
    assert.doesNotMatch(text, /of-its-own|a-query|\/m\/|203\.0\.113/);
  });
});
