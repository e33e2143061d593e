// Chunked bodies: sizes, extensions, ends, trailers (RFC 9112 §7.1).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAULTS, type WireFault } from '../../src/gateway/wire/fault.ts';
import { readEveryWay } from './cuts.ts';
import { readRequests } from './read-messages.ts';
import { message, type PassedRow, passesRequests, type RefusedRow, refusesRequests } from './rows.ts';

function chunked(body: string): string {
  return message(['POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Connection: close'], body);
}

function passed(what: string, body: string, expected: Omit<PassedRow, 'name' | 'raw'> = {}): PassedRow {
  return { name: `RFC 9112 §7.1${what}`, raw: chunked(body), ...expected };
}

function refused(what: string, body: string, fault: WireFault): RefusedRow {
  return { name: `RFC 9112 §7.1${what}`, raw: chunked(body), fault };
}

passesRequests('chunks pass', [
  passed(': an empty body', '0\r\n\r\n'),
  passed(': one chunk', '3\r\nabc\r\n0\r\n\r\n', { body: 'abc' }),
  passed(': many chunks', '1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n', { body: 'abcdef' }),
  passed(
    ': hexadecimal in both cases',
    `a\r\n${'x'.repeat(10)}\r\nA\r\n${'y'.repeat(10)}\r\n1f\r\n${'z'.repeat(31)}\r\n0\r\n\r\n`,
    {
      body: `${'x'.repeat(10)}${'y'.repeat(10)}${'z'.repeat(31)}`,
    },
  ),
  passed(': leading zeros up to 13 digits', '0000000000003\r\nabc\r\n0000000000000\r\n\r\n', { body: 'abc' }),
  passed(': several zeros end the body', '00\r\n\r\n'),
  passed(': any octet as data', '8\r\n\r\n0\r\n\r\n\0\r\n0\r\n\r\n', { body: '\r\n0\r\n\r\n\0' }),
  passed(': what follows is none of it', '1\r\na\r\n0\r\n\r\nrest', { body: 'a', left: 'rest' }),
  passed(': a size of 13 digits', 'fffffffffffff\r\nab', { body: 'ab', end: 'waiting' }),
  passed(': a body that is not over', '3\r\nab', { body: 'ab', end: 'waiting' }),
  passed(': a body without its last octet', '1\r\na\r\n0\r\n\r', { body: 'a', end: 'waiting' }),
  passed(': a body without its last chunk', '1\r\na\r\n', { body: 'a', end: 'waiting' }),
  passed('.1: an extension', '1;a\r\na\r\n0\r\n\r\n', { body: 'a' }),
  passed('.1: an extension with a token', '1;a=b\r\na\r\n0\r\n\r\n', { body: 'a' }),
  passed('.1: an extension with a quoted string', '1;a="b \t;=\xff"\r\na\r\n0\r\n\r\n', { body: 'a' }),
  passed('.1: an empty quoted string', '1;a=""\r\na\r\n0\r\n\r\n', { body: 'a' }),
  passed('.1: escapes in a quoted string', '1;a="\\"\\\\\\b"\r\na\r\n0\r\n\r\n', { body: 'a' }),
  passed('.1: several extensions', '1;a;b=c;d="e";f\r\na\r\n0;g="h"\r\n\r\n', { body: 'a' }),
]);

