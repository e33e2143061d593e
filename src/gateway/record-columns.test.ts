import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExchange } from '../../test/harness/data-plane.ts';
import type { ExchangeRecord } from './ports.ts';
import { decodeRecords, encodeRecords } from './record-columns.ts';
import { toRecord } from './record.ts';

const recordOf = (differences: Partial<ExchangeRecord>): ExchangeRecord => ({
  ...toRecord(createExchange().exchange, 1.5),
  ...differences,
});

describe('records that travel in columns', () => {
  test('arrive as they were, none among them', () => {
    const records = [
      recordOf({}),
      recordOf({ requestId: 'req_2', keyId: 'key_1', status: 0, upstreamMs: 0, requestHeaders: ['a', 'b'] }),
      recordOf({ requestId: 'req_2', keyId: 'key_1', path: '0', userAgent: '"\u0000\ud800é', rateLimited: true }),
      recordOf({ requestId: 'req_3', keyId: undefined, correlationId: 'theirs' }),
      recordOf({ requestId: 'req_4', keyId: 'key_1' }),
    ];
    assert.deepEqual(decodeRecords(encodeRecords(records)), records);
    assert.deepEqual(decodeRecords(encodeRecords([])), []);
  });

  test('say a text that does not change only once', () => {
    const records = Array.from({ length: 100 }, () => recordOf({ userAgent: 'the same for all' }));
    assert.equal(encodeRecords(records).split('the same for all').length, 2);
  });

  test('keep times to the microsecond', () => {
    const [record] = decodeRecords(encodeRecords([recordOf({ durationMs: 1.234_567_8, upstreamMs: 0.000_4 })]));
    assert.deepEqual([record?.durationMs, record?.upstreamMs], [1.235, 0]);
  });
});
