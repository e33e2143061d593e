// A request's head: start line, fields, limits (RFC 9112 §2, §3, §5).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAULTS } from '../../src/gateway/wire/fault.ts';
import { readEveryWay } from './cuts.ts';
import { LIMITS, readRequests } from './read-messages.ts';
import { message, passesRequests, refusesRequests } from './rows.ts';

const GET = 'GET / HTTP/1.1';
const HOST = 'Host: a';
/** Every octet that is a control, or none of ours: C0 less TAB, CR and LF, and DEL. */
const CONTROLS = [...Array(32).keys(), 0x7f].filter((octet) => octet !== 0x09 && octet !== 0x0a && octet !== 0x0d);

passesRequests('the start line of a request passes', [
  { name: 'RFC 9112 §3: method, target, version', raw: message([GET, HOST]), head: { method: 'GET', target: '/' } },
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({
    name: `RFC 9110 §9: ${method}`,
    raw: message([`${method} / HTTP/1.1`, HOST]),
    head: { method, isHttp10: false, keepAlive: true, framing: { kind: 'none' } },
  })),
  {
    name: 'RFC 9112 §2.3: HTTP/1.0, without Host, ends the connection',
    raw: message(['GET /a HTTP/1.0']),
    head: { isHttp10: true, keepAlive: false, host: undefined },
  },
  {
    name: 'RFC 9112 §9.3: HTTP/1.0 with keep-alive goes on',
    raw: message(['GET /a HTTP/1.0', 'Connection: Keep-Alive']),
    head: { isHttp10: true, keepAlive: true },
  },
  {
    name: 'RFC 9112 §9.3: close wins over keep-alive, whatever its case and place',
    raw: message([GET, HOST, 'Connection: keep-alive', 'Connection: x ,\tCLOSE'], 'rest'),
    head: { keepAlive: false },
    left: 'rest',
  },
  {
    name: 'RFC 9112 §9.3: a connection option that only contains "close" is another one',
    raw: message([GET, HOST, 'Connection: closed, not-close']),
    head: { keepAlive: true },
  },
  {
    name: 'RFC 9110 §5.6.2: white space inside a connection option makes it another one',
    raw: message(['GET / HTTP/1.1', HOST, 'Connection: clo se, up grade', 'Upgrade: a']),
    head: { keepAlive: true, upgrade: undefined },
  },
  {
    name: 'RFC 9110 §5.6.1: empty members of a list are none',
    raw: message(['GET / HTTP/1.1', HOST, 'Connection: , ,\t,close,, ']),
    head: { keepAlive: false },
  },
  { name: 'RFC 9112 §2.2: one empty line before', raw: `\r\n${message([GET, HOST])}`, head: { method: 'GET' } },
]);

