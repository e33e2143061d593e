import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { Outlet } from './outlet.ts';
import { nextTurn } from '../lib/next-turn.ts';
import { handleOf } from './stream-handle.ts';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

async function connectPair(t: TestContext): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = (await accepted) as [Socket];
  for (const socket of [near, far]) socket.on('error', () => {});
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1');
  return text;
}

describe('what goes out', () => {
  test('goes by the handle of a plain socket', async (t) => {
    const { near } = await connectPair(t);
    assert.notEqual(handleOf(near), undefined, 'this Node has it; else everything works, and costs more');
  });

  test('waits for the end of the turn, and goes in one write', async (t) => {
    const { near, far } = await connectPair(t);
    const out = new Outlet(near, () => {});
    const arrived = once(far, 'data');
    assert.equal(out.writeText('one '), true);
    await Promise.resolve();
    assert.equal(out.isHolding, true);
    assert.equal(near.bytesWritten, 0);
    assert.equal(out.writeText('turn'), true);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(out.isHolding, false);
    assert.equal(near.bytesWritten, 8);
    assert.equal(String((await arrived)[0]), 'one turn');
  });

  test('is not held back when it is long', async (t) => {
    const { near, far } = await connectPair(t);
    far.resume();
    const out = new Outlet(near, () => {});
    out.writeText('x'.repeat(65_537));
    assert.equal(out.isHolding, false);
  });

  test('goes before an end in the same turn', async (t) => {
    const { near, far } = await connectPair(t);
    const out = new Outlet(near, () => {});
    out.writeText('the last words');
    out.end();
    assert.equal(await readAll(far), 'the last words');
  });

  test('arrives whole and in order, text and bytes in turn, at a reader who is slow', async (t) => {
    const { near, far } = await connectPair(t);
    far.pause();
    let drains = 0;
    const out = new Outlet(near, () => drains++);
    let sent = '';
    let refused = 0;
    // More than the system's buffers take.
    for (let i = 0; i < 4000; i++) {
      const text = `${i}:${'x'.repeat(4000)};`;
      const bytes = Buffer.from(`[${i}]`);
      if (!out.writeText(text)) refused++;
      if (i % 3 === 0) out.writeBytes(bytes);
      if (i % 7 === 0) out.writeJoined('<', bytes, '>');
      sent += text + (i % 3 === 0 ? bytes.toString() : '') + (i % 7 === 0 ? `<${bytes.toString()}>` : '');
    }
    assert.ok(refused > 0, 'nothing waited');
    assert.equal(out.isFlushed, false);
    const written = new Promise<void>((resolve) => out.afterWrites(resolve));
    const received = readAll(far);
    await written;
    assert.equal(out.isFlushed, true);
    assert.ok(drains > 0);
    near.end();
    assert.ok((await received) === sent, 'received is not what was sent');
  });

  test('that the system keeps holds back the next, and is told when it is gone', async (t) => {
    const { near, far } = await connectPair(t);
    far.pause();
    const { promise, resolve } = Promise.withResolvers<void>();
    const out = new Outlet(near, resolve);
    while (out.writeText('x'.repeat(8000)));
    assert.equal(out.isFlushed, false);
    far.resume();
    await promise;
    assert.equal(out.isFlushed, true);
  });

  test('waits for the connection', async (t) => {
    const server = createServer((socket) => void socket.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    t.after(() => {
      socket.destroy();
      server.close();
    });
    const out = new Outlet(socket, () => {});
    out.writeText('early');
    const [far] = (await accepted) as [Socket];
    const [received] = (await once(far, 'data')) as [Buffer];
    assert.equal(received.toString(), 'early');
  });

  test('to a peer that is gone ends the connection with an error, and never throws', async (t) => {
    const { near, far } = await connectPair(t);
    const out = new Outlet(near, () => {});
    const closed = new Promise<void>((resolve) => near.on('close', resolve));
    far.resetAndDestroy();
    const writing = setInterval(() => out.writeText('into the void'), 1);
    t.after(() => clearInterval(writing));
    await closed;
    assert.doesNotThrow(() => out.writeText('after the end'));
  });

  test('after the connection was destroyed goes nowhere, and harms nobody', async (t) => {
    const { near, far } = await connectPair(t);
    far.resume();
    const errors: Error[] = [];
    near.on('error', (error) => errors.push(error));
    const out = new Outlet(near, () => {});
    out.writeText('by the handle');
    await nextTurn();
    const closed = once(near, 'close');
    near.destroy();
    assert.equal(out.writeText('at once'), true);
    assert.equal(out.flush(), false);
    await closed;
    for (let turn = 0; turn < 3; turn++) {
      out.writeText('later');
      await nextTurn();
    }
    assert.equal(out.isFlushed, true);
    assert.deepEqual(errors, []);
  });

  test('that waits while the connection is destroyed is let go of', async (t) => {
    const { near, far } = await connectPair(t);
    far.pause();
    let drains = 0;
    const out = new Outlet(near, () => drains++);
    while (out.writeText('x'.repeat(8000)));
    const closed = once(near, 'close');
    near.destroy();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(drains, 0);
  });
});
