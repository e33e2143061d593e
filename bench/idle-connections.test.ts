import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { openIdleConnections, type IdleConnections } from './idle-connections.ts';

const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc';

async function start(t: TestContext, answer: (socket: Socket) => void): Promise<IdleConnections & { server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const url = `http://127.0.0.1:${address.port}/`;
  const connections = openIdleConnections({ url, headers: {}, answerBytes: 3, signal: t.signal });
  t.after(() => {
    connections.close();
    server.close();
  });
  return { ...connections, server };
}

function countOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

test('connections grow to the number, each after an answer, and stay', async (t) => {
  let answered = 0;
  const { grow, server } = await start(t, (socket) => {
    answered++;
    socket.write(GOOD);
  });
  await grow(70);
  assert.deepEqual([answered, await countOf(server)], [70, 70]);
  await grow(120);
  assert.deepEqual([answered, await countOf(server)], [120, 120]);
});

test('refusals, cut answers and closed connections are no idle connections', async (t) => {
  for (const [text, message] of [
    ['HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n', /answered with HTTP\/1\.1 503/],
    [GOOD.slice(0, -1), /answered with HTTP\/1\.1 200/],
    ['', /answered with/],
  ] as const) {
    const { grow } = await start(t, (socket) => socket.end(text));
    await assert.rejects(grow(1), message);
  }
});
