import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { KEYED, OPEN, ROUTES, TAKE } from './routes.ts';
import { openStage } from './stage.ts';
import { findTools } from './tools.ts';
import { startUpstream } from './upstream.ts';

const installed = findTools(process.env).tools?.nginx;

for (const [name, nginx] of [
  ['nginx', installed],
  ['Node', undefined],
] as const) {
  const skip = name === 'nginx' && nginx === undefined ? 'nginx is not installed' : false;

  test(`an upstream of ${name} answers every route with its bytes`, { skip }, async (t) => {
    const stage = await openStage(t.signal);
    t.after(() => stage.close());
    const { origin } = await startUpstream(stage, { nginx, core: 0 });
    for (const prefix of [OPEN, KEYED]) {
      for (const { method, path, answerBytes } of ROUTES) {
        const body = method === 'POST' ? { body: 'x'.repeat(50_000) } : {};
        const response = await fetch(origin + prefix + path, { method, ...body });
        assert.deepEqual([response.status, (await response.text()).length], [200, answerBytes], prefix + path);
      }
    }
  });

  test(`an upstream of ${name} answers a POST when it has all of it`, { skip }, async (t) => {
    const stage = await openStage(t.signal);
    t.after(() => stage.close());
    const { origin } = await startUpstream(stage, { nginx, core: 0 });
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write(
      `POST ${OPEN}${TAKE.path} HTTP/1.1\r\nHost: upstream\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(999)}`,
    );
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    // It serves one thing after another: what comes later is answered later.
    await fetch(`${origin}/ready`);
    assert.equal(answer, '');
    socket.write('x');
    await once(socket, 'data');
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });
}
