import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BodySink, BodySource } from '../body.ts';
import { CopiedBody } from './copied-body.ts';

function createBench(wants = true) {
  const log: string[] = [];
  const copies: (string | undefined)[] = [];
  let sink: BodySink | undefined;
  let takesMore = true;
  const source: BodySource = {
    start: (to) => void (sink = to),
    resume: () => void log.push('resume'),
    cancel: () => void log.push('cancel'),
  };
  const body = new CopiedBody(source, {
    maxBytes: 10,
    onStart: () => wants,
    onCopy: (copy) => void copies.push(copy?.toString('latin1')),
  });
  const main: BodySink = {
    write(bytes, from, end) {
      log.push(bytes.toString('latin1', from, end));
      return takesMore;
    },
    flush: () => void log.push('flush'),
    end: (trailers) => void log.push(`end ${trailers?.join(' ') ?? ''} ${copies.length}`),
    fail: () => void log.push('fail'),
  };
  return {
    body,
    log,
    copies,
    start: () => body.start(main),
    write(text: string): boolean | undefined {
      const lent = Buffer.from(`__${text}__`, 'latin1');
      const answer = sink?.write(lent, 2, 2 + text.length);
      lent.fill(0); // Octets are lent until the call returns.
      return answer;
    },
    end: () => sink?.end(['x', 'y']),
    fail: () => sink?.fail(new Error('broken')),
    refuse: () => void (takesMore = false),
  };
}

describe('a body that is copied', () => {
  test('goes on as it came, and the copy is made when it is whole and the way has all of it', () => {
    const bench = createBench();
    bench.start();
    assert.deepEqual([bench.write('abcde'), bench.write('fghij')], [true, true]);
    bench.end();
    assert.deepEqual(bench.log, ['abcde', 'fghij', 'end x y 0']);
    assert.deepEqual(bench.copies, ['abcdefghij']);
  });

  test('is copied no further than the cap, and goes on all the same', () => {
    const bench = createBench();
    bench.start();
    bench.write('abcdefghij');
    bench.write('k');
    bench.write('l');
    assert.deepEqual(bench.copies, [undefined]);
    bench.end();
    assert.deepEqual(bench.log, ['abcdefghij', 'k', 'l', 'end x y 1']);
    assert.deepEqual(bench.copies, [undefined], 'told once');
  });

  test('leaves no copy when it breaks off, or is not wanted any more', () => {
    const broken = createBench();
    broken.start();
    broken.write('a');
    broken.fail();
    assert.deepEqual([broken.log, broken.copies], [['a', 'fail'], [undefined]]);
    const cancelled = createBench();
    cancelled.start();
    cancelled.body.cancel();
    cancelled.body.cancel();
    assert.deepEqual([cancelled.log, cancelled.copies], [['cancel', 'cancel'], [undefined]]);
  });

  test('tells of no copy that nobody wanted, or of a body that nobody took', () => {
    const unwanted = createBench(false);
    unwanted.start();
    unwanted.write('a');
    unwanted.end();
    assert.deepEqual([unwanted.log, unwanted.copies], [['a', 'end x y 0'], []]);
    const untaken = createBench();
    untaken.body.cancel();
    assert.deepEqual(untaken.copies, []);
  });

  test('waits when the way says so, and goes on when it does', () => {
    const bench = createBench();
    bench.start();
    bench.refuse();
    assert.equal(bench.write('a'), false);
    bench.body.resume();
    assert.deepEqual(bench.log, ['a', 'resume']);
  });
});
