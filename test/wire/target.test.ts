// Whom a request is for: Host and the request target (RFC 9110 §7.2, RFC 9112 §3.2, RFC 3986 §3.2).

import { FAULTS } from '../../src/gateway/wire/fault.ts';
import { message, passesRequests, refusesRequests } from './rows.ts';

const GET = 'GET / HTTP/1.1';

function hosted(host: string): string {
  return message([GET, `Host: ${host}`]);
}

function targeted(target: string, method = 'GET', host = 'a'): string {
  return message([`${method} ${target} HTTP/1.1`, `Host: ${host}`]);
}

passesRequests('Host passes', [
  ...[
    ['a name', 'example.com'],
    ['a name with a port', 'example.com:8443'],
    ['the highest port', 'a:65535'],
    ['a port of leading zeros', 'a:00080'],
    ['an empty port', 'a:'],
    ['a name in upper case', 'EXAMPLE.com'],
    ['a last dot', 'example.com.'],
    ['an underscore', 'a_b.c'],
    ['an IPv4 address', '127.0.0.1:80'],
    ['percent-encoding', 'a%2Fb'],
    ['sub-delims', "!$&'()*+,;=~-"],
    ['IPv6', '[2001:db8::1]'],
    ['IPv6 with a port', '[::1]:8080'],
    ['IPv6, unspecified', '[::]'],
    ['IPv6, whole', '[0:1:2:3:4:5:6:7]'],
    ['IPv6, shortened at the end', '[1:2:3:4:5:6:7::]'],
    ['IPv6, shortened at the start', '[::2:3:4:5:6:7:8]'],
    ['IPv6 that ends as IPv4', '[::ffff:192.0.2.1]'],
    ['IPv6, whole, that ends as IPv4', '[64:ff9b:1:2:3:4:192.0.2.1]'],
  ].map(([what, host = '']) => ({ name: `RFC 3986 §3.2: ${what}`, raw: hosted(host), head: { host } })),
  { name: 'RFC 9110 §7.2: under any case of its name', raw: message([GET, 'hOST: a']), head: { host: 'a' } },
  { name: 'RFC 9112 §5: with white space around', raw: message([GET, 'Host: \t a \t']), head: { host: 'a' } },
]);

refusesRequests('Host is refused', [
  { name: 'RFC 9112 §3.2: none', raw: message([GET]), fault: FAULTS.host },
  { name: 'RFC 9112 §3.2: none, but a field like it', raw: message([GET, 'Hosts: a', 'Hos: a']), fault: FAULTS.host },
  { name: 'RFC 9112 §3.2: two', raw: message([GET, 'Host: a', 'Host: b']), fault: FAULTS.host },
  { name: 'RFC 9112 §3.2: two equal ones', raw: message([GET, 'Host: a', 'X: y', 'host: a']), fault: FAULTS.host },
  {
    name: 'RFC 9112 §3.2: two in HTTP/1.0',
    raw: message(['GET / HTTP/1.0', 'Host: a', 'Host: a']),
    fault: FAULTS.host,
  },
  { name: 'RFC 9112 §3.2: malformed in HTTP/1.0', raw: message(['GET / HTTP/1.0', 'Host: a/']), fault: FAULTS.host },
  ...[
    ['empty', ''],
    ['only a port', ':80'],
    ['user information', 'user@a'],
    ['user information and password', 'user:password@a'],
    ['a path', 'a/'],
    ['a query', 'a?b'],
    ['a fragment', 'a#b'],
    ['a scheme', 'http://a'],
    ['a backslash', 'a\\b'],
    ['a list', 'a, b'],
    ['white space inside', 'a b'],
    ['a tab inside', 'a\tb'],
    ['obs-text', 'a\xe9'],
    ['quotes', '"a"'],
    ['angles', '<a>'],
    ['braces', '{a}'],
    ['a caret', 'a^'],
    ['a bar', 'a|b'],
    ['a back quote', 'a`'],
    ['a percent sign alone', 'a%'],
    ['a percent sign with one digit', 'a%2'],
    ['a percent sign with no digits', 'a%zz'],
    ['a percent sign before the port', 'a%:80'],
    ['a port of letters', 'a:b'],
    ['a signed port', 'a:+80'],
    ['a port with white space', 'a: 80'],
    ['a port in hexadecimal', 'a:0x50'],
    ['a port above 65535', 'a:65536'],
    ['a port of six digits', 'a:000080'],
    ['two ports', 'a:80:80'],
    ['IPv6 without brackets', '::1'],
    ['an open bracket', '[::1'],
    ['a closed bracket', '::1]'],
    ['empty brackets', '[]'],
    ['brackets around a name', '[a.b]'],
    ['brackets around a word', '[abc]'],
    ['brackets around IPv4', '[127.0.0.1]'],
    ['IPv6 with a zone', '[fe80::1%25eth0]'],
    ['IPv6 of the future', '[v1.a]'],
    ['IPv6 with something after it', '[::1]a'],
    ['IPv6 with two brackets', '[[::1]]'],
    ['IPv6 with a bad port', '[::1]:x'],
    ['IPv6 of one colon', '[:]'],
    ['IPv6 of three colons', '[:::]'],
    ['IPv6 shortened twice', '[1::2::3]'],
    ['IPv6 of seven groups', '[1:2:3:4:5:6:7]'],
    ['IPv6 of nine groups', '[1:2:3:4:5:6:7:8:9]'],
    ['IPv6, whole and shortened', '[1:2:3:4:5:6:7::8]'],
    ['IPv6 with a group of five digits', '[::12345]'],
    ['IPv6 with a colon at the start', '[:1:2:3:4:5:6:7]'],
    ['IPv6 with a colon at the end', '[1:2:3:4:5:6:7:]'],
    ['IPv6 with IPv4 in the middle', '[::1.2.3.4:5]'],
    ['IPv6 with IPv4 above 255', '[::1.2.3.256]'],
    ['IPv6 with IPv4 of leading zeros', '[::1.2.3.04]'],
    ['IPv6 with a short IPv4', '[::1.2.3]'],
  ].map(([what, host = '']) => ({ name: `RFC 3986 §3.2: ${what}`, raw: hosted(host), fault: FAULTS.host })),
]);

