// Node's own HTTP/2 client before a data plane whose certificate nobody else trusts.

import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';

/** Resolves when the two sides have said what they agree to; `ca` is the certificate, for `api.test`. */
export async function openHttp2Session(
  t: TestContext,
  port: number | undefined,
  ca: string,
): Promise<ClientHttp2Session> {
  const session = connect('https://api.test', {
    createConnection: () => connectTls({ host: '127.0.0.1', port, servername: 'api.test', ca, ALPNProtocols: ['h2'] }),
  });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}
