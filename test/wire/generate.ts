// Messages for the differential test and the fuzz loop: right ones put together from parts, with a wrong part now and then, and mutated octets.

import type { Random } from './random.ts';

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'];
const BAD_METHODS = ['TRACE', 'CONNECT', 'get', 'PURGE', 'G T', '', 'QUERY', 'M-SEARCH'];
const TARGETS = [
  '/',
  '/a/b?c=d',
  '/%20',
  '//a',
  '/a?b=[{|}]',
  'http://a/b',
  'http://a',
  'http://a?b',
  '/"<>^`\\',
  "/!$&'()*+,;=:@",
];
const BAD_TARGETS = [
  '*',
  'a',
  'a:443',
  '/a b',
  '/a#b',
  '',
  'http://b/',
  '/\x80',
  '/\x7f',
  '/\t',
  'http:///a',
  '/\0',
  'ftp://a/',
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'];
const BAD_VERSIONS = [
  'HTTP/1.2',
  'HTTP/2.0',
  'http/1.1',
  'HTTP/1.10',
  'HTTP/1.1 ',
  '',
  'HTTP/0.9',
  'ICE/1.0',
  'RTSP/1.0',
  'SOURCE',
];
const STATUSES = ['200', '204', '304', '404', '500', '100', '103', '101', '599'];
const BAD_STATUSES = ['20', '2000', '099', '600', '', ' 200', '2 0', 'abc', '+20', '999', '150'];
const REASONS = [' OK', '', ' ', ' Not Found', ' \xe9', '  two', ' a\tb'];
const BAD_REASONS = [' \0', ' a\rb', ' a\nb', '\tOK', ' \x7f', ' \x01'];

const FIELDS = [
  'A: b',
  'A:b',
  'A:',
  'A: \t b c \t',
  'Accept: */*',
  'Cookie: a=b; c=d',
  'X-Long: 0123456789abcdefghijklmnopqrstuvwxyz',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: x, y',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Connection: keep-alive, Upgrade',
  'connection:\tClose , x',
  'Proxy-Connection: close',
  'Keep-Alive: timeout=5',
  'Expect: 100-continue',
  'X: \x80\xff',
  "!#$%&'*+-.^_`|~: b",
  'Trailer: T',
  'TE: trailers',
  'Content-Encoding: gzip',
  'X: a,b;c="d"',
  'Content-Lengt: 1',
  'Transfer-Encodin: chunked',
  'Content-Length-: 1',
  'X:::',
];
const BAD_FIELDS = [
  'A : b',
  ' A: b',
  '\tA: b',
  ': b',
  'A',
  '',
  'A: b\rC: d',
  'A: b\nC: d',
  'A: b\0',
  'A: b\x7f',
  'A: \x01',
  'A\0: b',
  'A(: b',
  'A b: c',
  'A\x80: b',
  'Host: b',
  'Host: a',
  'Expect: x',
  'A: b\r\n c',
  'A:\r\n\tb',
  'A: b\r',
  'A: b\n',
  '\r',
  '\n',
];
const BAD_FRAMING = [
  'Content-Length: 3',
  'Content-Length: 0',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 3,4',
  'Content-Length: 0x3',
  'Content-Length:',
  'Content-Length: 3 3',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length: 18446744073709551619',
  'Content-Length : 3',
  'Content-Length: 3\0',
  'Content-Length: \v3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:',
  'Transfer-Encoding: \x80chunked',
  'Transfer-Encoding: \vchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding\r\n: chunked',
];
const CHUNKED = [
  'Transfer-Encoding: chunked',
  'transfer-encoding:CHUNKED',
  'Transfer-Encoding: \tChunked ',
  'TRANSFER-ENCODING: chunked',
];
const EXTENSIONS = [';a', ';a=b', ';a="b"', ';a="\\""', ';a="b;c=\t\xff"', ';a;b=c;d="e"', ';a=""'];
const BAD_EXTENSIONS = [
  ' ',
  ';',
  '; a',
  ';a=',
  ';a="',
  ';a=b c',
  ';\0',
  ';a="\n"',
  ' ;a',
  '\t',
  ';a\n',
  ';a="b"c',
  ';a=\x80',
  ';=b',
  ';;',
];
const BAD_SIZES = [
  '',
  '+1',
  '-1',
  '0x1',
  'g',
  '00000000000000001',
  '10000000000000001',
  ' 1',
  '1 ',
  '1\n',
  'ffffffffffffffffff',
];
const TRAILERS = ['T: u', 'T:', 'Trail: a b', 'X: \x80'];
const BAD_TRAILERS = [
  'T : u',
  ' T: u',
  ': u',
  'T',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Host: b',
  'T: u\n',
  'T: \0',
];
const LINE_ENDS = ['\n', '\r', '\r\r\n', '\n\r', '', '\r\n\r\n', '\r\n ', '\0\r\n', ' \r\n', '\r\n\t'];
/** Octets that mean something to a parser. */
const TELLING = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '\\',
  '0',
  '1',
  'f',
  '/',
  '#',
  '\x7f',
  '\x80',
  '\xff',
  '\v',
  '\f',
  '=',
  '-',
  '+',
];

