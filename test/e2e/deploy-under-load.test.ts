// Deploys while requests run, from one service to another and back: none is lost, and no connection is closed for it.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';
import { createApi, type Api } from '../harness/api.ts';
import { openWire } from '../harness/data-plane.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

const DEPLOYS = 12;
const CALLERS = 8;
const STREAMS = 4;
const UPLOADS = 3;
const BODY = 'x'.repeat(20_000);

describe('deploys under load', () => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let admin: Api;
  const upstreams: Upstream[] = [];
  const streaming = new Set<ServerResponse>();

  /** Answers with its name and what it was sent; a stream goes on until the test ends it. */
  function answer(name: string) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      if (request.url === '/load/stream') {
        response.write('begun;');
        streaming.add(response);
        return;
      }
      void text(request).then(
        (body) => response.end(`${name}:${body.length}`),
        () => response.destroy(),
      );
    };
  }

  before(async () => {
    sandbox = await createSandbox();
    tollgate = await sandbox.start({ TOLLGATE_PUBLIC_REQUESTS_PER_MINUTE: '0' });
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    admin = createApi(tollgate.url, setup.body.apiKey);
    for (const name of ['one', 'two']) upstreams.push(await startUpstream(answer(name)));
  });
  after(async () => {
    await sandbox.remove();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  });

  it('lose no request: neither on kept connections nor on new ones, neither streaming answers nor bodies on their way', async () => {
    const services = (i: number): object[] => [{ name: 'load', targets: [{ url: upstreams[i % 2]?.url }] }];
    const made = await admin.call('POST', '/api/v1/gateways', {
      name: 'load',
      routePrefix: '/load',
      upstreamServices: services(0),
    });
    const path = `/api/v1/gateways/${made.body.data.id}`;
    for (const endpoint of [
      { method: 'GET', path: '/call' },
      { method: 'POST', path: '/call' },
      { method: 'GET', path: '/stream', timeoutSeconds: 120 },
    ])
      assert.equal((await admin.call('POST', `${path}/endpoints`, { ...endpoint, authRequired: false })).status, 201);
    assert.equal((await admin.call('POST', `${path}/deploy`)).status, 200);

    let isOver = false;
    const port = Number(new URL(tollgate.url).port);
    const seen = new Set<string>();
    let calls = 0;
    const call = async (request: string, sent: number, isKept: boolean): Promise<void> => {
      let wire = await openWire(port);
      // oxlint-disable-next-line no-unmodified-loop-condition -- the deploys below end it
      while (!isOver) {
        if (!isKept) {
          wire.socket.destroy();
          wire = await openWire(port);
        }
        wire.send(request);
        const { status, body } = await wire.readAnswer();
        assert.equal(status, 200, body.toString());
        assert.match(body.toString(), new RegExp(`^(?:one|two):${sent}$`));
        seen.add(body.toString());
        calls++;
      }
      wire.socket.destroy();
    };
    const get = 'GET /load/call HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const post = `POST /load/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
    const callers = Array.from({ length: CALLERS }, (_, i) =>
      i % 2 === 0 ? call(get, 0, i < CALLERS / 2) : call(post, BODY.length, i < CALLERS / 2),
    );

    // Begun before the deploys, ended after them.
    const streams = Array.from({ length: STREAMS }, () => createApi(tollgate.url).call('GET', '/load/stream'));
    while (streaming.size < STREAMS) await new Promise((resolve) => setImmediate(resolve));
    const uploads = await Promise.all(Array.from({ length: UPLOADS }, () => openWire(port)));
    for (const wire of uploads)
      wire.send('POST /load/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');

    for (let i = 1; i <= DEPLOYS; i++) {
      const change = await admin.call('PUT', path, { upstreamServices: services(i), timeoutSeconds: 30 + i });
      assert.equal(change.status, 200, JSON.stringify(change.body));
      assert.equal((await admin.call('POST', `${path}/deploy`)).status, 200);
      for (const response of streaming) response.write(`${i};`);
      for (const wire of uploads) wire.send('more');
    }
    for (const wire of uploads) {
      wire.send('x'.repeat(96 - 4 * DEPLOYS));
      assert.equal((await wire.readAnswer()).body.toString(), 'one:100');
      wire.socket.destroy();
    }
    for (const response of streaming) response.end('ended');
    const whole = `begun;${Array.from({ length: DEPLOYS }, (_, i) => `${i + 1};`).join('')}ended`;
    for (const { status, body } of await Promise.all(streams)) assert.deepEqual([status, body], [200, whole]);
    isOver = true;
    await Promise.all(callers);
    assert.deepEqual([...seen].toSorted(), ['one:0', `one:${BODY.length}`, 'two:0', `two:${BODY.length}`]);

    const log = await admin.call('GET', '/api/v1/requests?path=/load/*&pageSize=1');
    assert.equal(log.body.meta.total, calls + STREAMS + UPLOADS);
    const failed = await admin.call('GET', '/api/v1/requests?path=/load/*&status=4xx,5xx');
    assert.equal(failed.body.meta.total, 0, JSON.stringify(failed.body.data));
  });
});