refusesRequests('the start line of a request is refused', [
  { name: 'RFC 9112 §2.2: two empty lines before', raw: `\r\n\r\n${message([GET, HOST])}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: an empty line of a bare LF', raw: `\n${message([GET, HOST])}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: an empty line of a bare CR', raw: `\r${message([GET, HOST])}`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: white space before the method', raw: ` ${message([GET, HOST])}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a tab before the method', raw: `\t${message([GET, HOST])}`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: two spaces after the method', raw: 'GET  / HTTP/1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: a tab after the method', raw: 'GET\t/ HTTP/1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: two spaces after the target', raw: 'GET /  HTTP/1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: a space after the version', raw: 'GET / HTTP/1.1 \r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: a tab after the version', raw: 'GET / HTTP/1.1\t\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: no target', raw: message(['GET HTTP/1.1', HOST]), fault: FAULTS.target },
  { name: 'RFC 9112 §3: no version, as in HTTP/0.9', raw: 'GET /\r\n', fault: FAULTS.target },
  { name: 'RFC 9112 §3: an empty version', raw: message(['GET / ', HOST]), fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: no method', raw: message(['/ HTTP/1.1', HOST]), fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: only a method', raw: 'GET\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9110 §9.1: a method that is no token', raw: 'G(T / HTTP/1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §3: TLS on a plain port', raw: '\x16\x03\x01\x02\x00', fault: FAULTS.startLine },
  ...['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/9.9'].map((version) => ({
    name: `RFC 9110 §15.6.6: ${version} is not spoken`,
    raw: message([`GET / ${version}`, HOST]),
    fault: FAULTS.version,
  })),
  ...[
    'http/1.1',
    'Http/1.1',
    'HTTP/1.10',
    'HTTP/01.1',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/11',
    'HTTP1.1',
    'HTTPS/1.1',
    'ICE/1.0',
  ]
    .concat(['HTTP/1,1', 'HTTP/1.1x', 'HTTP /1.1', 'HTTP/1 .1', 'RTSP/1.1'])
    .map((version) => ({
      name: `RFC 9112 §2.3: ${version} is no version`,
      raw: message([`GET / ${version}`, HOST]),
      fault: FAULTS.startLine,
    })),
  {
    name: 'RFC 9113 §3.4: the preface of HTTP/2',
    raw: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    fault: FAULTS.version,
  },
  { name: 'RFC 9110 §9.3.8: TRACE', raw: message(['TRACE / HTTP/1.1', HOST]), fault: FAULTS.methodForbidden },
  { name: 'RFC 9110 §9.3.6: CONNECT', raw: message(['CONNECT a:443 HTTP/1.1', HOST]), fault: FAULTS.methodForbidden },
  ...['get', 'Get', 'PURGE', 'QUERY', 'GETX', 'GE', 'M-SEARCH', "!#$%&'*+-.^_`|~"].map((method) => ({
    name: `RFC 9110 §9.1: the unknown method ${method}`,
    raw: message([`${method} / HTTP/1.1`, HOST]),
    fault: FAULTS.method,
  })),
]);

passesRequests('the fields of a request pass', [
  {
    name: 'RFC 9110 §5.3: order, case and duplicates are kept',
    raw: message([GET, 'x-B: 2', HOST, 'X-b: 1', 'Cookie: a=1', 'Cookie: b=2']),
    head: { headers: ['x-B', '2', 'Host', 'a', 'X-b', '1', 'Cookie', 'a=1', 'Cookie', 'b=2'] },
  },
  {
    name: 'RFC 9112 §5: white space around a value is none of it, inside it stays',
    raw: message([GET, 'Host:a', 'A: \t b \t c \t ', 'B:\t', 'C: ', 'D:']),
    head: { headers: ['Host', 'a', 'A', 'b \t c', 'B', '', 'C', '', 'D', ''] },
  },
  {
    name: 'RFC 9110 §5.5: obs-text is opaque',
    raw: message([GET, HOST, 'A: \x80\xa0\xff']),
    head: { headers: ['Host', 'a', 'A', '\x80\xa0\xff'] },
  },
  {
    name: 'RFC 9110 §5.1: every tchar in a name, colons in a value',
    raw: message([GET, HOST, "!#$%&'*+-.^_`|~09azAZ: :a:"]),
    head: { headers: ['Host', 'a', "!#$%&'*+-.^_`|~09azAZ", ':a:'] },
  },
  {
    name: 'RFC 9110 §10.1.1: 100-continue, whatever its case',
    raw: message(['POST / HTTP/1.1', HOST, 'Expect: 100-Continue', 'Content-Length: 1'], 'a'),
    head: { expectsContinue: true },
    body: 'a',
  },
  {
    name: 'RFC 9110 §10.1.1: an expectation in HTTP/1.0 is not waited for',
    raw: message(['POST / HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 1'], 'a'),
    head: { expectsContinue: false },
    body: 'a',
  },
  {
    name: 'RFC 9110 §7.8: an upgrade that Connection names',
    raw: message([GET, HOST, 'Connection: keep-alive, Upgrade', 'Upgrade: websocket'], 'frames'),
    head: { upgrade: 'websocket' },
    left: 'frames',
    end: 'over',
  },
  {
    name: 'RFC 9110 §7.8: an upgrade that Connection does not name is none',
    raw: message([GET, HOST, 'Upgrade: websocket']),
    head: { upgrade: undefined },
  },
  {
    name: 'RFC 9110 §7.8: an upgrade in HTTP/1.0 is none',
    raw: message(['GET / HTTP/1.0', 'Connection: upgrade', 'Upgrade: websocket']),
    head: { upgrade: undefined },
  },
]);

