// An upstream's answers, read as strictly as a caller's requests (RFC 9112 §4, §6.3).

import { FAULTS } from '../../src/gateway/wire/fault.ts';
import { message, passesResponses, refusesResponses } from './rows.ts';

const OK = 'HTTP/1.1 200 OK';
const CHUNKS = '3\r\nabc\r\n0\r\n\r\n';

passesResponses('the start line of an answer passes', [
  { name: 'RFC 9112 §4: a reason', raw: message([OK, 'Content-Length: 0']), head: { status: 200, keepAlive: true } },
  ...[
    ['an empty reason', 'HTTP/1.1 200 '],
    ['no reason and no space, as many send it', 'HTTP/1.1 200'],
    ['a reason of several words', 'HTTP/1.1 200 all is\twell'],
    ['a reason of white space', 'HTTP/1.1 200   '],
    ['a reason of obs-text', 'HTTP/1.1 200 \xe9\xff'],
  ].map(([what, line = '']) => ({
    name: `RFC 9112 §4: ${what}`,
    raw: message([line, 'Content-Length: 1'], 'a'),
    head: { status: 200, headers: ['Content-Length', '1'] },
    body: 'a',
  })),
  ...[200, 201, 299, 300, 404, 500, 599].map((status) => ({
    name: `RFC 9110 §15: ${status}`,
    raw: message([`HTTP/1.1 ${status} x`, 'Content-Length: 0']),
    head: { status },
  })),
]);

