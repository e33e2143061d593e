// What the open loop promises, held against servers that answer as no good server does. It runs where wrk is installed.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ANSWER_100 } from '../routes.ts';
import { openStage } from '../stage.ts';
import { findTools } from '../tools.ts';
import type { LoadReport } from './load.ts';
import { parseOpenLoopReport } from './open-loop-report.ts';
import { runOpenLoop } from './open-loop.ts';

const skip = findTools(process.env).tools === undefined ? 'wrk is not installed' : false;

const SECONDS = 1;
const RATE = 200;
const GOOD = `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`;

const answerWell = (socket: Socket): void => void socket.write(GOOD);

/** Runs the loop against a server that is told of every request; `greet` answers the first on each connection. */
async function load(
  t: TestContext,
  connections: number,
  answer: (socket: Socket, count: number) => void,
  greet = answerWell,
): Promise<LoadReport> {
  let count = -connections;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      for (const _ of bytes.toString('latin1').matchAll(/GET \/bench HTTP\/1\.1\r\n.*?x-test: 1\r\n\r\n/gs))
        if (++count > 0) answer(socket, count);
        else greet(socket);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const stage = await openStage(t.signal);
  t.after(async () => {
    await stage.close();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return runOpenLoop(
    stage,
    { url: `http://127.0.0.1:${address.port}/bench`, headers: { 'x-test': '1' } },
    {
      kind: 'http1',
      request: { route: ANSWER_100, bodyBytes: 0, secure: false, closes: false },
      seconds: SECONDS,
      connections,
      core: 0,
      h2load: undefined,
      requestsPerSecond: RATE,
    },
  );
}

function paceOf({ pace }: LoadReport): { due: number; unanswered: number } {
  assert.ok(pace !== undefined);
  return pace;
}

test('every request that is due is sent and answered, about as many as the rate says', { skip }, async (t) => {
  const report = await load(t, 8, answerWell);
  const { due, unanswered } = paceOf(report);
  assert.deepEqual([report.errors, unanswered, report.requests], [0, 0, due]);
  assert.ok(Math.abs(due - RATE * SECONDS) < RATE / 2, `${due} were due`);
});

test('an answer may come in pieces', { skip }, async (t) => {
  const report = await load(t, 4, (socket) => {
    socket.setNoDelay(true);
    for (const letter of GOOD) socket.write(letter);
  });
  assert.deepEqual([report.errors, paceOf(report).unanswered], [0, 0]);
});

test(
  'a server that stands still counts against all that is due meanwhile, not only against what was sent',
  { skip },
  async (t) => {
    // One connection, and its first answer comes when everything has been due.
    const report = await load(t, 1, (socket, count) => {
      if (count === 1) setTimeout(() => socket.write(GOOD), SECONDS * 1000 + 100);
      else socket.write(GOOD);
    });
    assert.equal(paceOf(report).unanswered, 0);
    // Of requests that are due evenly over a second, half have waited half of it.
    assert.ok((report.p50Ms ?? 0) > 400, `half of them waited ${report.p50Ms} ms or more`);
  },
);

test('what is never answered counts with the time that it has waited', { skip }, async (t) => {
  const report = await load(t, 4, (socket, count) => {
    if (count === 1) socket.write(GOOD);
  });
  const { due, unanswered } = paceOf(report);
  assert.deepEqual([report.requests, unanswered], [1, due - 1]);
  assert.ok((report.p50Ms ?? 0) > 2000, `half of them waited ${report.p50Ms} ms or more`);
});

test('refusals and broken connections are errors, and the load goes on', { skip }, async (t) => {
  const report = await load(t, 4, (socket, count) => {
    if (count === 2) socket.destroy();
    else socket.write(count === 1 ? 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 3\r\n\r\nno!' : GOOD);
  });
  const { unanswered } = paceOf(report);
  assert.deepEqual([report.errors, unanswered], [2, 2]);
});

test('the clock starts when every connection has had an answer', { skip }, async (t) => {
  const delayMs = 1500;
  const report = await load(t, 4, answerWell, (socket) => void setTimeout(answerWell, delayMs, socket));
  assert.deepEqual([report.errors, paceOf(report).unanswered], [0, 0]);
  assert.ok((report.p99Ms ?? delayMs) < delayMs, `one of them waited ${report.p99Ms} ms`);
});

test('it never starts where one had none', { skip }, async (t) => {
  let greeted = 0;
  await assert.rejects(
    load(t, 4, answerWell, (socket) => void (++greeted < 4 && socket.write(GOOD))),
    /1 of 4 connections had no good answer before the clock started/,
  );
});

test('what is no report is refused with what was printed', () => {
  assert.throws(() => parseOpenLoopReport('no connection to port 1\n'), /no connection to port 1/);
});
