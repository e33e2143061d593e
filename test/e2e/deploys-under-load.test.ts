// Deploys while callers are at work: on kept connections, on new ones, and in the middle of long answers and long bodies.

import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { createApi, type Api } from '../harness/api.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

const DEPLOYS = 10;
const CALLERS = 8;
const DOWNLOADS = 2;
const CHUNK = 'x'.repeat(4_096);

describe('deploys under load', () => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let upstream: Upstream;
  let admin: Api;
  let path = '';
  /** Answers that have begun and are not at their end; each goes on with every deploy. */
  const streams: ServerResponse[] = [];
  const streaming = Promise.withResolvers<void>();

  before(async () => {
    sandbox = await createSandbox();
    upstream = await startUpstream(answer);
    tollgate = await sandbox.start({ TOLLGATE_PUBLIC_REQUESTS_PER_MINUTE: '0' });
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    admin = createApi(tollgate.url, setup.body.apiKey);
    const made = await admin.call('POST', '/api/v1/gateways', {
      name: 'shop',
      securitySettings: { authenticationRequired: false },
      upstreamServices: [{ name: 'orders', targets: [{ url: upstream.url }] }],
    });
    path = `/api/v1/gateways/${made.body.data.id}`;
    for (const [method, route] of [
      ['GET', '/orders/{id}'],
      ['GET', '/stream'],
      ['POST', '/length'],
    ]) {
      assert.equal((await admin.call('POST', `${path}/endpoints`, { method, path: route })).status, 201);
    }
    assert.equal((await admin.call('POST', `${path}/deploy`)).status, 200);
  });
  after(async () => {
    await sandbox.remove();
    await upstream.close();
  });

  it('lose and break nothing: neither kept connections, nor new ones, nor what streams through all of them', async () => {
    const load = { isOver: false, answered: 0 };
    const kept = new Agent({ keepAlive: true, maxSockets: CALLERS });
    const callers = Array.from({ length: CALLERS }, async (_, i) => {
      for (let n = 0; !load.isOver; n++) {
        const url = `/shop/orders/${i}-${n}`;
        // Every second caller opens a connection for each call.
        const got = await call(url, { agent: i % 2 === 0 ? kept : false });
        assert.deepEqual(got, { status: 200, body: url });
        load.answered++;
      }
    });
    const downloads = Array.from({ length: DOWNLOADS }, () => call('/shop/stream'));
    const upload = openUpload();

    await streaming.promise;
    for (let n = 1; n <= DEPLOYS; n++) {
      const wanted = load.answered + CALLERS;
      // What changes concerns them all: the timeout of every endpoint.
      assert.equal((await admin.call('PUT', path, { timeoutSeconds: 30 + n })).status, 200);
      const deployed = await admin.call('POST', `${path}/deploy`);
      assert.deepEqual([deployed.status, deployed.body.data.revision], [200, n + 1]);
      for (const stream of streams) stream.write(CHUNK);
      upload.write(CHUNK);
      // Callers have been at work between this deploy and the next.
      while (load.answered < wanted) await call('/shop/orders/between');
    }
    load.isOver = true;
    await Promise.all(callers);
    kept.destroy();
    for (const stream of streams) stream.end();
    for (const { status, body } of await Promise.all(downloads)) {
      assert.deepEqual([status, body.length], [200, CHUNK.length * (DEPLOYS + 1)]);
    }
    assert.deepEqual(await upload.end(), { status: 200, body: String(CHUNK.length * DEPLOYS) });
  });

  function answer(incoming: IncomingMessage, response: ServerResponse): void {
    if (incoming.url === '/shop/stream') {
      streams.push(response);
      response.write(CHUNK);
      if (streams.length === DOWNLOADS) streaming.resolve();
      return;
    }
    let length = 0;
    incoming.on('data', (chunk: Buffer) => (length += chunk.length));
    incoming.on('end', () => response.end(incoming.method === 'POST' ? String(length) : incoming.url));
  }

  function openUpload() {
    const { promise, resolve, reject } = Promise.withResolvers<Got>();
    const sending = request(`${tollgate.url}/shop/length`, { method: 'POST', agent: false }, (response) => {
      collect(response).then(resolve, reject);
    }).on('error', reject);
    sending.flushHeaders();
    return {
      write: (text: string) => sending.write(text),
      end: () => {
        sending.end();
        return promise;
      },
    };
  }

  function call(url: string, { agent = false }: { readonly agent?: Agent | false } = {}): Promise<Got> {
    const { promise, resolve, reject } = Promise.withResolvers<Got>();
    request(tollgate.url + url, { agent }, (response) => {
      collect(response).then(resolve, reject);
    })
      .on('error', reject)
      .end();
    return promise;
  }
});

interface Got {
  readonly status: number | undefined;
  readonly body: string;
}

/** Rejects when the answer breaks off. */
async function collect(response: IncomingMessage): Promise<Got> {
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}
