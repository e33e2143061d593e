import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BodySink, BodySource } from '../body.ts';
import { ReplayBody } from './replay-body.ts';

interface FakeSink extends BodySink {
  text: string;
  end: BodySink['end'];
  hasEnded: boolean;
  hasFailed: boolean;
  isFull: boolean;
}

function createSink(): FakeSink {
  return {
    text: '',
    hasEnded: false,
    hasFailed: false,
    isFull: false,
    write(bytes, from, end) {
      this.text += bytes.toString('latin1', from, end);
      return !this.isFull;
    },
    flush() {},
    end() {
      this.hasEnded = true;
    },
    fail() {
      this.hasFailed = true;
    },
  };
}

interface FakeSource extends BodySource {
  sink: BodySink | undefined;
  resumed: number;
  cancelled: number;
  /** Gives this, as bytes that are overwritten afterwards; answers whether more can be taken. */
  give(text: string): boolean | undefined;
}

function createSource(): FakeSource {
  return {
    sink: undefined,
    resumed: 0,
    cancelled: 0,
    start(sink) {
      assert.equal(this.sink, undefined, 'a source gives its body once');
      this.sink = sink;
    },
    resume() {
      this.resumed++;
    },
    cancel() {
      this.cancelled++;
    },
    give(text) {
      const bytes = Buffer.from(`<${text}>`);
      const canTakeMore = this.sink?.write(bytes, 1, bytes.length - 1);
      bytes.fill(0);
      return canTakeMore;
    },
  };
}

describe('a body that may be sent again', () => {
  test('gives every taker the whole of it, whenever the one before left', () => {
    for (let left = 0; left <= 4; left++) {
      const source = createSource();
      const body = new ReplayBody(source);
      const parts: (() => unknown)[] = [
        () => source.give('one '),
        () => source.give('two '),
        () => source.give('three'),
        () => source.sink?.end(),
      ];
      const first = createSink();
      body.start(first);
      for (const part of parts.slice(0, left)) part();
      body.suspend();
      const second = createSink();
      body.start(second);
      for (const part of parts.slice(left)) part();
      assert.deepEqual([second.text, second.hasEnded, body.isWhole], ['one two three', true, true]);
      assert.equal(first.hasEnded, left === 4);
    }
  });

  test('keeps what comes while nobody takes it, and asks for no more', () => {
    const source = createSource();
    const body = new ReplayBody(source);
    body.start(createSink());
    source.give('one ');
    body.suspend();
    assert.equal(source.give('two '), false);
    const next = createSink();
    body.start(next);
    assert.deepEqual([next.text, source.resumed], ['one two ', 1]);
  });

  test('waits for a taker that is full, not for one that has left full', () => {
    const source = createSource();
    const body = new ReplayBody(source);
    const full = createSink();
    full.isFull = true;
    body.start(full);
    assert.equal(source.give('one'), false);
    body.suspend();
    body.start(createSink());
    assert.equal(source.resumed, 1);
    body.suspend();
    body.start(full);
    assert.equal(source.resumed, 1);
    body.resume();
    assert.equal(source.resumed, 2);
  });

  test('longer than 64 KB passes once', () => {
    const source = createSource();
    const body = new ReplayBody(source);
    const sink = createSink();
    body.start(sink);
    source.give('a'.repeat(65_536));
    assert.ok(body.isWhole);
    source.give('b');
    assert.ok(!body.isWhole);
    source.sink?.end();
    assert.deepEqual([sink.text.length, sink.hasEnded], [65_537, true]);
  });

  test('that broke off, or is not wanted, is not whole any more', () => {
    const broken = createSource();
    const body = new ReplayBody(broken);
    const sink = createSink();
    body.start(sink);
    broken.sink?.fail(new Error('gone'));
    assert.deepEqual([sink.hasFailed, body.isWhole], [true, false]);
    const unwanted = createSource();
    const other = new ReplayBody(unwanted);
    other.cancel();
    assert.deepEqual([unwanted.cancelled, other.isWhole], [1, false]);
  });
});
