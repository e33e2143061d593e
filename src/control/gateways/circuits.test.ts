// What subscribers hear of breakers, of which every thread has its own.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { CircuitNews } from '../../gateway/ports.ts';
import { CircuitEvents } from './circuit-events.ts';
import { Circuits, type CircuitChange } from './circuits.ts';

const CIRCUIT = { tenantId: DEFAULT_TENANT_ID, gatewayId: 'gw_1', service: 'orders', target: 'http://a' };

/** What is told after each of these steps: a thread and the state of its breaker, or a thread that is gone. */
function tell(steps: readonly (readonly [thread: number, state: CircuitNews['state'] | 'ended'])[]): string[][] {
  let told: string[] = [];
  const circuits = new Circuits(({ state }) => void told.push(state));
  return steps.map(([thread, state]) => {
    told = [];
    if (state === 'ended') circuits.drop(thread);
    else circuits.take(thread, { ...CIRCUIT, state });
    return told;
  });
}

describe('a circuit', () => {
  test('is told of once, however many threads find the same', () => {
    assert.deepEqual(
      tell([
        [1, 'open'],
        [2, 'open'],
        [1, 'half_open'],
        [2, 'half_open'],
        [1, 'closed'],
        [2, 'closed'],
      ]),
      [['open'], [], [], ['half_open'], [], ['closed']],
    );
  });

  test('that opens again is told of again', () => {
    assert.deepEqual(
      tell([
        [1, 'open'],
        [1, 'half_open'],
        [1, 'open'],
        [1, 'half_open'],
        [1, 'closed'],
      ]),
      [['open'], ['half_open'], ['open'], ['half_open'], ['closed']],
    );
  });

  test('of a thread that ended is closed, as that of the next thread is', () => {
    assert.deepEqual(
      tell([
        [1, 'open'],
        [2, 'half_open'],
        [1, 'ended'],
        [2, 'ended'],
      ]),
      [['open'], [], ['half_open'], ['closed']],
    );
  });

  test('of a target that is no more has not come to be well', () => {
    assert.deepEqual(
      tell([
        [1, 'open'],
        [1, 'gone'],
        [2, 'gone'],
        [1, 'open'],
      ]),
      [['open'], [], [], ['open']],
    );
  });

  test('is one for each target', () => {
    const told: CircuitChange[] = [];
    const circuits = new Circuits((change) => void told.push(change));
    circuits.take(1, { ...CIRCUIT, state: 'open' });
    circuits.take(1, { ...CIRCUIT, target: 'http://b', state: 'open' });
    circuits.take(1, { ...CIRCUIT, gatewayId: 'gw_2', state: 'open' });
    assert.equal(told.length, 3);
  });
});

forEachDatabase('the events of circuits', (open) => {
  /** No text of a database holds this. */
  const UNWRITABLE = 'a\u0000';
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z');
  const clock = { nowMs: () => nowMs++ };

  test('stand in the tenant whose gateway it is, and tell of its target', async () => {
    const { db } = await open();
    const errors: unknown[] = [];
    const events = new CircuitEvents({ db, clock, onError: (cause) => errors.push(cause) });
    for (const state of ['open', 'half_open', 'closed'] as const) {
      events.announce({ ...CIRCUIT, state });
      await events.flush();
    }
    assert.deepEqual(errors, []);
    const rows = await db.selectFrom('events').select(['tenant_id', 'type', 'data']).orderBy('id').execute();
    assert.deepEqual(
      rows.map(({ type }) => type),
      ['circuit.opened', 'circuit.half_opened', 'circuit.closed'],
    );
    const { tenantId, ...circuit } = CIRCUIT;
    assert.deepEqual([rows[0]?.tenant_id, rows[0]?.data], [tenantId, { ...circuit, state: 'open' }]);
  });

  test('that cannot be written are lost alone, and said to be', async () => {
    const { db } = await open();
    const errors: unknown[] = [];
    const events = new CircuitEvents({ db, clock, onError: (cause) => errors.push(cause) });
    events.announce({ ...CIRCUIT, service: UNWRITABLE, state: 'open' });
    events.announce({ ...CIRCUIT, gatewayId: 'gw_2', state: 'open' });
    await events.flush();
    assert.equal(errors.length, 1);
    assert.equal((await db.selectFrom('events').select('id').execute()).length, 1);
  });

  test('wait in a row of a limited length, the newest of each target', async () => {
    const { db } = await open();
    let lost = 0;
    const events = new CircuitEvents({ db, clock, onError: () => void lost++ });
    for (let i = 0; i < 1_100; i++) events.announce({ ...CIRCUIT, service: `${UNWRITABLE}${i}`, state: 'open' });
    for (let i = 0; i < 5_000; i++) events.announce({ ...CIRCUIT, service: `${UNWRITABLE}1099`, state: 'open' });
    assert.equal(lost, 99, 'one is being written, and a thousand wait');
    await events.flush();
  });
});
