// TLS between caller and gateway.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { EdgeLimits } from '../src/gateway/edge/limits.ts';
import type { TlsCertificate } from '../src/gateway/ports.ts';
import { createCertificate } from './harness/certificates.ts';
import { ask, createGateway, type DataPlane, startDataPlane } from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';
import { DEFAULT, SHOP, WILD, open, shownTo } from './tls.fixture.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

interface TlsPlane extends DataPlane {
  readonly tlsPort: number;
  readonly heads: readonly string[];
}

async function startPlane(
  t: TestContext,
  certificates: readonly TlsCertificate[],
  limits: Partial<EdgeLimits> = {},
  trustedProxies: readonly string[] = [],
): Promise<TlsPlane> {
  const upstream = await startRawUpstream((socket) => void socket.write(OK));
  const plane = await startDataPlane({
    gateways: [createGateway(upstream.url)],
    edge: { limits, tls: { port: 0, certificates } },
    trustedProxies,
  });
  t.after(async () => {
    await plane.close();
    await upstream.close();
  });
  const { tlsPort } = plane.listener;
  assert.ok(tlsPort !== undefined);
  return { ...plane, tlsPort, heads: upstream.heads };
}

async function failureOf(t: TestContext, port: number, options: ConnectionOptions): Promise<string> {
  return open(t, port, options).then(
    () => 'no failure',
    (cause: unknown) => (cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)),
  );
}

async function askOver(socket: Socket, path = '/', host = 'shop.test'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  let answer = '';
  while (!answer.endsWith('\r\n\r\nok')) {
    const [chunk]: unknown[] = await once(socket, 'data');
    answer += String(chunk);
  }
  return answer;
}

describe('a certificate', () => {
  const shown: readonly [servername: string | undefined, names: string][] = [
    ['shop.test', 'DNS:shop.test, DNS:www.shop.test'],
    ['WWW.Shop.test', 'DNS:shop.test, DNS:www.shop.test'],
    ['a.wild.test', 'DNS:*.wild.test'],
    ['a.b.wild.test', 'DNS:fallback.test'],
    ['wild.test', 'DNS:fallback.test'],
    ['other.test', 'DNS:fallback.test'],
    [undefined, 'DNS:fallback.test'],
  ];
  for (const [servername, names] of shown) {
    test(`is chosen by the name that the caller asks for: ${servername}`, async (t) => {
      const { tlsPort } = await startPlane(t, [SHOP, WILD, DEFAULT]);
      assert.equal(await shownTo(t, tlsPort, servername), names);
    });
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`is not shown to who asks for an unknown name without a default one (${version})`, async (t) => {
      const { tlsPort } = await startPlane(t, [SHOP]);
      const failure = await failureOf(t, tlsPort, { servername: 'other.test', maxVersion: version });
      assert.equal(failure, 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
      assert.equal(await shownTo(t, tlsPort, 'shop.test'), 'DNS:shop.test, DNS:www.shop.test');
    });
  }

  test('is not shown to who asks for no name without a default one', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    assert.match(await failureOf(t, tlsPort, {}), /HANDSHAKE_FAILURE/);
  });

  test('of two for one name is the one that lasts longer', async (t) => {
    const later = createCertificate(['shop.test', 'renewed.test'], { name: 'a', expiresAtMs: SHOP.expiresAtMs + 1e6 });
    const { tlsPort } = await startPlane(t, [later, SHOP]);
    assert.equal(await shownTo(t, tlsPort, 'shop.test'), 'DNS:shop.test, DNS:renewed.test');
  });

  test('that is replaced is shown to new connections, and those that stand go on', async (t) => {
    const { listener, tlsPort } = await startPlane(t, [SHOP, DEFAULT]);
    const old = await open(t, tlsPort, { servername: 'shop.test' });
    await askOver(old);
    listener.setCertificates([
      createCertificate(['shop.test', 'new.test']),
      createCertificate(['newer.test'], { name: 'default' }),
    ]);
    assert.equal(await shownTo(t, tlsPort, 'shop.test'), 'DNS:shop.test, DNS:new.test');
    assert.equal(await shownTo(t, tlsPort), 'DNS:newer.test');
    assert.match(await askOver(old), /^HTTP\/1\.1 200 /);
  });
});

