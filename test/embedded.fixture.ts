// A gateway inside another program, for tests on real sockets: keys, records, servers of others, and services that tell what they got.

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import { createGateway, type ExchangeRecord, type Gateway, type GatewayOptions } from '../src/embedded/index.ts';
import { PEPPER_OF_FILES, toKeyHash } from '../src/lib/key-hash.ts';
import { newKeyText } from '../src/lib/key-text.ts';
import { toPeppers } from '../src/lib/pepper.ts';
import { startUpstream, type Upstream } from './harness/upstream.ts';

export const cleanups: (() => Promise<unknown>)[] = [];

/** After each test: whatever it opened is closed, the last first. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

export function makeKey(name = 'caller', terms: object = {}) {
  const { text } = newKeyText('tg_live');
  const hash = toKeyHash(text, toPeppers(PEPPER_OF_FILES).current) ?? '';
  return { text, entry: { name, hash, ...terms } };
}

/** Records, and a way to wait for so many of them. */
export function createRecorder() {
  const records: ExchangeRecord[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    records,
    onRecord: (record: ExchangeRecord): void => {
      records.push(record);
      for (const one of waiting) if (records.length >= one.count) one.resolve();
    },
    async until(count: number) {
      if (records.length < count) await new Promise<void>((resolve) => void waiting.push({ count, resolve }));
    },
  };
}

export function embed(options: GatewayOptions): Gateway {
  const gateway = createGateway({ onLog: () => {}, ...options });
  cleanups.push(() => gateway.close());
  return gateway;
}

export async function serve(listener: RequestListener, upgrade?: Gateway['upgrade']): Promise<number> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

export async function upstream(answer: Parameters<typeof startUpstream>[0]): Promise<Upstream> {
  const started = await startUpstream(answer);
  cleanups.push(() => started.close());
  return started;
}

export function echo(): Promise<Upstream> {
  return upstream((request, response) => {
    const { method, url, headers } = request;
    response.setHeader('x-from', 'upstream');
    void readAll(request).then((body) => response.end(JSON.stringify({ method, url, headers, body })));
  });
}

/** What the echo upstream says it got. */
interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export async function echoed(answer: Response): Promise<Echoed> {
  return (await answer.json()) as Echoed;
}

export async function codeOf(answer: Response): Promise<unknown> {
  const body: unknown = await answer.json();
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}
