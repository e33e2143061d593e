// A gateway inside another program that listens with TLS, on real sockets.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, test, type TestContext } from 'node:test';
import type { Listening, TlsOption } from '../src/embedded/index.ts';
import type { TlsCertificate } from '../src/gateway/ports.ts';
import { cleanUp, echo, embed, makeKey } from './embedded.fixture.ts';
import { createCertificate } from './harness/certificates.ts';
import { openHttp2Session } from './harness/http2-session.ts';
import { DEFAULT, open, SHOP, shownTo, WILD } from './tls.fixture.ts';

afterEach(cleanUp);

const API = createCertificate(['api.test']);

const toPair = ({ certificate, key }: TlsCertificate) => ({ cert: certificate, key });

async function listenWith(tls: TlsOption): Promise<Listening & { readonly text: string }> {
  const { url } = await echo();
  const { text, entry } = makeKey();
  const gateway = embed({ upstream: url, keys: [entry] });
  return { ...(await gateway.listen({ port: 0, host: '127.0.0.1', tls })), text };
}

/** What is answered over HTTP/1.1. */
async function askOver(t: TestContext, port: number, request: string): Promise<string> {
  const socket = await open(t, port, { servername: 'api.test', ca: API.certificate, rejectUnauthorized: true });
  socket.write(request);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

describe('a gateway that listens with TLS', () => {
  test('speaks HTTP/1.1, with keys as without TLS', async (t) => {
    const { port, text } = await listenWith(toPair(API));
    const head = 'GET /a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n';
    assert.match(await askOver(t, port, `${head}\r\n`), /^HTTP\/1\.1 401 /);
    const passed = await askOver(t, port, `${head}X-API-Key: ${text}\r\n\r\n`);
    assert.match(passed, /^HTTP\/1\.1 200 /);
    assert.match(passed, /"x-forwarded-proto":"https"/);
  });

  test('speaks HTTP/2', async (t) => {
    const { port, text } = await listenWith(toPair(API));
    const session = await openHttp2Session(t, port, API.certificate);
    const stream = session.request({ ':path': '/a', 'x-api-key': text });
    const [headers] = (await once(stream, 'response')) as [Readonly<Record<string, unknown>>];
    assert.equal(headers[':status'], 200);
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    assert.match(body, /"url":"\/a"/);
  });

  test('speaks nothing without TLS on that port', async () => {
    const { port } = await listenWith(toPair(API));
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });

  test('shows one pair to everybody, also as files are read', async (t) => {
    const { port } = await listenWith({ cert: Buffer.from(API.certificate), key: Buffer.from(API.key) });
    for (const name of ['api.test', 'other.test', undefined])
      assert.equal(await shownTo(t, port, name), 'DNS:api.test');
  });

  test('chooses of several by the name that is asked for, and the first for all other names', async (t) => {
    const { port } = await listenWith([DEFAULT, SHOP, WILD].map(toPair));
    assert.equal(await shownTo(t, port, 'www.shop.test'), 'DNS:shop.test, DNS:www.shop.test');
    assert.equal(await shownTo(t, port, 'a.wild.test'), 'DNS:*.wild.test');
    assert.equal(await shownTo(t, port, 'other.test'), 'DNS:fallback.test');
  });

  test('shows new connections new certificates, and keeps the old ones when the new are wrong', async (t) => {
    const { port, setCertificates } = await listenWith(toPair(API));
    assert.throws(() => setCertificates({ ...toPair(SHOP), key: API.key }), {
      faults: ['tls.key: is not the key of tls.cert'],
    });
    assert.equal(await shownTo(t, port, 'api.test'), 'DNS:api.test');
    setCertificates(toPair(SHOP));
    assert.equal(await shownTo(t, port, 'shop.test'), 'DNS:shop.test, DNS:www.shop.test');
  });

  test('takes certificates only where it was opened with some', async () => {
    const { url } = await echo();
    const { setCertificates } = await embed({ upstream: url, open: true }).listen({ port: 0, host: '127.0.0.1' });
    assert.throws(() => setCertificates(toPair(API)), /opened without it/);
  });

  test('is told whole what is wrong, and listens nowhere', async () => {
    const { url } = await echo();
    const gateway = embed({ upstream: url, open: true });
    const nameless = toPair(createCertificate([], { name: 'x' }));
    const faulty: readonly [tls: unknown, faults: readonly string[]][] = [
      [true, ['listen.tls: must be { cert, key }, both PEM']],
      [[], ['listen.tls: must hold 1 to 1000 pairs of cert and key']],
      [{}, ['listen.tls.cert: must be a certificate in PEM', 'listen.tls.key: must be a private key in PEM']],
      [
        { cert: '/etc/a.crt', key: API.key, keys: 1 },
        ['listen.tls.keys: is not known; did you mean key?', 'listen.tls.cert: is not a certificate in PEM'],
      ],
      [{ cert: API.certificate, key: 'x' }, ['listen.tls.key: is not a private key in PEM without a passphrase']],
      [
        [toPair(API), { ...toPair(SHOP), key: API.key }, nameless],
        [
          'listen.tls[1].key: is not the key of listen.tls[1].cert',
          'listen.tls[2].cert: has no DNS name in its subjectAltName; only the first may do without',
        ],
      ],
    ];
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    probe.close();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    for (const [tls, faults] of faulty)
      await assert.rejects(gateway.listen({ port, host: '127.0.0.1', tls: tls as TlsOption }), { faults });
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    const typed = { port: -1, hots: 'x' } as unknown as { port: number };
    await assert.rejects(gateway.listen(typed), {
      faults: ['listen.hots: is not known; did you mean host?', 'listen.port: must be a whole number from 0 to 65535'],
    });
  });
});
