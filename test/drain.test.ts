// A data plane that is told to end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { type DataPlane, valuesOf, type Wire } from './harness/data-plane.ts';
import { OK, answerOk, head, open, startBefore, startRaw, yieldTurns } from './data-plane.fixture.ts';

describe('a drain', () => {
  interface Busy {
    readonly plane: DataPlane;
    readonly wire: Wire;
    /** The upstream's side of a request that waits for its answer. */
    readonly socket: Socket;
  }

  async function startBusy(t: TestContext): Promise<Busy> {
    const reached = Promise.withResolvers<Socket>();
    const upstream = await startRaw(t, reached.resolve);
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    return { plane, wire, socket: await reached.promise };
  }

  test('lets requests in flight finish, tells their connections to close, and resolves', async (t) => {
    const { plane, wire, socket } = await startBusy(t);
    let isOver = false;
    const drained = plane.listener.drain().then(() => (isOver = true));
    await yieldTurns(50);
    assert.ok(!isOver, 'a request is still in flight');
    socket.write(OK);
    const answer = await wire.readAnswer();
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'ok']);
    assert.deepEqual(
      valuesOf(answer.headers, 'connection').map((value) => value.toLowerCase()),
      ['close'],
    );
    assert.equal((await wire.readRest()).end, 'clean');
    await drained;
    assert.equal(plane.sink.records.length, 1, 'what it leaves is left before it is over');
  });

  test('lets an answer finish whose head was sent before', async (t) => {
    const { plane, wire, socket } = await startBusy(t);
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
    await wire.readTo('half');
    const drained = plane.listener.drain();
    socket.write('done');
    await wire.readTo('done');
    await drained;
  });

  test('refuses new connections', async (t) => {
    const { plane, socket } = await startBusy(t);
    const drained = plane.listener.drain();
    const late = connect(plane.port, '127.0.0.1');
    const [error] = await once(late, 'error').catch((cause: unknown) => [cause]);
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED');
    socket.write(OK);
    await drained;
  });

  test('closes idle connections at once', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const [unused, used] = [await open(t, plane), await open(t, plane)];
    used.send(head('GET /open/'));
    await used.readAnswer();
    const drained = plane.listener.drain();
    assert.equal((await used.readRest()).end, 'clean');
    assert.equal((await unused.readRest()).end, 'clean');
    await drained;
  });

  test('ends when what is stuck is destroyed, which leaves its record, too', async (t) => {
    const { plane, wire, socket } = await startBusy(t);
    const silent = await open(t, plane);
    silent.send('GET /open/ HTTP/1.1\r\nHo');
    await yieldTurns(20);
    const drained = plane.listener.drain();
    plane.listener.destroy();
    assert.equal((await wire.readRest()).text, '');
    assert.equal((await silent.readRest()).text, '');
    await drained;
    if (!socket.destroyed) await once(socket, 'close');
    assert.equal((await plane.sink.wait(1)).length, 1);
  });
});
