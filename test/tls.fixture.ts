// TLS on real sockets: who is shown which certificate, what is spoken afterwards, and the folder that the certificates come from.

import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { createCertificate } from './harness/certificates.ts';

export const SHOP = createCertificate(['shop.test', 'www.shop.test']);

export const WILD = createCertificate(['*.wild.test'], { name: 'wild' });

export const DEFAULT = createCertificate(['fallback.test'], { name: 'default' });

/** Shakes hands; rejects with what the handshake failed of. */
export async function open(t: TestContext, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

/** The names of the certificate that is shown. */
export async function shownTo(t: TestContext, port: number, servername?: string): Promise<string | undefined> {
  const socket = await open(t, port, servername === undefined ? {} : { servername });
  const { subjectaltname } = socket.getPeerCertificate();
  socket.end(); // Whoever asks again and again must not come to hold more connections than one address may.
  return subjectaltname;
}
