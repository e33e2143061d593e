// What an answer may bring beside a head and a body: interim answers before it, trailers behind it; and the one new try that a
// connection deserves which had been closed while it waited.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import {
  createEndpoint,
  createGateway,
  openWire,
  startDataPlane,
  valuesOf,
  type DataPlane,
  type Wire,
} from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';

const REQUEST = 'GET /x HTTP/1.1\r\nHost: gateway\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

interface Bench {
  readonly plane: DataPlane;
  readonly wire: Wire;
  /** The heads that the upstream got. */
  readonly heads: readonly string[];
}

async function startBench(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<Bench> {
  const upstream = await startRawUpstream(answer);
  t.after(() => upstream.close());
  const endpoints = (['GET', 'POST'] as const).map((method) => createEndpoint({ method }));
  const plane = await startDataPlane({ gateways: [createGateway(upstream.url, { endpoints })] });
  t.after(() => plane.close());
  const wire = await openWire(plane.port);
  t.after(() => wire.socket.destroy());
  return { plane, wire, heads: upstream.heads };
}

describe('interim answers', () => {
  test('other than 100 reach the caller before the answer', async (t) => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n';
    const { wire } = await startBench(t, (socket) => void socket.write(`HTTP/1.1 100 Continue\r\n\r\n${hints}${OK}`));
    wire.send(`${REQUEST}\r\n`);
    const early = await wire.readAnswer();
    assert.equal(early.status, 103);
    assert.deepEqual(valuesOf(early.headers, 'link'), ['</style.css>']);
    assert.deepEqual(valuesOf(early.headers, 'x-hop'), []);
    assert.equal((await wire.readAnswer()).status, 200);
  });

  test('bring no length, which they must not have (RFC 9110 §8.6)', async (t) => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\nLink: </style.css>\r\n\r\n';
    const { wire } = await startBench(t, (socket) => void socket.write(`${hints}${OK}`));
    wire.send(`${REQUEST}\r\n`);
    const early = await wire.readTo('\r\n\r\n');
    assert.match(early, /Link/);
    assert.doesNotMatch(early, /content-length/i);
    assert.equal((await wire.readAnswer()).body.toString(), 'ok');
  });

  test('are not for callers of HTTP/1.0', async (t) => {
    const { wire } = await startBench(t, (socket) => void socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}`));
    wire.send('GET /x HTTP/1.0\r\n\r\n');
    assert.equal((await wire.readAnswer()).status, 200);
  });

  test('without an end are 502', async (t) => {
    const { wire } = await startBench(t, (socket) => void socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)));
    wire.send(`${REQUEST}\r\n`);
    let answer = await wire.readAnswer();
    while (answer.status < 200) answer = await wire.readAnswer();
    assert.equal(answer.status, 502);
  });

  test('that switch the protocol unasked are 502, and nothing is tunnelled', async (t) => {
    const { wire } = await startBench(t, (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\nraw bytes');
    });
    wire.send(`${REQUEST}\r\n`);
    const answer = await wire.readAnswer();
    assert.equal(answer.status, 502);
    assert.ok(!answer.body.includes('raw bytes'));
  });
});

describe('trailers', () => {
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n';

  test('reach the caller who takes them', async (t) => {
    const { wire } = await startBench(t, (socket) => void socket.write(CHUNKED));
    wire.send(`${REQUEST}TE: trailers\r\n\r\n`);
    await wire.readTo('\r\n\r\n');
    assert.equal(await wire.readTo('0\r\n'), '2\r\nok\r\n0\r\n');
    assert.equal(await wire.readTo('\r\n\r\n'), 'X-Sum: 7\r\n\r\n');
  });

  test('are left out for the caller who does not', async (t) => {
    const { wire } = await startBench(t, (socket) => void socket.write(CHUNKED));
    wire.send(`${REQUEST}\r\n`);
    await wire.readTo('\r\n\r\n');
    assert.equal(await wire.readTo('0\r\n\r\n'), '2\r\nok\r\n0\r\n\r\n');
  });
});

describe('a kept connection to the upstream', () => {
  test('that turns out closed is made anew, once, for what may be repeated', async (t) => {
    let answered = 0;
    const { wire, heads } = await startBench(t, (socket) => {
      // The second request on the first connection finds it closed; the one on the second connection is answered.
      if (++answered === 2) socket.destroy();
      else socket.write(OK);
    });
    for (let i = 0; i < 2; i++) {
      wire.send(`${REQUEST}\r\n`);
      assert.equal((await wire.readAnswer()).status, 200);
    }
    assert.equal(heads.length, 3);
  });

  test('that turns out closed is 502 for what may not be repeated', async (t) => {
    let answered = 0;
    const { wire } = await startBench(t, (socket) => {
      if (++answered === 2) socket.destroy();
      else socket.write(OK);
    });
    wire.send(`${REQUEST}\r\n`);
    await wire.readAnswer();
    wire.send('POST /x HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\nhi');
    assert.equal((await wire.readAnswer()).status, 502);
    assert.equal(answered, 2);
  });

  test('is not used again when the upstream said more than it was asked', async (t) => {
    const sockets = new Set<Socket>();
    const { wire } = await startBench(t, (socket) => {
      sockets.add(socket);
      socket.write(`${OK}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray`);
    });
    for (let i = 0; i < 2; i++) {
      wire.send(`${REQUEST}\r\n`);
      assert.equal((await wire.readAnswer()).body.toString(), 'ok');
    }
    assert.equal(sockets.size, 2);
  });
});

test('an answer that ends by closing and is reset on the way never looks whole', async (t) => {
  const { wire, plane } = await startBench(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\nthe first half', () => socket.resetAndDestroy());
  });
  wire.send('GET /x HTTP/1.0\r\n\r\n');
  const rest = await wire.readRest();
  assert.equal(rest.end, 'broken');
  const [record] = await plane.sink.wait(1);
  assert.ok(record?.status === 502 || record?.errorCode === 'upstream_broken_off');
});

describe('an answer whose upstream has closed while the caller was slow', () => {
  // More than the sockets on the way hold, so that the end of the connection overtakes what waits for the caller.
  const BODY = Buffer.alloc(24 * 1024 * 1024, 'x');
  const framings: readonly [name: string, head: string][] = [
    ['a length', `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n`],
    ['its end', 'HTTP/1.1 200 OK\r\n\r\n'],
  ];
  for (const [name, head] of framings) {
    test(`and that is delimited by ${name} arrives whole`, async (t) => {
      const { wire } = await startBench(t, (socket) => {
        socket.write(head);
        socket.end(BODY);
      });
      wire.socket.pause();
      wire.send(`${REQUEST}\r\n`);
      // The reader takes little at a time, with turns of the event loop between.
      const sip = setInterval(() => {
        wire.socket.resume();
        setImmediate(() => wire.socket.pause());
      }, 1);
      t.after(() => clearInterval(sip));
      const answer = await wire.readAnswer();
      assert.equal(answer.body.length, BODY.length);
    });
  }
});