describe('a handshake', () => {
  test('with less than TLS 1.2 is refused', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    // The client's own library would refuse too, at its usual level.
    const options = { servername: 'shop.test', ciphers: 'DEFAULT@SECLEVEL=0' };
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const failure = await failureOf(t, tlsPort, { ...options, minVersion: version, maxVersion: version });
      assert.equal(failure, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    }
  });

  test('without forward secrecy or authenticated encryption is refused', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384']) {
      const failure = await failureOf(t, tlsPort, { servername: 'shop.test', maxVersion: 'TLSv1.2', ciphers });
      assert.match(failure, /HANDSHAKE_FAILURE/, ciphers);
    }
  });

  const agreed: readonly [offered: readonly string[], spoken: string | false][] = [
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [[], false],
  ];
  for (const [offered, spoken] of agreed) {
    test(`agrees on ${spoken} with who offers ${offered.join(', ') || 'nothing'}`, async (t) => {
      const { tlsPort } = await startPlane(t, [SHOP]);
      const socket = await open(t, tlsPort, { servername: 'shop.test', ALPNProtocols: [...offered] });
      assert.equal(socket.alpnProtocol, spoken);
    });
  }

  test('with who speaks neither is refused', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    const failure = await failureOf(t, tlsPort, { servername: 'shop.test', ALPNProtocols: ['spdy/3'] });
    assert.match(failure, /NO_APPLICATION_PROTOCOL/);
  });

  test('that does not come ends, and counts as a connection until then', async (t) => {
    const { tlsPort, port } = await startPlane(t, [SHOP], { headTimeoutMs: 300, connections: 1 });
    const silent = connectTcp(tlsPort, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    await once(silent, 'connect');
    const ended = once(silent, 'close');
    for (const other of [port, tlsPort]) {
      const turnedAway = connectTcp(other, '127.0.0.1');
      turnedAway.on('error', () => undefined).resume();
      await once(turnedAway, 'close');
    }
    await ended;
    // The place is free again as soon as the server has heard of its own closing.
    for (;;) {
      const failure = await failureOf(t, tlsPort, { servername: 'shop.test' });
      if (failure === 'no failure') break;
    }
  });

  test('that is nonsense ends that connection alone', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    const socket = connectTcp(tlsPort, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await once(socket, 'close');
    assert.match(await askOver(await open(t, tlsPort, { servername: 'shop.test' })), /^HTTP\/1\.1 200 /);
  });
});

describe('HTTP/1.1 over TLS', () => {
  test('is the same as without, and tells the upstream that it was https', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test', ALPNProtocols: ['http/1.1'] });
    for (let i = 0; i < 3; i++) assert.match(await askOver(socket, `/${i}`), /^HTTP\/1\.1 200 /);
    for (const head of plane.heads) assert.match(head, /\r\nx-forwarded-proto: https\r\n/);
    assert.equal((await ask(plane.port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')).status, 200);
    assert.match(plane.heads[3] ?? '', /\r\nx-forwarded-proto: http\r\n/);
    assert.equal((await plane.sink.wait(4)).length, 4);
  });

  // RFC 9110 §7.4: whether the request belongs on the connection, by the name that was asked for and the certificate that was shown.
  const hosts: readonly [servername: string | undefined, host: string, status: number][] = [
    ['shop.test', 'shop.test', 200],
    ['shop.test', 'SHOP.test:8443', 200],
    ['shop.test', 'www.shop.test', 200],
    ['shop.test', 'a.wild.test', 421],
    ['shop.test', 'fallback.test', 421],
    ['shop.test', '127.0.0.1', 421],
    ['shop.test', 'shop.test.evil.test', 421],
    ['a.wild.test', 'b.wild.test', 200],
    ['a.wild.test', 'wild.test', 421],
    ['a.wild.test', 'a.b.wild.test', 421],
    ['other.test', 'other.test', 200],
    ['other.test', 'fallback.test', 200],
    ['other.test', 'another.test', 421],
    [undefined, 'fallback.test', 200],
    [undefined, '127.0.0.1:8443', 200],
    [undefined, '[::1]:8443', 200],
    [undefined, 'shop.test', 421],
  ];
  for (const [servername, host, status] of hosts) {
    test(`is ${status} for ${host} on a connection that was made for ${servername ?? 'an address'}`, async (t) => {
      const plane = await startPlane(t, [SHOP, WILD, DEFAULT]);
      const socket = await open(t, plane.tlsPort, servername === undefined ? {} : { servername });
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const [chunk]: unknown[] = await once(socket, 'data');
      assert.match(String(chunk), new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(plane.heads.length, status === 200 ? 1 : 0);
      assert.equal((await plane.sink.wait(1))[0]?.status, status);
    });
  }

  test('is for any host with a certificate that names none', async (t) => {
    const plane = await startPlane(t, [createCertificate([])]);
    assert.match(await askOver(await open(t, plane.tlsPort, {}), '/', 'any.test'), /^HTTP\/1\.1 200 /);
  });

  test('may bring requests for any host from a trusted proxy', async (t) => {
    const plane = await startPlane(t, [SHOP], {}, ['127.0.0.1']);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test' });
    assert.match(await askOver(socket, '/', 'other.test'), /^HTTP\/1\.1 200 /);
  });

  test('tells the upstream the port that the caller asked at, and the one they reached when they name no host', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test' });
    await askOver(socket);
    await askOver(socket, '/', `shop.test:${plane.tlsPort}`);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    await once(socket, 'close');
    const told = plane.heads.map((head) => /\r\nx-forwarded-port: (\d+)/.exec(head)?.[1]);
    assert.deepEqual(told, ['443', String(plane.tlsPort), String(plane.tlsPort)]);
  });

  test('is as strict as without', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test' });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    const [chunk]: unknown[] = await once(socket, 'data');
    assert.match(String(chunk), /^HTTP\/1\.1 400 /);
    await once(socket, 'close');
    assert.deepEqual(plane.heads, []);
  });

  test('drains: idle connections and handshakes under way end at once', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const idle = await open(t, plane.tlsPort, { servername: 'shop.test' });
    await askOver(idle);
    const silent = connectTcp(plane.tlsPort, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    await once(silent, 'connect');
    await open(t, plane.tlsPort, { servername: 'shop.test' }); // By now the server has taken the silent one, too.
    const ends = [once(idle, 'close'), once(silent, 'close')];
    await plane.listener.drain();
    await Promise.all(ends);
  });
});
