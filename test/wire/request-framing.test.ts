// How long a request's body is, and which requests leave that open (RFC 9112 §6).

import { FAULTS, type WireFault } from '../../src/gateway/wire/fault.ts';
import { message, passesRequests, refusesRequests } from './rows.ts';

const POST = ['POST / HTTP/1.1', 'Host: a'];

function framed(fields: readonly string[], rest = ''): string {
  return message([...POST, ...fields], rest);
}

function lengthRow(what: string, field: string): { name: string; raw: string; fault: WireFault } {
  return { name: `RFC 9112 §6.3: ${what}`, raw: framed([field], 'abcde'), fault: FAULTS.contentLength };
}

passesRequests('Content-Length passes', [
  {
    name: 'RFC 9112 §6.3: a length',
    raw: framed(['Content-Length: 3'], 'abc'),
    head: { framing: { kind: 'length', bytes: 3 } },
    body: 'abc',
  },
  {
    name: 'RFC 9112 §6.3: what follows the body is none of it',
    raw: framed(['Content-Length: 3', 'Connection: close'], 'abcrest'),
    body: 'abc',
    left: 'rest',
  },
  { name: 'RFC 9112 §6.3: no length is no body', raw: framed([]), head: { framing: { kind: 'none' } } },
  { name: 'RFC 9112 §6.3: a length of none', raw: framed(['Content-Length: 0']), head: { framing: { kind: 'none' } } },
  { name: 'RFC 9110 §8.6: leading zeros', raw: framed(['Content-Length: 000003'], 'abc'), body: 'abc' },
  { name: 'RFC 9110 §8.6: in a GET', raw: message(['GET / HTTP/1.1', 'Host: a', 'content-length:1'], 'a'), body: 'a' },
  { name: 'RFC 9112 §6.3: in HTTP/1.0', raw: message(['POST / HTTP/1.0', 'Content-Length: 2'], 'ab'), body: 'ab' },
  {
    name: 'RFC 9112 §6.3: 15 digits',
    raw: framed(['Content-Length: 999999999999999'], 'ab'),
    head: { framing: { kind: 'length', bytes: 999_999_999_999_999 } },
    body: 'ab',
    end: 'waiting',
  },
  {
    name: 'RFC 9112 §6.3: any octet in the body',
    raw: framed(['Content-Length: 6'], '\r\n\r\n\0\xff'),
    body: '\r\n\r\n\0\xff',
  },
]);

refusesRequests('Content-Length is refused', [
  lengthRow('empty', 'Content-Length:'),
  lengthRow('white space', 'Content-Length: \t'),
  lengthRow('a plus sign', 'Content-Length: +5'),
  lengthRow('a minus sign', 'Content-Length: -5'),
  lengthRow('a minus sign and none', 'Content-Length: -0'),
  lengthRow('hexadecimal', 'Content-Length: 0x5'),
  lengthRow('a fraction', 'Content-Length: 5.0'),
  lengthRow('an exponent', 'Content-Length: 5e0'),
  lengthRow('an underscore', 'Content-Length: 1_0'),
  lengthRow('a letter after', 'Content-Length: 5a'),
  lengthRow('a letter', 'Content-Length: a'),
  lengthRow('quotes', 'Content-Length: "5"'),
  lengthRow('white space inside', 'Content-Length: 5 5'),
  lengthRow('a tab inside', 'Content-Length: 5\t5'),
  lengthRow('a list of two', 'Content-Length: 5, 6'),
  lengthRow('a list of two equal ones', 'Content-Length: 5, 5'),
  lengthRow('a list of one and a comma', 'Content-Length: 5,'),
  lengthRow('a comma and one', 'Content-Length: ,5'),
  lengthRow('a parameter', 'Content-Length: 5;a=b'),
  lengthRow('digits of another script', 'Content-Length: \xb2'),
  lengthRow('16 digits', 'Content-Length: 0000000000000005'),
  lengthRow('20 digits', 'Content-Length: 18446744073709551621'),
  lengthRow('more digits than a double can tell', `Content-Length: ${'9'.repeat(400)}`),
  {
    name: 'RFC 9112 §6.3: two that differ',
    raw: framed(['Content-Length: 5', 'Content-Length: 6'], 'abcdef'),
    fault: FAULTS.contentLength,
  },
  {
    name: 'RFC 9112 §6.3: two equal ones',
    raw: framed(['Content-Length: 5', 'X: y', 'content-length: 5'], 'abcde'),
    fault: FAULTS.contentLength,
  },
  {
    name: 'RFC 9112 §6.3: two that are none',
    raw: framed(['Content-Length: 0', 'Content-Length: 0']),
    fault: FAULTS.contentLength,
  },
  {
    name: 'RFC 9112 §6.3: a good one and an empty one',
    raw: framed(['Content-Length: 5', 'Content-Length:'], 'abcde'),
    fault: FAULTS.contentLength,
  },
  {
    name: 'RFC 9112 §6.3: malformed in a GET',
    raw: message(['GET / HTTP/1.1', 'Host: a', 'Content-Length: x']),
    fault: FAULTS.contentLength,
  },
]);

