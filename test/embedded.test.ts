// The life of a gateway inside another program: what it takes in, what it tells, and its end.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { createGateway } from '../src/embedded/index.ts';
import { cleanUp, codeOf, echo, echoed, embed, makeKey, serve } from './embedded.fixture.ts';
import { findDeadUrl } from './harness/upstream.ts';

afterEach(cleanUp);

describe('an embedded gateway', () => {
  test('takes new keys and gateways without a stop, and keeps the old ones when the new are wrong', async () => {
    const { url } = await echo();
    const [first, second] = [makeKey('first'), makeKey('second')];
    const gateway = embed({ upstream: url, keys: [first.entry] });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    const statusOf = async (text: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-api-key': text } })).status;

    assert.equal(await statusOf(first.text), 200);
    await assert.rejects(gateway.reload({ keys: [{ name: 'wrong', hash: second.text }] }), /never the key itself/);
    assert.equal(await statusOf(first.text), 200);
    await gateway.reload({ keys: [second.entry] });
    assert.equal(await statusOf(first.text), 401);
    assert.equal(await statusOf(second.text), 200);
  });

  test('serves what is in maintenance with 503, and what is inactive not at all', async () => {
    const { url } = await echo();
    const gatewayOf = (name: string, status: 'maintenance' | 'inactive') => ({
      name,
      status,
      upstreamServices: [{ name: 's', targets: [{ url }] }],
      endpoints: [{ method: 'GET' as const, path: '/', authRequired: false }],
    });
    const gateway = embed({ config: { gateways: [gatewayOf('a', 'maintenance'), gatewayOf('b', 'inactive')] } });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    assert.equal((await fetch(`http://127.0.0.1:${port}/a/`)).status, 503);
    assert.equal((await fetch(`http://127.0.0.1:${port}/b/`)).status, 404);
  });

  test('goes on when onRecord throws, and says so', async () => {
    const { url } = await echo();
    const logged: string[] = [];
    const gateway = embed({
      upstream: url,
      open: true,
      onRecord: () => {
        throw new Error('a defect of the program');
      },
      onLog: ({ message }) => void logged.push(message),
    });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    for (let i = 0; i < 3; i++) assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    assert.ok(logged.includes('onRecord threw'));
  });

  test('goes on when onLog throws', async () => {
    const gateway = embed({
      upstream: await findDeadUrl(),
      open: true,
      onLog: () => {
        throw new Error('a defect of the program');
      },
    });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    for (let i = 0; i < 2; i++) assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 502);
  });

  test('opens the circuit of a target that fails, and says so', async () => {
    const service = { name: 's', targets: [{ url: await findDeadUrl() }], circuitBreaker: { failureThreshold: 2 } };
    const endpoint = { method: 'GET' as const, path: '/', authRequired: false };
    const logged: string[] = [];
    const gateway = embed({
      config: { gateways: [{ name: 'a', upstreamServices: [service], endpoints: [endpoint] }] },
      onLog: ({ message, fields }) => void logged.push(`${message} ${JSON.stringify(fields)}`),
    });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    const codes: unknown[] = [];
    // Each request is tried twice, so the first may open it already.
    for (let i = 0; i < 3; i++) codes.push(await codeOf(await fetch(`http://127.0.0.1:${port}/a/`)));
    assert.deepEqual([codes[0], codes[2]], ['upstream_unreachable', 'circuit_open']);
    assert.ok(logged.some((line) => /the circuit of a target has changed.*"state":"open"/.test(line)));
  });

  test('shows its service the credentials of the configuration, and a secret of another Tollgate to nobody', async () => {
    const { url } = await echo();
    const configOf = (token: string) => ({
      gateways: [
        {
          name: 'a',
          upstreamServices: [{ name: 's', targets: [{ url }], credentials: { type: 'bearer' as const, token } }],
          endpoints: [{ method: 'GET' as const, path: '/', authRequired: false }],
        },
      ],
    });
    const gateway = embed({ config: configOf('a-secret-of-ours') });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    const seen = await echoed(await fetch(`http://127.0.0.1:${port}/a/`));
    assert.equal(seen.headers['authorization'], 'Bearer a-secret-of-ours');
    await assert.rejects(gateway.reload({ config: configOf('sealed:AAAA') }), /sealed for another gateway/);
  });

  test('says how to listen', async () => {
    const gateway = embed({ upstream: await findDeadUrl(), open: true });
    // @ts-expect-error -- what a program in JavaScript may say
    await assert.rejects(gateway.listen(8080), /needs an object with the port/);
  });

  test('says that a port is taken, by another program and by itself', async () => {
    const { url } = await echo();
    const gateway = embed({ upstream: url, open: true });
    const taken = await serve(() => {});
    await assert.rejects(gateway.listen({ port: taken, host: '127.0.0.1' }), { code: 'EADDRINUSE' });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    await assert.rejects(gateway.listen({ port, host: '127.0.0.1' }), { code: 'EADDRINUSE' });
  });

  test('listens no more once it is closed', async () => {
    const { url } = await echo();
    const gateway = createGateway({ upstream: url, open: true });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    await gateway.close();
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });
});