refusesRequests('chunks are refused', [
  ...[
    ['empty', ''],
    ['a space', ' '],
    ['a space before', ' 1'],
    ['a space after', '1 '],
    ['a tab before', '\t1'],
    ['a tab after', '1\t'],
    ['a plus sign', '+1'],
    ['a minus sign', '-1'],
    ['0x', '0x1'],
    ['a letter above f', 'g'],
    ['a letter above f after a digit', '1g'],
    ['a dot', '1.0'],
    ['an underscore', '1_0'],
    ['a comma', '1,1'],
    ['quotes', '"1"'],
    ['obs-text', '\xb9'],
    ['obs-text that is a digit but for its highest bit', '\xb1'],
    ['an at sign, which is no digit', '@'],
    ['a back quote, which is no digit', '`'],
    ['a colon, which is no digit', ':'],
    ['14 digits', '00000000000001'],
    ['17 digits, which wrap around in 64 bits', '10000000000000001'],
    ['digits without end', 'f'.repeat(64)],
    ['an equals sign', '1=a'],
  ].map(([what = '', size = '']) => refused(`: a size: ${what}`, `${size}\r\na\r\n0\r\n\r\n`, FAULTS.chunkSize)),
  refused(': only an extension', ';a\r\na\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused(': a bare LF after the size', '1\na\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused(': a bare CR after the size', '1\ra\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused(': CR CR LF after the size', '1\r\r\na\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused(': a line break before the size', '\r\n1\r\na\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused(': data longer than the size', '1\r\nab\r\n0\r\n\r\n', FAULTS.chunkEnd),
  refused(': data without an end', '1\r\na0\r\n\r\n', FAULTS.chunkEnd),
  refused(': a bare LF after the data', '1\r\na\n0\r\n\r\n', FAULTS.chunkEnd),
  refused(': a bare CR after the data', '1\r\na\r0\r\n\r\n', FAULTS.chunkEnd),
  refused(': LF CR after the data', '1\r\na\n\r0\r\n\r\n', FAULTS.chunkEnd),
  refused(': two line breaks after the data', '1\r\na\r\n\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused(': data shorter than the size', '5\r\na\r\n0\r\n\r\n', FAULTS.chunkEnd),
  refused(': a space after the last size', '1\r\na\r\n0 \r\n\r\n', FAULTS.chunkSize),
  refused(': a bare LF after the last size', '0\n\r\n', FAULTS.chunkSize),
  refused(': a bare LF at the end', '0\r\n\n', FAULTS.trailer),
  refused(': a bare CR at the end', '0\r\n\ra', FAULTS.trailer),
  ...[
    ['no name', '1;'],
    ['no name before another', '1;;a'],
    ['no name before the value', '1;=b'],
    ['a space before the semicolon', '1 ;a'],
    ['a space before the name', '1; a'],
    ['a space after the name', '1;a '],
    ['a space before the equals sign', '1;a =b'],
    ['a space after the equals sign', '1;a= b'],
    ['a space after the value', '1;a=b '],
    ['a tab before the name', '1;\ta'],
    ['no value', '1;a='],
    ['no value before another', '1;a=;b'],
    ['two equals signs', '1;a==b'],
    ['two values', '1;a=b=c'],
    ['a name of quotes', '1;"a"'],
    ['a value that goes on after quotes', '1;a="b"c'],
    ['two quoted strings', '1;a="b""c"'],
    ['quotes inside a token', '1;a=b"c"'],
    ['obs-text outside quotes', '1;a=\xff'],
    ['a comma', '1;a,b'],
    ['a bare LF after the name', '1;a\n'],
    ['a bare LF after the value', '1;a=b\n'],
    ['a bare LF in quotes', '1;a="b\nc"'],
    ['a line break in quotes', '1;a="b\r\nc"'],
    ['a bare CR in quotes', '1;a="b\rc"'],
    ['an escaped LF', '1;a="b\\\nc"'],
    ['an escaped CR', '1;a="b\\\rc"'],
    ['an escaped NUL', '1;a="b\\\0c"'],
    ['quotes that do not end', '1;a="b'],
  ].map(([what = '', size = '']) =>
    refused(
      `.1: an extension: ${what}`,
      `${size}\r\na\r\n0\r\n\r\n`,
      size.startsWith('1 ') ? FAULTS.chunkSize : FAULTS.chunkExtension,
    ),
  ),
  refused('.1: a bare CR after an extension', '1;a\ra\r\n0\r\n\r\n', FAULTS.chunkSize),
  refused('.1: an extension without end', `1;${'a'.repeat(16_400)}`, FAULTS.chunkExtension),
  refused('.1: a quoted string without end', `1;a="${'b'.repeat(16_400)}`, FAULTS.chunkExtension),
  refused(
    '.1: more extensions in all chunks together than a body may have',
    `1;${'a'.repeat(400)}\r\nx\r\n`.repeat(41),
    FAULTS.chunkExtension,
  ),
]);

passesRequests('trailers pass', [
  passed('.2: a field', '0\r\nA: b\r\n\r\n', { trailers: ['A', 'b'] }),
  passed('.2: order, case and duplicates are kept', '1\r\na\r\n0\r\nx-B: 1\r\nA:\t2 \r\nX-b:\r\n\r\nrest', {
    body: 'a',
    trailers: ['x-B', '1', 'A', '2', 'X-b', ''],
    left: 'rest',
  }),
  passed('.2: obs-text and colons in a value', '0\r\nA: :\xff: b\r\n\r\n', { trailers: ['A', ':\xff: b'] }),
  passed('.2: a name that only begins like a forbidden one', '0\r\nHosted: b\r\nContent-Lengths: 1\r\n\r\n', {
    trailers: ['Hosted', 'b', 'Content-Lengths', '1'],
  }),
  passed('.2: as long as they may be', `0\r\nA: ${'b'.repeat(8192 - 5)}\r\n\r\n`, {
    trailers: ['A', 'b'.repeat(8192 - 5)],
  }),
  passed('.2: that are not over', '0\r\nA: b\r\n', { end: 'waiting' }),
]);

refusesRequests('trailers are refused', [
  refused('.2: a space before the colon', '0\r\nA : b\r\n\r\n', FAULTS.trailer),
  refused('.2: a tab before the colon', '0\r\nA\t: b\r\n\r\n', FAULTS.trailer),
  refused('.2: an empty name', '0\r\n: b\r\n\r\n', FAULTS.trailer),
  refused('.2: no colon', '0\r\nA\r\n\r\n', FAULTS.trailer),
  refused('.2: a bad name', '0\r\nA(: b\r\n\r\n', FAULTS.trailer),
  refused('.2: white space first', '0\r\n A: b\r\n\r\n', FAULTS.trailer),
  refused('.2: a fold by a space', '0\r\nA: b\r\n c\r\n\r\n', FAULTS.trailer),
  refused('.2: a fold by a tab', '0\r\nA: b\r\n\tc\r\n\r\n', FAULTS.trailer),
  refused('.2: a bare LF after the value', '0\r\nA: b\n\r\n', FAULTS.trailer),
  refused('.2: a bare CR after the value', '0\r\nA: b\rC: d\r\n\r\n', FAULTS.trailer),
  refused('.2: a bare LF at the end', '0\r\nA: b\r\n\n', FAULTS.trailer),
  refused('.2: a request instead', '0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', FAULTS.trailer),
  refused('.2: too long', `0\r\nA: ${'b'.repeat(8192 - 4)}\r\n\r\n`, FAULTS.trailer),
  refused('.2: too many', `0\r\n${'A:\r\n'.repeat(2100)}\r\n`, FAULTS.trailer),
  refused('.2: a name without end', `0\r\n${'A'.repeat(8300)}`, FAULTS.trailer),
  ...['Content-Length', 'transfer-encoding', 'HOST', 'Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Expect']
    .concat(['Authorization', 'Proxy-Authorization', 'Proxy-Connection', 'Cookie', 'Set-Cookie', 'Max-Forwards'])
    .concat(['Content-Encoding', 'Content-Type', 'Content-Range'])
    .map((name) => ({
      name: `RFC 9110 §6.5.1: ${name} may not come late`,
      raw: chunked(`0\r\nA: b\r\n${name}: 1\r\n\r\n`),
      fault: FAULTS.trailer,
    })),
]);

describe('no control octet passes in any part of a chunked body but the data', () => {
  const parts: readonly (readonly [string, (octet: string) => string])[] = [
    ['RFC 9112 §7.1: before a size', (octet) => `${octet}1\r\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1: after a size', (octet) => `1${octet}\r\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1: between CR and LF', (octet) => `1\r${octet}\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1: after the data', (octet) => `1\r\na${octet}\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1.1: the name of an extension', (octet) => `1;a${octet}b\r\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1.1: the value of an extension', (octet) => `1;a=b${octet}\r\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1.1: a quoted string', (octet) => `1;a="b${octet}"\r\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1.1: an escape', (octet) => `1;a="\\${octet}"\r\na\r\n0\r\n\r\n`],
    ['RFC 9112 §7.1.2: the name of a trailer', (octet) => `0\r\nA${octet}B: c\r\n\r\n`],
    ['RFC 9112 §7.1.2: the value of a trailer', (octet) => `0\r\nA: b${octet}c\r\n\r\n`],
    ['RFC 9112 §7.1.2: the end of a trailer', (octet) => `0\r\nA: b${octet}\r\n\r\n`],
    ['RFC 9112 §7.1.2: before the end', (octet) => `0\r\n${octet}\r\n`],
  ];
  for (const [name, toBody] of parts) {
    test(name, () => {
      for (const octet of [...Array(32).keys(), 0x7f]) {
        if (octet === 0x09 || octet === 0x0a || octet === 0x0d) continue;
        const { end, messages } = readEveryWay(chunked(toBody(String.fromCharCode(octet))), readRequests);
        assert.equal(messages.length, 0, `octet ${octet}`);
        assert.ok(end.is === 'refused' && end.fault.status === 400, `octet ${octet}`);
      }
    });
  }
});
