import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagError, parseFlags } from './flags.ts';

test('without flags it is five rounds of five seconds with 64 connections, and the result is kept', () => {
  assert.deepEqual(parseFlags([]), {
    rounds: 5,
    seconds: 5,
    warmupSeconds: 5,
    connections: 64,
    bodyBytes: 100,
    starts: 3,
    proxyCore: 0,
    loadCore: 1,
    save: true,
  });
});

test('a quick run is short and not kept, unless other flags say so', () => {
  const quick = parseFlags(['--quick']);
  assert.equal(quick.rounds * quick.seconds, 2);
  assert.equal(quick.save, false);
  const mixed = parseFlags(['--quick', '--rounds', '7', '--save']);
  assert.equal(mixed.rounds, 7);
  assert.equal(mixed.save, true);
});

test('a wrong flag is refused by name', () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['--rounds', '0'], /--rounds/],
    [['--seconds', '1.5'], /--seconds/],
    [['--connections', 'many'], /--connections/],
    [['--body-bytes', '100000'], /--body-bytes/],
    [['--proxy-core', '1'], /two cores/],
    [['--round', '3'], /--round/],
    [['fast'], /fast/],
  ];
  for (const [args, message] of cases)
    assert.throws(
      () => parseFlags(args),
      (error) => error instanceof FlagError && message.test(error.message),
    );
});