/** One to three requests, one after the other. */
export function generateRequests(random: Random): string {
  let raw = '';
  for (let i = random.below(3); i >= 0; i--) raw += generateRequest(random);
  return mutate(raw, random);
}

/** One to three answers, one after the other. */
export function generateResponses(random: Random): string {
  let raw = '';
  for (let i = random.below(3); i >= 0; i--) raw += generateResponse(random);
  return mutate(raw, random);
}

export function generateChunks(random: Random): string {
  let raw = '';
  for (let i = random.below(4); i > 0; i--) {
    const data = 'data\r\n0\r\n\r\n'.repeat(3).slice(0, 1 + random.below(24));
    const size = random.once(60) ? random.pick(BAD_SIZES) : '0'.repeat(random.below(3)) + data.length.toString(16);
    const end = random.once(60) ? random.pick(LINE_ENDS) : '\r\n';
    raw += `${size}${extension(random)}${lineEnd(random)}${data}${end}`;
  }
  raw += `0${extension(random)}${lineEnd(random)}`;
  for (let i = random.once(3) ? random.below(3) : 0; i > 0; i--)
    raw += random.pick(random.once(30) ? BAD_TRAILERS : TRAILERS) + lineEnd(random);
  return raw + lineEnd(random);
}

/** Leaves most as they are; else changes one to three places. */
export function mutate(raw: string, random: Random): string {
  if (!random.once(3)) return raw;
  let mutated = raw;
  for (let i = random.below(3); i >= 0; i--) mutated = mutateOnce(mutated, random);
  return mutated;
}

function mutateOnce(raw: string, random: Random): string {
  const at = random.below(raw.length + 1);
  const length = random.once(4) ? random.below(12) : 1;
  const part = raw.slice(at, at + length);
  switch (random.below(7)) {
    case 0:
      return raw.slice(0, at) + raw.slice(at + length);
    case 1:
      return raw.slice(0, at) + random.pick(TELLING) + raw.slice(at);
    case 2:
      return raw.slice(0, at) + random.pick(TELLING) + raw.slice(at + 1);
    case 3:
      return raw.slice(0, at) + part + raw.slice(at);
    case 4:
      return raw.slice(0, at) + String.fromCharCode(random.below(256)) + raw.slice(at + 1);
    case 5:
      return raw.slice(0, at) + String.fromCharCode(raw.charCodeAt(at) ^ (1 << random.below(8))) + raw.slice(at + 1);
    default: {
      const to = random.below(raw.length + 1);
      return raw.slice(0, to) + part + raw.slice(to);
    }
  }
}

function generateRequest(random: Random): string {
  const method = random.pick(random.once(50) ? BAD_METHODS : METHODS);
  const target = random.pick(random.once(40) ? BAD_TARGETS : TARGETS);
  const version = random.pick(random.once(50) ? BAD_VERSIONS : VERSIONS);
  const before = random.once(20) ? random.pick(['\r\n', '\r\n', '\n', '\r', '\r\n\r\n', ' ']) : '';
  const host = random.once(60) ? '' : `Host: a${lineEnd(random)}`;
  return `${before}${method} ${target} ${version}${lineEnd(random)}${host}${generateRest(random)}`;
}

function generateResponse(random: Random): string {
  const version = random.pick(random.once(50) ? BAD_VERSIONS : VERSIONS);
  const status = random.once(3) ? random.pick(random.once(10) ? BAD_STATUSES : STATUSES) : '200';
  const reason = random.pick(random.once(40) ? BAD_REASONS : REASONS);
  return `${version} ${status}${reason}${lineEnd(random)}${generateRest(random)}`;
}

/** Fields in any order, and a body as they say, or not. */
function generateRest(random: Random): string {
  const fields: string[] = [];
  for (let i = random.below(4); i > 0; i--) fields.push(random.pick(random.once(40) ? BAD_FIELDS : FIELDS));
  let body = '';
  const framing = random.below(4);
  if (framing === 0) {
    body = 'GET / HTTP/1.1\r\n\r\n'.slice(0, random.below(18));
    const length = random.once(30) ? body.length + random.below(5) - 2 : body.length;
    fields.push(`Content-Length: ${length}`);
  } else if (framing === 1) {
    fields.push(random.once(200) ? 'Transfer-Encoding: chunked\t' : random.pick(CHUNKED));
    body = generateChunks(random);
  }
  if (random.once(15)) fields.push(random.pick(BAD_FRAMING));
  if (random.once(2)) fields.reverse();
  return fields.map((field) => field + lineEnd(random)).join('') + lineEnd(random) + body;
}

function extension(random: Random): string {
  if (!random.once(4)) return '';
  return random.pick(random.once(12) ? BAD_EXTENSIONS : EXTENSIONS);
}

function lineEnd(random: Random): string {
  return random.once(120) ? random.pick(LINE_ENDS) : '\r\n';
}
