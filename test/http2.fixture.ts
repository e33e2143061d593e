// HTTP/2 on real sockets: Node's own client where behaviour is good, frames written by hand where it is not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { METHODS } from '../src/gateway/router.ts';
import type { ExchangeRecord } from '../src/gateway/ports.ts';
import { createCertificate } from './harness/certificates.ts';
import {
  createEndpoint,
  createGateway,
  createKey,
  type DataPlane,
  type DataPlaneOptions,
  startDataPlane,
} from './harness/data-plane.ts';
import { openHttp2Session } from './harness/http2-session.ts';
import { type Http2Wire, openHttp2Wire } from './harness/http2-wire.ts';
import { type RawUpstream, startRawUpstream, startUpstream, type Upstream } from './harness/upstream.ts';

export const CERTIFICATE = createCertificate(['api.test']);

export const KEY = createKey();

const WITH_KEY = [{ name: 'api-key', config: {} }];

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

export interface Http2Plane extends DataPlane {
  readonly tlsPort: number;
}

/** Every path leads to the upstream: `/private` with a key, all else freely. */
export async function startBefore(
  t: TestContext,
  url: string,
  { edge, ...options }: Partial<DataPlaneOptions> = {},
): Promise<Http2Plane> {
  const endpoints = METHODS.flatMap((method) => [
    createEndpoint({ method }),
    createEndpoint({ method, path: '/private', policies: WITH_KEY }),
  ]);
  const plane = await startDataPlane({
    gateways: [createGateway(url, { endpoints })],
    keys: [KEY],
    edge: { tls: { port: 0, certificates: [CERTIFICATE] }, ...edge },
    ...options,
  });
  t.after(async () => {
    await plane.close();
    assert.deepEqual(plane.defects, []);
  });
  const { tlsPort } = plane.listener;
  assert.ok(tlsPort !== undefined);
  return { ...plane, tlsPort };
}

export async function startRaw(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const upstream = await startRawUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

export async function startGood(t: TestContext, answer: Parameters<typeof startUpstream>[0]): Promise<Upstream> {
  const upstream = await startUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

export const answerOk = (socket: Socket): void => void socket.write(OK);

export function openSession(t: TestContext, { tlsPort }: Http2Plane): Promise<ClientHttp2Session> {
  return openHttp2Session(t, tlsPort, CERTIFICATE.certificate);
}

export async function openWire(t: TestContext, { tlsPort }: Http2Plane): Promise<Http2Wire> {
  const wire = await openHttp2Wire({ port: tlsPort, servername: 'api.test', ca: CERTIFICATE.certificate });
  t.after(() => wire.socket.destroy());
  return wire;
}

export interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export async function readAnswer(stream: ClientHttp2Stream): Promise<Answer> {
  const head = once(stream, 'response');
  const body = buffer(stream);
  const [, , raw] = await head;
  const headers: string[] = raw;
  return { status: Number(headers[1]), headers: headers.slice(2), body: await body };
}

/** A request of Node's client: its fields as a list, so that order and duplicates are the test's. */
export function ask(session: ClientHttp2Session, path: string, ...fields: readonly string[]): Promise<Answer> {
  return readAnswer(session.request(toFields('GET', path, fields), { endStream: true }));
}

export function toFields(method: string, path: string, fields: readonly string[] = []): string[] {
  return [':method', method, ':scheme', 'https', ':authority', 'api.test', ':path', path, ...fields];
}

export async function yieldTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve));
}

export const statusesOf = (records: readonly ExchangeRecord[]): number[] => records.map(({ status }) => status);
