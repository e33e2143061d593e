import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CASE_NAMES } from './cases.ts';
import { FlagError, parseFlags, USAGE, type Flags } from './flags.ts';

function parse(...args: string[]): Flags {
  const flags = parseFlags(args);
  assert.ok(flags !== 'help');
  return flags;
}

test('without flags it is all cases, in five rounds of five seconds where there is a goal, and the result is kept', () => {
  assert.deepEqual(parse(), {
    cases: CASE_NAMES,
    rounds: 5,
    otherRounds: 3,
    seconds: 5,
    warmupSeconds: 3,
    connections: 64,
    starts: 3,
    proxyCore: 0,
    loadCore: 1,
    minutes: 60,
    save: true,
  });
});

test('rounds that are told hold for every case', () => {
  const { rounds, otherRounds } = parse('--rounds', '7');
  assert.deepEqual([rounds, otherRounds], [7, 7]);
});

test('a quick run is short and not kept, unless other flags say so', () => {
  const quick = parse('--quick');
  assert.deepEqual([quick.rounds, quick.otherRounds, quick.seconds, quick.save], [1, 1, 1, false]);
  const mixed = parse('--quick', '--rounds', '7', '--save');
  assert.deepEqual([mixed.rounds, mixed.seconds, mixed.save], [7, 1, true]);
});

test('cases are measured in the order of their table, each once, however they are asked for', () => {
  assert.deepEqual(parse('--only', 'idle, get,tls,get').cases, ['get', 'tls', 'idle']);
});

test('help is help, whatever else is asked', () => {
  assert.equal(parseFlags(['--quick', '--help']), 'help');
});

test('the help names every flag and every case', () => {
  for (const name of [...CASE_NAMES, '--only', '--rounds', '--quick', '--minutes', '--no-save'])
    assert.ok(USAGE.includes(name), name);
});

test('a wrong flag is refused by name', () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['--rounds', '0'], /--rounds/],
    [['--seconds', '1.5'], /--seconds/],
    [['--connections', 'many'], /--connections/],
    [['--minutes', '0'], /--minutes/],
    [['--only', 'get,fast'], /no case fast; there are get, /],
    [['--only', ''], /--only/],
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
