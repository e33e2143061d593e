// The data plane on real sockets, between a client that counts bytes and upstreams that misbehave. Knows nothing of the engine
// behind `listen`: whatever moves the bytes has to hold all of this.

import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { METHODS } from '../src/gateway/router.ts';
import type { EndpointConfig } from '../src/gateway/snapshot.ts';
import {
  createEndpoint,
  createGateway,
  createKey,
  type DataPlane,
  type DataPlaneOptions,
  openWire,
  startDataPlane,
  type Wire,
} from './harness/data-plane.ts';
import { type RawUpstream, startRawUpstream, startUpstream, type Upstream } from './harness/upstream.ts';

export const KEY = createKey();

export const WITH_KEY = [{ name: 'api-key', config: {} }];

export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Longer than anything here takes, and shorter than a test may. */
const TIMEOUT_MS = 20_000;

/** Every path of every method leads to the upstream: `/open/…` freely, all else with a key. */
export async function startBefore(
  t: TestContext,
  url: string,
  { timeoutMs = TIMEOUT_MS, ...options }: { readonly timeoutMs?: number } & Partial<DataPlaneOptions> = {},
): Promise<DataPlane> {
  const endpoints: EndpointConfig[] = METHODS.flatMap((method) => [
    createEndpoint({ method, path: '/open/*', timeoutMs }),
    createEndpoint({ method, timeoutMs, policies: WITH_KEY }),
  ]);
  const plane = await startDataPlane({ gateways: [createGateway(url, { endpoints })], keys: [KEY], ...options });
  t.after(() => plane.close());
  return plane;
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

export async function open(t: TestContext, plane: DataPlane): Promise<Wire> {
  const wire = await openWire(plane.port);
  t.after(() => wire.socket.destroy());
  return wire;
}

export const answerOk = (socket: Socket): void => void socket.write(OK);

export function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: api.test', ...headers, '', ''].join('\r\n');
}

/** Gives everybody else so many turns. */
export async function yieldTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve));
}
