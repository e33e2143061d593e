// Targets that no caller may be led to, on real sockets: what gets past the deploy, because a name leads elsewhere later, is stopped where
// connections are made.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { PrivateTargets, Resolve } from '../src/gateway/upstream/guarded-lookup.ts';
import { createOpenSocket } from '../src/gateway/upstream/open-socket.ts';
import { ask, createGateway, type DataPlane, startDataPlane, valuesOf } from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

async function startBefore(
  t: TestContext,
  url: string,
  how: { privateTargets: PrivateTargets; resolve?: Resolve },
): Promise<DataPlane> {
  const openSocket = createOpenSocket(how.privateTargets, how.resolve);
  const plane = await startDataPlane({ gateways: [createGateway(url)], openSocket });
  t.after(() => plane.close());
  return plane;
}

/** The upstream, under a name that leads to these addresses, one list for each look. */
async function startNamed(t: TestContext, looks: readonly (readonly string[])[]) {
  const upstream = await startRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  t.after(() => upstream.close());
  let count = 0;
  const resolve: Resolve = (_name, done) => {
    const addresses = looks[Math.min(count++, looks.length - 1)] ?? [];
    process.nextTick(
      done,
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  };
  return { upstream, resolve, url: upstream.url.replace('127.0.0.1', 'target.example'), looks: () => count };
}

for (const url of [
  'http://169.254.169.254',
  'http://2852039166',
  'http://[::ffff:a9fe:a9fe]',
  'https://169.254.169.254',
  'http://metadata.google.internal',
]) {
  test(`no request goes to ${url}`, async (t) => {
    const plane = await startBefore(t, url, { privateTargets: 'allow' });
    const { status, headers } = await ask(plane.port, GET);
    assert.deepEqual([status, valuesOf(headers, 'proxy-status')], [502, ['tollgate; error=destination_ip_prohibited']]);
  });
}

test('where private targets are refused, no request goes to one, however it is written', async (t) => {
  const { upstream, resolve, url } = await startNamed(t, [['127.0.0.1']]);
  const { port } = new URL(url);
  for (const target of [
    url,
    upstream.url,
    `http://localhost:${port}`,
    `http://127.1:${port}`,
    `http://[::1]:${port}`,
  ]) {
    const plane = await startBefore(t, target, { privateTargets: 'refuse', resolve });
    assert.equal((await ask(plane.port, GET)).status, 502, target);
  }
  assert.equal(upstream.heads.length, 0);
});

test('a name is looked at again for every connection, and what it led to before counts for nothing', async (t) => {
  const { upstream, resolve, url } = await startNamed(t, [['127.0.0.1'], ['169.254.169.254']]);
  const plane = await startBefore(t, url, { privateTargets: 'allow', resolve });
  assert.equal((await ask(plane.port, GET)).status, 200);
  assert.equal((await ask(plane.port, GET)).status, 502);
  assert.equal(upstream.heads.length, 1);
});

test('the connection goes to the address that was looked at, and nobody asks again', async (t) => {
  const named = await startNamed(t, [['169.254.169.254', '127.0.0.1'], ['169.254.169.254']]);
  const plane = await startBefore(t, named.url, { privateTargets: 'allow', resolve: named.resolve });
  assert.equal((await ask(plane.port, GET)).status, 200);
  assert.equal(named.looks(), 1);
});

test('where an upstream sends callers is for them to see: no answer makes the gateway call another address', async (t) => {
  const upstream = await startRawUpstream((socket) => {
    socket.write(
      'HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n',
    );
  });
  t.after(() => upstream.close());
  const plane = await startBefore(t, upstream.url, { privateTargets: 'allow' });
  const { status, headers } = await ask(plane.port, GET);
  assert.deepEqual([status, valuesOf(headers, 'location')], [307, ['http://169.254.169.254/latest']]);
  assert.deepEqual([upstream.heads.length, plane.failures], [1, []]);
});
