// A sidecar as its users start it: one command in front of a service, without a database.

import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newKeyText } from '../../src/lib/key-text.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

const KEY = /tg_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}/;

describe('tollgate sidecar', () => {
  let upstream: Upstream;
  let sandbox: Sandbox;

  before(async () => {
    upstream = await startUpstream((request, response) => {
      response.end(JSON.stringify({ url: request.url, key: request.headers['x-api-key'] ?? null }));
    });
  });
  after(() => upstream.close());
  beforeEach(async () => {
    sandbox = await createSandbox();
  });
  afterEach(() => sandbox.remove());

  async function call(url: string, key?: string): Promise<{ status: number; body: string }> {
    const answer = await fetch(url, key === undefined ? {} : { headers: { 'x-api-key': key } });
    return { status: answer.status, body: await answer.text() };
  }

  /** Asks until the answer has this status: files are looked at every two seconds. */
  async function callUntil(status: number, url: string, key: string): Promise<void> {
    const deadline = AbortSignal.timeout(30_000);
    while ((await call(url, key)).status !== status) await sleep(100, undefined, { signal: deadline });
  }

  /** Waits for a line of the log. */
  async function logged(running: RunningTollgate, words: string): Promise<void> {
    const deadline = AbortSignal.timeout(30_000);
    while (!running.log().includes(words)) await sleep(100, undefined, { signal: deadline });
  }

  const addKey = async (name: string, ...more: string[]): Promise<string> => {
    const { output } = await sandbox.run(['key-file', 'add', 'keys.yaml', '--name', name, ...more]);
    return output.trim();
  };

  test('needs one command: it makes a file of keys, and shows a first key once', async () => {
    const args = ['sidecar', '--upstream', upstream.url];
    const first = await sandbox.start({}, args);
    const key = KEY.exec(first.output())?.[0] ?? '';
    const file = join(sandbox.dataDir, 'sidecar-keys.yaml');

    assert.deepEqual(await call(`${first.url}/a?b=1`, key), { status: 200, body: '{"url":"/a?b=1","key":null}' });
    assert.equal((await call(`${first.url}/a`)).status, 401);
    assert.equal((await call(`${first.url}/a`, newKeyText('tg_live').text)).status, 401);
    assert.ok(!(await readFile(file, 'utf8')).includes(key.slice(-49, -6)));
    assert.equal((await stat(file)).mode & 0o777, 0o600);

    first.signal('SIGTERM');
    assert.equal(await first.ended(), 0);
    const second = await sandbox.start({}, args);
    assert.doesNotMatch(second.output(), KEY);
    assert.equal((await call(`${second.url}/a`, key)).status, 200);
  });

  test('takes in what changes in its files, and goes on with the old when the new is wrong', async () => {
    const keys = join(sandbox.dataDir, 'keys.yaml');
    const first = await addKey('first');
    const running = await sandbox.start({}, ['sidecar', '--upstream', upstream.url, '--keys', 'keys.yaml']);
    assert.equal((await call(running.url, first)).status, 200);

    const second = await addKey('second');
    await callUntil(200, running.url, second);
    const both = await readFile(keys, 'utf8');
    await writeFile(keys, both.slice(0, both.indexOf('- name: first')) + both.slice(both.indexOf('- name: second')));
    await callUntil(401, running.url, first);

    await writeFile(keys, '- name: broken\n');
    await logged(running, '[0].hash is required');
    assert.equal((await call(running.url, second)).status, 200);
    await writeFile(keys, both);
    await chmod(keys, 0o666);
    await logged(running, 'chmod o-w');
    assert.equal((await call(running.url, first)).status, 401);
  });

  test('serves a file of gateways, with scopes and limits, and writes what happened', async () => {
    await writeFile(
      join(sandbox.dataDir, 'api.yaml'),
      `gateways:
  - name: shop
    upstreamServices: [{ name: orders, targets: [{ url: "${upstream.url}" }], stripPrefix: true }]
    endpoints:
      - { method: GET, path: /open, authRequired: false }
      - { method: GET, path: "/orders/{id}", requiredScopes: ["orders:read"] }
`,
    );
    const may = await addKey('may', '--scopes', 'orders:read', '--per-day', '1');
    const mayNot = await addKey('may-not');
    const args = ['sidecar', '--config', 'api.yaml', '--keys', 'keys.yaml', '--log-requests'];
    const running = await sandbox.start({}, args);

    assert.deepEqual(await call(`${running.url}/shop/open`), { status: 200, body: '{"url":"/open","key":null}' });
    assert.equal((await call(`${running.url}/shop/orders/1`, mayNot)).status, 403);
    assert.equal((await call(`${running.url}/shop/orders/1`, may)).status, 200);
    assert.equal((await call(`${running.url}/shop/orders/1`, may)).status, 429);
    assert.equal((await call(`${running.url}/shop/orders`, may)).status, 404);
    running.signal('SIGTERM');
    assert.equal(await running.ended(), 0);

    const records = running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    assert.equal(records.length, 5);
    assert.ok(records.some((line) => line.includes('"status":429') && line.includes('"keyId":"may"')));
    assert.ok(!running.output().includes(may));
  });

  test('serves examples/sidecar.yaml, with the address of its service from the environment', async () => {
    const example = new URL('../../examples/sidecar.yaml', import.meta.url).pathname;
    const key = await addKey('caller');
    const args = ['sidecar', '--config', example, '--keys', 'keys.yaml'];
    const { code, log } = await sandbox.run(args);
    assert.equal(code, 2);
    assert.match(log, /sidecar\.yaml: \$\{env:SERVICE_URL\} is not there: set SERVICE_URL/);
    const running = await sandbox.start({ SERVICE_URL: upstream.url }, args);
    assert.equal((await call(`${running.url}/healthz`)).status, 200);
    assert.equal((await call(`${running.url}/orders`)).status, 401);
    assert.equal((await call(`${running.url}/orders`, key)).status, 200);
  });

  test('asks nobody for a key where that is said', async () => {
    const running = await sandbox.start({}, ['sidecar', '--upstream', upstream.url, '--open']);
    assert.equal((await call(running.url)).status, 200);
    await assert.rejects(stat(join(sandbox.dataDir, 'sidecar-keys.yaml')));
  });

  test('keeps keys under a pepper of its own, and says when it is another one', async () => {
    const pepper = { TOLLGATE_HMAC_SECRET: 'p'.repeat(32) };
    const { output } = await sandbox.run(['key-file', 'add', 'keys.yaml', '--name', 'a'], pepper);
    const args = ['sidecar', '--upstream', upstream.url, '--keys', 'keys.yaml'];
    const running = await sandbox.start(pepper, args);
    assert.equal((await call(running.url, output.trim())).status, 200);
    const { code, log } = await sandbox.run(args);
    assert.equal(code, 2);
    assert.match(log, /keys\.yaml: \[0\]\.hash was made under another HMAC_SECRET/);
  });

  test('takes a key that was made elsewhere', async () => {
    const text = 'a-key-of-another-product';
    await sandbox.run(['key-file', 'import', 'keys.yaml', '--name', 'old'], {}, `${text}\n`);
    const running = await sandbox.start({}, ['sidecar', '--upstream', upstream.url, '--keys', 'keys.yaml']);
    assert.equal((await call(running.url, text)).status, 200);
    assert.equal((await call(running.url, `${text}s`)).status, 401);
  });

  test('lets requests under way finish when it is stopped', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
    const slow = await startUpstream((_request, response) => arrive(() => response.end('late')));
    try {
      const running = await sandbox.start({}, ['sidecar', '--upstream', slow.url, '--open']);
      const answer = fetch(running.url);
      const finish = await arrived;
      running.signal('SIGTERM');
      await refused(Number(new URL(running.url).port));
      finish();
      assert.equal(await (await answer).text(), 'late');
      assert.equal(await running.ended(), 0);
    } finally {
      await slow.close();
    }
  });

  const faulty: readonly [string, readonly string[], RegExp][] = [
    ['no service', [], /--upstream is missing: name the service/],
    ['a word too many', ['here'], /"here" is one word too many/],
    ['an option that is not known', ['--upstrem', 'x'], /did you mean --upstream\?/],
    ['a service that is no URL', ['--upstream', 'localhost:3000'], /--upstream: must be an http/],
    ['two ways at once', ['--upstream', 'http://a.test', '--config', 'x'], /--upstream goes without --config/],
    ['keys and none', ['--upstream', 'http://a.test', '--open', '--keys', 'x'], /--open goes without --keys/],
    ['a port that is none', ['--upstream', 'http://a.test', '--port', '80a'], /--port must be a number/],
    ['no such file of keys', ['--upstream', 'http://a.test', '--keys', 'no.yaml'], /no\.yaml: cannot be read/],
    ['no such file', ['--config', 'no.yaml'], /no\.yaml: cannot be read \(there is no such file\)/],
    ['a metadata service', ['--upstream', 'http://169.254.169.254'], /must not lead to 169\.254/],
  ];
  test('says what is wrong and what to do, with 2, and starts nothing', async () => {
    const runs = faulty.map(async ([what, args, message]) => {
      const { code, log, output } = await sandbox.run(['sidecar', ...args]);
      assert.equal(code, 2, what);
      assert.match(log, message, what);
      assert.equal(output, '', what);
    });
    await Promise.all(runs);
  });

  test('says that its port is taken', async () => {
    const { port } = new URL(upstream.url);
    const { code, log } = await sandbox.run(['sidecar', '--upstream', upstream.url, '--open', '--port', port]);
    assert.equal(code, 2);
    assert.match(log, new RegExp(`PORT: ${port} is in use`));
  });

  test('tells what it takes', async () => {
    const { code, output } = await sandbox.run(['sidecar', '--help']);
    assert.equal(code, 0);
    for (const word of ['--upstream', '--config', '--keys', '--open', '--log-requests'])
      assert.ok(output.includes(word));
  });
});

/** Waits until nobody listens there any more. */
async function refused(port: number): Promise<void> {
  const deadline = AbortSignal.timeout(20_000);
  for (;;) {
    const isRefused = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.on('error', () => resolve(true));
    });
    if (isRefused) return;
    await sleep(50, undefined, { signal: deadline });
  }
}
