// Random octets and mutated messages in random reads: never a throw, never a step that goes nowhere (the driver fails on one), never an
// outcome that depends on the cuts, never more held than the limits say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkedDecoder } from '../../src/gateway/wire/chunked.ts';
import { createRequestScanner } from '../../src/gateway/wire/request-head.ts';
import { createResponseScanner } from '../../src/gateway/wire/response-head.ts';
import { generateChunks, generateRequests, generateResponses, mutate } from './generate.ts';
import { chooseSeed, Random } from './random.ts';
import { type Head, LIMITS, type Outcome, readRequests, readResponses } from './read-messages.ts';

const ROUNDS = 40_000;
/** More than every limit together. */
const FLOOD_BYTES = 40_000;

test('any octets in any reads give the outcome of one read, within the limits', () => {
  const seed = chooseSeed() + 1;
  const random = new Random(seed);
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = Buffer.from(generateInput(random), 'latin1');
    const pieces = cutAtRandom(bytes, random);
    const method = random.once(10) ? 'HEAD' : 'GET';
    const read = random.once(2)
      ? readRequests
      : (parts: readonly Buffer[]): Outcome<Head> => readResponses(parts, method);
    checkRound({ bytes, pieces, read, seed });
  }
});

test('an octet that comes without end is refused in every part of a message but a body', () => {
  const prefixes: readonly string[] = [
    '',
    '\r',
    '\r\n',
    'G',
    'GET ',
    'GET /',
    'GET / ',
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r',
    'GET / HTTP/1.1\r\n',
    'GET / HTTP/1.1\r\nA',
    'GET / HTTP/1.1\r\nA:',
    'GET / HTTP/1.1\r\nA: b',
    'GET / HTTP/1.1\r\nA: b\r',
    'GET / HTTP/1.1\r\nA: b\r\n\r',
  ];
  for (const prefix of prefixes) {
    for (let octet = 0; octet < 256; octet++) {
      const bytes = Buffer.concat([Buffer.from(prefix, 'latin1'), Buffer.alloc(LIMITS.headBytes, octet)]);
      for (const scanner of [createRequestScanner(LIMITS), createResponseScanner(LIMITS)]) {
        const found = scanner.scan(bytes, 0, bytes.length);
        const isWhole = found === true && scanner.scanned <= prefix.length + 1;
        assert.ok(
          isWhole || (typeof found === 'object' && 'reason' in found),
          `${JSON.stringify(prefix)} and ${octet}`,
        );
      }
    }
  }
});

test('an octet that comes without end is refused in every part of a chunked body but its data', () => {
  const prefixes = [
    '',
    '1',
    '1;',
    '1;a',
    '1;a=',
    '1;a=b',
    '1;a="',
    '1;a="\\',
    '1;a="b"',
    '1\r',
    '1\r\na',
    '1\r\na\r',
    '0\r\n',
  ].concat(['0\r\nA', '0\r\nA:', '0\r\nA: b', '0\r\nA: b\r', '0\r\n\r']);
  for (const prefix of prefixes) {
    for (let octet = 0; octet < 256; octet++) {
      const bytes = Buffer.concat([Buffer.from(prefix, 'latin1'), Buffer.alloc(FLOOD_BYTES, octet)]);
      const decoder = new ChunkedDecoder();
      const end = decoder.feed(bytes, 0, bytes.length, { onData() {} });
      const isWhole = decoder.isDone && end === prefix.length + 1;
      assert.ok(isWhole || typeof end !== 'number', `${JSON.stringify(prefix)} and ${octet}`);
    }
  }
});

test('a line that comes again without end is refused', () => {
  const lines = ['\r\n', '\r\nA: b', 'A: b\r\n', 'A:\r\n'];
  for (const line of lines) {
    const flood = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${line.repeat(FLOOD_BYTES / 4)}`, 'latin1');
    const { end, messages } = readRequests([flood]);
    assert.equal(end.is, 'refused', line);
    assert.ok(messages.length <= 1);
    const body = Buffer.from(`0\r\n${line.repeat(FLOOD_BYTES / 4)}`, 'latin1');
    const decoder = new ChunkedDecoder();
    assert.ok(typeof decoder.feed(body, 0, body.length, { onData() {} }) !== 'number' || decoder.isDone, line);
  }
});

interface Round {
  readonly bytes: Buffer;
  readonly pieces: readonly Buffer[];
  readonly read: (pieces: readonly Buffer[]) => Outcome<Head>;
  readonly seed: number;
}

function checkRound({ bytes, pieces, read, seed }: Round): void {
  const input = `${JSON.stringify(bytes.toString('latin1'))}, TOLLGATE_WIRE_SEED=${seed - 1}`;
  let whole: Outcome<Head>;
  try {
    whole = read([bytes]);
    assert.deepEqual(read(pieces), whole);
  } catch (error) {
    throw new Error(`failed for ${input}`, { cause: error });
  }
  assert.ok(whole.consumed <= bytes.length, input);
  if (whole.end.is === 'waiting' && whole.end.forMore === 'head')
    assert.ok(bytes.length - whole.consumed < LIMITS.headBytes, input);
  for (const message of whole.messages) {
    assert.ok(message.head.headers.length <= 2 * LIMITS.fields + 2, input);
    assert.ok(message.trailers.join('').length <= 8192, input);
  }
}

function generateInput(random: Random): string {
  switch (random.below(5)) {
    case 0:
      return String.fromCharCode(...Array.from({ length: random.below(80) }, () => random.below(256)));
    case 1:
      return `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${mutate(generateChunks(random), random)}`;
    case 2:
      return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${mutate(generateChunks(random), random)}`;
    case 3:
      return generateResponses(random);
    default:
      return generateRequests(random);
  }
}

function cutAtRandom(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  const longest = 1 + random.below(40);
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.below(longest);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
