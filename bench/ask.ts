// One request as the load sends it, with its answer read whole: to see that a contestant does its work before it is measured.

import { connect as connectHttp2, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { checkServerIdentity, type PeerCertificate, TLSSocket } from 'node:tls';

/** Also on a machine that is busy with other things. */
const TIMEOUT_MS = 30_000;
/** Whom the certificate names. Asked for is the address, as every load does: a request for it would not belong on a connection to the name. */
const NAME = 'localhost';
const identity = {
  checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkServerIdentity(NAME, certificate),
};

export interface Question {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM: whom an `https:` address has to show. */
  readonly certificate: string;
}

export interface Answer {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** `TLSv1.3`, or undefined without TLS. */
  readonly tlsVersion: string | undefined;
}

/** Over HTTP/1.1. */
export async function ask({ url, method, headers, body, certificate }: Question): Promise<Answer> {
  const lengths = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { method, headers: { ...headers, ...lengths }, signal: AbortSignal.timeout(TIMEOUT_MS) };
  const request = url.startsWith('https:')
    ? requestHttps(url, { ...options, ca: certificate, ...identity, agent: false })
    : requestHttp(url, { ...options, agent: false });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject).end(body);
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await text(response),
    tlsVersion: response.socket instanceof TLSSocket ? (response.socket.getProtocol() ?? undefined) : undefined,
  };
}

/** Over HTTP/2, without a body. */
export async function askHttp2({ url, method, headers, certificate }: Question): Promise<Answer> {
  const { origin, pathname } = new URL(url);
  const session = connectHttp2(origin, { ca: certificate, ...identity });
  try {
    const stream = session.request({ ':method': method, ':path': pathname, ...headers });
    const answered = await new Promise<IncomingHttpHeaders & IncomingHttpStatusHeader>((resolve, reject) => {
      session.once('error', reject).setTimeout(TIMEOUT_MS, () => reject(new Error('no answer')));
      stream.once('response', resolve).once('error', reject);
    });
    const body = await text(stream);
    const { socket } = session;
    return {
      status: Number(answered[':status']),
      headers: answered,
      body,
      tlsVersion: socket instanceof TLSSocket ? (socket.getProtocol() ?? undefined) : undefined,
    };
  } finally {
    session.destroy();
  }
}
