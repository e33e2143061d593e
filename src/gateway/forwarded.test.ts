import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExchange, type FakeHead, toList, valuesOf } from '../../test/harness/data-plane.ts';
import { createIpMatcher } from '../lib/ip-range.ts';
import { resolveClientAddress, toAddedForwardingLines } from './forwarded.ts';

const PROXY = '10.0.0.1';
const isTrusted = createIpMatcher(['10.0.0.0/8', 'fd00::/8']);

describe('the client of a trusted proxy', () => {
  const table: readonly [what: string, headers: readonly string[], client: string][] = [
    ['is the proxy where it says nothing', [], PROXY],
    ['is whom it names', ['X-Forwarded-For', '203.0.113.9'], '203.0.113.9'],
    [
      'is the right-most who is not trusted',
      ['X-Forwarded-For', '127.0.0.1, 203.0.113.9,10.1.1.1 , 10.2.2.2'],
      '203.0.113.9',
    ],
    [
      'is found over several fields',
      ['x-forwarded-for', '1.1.1.1', 'A', 'b', 'X-FORWARDED-FOR', '2.2.2.2, 10.9.9.9'],
      '2.2.2.2',
    ],
    ['is the farthest where all are trusted', ['X-Forwarded-For', '10.3.3.3, 10.2.2.2'], '10.3.3.3'],
    ['is told without the port', ['X-Forwarded-For', '203.0.113.9:4711'], '203.0.113.9'],
    ['may have an IPv6 address', ['X-Forwarded-For', '2001:db8::1, fd00::2'], '2001:db8::1'],
    ['may have an IPv6 address in brackets', ['X-Forwarded-For', '[2001:db8::1]'], '2001:db8::1'],
    ['may have an IPv6 address with a port', ['X-Forwarded-For', '[2001:db8::1]:4711'], '2001:db8::1'],
    ['is told as IPv4 where it was mapped', ['X-Forwarded-For', '::ffff:203.0.113.9'], '203.0.113.9'],
    ['is whoever wrote what is no address', ['X-Forwarded-For', '203.0.113.9, unknown'], PROXY],
    ['is whoever wrote what is no address, farther off', ['X-Forwarded-For', '1.1.1.1, _hidden, 10.2.2.2'], '10.2.2.2'],
    ['is not looked for behind an empty bracket', ['X-Forwarded-For', '1.1.1.1, []'], PROXY],
    ['is not looked for behind an open bracket', ['X-Forwarded-For', '1.1.1.1, [::1'], PROXY],
    ['is read from Forwarded', ['Forwarded', 'for=203.0.113.9;proto=https, for=10.2.2.2'], '203.0.113.9'],
    ['is read from Forwarded in quotes', ['Forwarded', 'proto=http; For="[2001:db8::1]:4711";by=_x'], '2001:db8::1'],
    [
      'is read from Forwarded past commas in quotes',
      ['Forwarded', 'for=1.1.1.1, for=2.2.2.2;host="a,for=3.3.3.3\\", b"'],
      '2.2.2.2',
    ],
    ['is the proxy where Forwarded names nobody', ['Forwarded', 'for=1.1.1.1, proto=http'], PROXY],
    ['is the proxy where Forwarded is malformed', ['Forwarded', 'for=1.1.1.1;;for'], PROXY],
    ['is the proxy where Forwarded does not end', ['Forwarded', 'for="1.1.1.1'], PROXY],
    [
      'is whom X-Forwarded-For names, whatever Forwarded says',
      ['Forwarded', 'for=127.0.0.1', 'X-Forwarded-For', '203.0.113.9'],
      '203.0.113.9',
    ],
  ];
  for (const [what, headers, client] of table) {
    test(what, () => assert.equal(resolveClientAddress(headers, PROXY, isTrusted), client));
  }

  test('is not looked for behind more proxies than anybody has', () => {
    const chain = ['203.0.113.9', ...Array.from({ length: 1000 }, (_, i) => `10.0.1.${i % 250}`)];
    const client = resolveClientAddress(['X-Forwarded-For', chain.join(',')], PROXY, isTrusted);
    assert.ok(client.startsWith('10.0.1.'));
  });
});

function told(headers: readonly string[], isPeerTrusted: boolean, differences: FakeHead = {}): string[] {
  const { exchange } = createExchange({ headers, ...differences });
  const { origin, host } = exchange;
  return toList(isPeerTrusted ? toAddedForwardingLines(origin, headers, host) : origin.forwardingLines(host));
}

const inOrder = (parts: Readonly<Record<string, string>>): string[] => Object.entries(parts).flat();

