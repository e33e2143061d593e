// Floods over HTTP/2: frames that cost the other side more than they cost who sends them. Each ends its connection alone.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FRAME, type Http2Wire } from './harness/http2-wire.ts';
import { answerOk, openWire, startBefore, startRaw, toFields } from './http2.fixture.ts';

const NO_FLAGS = 0;
/** Of HEADERS: the stream's request is over, its fields are not. */
const END_STREAM = 1;

type Flood = (wire: Http2Wire, turn: number) => void;

const streamOf = (turn: number): number => turn * 2 + 1;

const floods: readonly [what: string, frames: number, send: Flood][] = [
  ['settings', 5000, (wire) => wire.sendFrame(FRAME.settings, NO_FLAGS, 0)],
  ['settings of many entries', 50, (wire) => wire.sendFrame(FRAME.settings, NO_FLAGS, 0, Buffer.alloc(6 * 200, 1))],
  ['pings', 20_000, (wire) => wire.sendFrame(FRAME.ping, NO_FLAGS, 0, Buffer.alloc(8))],
  [
    'a head that goes on and on without an octet',
    5000,
    (wire, turn) =>
      turn === 0
        ? wire.sendFrame(FRAME.headers, END_STREAM, 1, Buffer.of(0x82))
        : wire.sendFrame(FRAME.continuation, NO_FLAGS, 1),
  ],
  [
    'streams that we have to reset (CVE-2025-8671)',
    2000,
    (wire, turn) => {
      wire.sendHeaders(streamOf(turn), toFields('GET', '/'));
      wire.sendFrame(FRAME.windowUpdate, NO_FLAGS, streamOf(turn), Buffer.alloc(4));
    },
  ],
  [
    'data without an octet',
    50_000,
    (wire, turn) =>
      turn === 0 ? wire.sendHeaders(1, toFields('POST', '/'), NO_FLAGS) : wire.sendFrame(FRAME.data, NO_FLAGS, 1),
  ],
  ['frames of no known type', 50_000, (wire) => wire.sendFrame(0x42, NO_FLAGS, 0)],
];

describe('a caller over HTTP/2 who sends without end', () => {
  for (const [what, frames, send] of floods) {
    test(`${what}, loses the connection, and nobody else does`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      const wire = await openWire(t, plane);
      for (let turn = 0; turn < frames; turn++) send(wire, turn);
      const outcome = await wire.readOutcome(-1);
      const other = await openWire(t, plane);
      other.sendHeaders(1, toFields('GET', '/'));
      assert.equal(await other.readOutcome(1), 200);
      assert.ok(['goaway', 'closed'].includes(String(outcome)), String(outcome));
    });
  }

  test('frames of no known type now and then, is served: they are to be ignored (RFC 9113 §5.5)', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    for (let turn = 0; turn < 20; turn++) {
      wire.sendFrame(0x42, NO_FLAGS, 0, Buffer.from('grease'));
      wire.sendHeaders(streamOf(turn), toFields('GET', '/'));
      assert.equal(await wire.readOutcome(streamOf(turn)), 200);
    }
  });
});