passesRequests('Transfer-Encoding passes', [
  { name: 'RFC 9112 §7.1: chunked', raw: framed(['Transfer-Encoding: chunked'], '1\r\na\r\n0\r\n\r\n'), body: 'a' },
  { name: 'RFC 9112 §7: whatever its case', raw: framed(['tRANSFER-eNCODING:\tCHUNKed '], '0\r\n\r\n') },
  {
    name: 'RFC 9112 §6.3: in a GET',
    raw: message(['GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'], '1\r\na\r\n0\r\n\r\n'),
    body: 'a',
  },
]);

const CHUNKS = '1\r\na\r\n0\r\n\r\n';

refusesRequests('Transfer-Encoding is refused', [
  {
    name: 'RFC 9112 §6.1: beside Content-Length',
    raw: framed(['Content-Length: 5', 'Transfer-Encoding: chunked'], CHUNKS),
    fault: FAULTS.framing,
  },
  {
    name: 'RFC 9112 §6.1: before Content-Length',
    raw: framed(['Transfer-Encoding: chunked', 'Content-Length: 0'], CHUNKS),
    fault: FAULTS.framing,
  },
  {
    name: 'RFC 9112 §6.1: beside a malformed Content-Length',
    raw: framed(['Transfer-Encoding: chunked', 'Content-Length: x'], CHUNKS),
    fault: FAULTS.framing,
  },
  {
    name: 'RFC 9112 §6.1: unknown, beside Content-Length',
    raw: framed(['Transfer-Encoding: x', 'Content-Length: 5'], CHUNKS),
    fault: FAULTS.framing,
  },
  {
    name: 'RFC 9112 §6.1: in HTTP/1.0',
    raw: message(['POST / HTTP/1.0', 'Transfer-Encoding: chunked'], CHUNKS),
    fault: FAULTS.transferEncoding,
  },
  ...['gzip, chunked', 'GZIP,chunked', 'deflate , chunked', 'x-gzip, compress,\tchunked', 'gzip, gzip, chunked'].map(
    (codings) => ({
      name: `RFC 9112 §6.1: 501 for ${JSON.stringify(codings)}`,
      raw: framed([`Transfer-Encoding: ${codings}`], CHUNKS),
      fault: FAULTS.transferCoding,
    }),
  ),
  {
    name: 'RFC 9112 §6.1: 501 for gzip and chunked in two fields',
    raw: framed(['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], CHUNKS),
    fault: FAULTS.transferCoding,
  },
  ...['', 'gzip', 'identity', 'chunked, gzip', 'chunked, identity', 'identity, chunked', 'chunked, chunked', 'chunked,']
    .concat([
      ',chunked',
      ', chunked',
      'xchunked',
      'chunkedx',
      'x-chunked',
      'chunked-',
      'chunke',
      'chunked;q=1',
      'chunked;',
    ])
    .concat(['"chunked"', 'chun ked', 'chunked chunked', 'chunked\xa0', '\xa0chunked', 'chunked\xff', '\x80'])
    .concat(['gzip chunked', 'gzip;chunked', 'gzip;q=1, chunked', 'gzip,, chunked', 'trailers, chunked', 'chunked\xe9'])
    .map((codings) => ({
      name: `RFC 9112 §6.1, §7: 400 for ${JSON.stringify(codings)}`,
      raw: framed([`Transfer-Encoding: ${codings}`], CHUNKS),
      fault: FAULTS.transferEncoding,
    })),
  ...[
    ['chunked', 'chunked'],
    ['chunked', 'gzip'],
    ['chunked', ''],
    ['', 'chunked'],
    ['identity', 'chunked'],
    ['chunked', 'x'],
  ].map((codings) => ({
    name: `RFC 9112 §7.1: 400 for the fields ${JSON.stringify(codings)}`,
    raw: framed(
      codings.map((coding) => `Transfer-Encoding: ${coding}`),
      CHUNKS,
    ),
    fault: FAULTS.transferEncoding,
  })),
  {
    name: 'RFC 9112 §5.1: a space before its colon',
    raw: framed(['Transfer-Encoding : chunked'], CHUNKS),
    fault: FAULTS.fieldName,
  },
  {
    name: 'RFC 9112 §5.2: folded',
    raw: framed(['Transfer-Encoding:', ' chunked'], CHUNKS),
    fault: FAULTS.fieldName,
  },
  {
    name: 'RFC 9110 §5.5: a vertical tab before the coding',
    raw: framed(['Transfer-Encoding: \vchunked'], CHUNKS),
    fault: FAULTS.fieldValue,
  },
]);