describe('an upstream is told', () => {
  const forged = ['X-Forwarded-For', '127.0.0.1', 'Forwarded', 'for=127.0.0.1', 'X-Forwarded-Proto', 'https'];

  test('what we see, and nothing of what a caller says', () => {
    assert.deepEqual(
      told(['Host', 'api.test', ...forged, 'X-Forwarded-Host', 'evil', 'X-Forwarded-Port', '1'], false),
      inOrder({
        'x-forwarded-for': '192.0.2.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'api.test',
        'x-forwarded-port': '80',
        forwarded: 'for=192.0.2.1;proto=http;host=api.test',
      }),
    );
  });

  const places: readonly [host: string, scheme: 'http' | 'https', port: string, quoted: string][] = [
    ['api.test', 'https', '443', 'api.test'],
    ['api.test:8080', 'http', '8080', '"api.test:8080"'],
    ['[2001:db8::1]', 'http', '80', '"[2001:db8::1]"'],
    ['[2001:db8::1]:8443', 'https', '8443', '"[2001:db8::1]:8443"'],
    ['api.test:', 'http', '80', '"api.test:"'],
    ['a"b\\c', 'http', '80', String.raw`"a\"b\\c"`],
  ];
  for (const [host, scheme, port, quoted] of places) {
    test(`the port and the host in quotes where it needs them: ${scheme}, ${host}`, () => {
      const list = told(['Host', host], false, { scheme });
      assert.deepEqual(valuesOf(list, 'x-forwarded-port'), [port]);
      assert.deepEqual(valuesOf(list, 'forwarded'), [`for=192.0.2.1;proto=${scheme};host=${quoted}`]);
    });
  }

  test('of an IPv6 caller in brackets and quotes', () => {
    const list = told([], false, { peerAddress: '2001:db8::7' });
    assert.deepEqual(
      list,
      inOrder({
        'x-forwarded-for': '2001:db8::7',
        'x-forwarded-proto': 'http',
        'x-forwarded-port': '8080',
        forwarded: 'for="[2001:db8::7]";proto=http',
      }),
    );
  });

  test('that nothing is known of a caller without an address', () => {
    assert.deepEqual(valuesOf(told([], false, { peerAddress: '' }), 'forwarded'), ['for=unknown;proto=http']);
  });

  test('what a trusted proxy says, and what we see after it', () => {
    const said = ['X-Forwarded-For', '203.0.113.9', 'x-forwarded-for', '10.2.2.2', 'X-Forwarded-Proto', 'https'];
    assert.deepEqual(
      told(['Host', 'inner', ...said, 'X-Forwarded-Host', 'outer.test'], true, { peerAddress: PROXY }),
      inOrder({
        'x-forwarded-for': '203.0.113.9, 10.2.2.2, 10.0.0.1',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'outer.test',
        'x-forwarded-port': '443',
        forwarded: 'for=203.0.113.9, for=10.2.2.2, for=10.0.0.1;proto=http;host=inner',
      }),
    );
  });

  const lists: readonly [what: string, headers: readonly string[], xForwardedFor: string, forwarded: string][] = [
    ['begins with us where a trusted proxy says nothing', [], PROXY, `for=${PROXY};proto=http`],
    [
      'keeps Forwarded where it agrees',
      ['X-Forwarded-For', '2001:DB8::1', 'Forwarded', 'for="[2001:DB8::1]";proto=https;by=_edge'],
      `2001:DB8::1, ${PROXY}`,
      `for="[2001:DB8::1]";proto=https;by=_edge, for=${PROXY};proto=http`,
    ],
    [
      'drops a Forwarded that the proxy only let pass',
      ['X-Forwarded-For', '203.0.113.9', 'Forwarded', 'for=127.0.0.1;host=evil'],
      `203.0.113.9, ${PROXY}`,
      `for=203.0.113.9, for=${PROXY};proto=http`,
    ],
    ['drops a Forwarded that is malformed', ['Forwarded', 'for="127.0.0.1'], PROXY, `for=${PROXY};proto=http`],
    [
      'makes X-Forwarded-For of Forwarded',
      ['Forwarded', 'for=203.0.113.9, for="[2001:db8::1]:80", for=_x'],
      `203.0.113.9, 2001:db8::1, unknown, ${PROXY}`,
      `for=203.0.113.9, for="[2001:db8::1]:80", for=_x, for=${PROXY};proto=http`,
    ],
    [
      'quotes what is no address',
      ['X-Forwarded-For', 'a b";host=evil, 1.2.3.4:80'],
      `a b";host=evil, 1.2.3.4:80, ${PROXY}`,
      String.raw`for="a b\";host=evil", for=1.2.3.4, for=10.0.0.1;proto=http`,
    ],
  ];
  for (const [what, headers, xForwardedFor, forwarded] of lists) {
    test(`in a list that ${what}`, () => {
      const list = told(headers, true, { peerAddress: PROXY });
      assert.deepEqual(valuesOf(list, 'x-forwarded-for'), [xForwardedFor]);
      assert.deepEqual(valuesOf(list, 'forwarded'), [forwarded]);
    });
  }
});