refusesRequests('the fields of a request are refused', [
  { name: 'RFC 9112 §5.1: a space before the colon', raw: message([GET, HOST, 'A : b']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §5.1: a tab before the colon', raw: message([GET, HOST, 'A\t: b']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §5.2: a fold by a space', raw: message([GET, HOST, 'A: b', ' c']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §5.2: a fold by a tab', raw: message([GET, HOST, 'A: b', '\tc']), fault: FAULTS.fieldName },
  {
    name: 'RFC 9112 §5.2: a fold of white space only',
    raw: message([GET, HOST, 'A: b', ' ']),
    fault: FAULTS.fieldName,
  },
  { name: 'RFC 9112 §2.2: white space before the first field', raw: message([GET, ' A: b']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §2.2: a tab before the first field', raw: message([GET, '\tHost: b']), fault: FAULTS.fieldName },
  { name: 'RFC 9110 §5.1: an empty name', raw: message([GET, HOST, ': b']), fault: FAULTS.fieldName },
  { name: 'RFC 9112 §5: a field without a colon', raw: message([GET, HOST, 'A']), fault: FAULTS.fieldName },
  ...'"(),/;<=>?@[\\]{}\x80\xff'.split('').map((character) => ({
    name: `RFC 9110 §5.1: ${JSON.stringify(character)} in a name`,
    raw: message([GET, HOST, `A${character}B: b`]),
    fault: FAULTS.fieldName,
  })),
  { name: 'RFC 9112 §2.2: a bare LF after the start line', raw: `${GET}\nHost: a\r\n\r\n`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare LF after a field', raw: `${GET}\r\nHost: a\n\r\n`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: a bare LF as the empty line', raw: `${GET}\r\nHost: a\r\n\n`, fault: FAULTS.fieldName },
  { name: 'RFC 9112 §2.2: bare LFs throughout', raw: `${GET}\nHost: a\n\n`, fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare CR after the start line', raw: `${GET}\rHost: a\r\n\r\n`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: a bare CR after a field', raw: `${GET}\r\nHost: a\rB: c\r\n\r\n`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: a bare CR as the empty line', raw: `${GET}\r\nHost: a\r\n\rX`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: CR CR LF', raw: `${GET}\r\nHost: a\r\r\n\r\n`, fault: FAULTS.lineEnd },
  { name: 'RFC 9112 §2.2: a bare LF in the method', raw: 'G\nET / HTTP/1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare CR in the method', raw: 'G\rET / HTTP/1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare LF in the target', raw: 'GET /\na HTTP/1.1\r\n', fault: FAULTS.target },
  { name: 'RFC 9112 §2.2: a bare CR in the target', raw: 'GET /\ra HTTP/1.1\r\n', fault: FAULTS.target },
  { name: 'RFC 9112 §2.2: a bare LF in the version', raw: 'GET / HTTP/\n1.1\r\n', fault: FAULTS.startLine },
  { name: 'RFC 9112 §2.2: a bare LF in a name', raw: `${GET}\r\nA\nB: c\r\n\r\n`, fault: FAULTS.fieldName },
  { name: 'RFC 9112 §2.2: a bare CR in a name', raw: `${GET}\r\nA\rB: c\r\n\r\n`, fault: FAULTS.fieldName },
  {
    name: 'RFC 9110 §10.1.1: an unknown expectation',
    raw: message([GET, HOST, 'Expect: 200-ok']),
    fault: FAULTS.expectation,
  },
  { name: 'RFC 9110 §10.1.1: an empty expectation', raw: message([GET, HOST, 'Expect:']), fault: FAULTS.expectation },
  {
    name: 'RFC 9110 §10.1.1: an unknown expectation beside a known one',
    raw: message([GET, HOST, 'Expect: 100-continue', 'Expect: b']),
    fault: FAULTS.expectation,
  },
]);

describe('no control octet passes in any part of a request head', () => {
  const parts: readonly (readonly [string, (octet: string) => string])[] = [
    ['RFC 9110 §9.1: the method', (octet) => message([`G${octet}ET / HTTP/1.1`, HOST])],
    ['RFC 9112 §3.2: the target', (octet) => message([`GET /a${octet}b HTTP/1.1`, HOST])],
    ['RFC 9112 §2.3: the version', (octet) => message([`GET / HTTP/1${octet}.1`, HOST])],
    ['RFC 9112 §2.3: after the version', (octet) => message([`GET / HTTP/1.1${octet}`, HOST])],
    ['RFC 9110 §5.1: the start of a name', (octet) => message([GET, HOST, `${octet}A: b`])],
    ['RFC 9110 §5.1: a name', (octet) => message([GET, HOST, `A${octet}B: b`])],
    ['RFC 9112 §5.1: before the colon', (octet) => message([GET, HOST, `A${octet}: b`])],
    ['RFC 9110 §5.5: after the colon', (octet) => message([GET, HOST, `A:${octet}b`])],
    ['RFC 9110 §5.5: a value', (octet) => message([GET, HOST, `A: b${octet}c`])],
    ['RFC 9110 §5.5: the end of a value', (octet) => message([GET, HOST, `A: b${octet}`])],
    ['RFC 9110 §7.2: Host', (octet) => message([GET, `Host: a${octet}b`])],
    ['RFC 9112 §2.2: between CR and LF', (octet) => `${GET}\r\nHost: a\r${octet}\n\r\n`],
    ['RFC 9112 §2.2: between the last CR and LF', (octet) => `${GET}\r\nHost: a\r\n\r${octet}\n`],
    ['RFC 9112 §2.2: before the start line', (octet) => `${octet}${message([GET, HOST])}`],
  ];
  for (const [name, toRaw] of parts) {
    test(name, () => {
      for (const octet of CONTROLS) {
        const { end, messages } = readEveryWay(toRaw(String.fromCharCode(octet)), readRequests);
        assert.equal(messages.length, 0, `octet ${octet}`);
        assert.ok(end.is === 'refused' && end.fault.status === 400, `octet ${octet}`);
      }
    });
  }
});

describe('the limits of a request head', () => {
  const { headBytes, targetBytes, fields } = LIMITS;
  const padded = (bytes: number): string => {
    const bare = message([GET, HOST, 'A: ']);
    return message([GET, HOST, `A: ${'x'.repeat(bytes - bare.length)}`]);
  };
  const targeted = (bytes: number): string => message([`GET /${'x'.repeat(bytes - 1)} HTTP/1.1`, HOST]);
  const many = (count: number): string => message([GET, HOST, ...Array<string>(count - 1).fill('A:b')]);

  passesRequests('pass where they are just kept', [
    { name: 'RFC 6585 §5: the whole head', raw: padded(headBytes) },
    {
      name: 'RFC 9112 §3: the target',
      raw: targeted(targetBytes),
      head: { target: `/${'x'.repeat(targetBytes - 1)}` },
    },
    { name: 'RFC 6585 §5: the count of fields', raw: many(fields) },
  ]);
  refusesRequests('refuse what is over them', [
    { name: 'RFC 6585 §5: 431 for the whole head', raw: padded(headBytes + 1), fault: FAULTS.headLength },
    { name: 'RFC 6585 §5: 431 for a head without end', raw: 'G'.repeat(headBytes), fault: FAULTS.headLength },
    {
      name: 'RFC 6585 §5: 431 for a name without end',
      raw: `${GET}\r\n${'A'.repeat(headBytes)}`,
      fault: FAULTS.headLength,
    },
    {
      name: 'RFC 6585 §5: 431 for white space without end',
      raw: `${GET}\r\nA:${' '.repeat(headBytes)}`,
      fault: FAULTS.headLength,
    },
    { name: 'RFC 9112 §3: 414 for the target', raw: targeted(targetBytes + 1), fault: FAULTS.targetLength },
    { name: 'RFC 6585 §5: 431 for the count of fields', raw: many(fields + 1), fault: FAULTS.fieldCount },
  ]);

  test('an octet that is forbidden decides before a limit that comes after it, and after one that comes before it', () => {
    const tooLong = `GET /${'x'.repeat(targetBytes)}`;
    assert.deepEqual(readEveryWay(`${tooLong}\x01`, readRequests).end, { is: 'refused', fault: FAULTS.targetLength });
    const bad = `GET /${'x'.repeat(targetBytes - 1)}\x01`;
    assert.deepEqual(readEveryWay(bad, readRequests).end, { is: 'refused', fault: FAULTS.target });
  });
});
