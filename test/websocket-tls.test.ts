// WebSockets to upstreams behind TLS: each side ends for itself, as without TLS.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import {
  createServer,
  getCACertificates,
  setDefaultCACertificates,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { createCertificate } from './harness/certificates.ts';
import { createGateway, openWire, startDataPlane, type Wire } from './harness/data-plane.ts';

const CERTIFICATE = createCertificate(['localhost']);
const NONCE = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1').update(`${NONCE}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;
const ASK = `GET / HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${NONCE}\r\nSec-WebSocket-Version: 13\r\n\r\n`;

/** A tunnel to an upstream of this version of TLS, which goes on as the test says once the switch is made. */
async function openTunnel(t: TestContext, version: SecureVersion, goOn: (socket: TLSSocket) => void): Promise<Wire> {
  const known = getCACertificates('default');
  setDefaultCACertificates([...known, CERTIFICATE.certificate]);
  t.after(() => setDefaultCACertificates(known));
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    { cert: CERTIFICATE.certificate, key: CERTIFICATE.key, allowHalfOpen: true, maxVersion: version },
    (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.setEncoding('latin1').once('data', () => {
        socket.write(SWITCH);
        goOn(socket);
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const plane = await startDataPlane({ gateways: [createGateway(`https://localhost:${address.port}`)] });
  const wire = await openWire(plane.port);
  t.after(async () => {
    wire.socket.destroy();
    await plane.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    assert.deepEqual(plane.failures, []);
  });
  wire.send(ASK);
  assert.match(await wire.readTo('\r\n\r\n'), /^HTTP\/1\.1 101 /);
  return wire;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`a WebSocket to an upstream with ${version}`, () => {
    test('lets the upstream go on when the caller has ended', async (t) => {
      const wire = await openTunnel(t, version, (socket) => {
        let received = '';
        socket.on('data', (text: string) => (received += text));
        socket.on('end', () => void socket.end(`got ${received}`));
      });
      wire.socket.end('all there is');
      assert.deepEqual(await wire.readRest(), { text: 'got all there is', end: 'clean' });
    });

    test('lets the caller go on when the upstream has ended', async (t) => {
      const received = Promise.withResolvers<string>();
      const wire = await openTunnel(t, version, (socket) => {
        let text = '';
        socket.on('data', (chunk: string) => (text += chunk));
        socket.on('end', () => received.resolve(text));
        socket.end('that is all');
      });
      assert.deepEqual(await wire.readRest(), { text: 'that is all', end: 'clean' });
      wire.socket.end('not from me');
      assert.equal(await received.promise, 'not from me');
    });
  });
}
