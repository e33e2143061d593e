import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { TAKE, VARIED } from '../routes.ts';
import { openStage } from '../stage.ts';
import { findTools } from '../tools.ts';
import { runWrk } from './wrk.ts';

const skip = findTools(process.env).tools === undefined ? 'wrk is not installed' : false;
const BODY_BYTES = 300;

interface Seen {
  readonly method: string | undefined;
  readonly count: string | undefined;
  readonly own: string | undefined;
  readonly bodyBytes: number;
}

for (const [what, route, bodyBytes] of [
  ['POST with a body', TAKE, BODY_BYTES],
  ['GET with a field that counts', VARIED, 0],
] as const) {
  test(`wrk sends ${what}, and the fields of every load`, { skip }, async (t) => {
    const seen: Seen[] = [];
    const server = createServer((request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => {
        const { 'x-count': count, 'x-test': own } = request.headers;
        seen.push({ method: request.method, count: count?.toString(), own: own?.toString(), bodyBytes: length });
        response.end('x');
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const stage = await openStage(t.signal);
    t.after(async () => {
      await stage.close();
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    await runWrk(
      stage,
      { url: `http://127.0.0.1:${address.port}/bench`, headers: { 'x-test': '1' } },
      {
        kind: 'http1',
        request: { route, bodyBytes, secure: false, closes: false },
        seconds: 1,
        connections: 2,
        core: 0,
        h2load: undefined,
      },
    );
    assert.ok(seen.length > 10);
    for (const { method, own, bodyBytes: got } of seen)
      assert.deepEqual([method, own, got], [route.method, '1', bodyBytes]);
    const counts = new Set(seen.map(({ count }) => count));
    if (route === VARIED) assert.equal(counts.size, seen.length, 'no two are the same');
    else assert.deepEqual([...counts], [undefined]);
  });
}
