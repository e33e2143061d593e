import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ConnectionCounts, createConnectionCounts } from './connection-counts.ts';

const MANY = { connections: 1000, connectionsPerAddress: 1000 };

function createThreads(count: number, connections = 1000): ConnectionCounts[] {
  const memory = createConnectionCounts(connections);
  return Array.from({ length: count }, (_, i) => new ConnectionCounts(memory, i + 1));
}

/** How many more connections get in from this address. */
function fill(counts: ConnectionCounts, address: string, limits = MANY): number {
  let admitted = 0;
  while (counts.admit(address, limits)) admitted++;
  return admitted;
}

describe('the connections of all threads', () => {
  test('are limited together, in all', () => {
    const [one, two] = createThreads(2);
    assert.ok(one !== undefined && two !== undefined);
    const limits = { connections: 3, connectionsPerAddress: 10 };
    assert.ok(one.admit('192.0.2.1', limits));
    assert.ok(two.admit('192.0.2.2', limits));
    assert.ok(two.admit('192.0.2.3', limits));
    assert.equal(one.admit('192.0.2.4', limits), false);
    two.release('192.0.2.2');
    assert.ok(one.admit('192.0.2.4', limits));
    assert.equal(two.admit('192.0.2.5', limits), false);
  });

  test('are limited together, from one address', () => {
    const [one, two] = createThreads(2);
    assert.ok(one !== undefined && two !== undefined);
    const limits = { connections: 100, connectionsPerAddress: 2 };
    assert.ok(one.admit('192.0.2.1', limits));
    assert.ok(two.admit('192.0.2.1', limits));
    assert.equal(one.admit('192.0.2.1', limits), false);
    assert.ok(one.admit('192.0.2.2', limits));
    two.release('192.0.2.1');
    assert.ok(one.admit('192.0.2.1', limits));
    assert.equal(two.admit('192.0.2.1', limits), false);
  });

  const groups: readonly [one: string, other: string, isSame: boolean][] = [
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8::1', '2001:db8:0:0:ffff::2', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['::1', '0.0.0.1', false],
    ['', '0.0.0.0', false],
    ['', '::', false],
  ];
  for (const [one, other, isSame] of groups) {
    test(`count "${one}" and "${other}" ${isSame ? 'together' : 'apart'}`, () => {
      const [counts] = createThreads(1);
      const limits = { connections: 10, connectionsPerAddress: 1 };
      assert.ok(counts !== undefined && counts.admit(one, limits));
      assert.equal(counts.admit(other, limits), !isSame);
    });
  }

  test('of a thread that died count no more, and those of the others do', () => {
    const [one, two, supervisor] = createThreads(3);
    assert.ok(one !== undefined && two !== undefined && supervisor !== undefined);
    for (let i = 0; i < 200; i++) {
      assert.ok(one.admit(`10.0.0.${i}`, MANY));
      assert.ok(two.admit(`10.0.0.${i}`, MANY));
    }
    supervisor.forget(1);
    assert.equal(fill(two, '10.0.0.7', { connections: 1000, connectionsPerAddress: 5 }), 4);
    for (let i = 0; i < 200; i++) two.release(`10.0.0.${i}`);
    for (let i = 0; i < 4; i++) two.release('10.0.0.7');
    assert.equal(fill(one, '192.0.2.9'), 1000);
  });

  test('are exact after any coming and going, with the table as full as it gets', () => {
    const [counts] = createThreads(1, 64);
    assert.ok(counts !== undefined);
    const limits = { connections: 64, connectionsPerAddress: 3 };
    const held = new Map<string, number>();
    let total = 0;
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (seed >>> 8) % below;
    };
    for (let i = 0; i < 50_000; i++) {
      const address = `10.0.${random(2)}.${random(40)}`;
      const own = held.get(address) ?? 0;
      if (random(100) < 55) {
        const isAdmitted: boolean = counts.admit(address, limits);
        assert.equal(isAdmitted, total < 64 && own < 3, `${address} at step ${i}`);
        if (!isAdmitted) continue;
        held.set(address, own + 1);
        total++;
      } else if (own > 0) {
        counts.release(address);
        held.set(address, own - 1);
        total--;
      }
    }
  });

  test('are exact when threads count at once', async () => {
    const memory = createConnectionCounts(100);
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.module).then(({ ConnectionCounts }) => {
        const counts = new ConnectionCounts(workerData.memory, workerData.thread);
        const limits = { connections: 1000, connectionsPerAddress: 1000 };
        for (let i = 0; i < 20000; i++) {
          const address = '10.0.0.' + (i % 20);
          if (counts.admit(address, limits)) counts.release(address);
        }
        counts.admit('192.0.2.1', limits);
        parentPort.postMessage('done');
      });`;
    const module = new URL('connection-counts.ts', import.meta.url).href;
    const workers = [1, 2, 3].map((thread) => new Worker(code, { eval: true, workerData: { module, memory, thread } }));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
    const counts = new ConnectionCounts(memory, 4);
    assert.equal(fill(counts, '192.0.2.1', { connections: 100, connectionsPerAddress: 10 }), 7);
    assert.equal(fill(counts, '10.0.0.1', { connections: 100, connectionsPerAddress: 1000 }), 90);
  });
});
