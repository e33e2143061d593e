import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExchange } from '../../test/harness/data-plane.ts';
import { Exchange } from './exchange.ts';
import { bytesFor, readRecords, RecordBlock, toRecord } from './record-block.ts';

const newBlock = (bytes = 65_536): RecordBlock => new RecordBlock(new ArrayBuffer(bytes));

/** Exchanges on one connection that differ as the parts say. */
function onOneConnection(...parts: readonly { readonly id: string; readonly path?: string }[]): Exchange[] {
  const { exchange } = createExchange({ path: '/a', headers: ['User-Agent', 'curl/8'] });
  const { startedAtMs, startedTick, method, query, fields, host, protocol, origin, responder } = exchange;
  const head = { startedAtMs, startedTick, method, query, fields, host, protocol, origin, responder };
  return parts.map(({ id, path = '/a' }) => new Exchange({ ...head, id, path, body: undefined, tunnel: undefined }));
}

const add = (block: RecordBlock, exchanges: readonly Exchange[]): void => {
  for (const exchange of exchanges) assert.ok(block.add(exchange, 1));
};

describe('a block of records', () => {
  test('says what a connection has in common once, and of each record what is its own', () => {
    const exchanges = onOneConnection({ id: 'req_1' }, { id: 'req_2' }, { id: 'req_3' });
    for (const [i, exchange] of exchanges.entries()) {
      exchange.status = 200 + i;
      exchange.upstreamMs = i / 4;
      exchange.requestBytes = 2 ** 40 + i;
      exchange.responseBytes = i;
    }
    const block = newBlock();
    add(block, exchanges);
    const said = Buffer.from(block.written).toString('latin1');
    assert.equal(said.split('curl/8').length, 2);
    const records = readRecords(block.written);
    assert.deepEqual(
      records,
      exchanges.map((exchange) => toRecord(exchange, 1)),
    );
    assert.deepEqual(
      records.map(({ requestId, status, upstreamMs, requestBytes }) => [requestId, status, upstreamMs, requestBytes]),
      [
        ['req_1', 200, 0, 2 ** 40],
        ['req_2', 201, 0.25, 2 ** 40 + 1],
        ['req_3', 202, 0.5, 2 ** 40 + 2],
      ],
    );
  });

  test('tells paths apart that come in turns on a connection', () => {
    const exchanges = onOneConnection({ id: '1', path: '/a' }, { id: '2', path: '/b' }, { id: '3', path: '/a' });
    const block = newBlock();
    add(block, exchanges);
    assert.deepEqual(
      readRecords(block.written).map(({ requestId, path }) => [requestId, path]),
      [
        ['1', '/a'],
        ['2', '/b'],
        ['3', '/a'],
      ],
    );
  });

  test('is whole in itself, whatever was said in the one before it', () => {
    const [first, second, third] = onOneConnection({ id: '1' }, { id: '2' }, { id: '3' });
    const blocks = [newBlock(), newBlock()] as const;
    if (first === undefined || second === undefined || third === undefined) assert.fail();
    add(blocks[0], [first]);
    add(blocks[1], [second]);
    add(blocks[0], [third]);
    for (const { written } of blocks)
      for (const { userAgent, path } of readRecords(written)) assert.deepEqual([userAgent, path], ['curl/8', '/a']);
  });

  test('takes a record that just fits, none that does not, and is no fuller for it', () => {
    const [exchange] = onOneConnection({ id: 'req_ü' });
    if (exchange === undefined) assert.fail();
    exchange.status = 404;
    exchange.errorCode = 'route_not_found';
    const bytes = bytesFor(exchange);
    assert.equal(newBlock(bytes - 1).add(exchange, 1), false);
    const block = newBlock(bytes);
    assert.ok(block.add(exchange, 1));
    const { length } = block.written;
    while (block.add(exchange, 1)) assert.ok(block.written.length <= bytes);
    assert.ok(block.written.length >= length);
    assert.ok(readRecords(block.written).every(({ errorCode }) => errorCode === 'route_not_found'));
  });

  test('says nothing when nothing was added', () => {
    assert.deepEqual(readRecords(newBlock().written), []);
  });

  test('counts no time more finely than a microsecond', () => {
    const [exchange] = onOneConnection({ id: '1' });
    if (exchange === undefined) assert.fail();
    exchange.upstreamMs = 0.123456;
    const { durationMs, upstreamMs } = toRecord(exchange, 1.2345678);
    assert.deepEqual([durationMs, upstreamMs], [1.235, 0.123]);
  });
});