passesRequests('a target passes', [
  ...[
    '/',
    '/a/b/../c/./d',
    '//a//b',
    '/?',
    '/a?b=c&d=/?x:@',
    '/%2e%2E/%00',
    '/%zz',
    '/a:b@c',
    '/*',
    '/"<>[\\]^`{|}~',
    "/!$&'()*+,;=",
    '/http://b/c',
  ].map((target) => ({
    name: `RFC 9112 §3.2.1: origin form, byte for byte: ${target}`,
    raw: targeted(target),
    head: { target },
  })),
  { name: 'RFC 9112 §3.2.4: * for OPTIONS', raw: targeted('*', 'OPTIONS'), head: { target: '*' } },
  ...(
    [
      ['http://a/b?c=/d', '/b?c=/d'],
      ['HTTP://A/b', '/b'],
      ['https://a/', '/'],
      ['http://a', '/'],
      ['http://a?b', '/?b'],
      ['http://a//b', '//b'],
    ] as const
  ).map(([form, target]) => ({
    name: `RFC 9112 §3.2.2: absolute form becomes origin form: ${form}`,
    raw: targeted(form),
    head: { target, host: 'a' },
  })),
  {
    name: 'RFC 9112 §3.2.2: absolute form of IPv6 with a port',
    raw: targeted('http://[::1]:80/b', 'GET', '[::1]:80'),
    head: { target: '/b' },
  },
  {
    name: 'RFC 9112 §3.2.4: OPTIONS of an absolute form without path becomes *',
    raw: targeted('http://a', 'OPTIONS'),
    head: { target: '*' },
  },
  {
    name: 'RFC 9112 §3.2.4: OPTIONS of an absolute form with a path keeps it',
    raw: targeted('http://a/', 'OPTIONS'),
    head: { target: '/' },
  },
  {
    name: 'RFC 9112 §3.2.4: OPTIONS of an absolute form with a query keeps it',
    raw: targeted('http://a?b', 'OPTIONS'),
    head: { target: '/?b' },
  },
  {
    name: 'RFC 9112 §3.2.2: HTTP/1.0 without Host takes the authority of an absolute form as Host',
    raw: message(['GET http://a:81/b HTTP/1.0', 'X: y']),
    head: { target: '/b', host: 'a:81', headers: ['X', 'y', 'Host', 'a:81'] },
  },
]);

refusesRequests('a target is refused', [
  { name: 'RFC 9112 §3.2: a space', raw: targeted('/a b'), fault: FAULTS.startLine },
  {
    name: 'RFC 9112 §3.2: a space and something like a version',
    raw: targeted('/a HTTP/1.1'),
    fault: FAULTS.startLine,
  },
  { name: 'RFC 9112 §3.2: a tab', raw: targeted('/a\tb'), fault: FAULTS.target },
  { name: 'RFC 3986 §3.5: a fragment', raw: targeted('/a#b'), fault: FAULTS.target },
  { name: 'RFC 3986 §2: an octet above ASCII', raw: targeted('/\xc3\xa9'), fault: FAULTS.target },
  { name: 'RFC 3986 §2: DEL', raw: targeted('/\x7f'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2: no slash', raw: targeted('a/b'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2: only a query', raw: targeted('?a'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2: a backslash for the slash', raw: targeted('\\a'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2.3: authority form without CONNECT', raw: targeted('a:443'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2.4: * for GET', raw: targeted('*'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2.4: ** for OPTIONS', raw: targeted('**', 'OPTIONS'), fault: FAULTS.target },
  { name: 'RFC 9112 §3.2.4: *? for OPTIONS', raw: targeted('*?a', 'OPTIONS'), fault: FAULTS.target },
  ...[
    'ftp://a/',
    'ws://a/',
    'file:///a',
    'http:/a',
    'http:a',
    'http://',
    'http:///a',
    'http://?a',
    'http://u@a/',
    'http://a:x/',
    'http://a:65536/',
    'http://[::1/',
    'http://[a.b]/',
    'http://a\\b/',
    'http://a%/',
    'javascript:x',
  ].map((target) => ({ name: `RFC 9112 §3.2.2: ${target}`, raw: targeted(target), fault: FAULTS.target })),
  ...['http://b/', 'http://a.b/', 'http://a:80/', 'http://[::1]/'].map((target) => ({
    name: `RFC 9112 §3.2.2: ${target} beside another Host`,
    raw: targeted(target),
    fault: FAULTS.host,
  })),
  {
    name: 'RFC 9112 §3.2: absolute form without Host in HTTP/1.1',
    raw: message(['GET http://a/ HTTP/1.1']),
    fault: FAULTS.host,
  },
]);
