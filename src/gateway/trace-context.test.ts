import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginTrace, continueTrace, isTraceparent } from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

/** What a line says that is nothing but a `traceparent`. */
function saidIn(line: string): string {
  return /^traceparent: (.*)\r\n$/.exec(line)?.[1] ?? assert.fail(line);
}

describe('a traceparent', () => {
  const good = [
    `00-${TRACE}-${PARENT}-00`,
    `00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-ff`,
    `01-${TRACE}-${PARENT}-01`,
    `fe-${TRACE}-${PARENT}-01-what-the-future-brings`,
    `cc-${TRACE}-${PARENT}-01-`,
  ];
  for (const text of good) test(`can be continued: ${text}`, () => assert.ok(isTraceparent(text)));

  const bad = [
    '',
    '00',
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-`,
    `00-${TRACE}-${PARENT}-01-more`,
    `01-${TRACE}-${PARENT}-01.more`,
    `00-${TRACE}-${PARENT}-0`,
    `00-${TRACE}-${PARENT}-0g`,
    `0-${TRACE}-${PARENT}-01`,
    `.0-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT.toUpperCase()}-01`,
    `00-${TRACE}-${PARENT}-0A`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-001`,
    `00_${TRACE}_${PARENT}_01`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
  ];
  for (const text of bad) test(`cannot be continued: ${text || 'none'}`, () => assert.ok(!isTraceparent(text)));
});

describe('a trace that is continued', () => {
  const flags: readonly [theirs: string, ours: string][] = [
    ['00', '00'],
    ['01', '01'],
    ['02', '02'],
    ['03', '03'],
    ['ff', '03'],
    ['f4', '00'],
  ];
  for (const [theirs, ours] of flags) {
    test(`keeps its id and the flags that are defined: ${theirs}`, () => {
      const next = saidIn(continueTrace(`00-${TRACE}-${PARENT}-${theirs}`));
      assert.ok(isTraceparent(next));
      assert.match(next, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-${ours}$`));
      assert.ok(!next.includes(PARENT));
    });
  }

  test('goes on in the version that we speak', () => {
    assert.match(saidIn(continueTrace(`cc-${TRACE}-${PARENT}-01-more`)), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  });
});

test('a trace that begins here is one of its own each time, and not said to be recorded', () => {
  const traces = Array.from({ length: 5000 }, () => saidIn(beginTrace()));
  for (const text of traces) assert.ok(isTraceparent(text) && text.endsWith('-03'), text);
  assert.equal(new Set(traces.map((text) => text.slice(3, 35))).size, traces.length);
  assert.equal(new Set(traces.map((text) => text.slice(36, 52))).size, traces.length);
});