refusesResponses('the start line of an answer is refused', [
  ...['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.10', 'HTTP/1', 'ICY', 'HTTPS/1.1', 'HTTP/01.1'].map(
    (version) => ({
      name: `RFC 9112 §2.3: the version ${version}`,
      raw: message([`${version} 200 OK`, 'Content-Length: 0']),
      fault: FAULTS.version,
    }),
  ),
  ...['20', '2000', '099', '000', '600', '999', '2x0', '+20', '-20', '0x2', '2.0', '20O', '2:0'].map((status) => ({
    name: `RFC 9112 §4: the status ${JSON.stringify(status)}`,
    raw: message([`HTTP/1.1 ${status} OK`, 'Content-Length: 0']),
    fault: FAULTS.startLine,
  })),
  { name: 'RFC 9112 §4: no status', raw: message(['HTTP/1.1 ', 'Content-Length: 0']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: only a version', raw: message(['HTTP/1.1', 'Content-Length: 0']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: a status without end', raw: `HTTP/1.1 ${'2'.repeat(1100)}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: two spaces before the status', raw: message(['HTTP/1.1  200 OK']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: a tab before the status', raw: message(['HTTP/1.1\t200 OK']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: a tab after the status', raw: message(['HTTP/1.1 200\tOK']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: a space before the version', raw: message([' HTTP/1.1 200 OK']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: an empty line before', raw: `\r\n${message([OK])}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare LF before', raw: `\n${message([OK])}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare LF after the line', raw: `${OK}\nA: b\r\n\r\n`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare LF after the status', raw: 'HTTP/1.1 200\nA: b\r\n\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare CR in the reason', raw: 'HTTP/1.1 200 O\rK\r\n\r\n', fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: a bare CR after the status', raw: 'HTTP/1.1 200\rK\r\n\r\n', fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §4: NUL in the reason', raw: message(['HTTP/1.1 200 O\0K']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: DEL in the reason', raw: message(['HTTP/1.1 200 O\x7fK']), fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: an answer of HTTP/0.9', raw: '<html>\r\n<body>', fault: FAULTS.startLine },
  { name: 'RFC 9112 §4: a request', raw: message(['GET /a/b HTTP/1.1', 'Host: a']), fault: FAULTS.startLine },
]);

refusesResponses('the fields of an answer are refused', [
  { name: 'RFC 9112 §5.2: a fold', raw: message([OK, 'A: b', ' c']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §5.1: a space before the colon', raw: message([OK, 'A : b']), fault: FAULTS.fieldName },
  { name: 'RFC 9110 §5.1: an empty name', raw: message([OK, ': b']), fault: FAULTS.fieldName },
  { name: 'RFC 9110 §5.1: a space in a name', raw: message([OK, 'A B: c']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §2.2: a bare LF', raw: `${OK}\r\nA: b\n\r\n`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: a bare CR', raw: `${OK}\r\nA: b\rC: d\r\n\r\n`, fault: FAULTS.lineEnd },
  { name: 'RFC 9110 §5.5: NUL in a value', raw: message([OK, 'A: b\0']), fault: FAULTS.fieldValue },
  { name: 'RFC 6585 §5: too many', raw: message([OK, ...Array<string>(13).fill('A: b')]), fault: FAULTS.fieldCount },
  { name: 'RFC 6585 §5: too long', raw: message([OK, `A: ${'b'.repeat(1024)}`]), fault: FAULTS.headLength },
]);

passesResponses('the framing of an answer passes', [
  { name: 'RFC 9112 §6.3: a length', raw: message([OK, 'Content-Length: 3'], 'abc'), body: 'abc' },
  {
    name: 'RFC 9112 §6.3: a length of none is no body until the end',
    raw: message([OK, 'Content-Length: 0']),
    head: { framing: { kind: 'none' }, keepAlive: true },
  },
  { name: 'RFC 9112 §6.3: chunked', raw: message([OK, 'Transfer-Encoding: chunked'], CHUNKS), body: 'abc' },
  {
    name: 'RFC 9112 §7.1.2: chunked with trailers',
    raw: message([OK, 'Transfer-Encoding: chunked', 'Connection: close'], '1\r\na\r\n0\r\nA: b\r\n\r\nrest'),
    body: 'a',
    trailers: ['A', 'b'],
    left: 'rest',
  },
  {
    name: 'RFC 9112 §6.3: neither ends with the connection, and never keeps it',
    raw: message([OK, 'A: b'], 'all\r\nthat comes'),
    head: { framing: { kind: 'close' }, keepAlive: false },
    body: 'all\r\nthat comes',
    end: 'waiting',
  },
  {
    name: 'RFC 9112 §6.3: neither, although it says keep-alive',
    raw: message([OK, 'Connection: keep-alive']),
    head: { framing: { kind: 'close' }, keepAlive: false },
    end: 'waiting',
  },
  {
    name: 'RFC 9112 §9.3: HTTP/1.0 does not keep the connection',
    raw: message(['HTTP/1.0 200 OK', 'Content-Length: 1'], 'arest'),
    head: { keepAlive: false },
    body: 'a',
    left: 'rest',
  },
  {
    name: 'RFC 9112 §9.3: HTTP/1.0 with keep-alive does',
    raw: message(['HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 1'], 'a'),
    head: { keepAlive: true },
    body: 'a',
  },
  {
    name: 'RFC 9112 §9.6: close',
    raw: message([OK, 'Connection: close', 'Content-Length: 0'], 'rest'),
    head: { keepAlive: false },
    left: 'rest',
  },
  ...[204, 304].flatMap((status) => [
    {
      name: `RFC 9112 §6.3: ${status} has no body whatever its length says`,
      raw: message([`HTTP/1.1 ${status} x`, 'Content-Length: 5', 'Connection: close'], 'rest'),
      head: { framing: { kind: 'none' } },
      left: 'rest',
    },
    {
      name: `RFC 9112 §6.3: ${status} has no body whatever its transfer coding says`,
      raw: message([`HTTP/1.1 ${status} x`, 'Transfer-Encoding: chunked']),
      head: { framing: { kind: 'none' }, keepAlive: true },
    },
    {
      name: `RFC 9112 §6.3: ${status} without any field`,
      raw: message([`HTTP/1.1 ${status} x`]),
      head: { status, keepAlive: true },
    },
  ]),
  ...[100, 102, 103, 199].map((status) => ({
    name: `RFC 9112 §6.3: ${status} has no body, and another answer comes after it`,
    raw: message([`HTTP/1.1 ${status} x`, 'Link: a']),
    head: { status, framing: { kind: 'none' } },
  })),
  {
    name: 'RFC 9112 §6.3: 103 with a length, then the answer',
    raw: message(['HTTP/1.1 103 x', 'Content-Length: 5'], message([OK, 'Content-Length: 1'], 'a')),
    head: { status: 103 },
  },
  {
    name: 'RFC 9110 §15.2.2: what follows 101 is not HTTP',
    raw: message(['HTTP/1.1 101 x', 'Connection: Upgrade', 'Upgrade: websocket'], 'frames'),
    head: { status: 101, upgrade: 'websocket', framing: { kind: 'none' } },
    left: 'frames',
    end: 'over',
  },
  {
    name: 'RFC 9110 §7.8: two Upgrade fields are one list',
    raw: message(['HTTP/1.1 101 x', 'Connection: Upgrade', 'Upgrade: a', 'Upgrade: b']),
    head: { upgrade: 'a, b' },
    end: 'over',
  },
  {
    name: 'RFC 9110 §7.8: an upgrade that Connection does not name is none',
    raw: message(['HTTP/1.1 101 x', 'Upgrade: websocket']),
    head: { upgrade: undefined },
    end: 'over',
  },
]);

passesResponses(
  'the answer to HEAD has no body',
  [
    { name: 'RFC 9110 §9.3.2: with a length', raw: message([OK, 'Content-Length: 5']), head: { keepAlive: true } },
    { name: 'RFC 9110 §9.3.2: with a transfer coding', raw: message([OK, 'Transfer-Encoding: chunked']) },
    { name: 'RFC 9110 §9.3.2: with neither', raw: message([OK]), head: { framing: { kind: 'none' }, keepAlive: true } },
    { name: 'RFC 9110 §9.3.2: and what comes is left', raw: message([OK, 'Connection: close'], 'rest'), left: 'rest' },
  ],
  'HEAD',
);

refusesResponses('the framing of an answer is refused', [
  {
    name: 'RFC 9112 §6.3: Content-Length beside Transfer-Encoding',
    raw: message([OK, 'Content-Length: 3', 'Transfer-Encoding: chunked'], CHUNKS),
    fault: FAULTS.framing,
  },
  {
    name: 'RFC 9112 §6.3: both, although there is no body',
    raw: message(['HTTP/1.1 304 x', 'Content-Length: 3', 'Transfer-Encoding: chunked']),
    fault: FAULTS.framing,
  },
  ...['', '+3', '3, 3', '3,4', '0x3', '3 3', '-1', '99999999999999999999'].map((length) => ({
    name: `RFC 9112 §6.3: the length ${JSON.stringify(length)}`,
    raw: message([OK, `Content-Length: ${length}`], 'abc'),
    fault: FAULTS.contentLength,
  })),
  {
    name: 'RFC 9112 §6.3: two equal lengths',
    raw: message([OK, 'Content-Length: 3', 'Content-Length: 3'], 'abc'),
    fault: FAULTS.contentLength,
  },
  {
    name: 'RFC 9112 §6.3: malformed, although there is no body',
    raw: message(['HTTP/1.1 204 x', 'Content-Length: x']),
    fault: FAULTS.contentLength,
  },
  {
    name: 'RFC 9112 §6.1: a transfer coding in HTTP/1.0',
    raw: message(['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'], CHUNKS),
    fault: FAULTS.transferEncoding,
  },
  { name: 'RFC 9112 §6.3: gzip alone', raw: message([OK, 'Transfer-Encoding: gzip']), fault: FAULTS.transferEncoding },
  {
    name: 'RFC 9112 §7: gzip before chunked',
    raw: message([OK, 'Transfer-Encoding: gzip, chunked']),
    fault: FAULTS.transferCoding,
  },
  {
    name: 'RFC 9112 §7.1: chunked twice',
    raw: message([OK, 'Transfer-Encoding: chunked, chunked']),
    fault: FAULTS.transferEncoding,
  },
  {
    name: 'RFC 9112 §7.1: a malformed size',
    raw: message([OK, 'Transfer-Encoding: chunked'], '1 \r\na\r\n0\r\n\r\n'),
    fault: FAULTS.chunkSize,
  },
  {
    name: 'RFC 9112 §7.1: a bare LF',
    raw: message([OK, 'Transfer-Encoding: chunked'], '1\na\r\n0\r\n\r\n'),
    fault: FAULTS.chunkSize,
  },
]);
