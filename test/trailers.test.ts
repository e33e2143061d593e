// What comes behind a body, on its way through: over HTTP/1.1 and HTTP/2, to the upstream and back.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import { createCertificate } from './harness/certificates.ts';
import { createEndpoint, createGateway, type DataPlane, openWire, startDataPlane } from './harness/data-plane.ts';
import { openHttp2Session } from './harness/http2-session.ts';
import { END_STREAM, FRAME, type Http2Wire, openHttp2Wire } from './harness/http2-wire.ts';
import { startRawUpstream, startUpstream, type Upstream } from './harness/upstream.ts';

const CERTIFICATE = createCertificate(['api.test']);
const REQUEST = [':method', 'POST', ':scheme', 'https', ':authority', 'api.test', ':path', '/'];
/** What no upstream may find behind a body, since some read it like a head. */
const DISTRUSTED: readonly (readonly [string, string])[] = [
  ['x-forwarded-for', '6.6.6.6'],
  ['x_forwarded_for', '6.6.6.6'],
  ['x-forwarded-prefix', '/evil'],
  ['forwarded', 'for=6.6.6.6'],
  ['x-real-ip', '6.6.6.6'],
  ['tollgate-context', 'e30'],
  ['x-api-key', 'theirs'],
  ['x-request-id', 'theirs'],
  ['traceparent', 'theirs'],
  ['via', '1.1 evil'],
  ['proxy-evil', '1'],
];

interface Bench {
  readonly plane: DataPlane;
  /** The requests that the upstream took for whole: their bodies and trailers, flat. */
  readonly whole: readonly (readonly [body: string, trailers: readonly string[]])[];
}

async function startBench(t: TestContext): Promise<Bench> {
  const whole: (readonly [string, readonly string[]])[] = [];
  const upstream = await startUpstream((request, response) => {
    void text(request).then(
      (body) => {
        whole.push([body, request.rawTrailers]);
        response.end('ok');
      },
      () => undefined,
    );
  });
  return { plane: await startBefore(t, upstream), whole };
}

async function startBefore(t: TestContext, upstream: Upstream): Promise<DataPlane> {
  const plane = await startDataPlane({
    gateways: [createGateway(upstream.url, { endpoints: ['GET', 'POST'].map((method) => createEndpoint({ method })) })],
    edge: { tls: { port: 0, certificates: [CERTIFICATE] } },
  });
  t.after(async () => {
    await plane.close();
    await upstream.close();
    assert.deepEqual(plane.defects, []);
  });
  return plane;
}

async function openFrames(t: TestContext, { listener }: DataPlane): Promise<Http2Wire> {
  const wire = await openHttp2Wire({
    port: listener.tlsPort ?? 0,
    servername: 'api.test',
    ca: CERTIFICATE.certificate,
  });
  t.after(() => wire.socket.destroy());
  return wire;
}

function openSession(t: TestContext, { listener }: DataPlane): Promise<ClientHttp2Session> {
  return openHttp2Session(t, listener.tlsPort, CERTIFICATE.certificate);
}

function postOver1(...lines: readonly string[]): string {
  return ['POST / HTTP/1.1', 'Host: api.test', 'Transfer-Encoding: chunked', ...lines, '', ''].join('\r\n');
}

/** Asks over HTTP/2 with these trailers behind the body. */
function postOver2(session: ClientHttp2Session, trailers: Readonly<Record<string, string>>): ClientHttp2Stream {
  const stream = session.request(REQUEST, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end('hi');
  return stream;
}

describe('the trailers of a request', () => {
  test('reach the upstream from HTTP/1.1, in order and with their duplicates', async (t) => {
    const { plane, whole } = await startBench(t);
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(`${postOver1()}2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Other: a\r\nX-Sum: 2\r\n\r\n`);
    assert.equal((await wire.readAnswer()).status, 200);
    assert.deepEqual(whole, [['hi', ['X-Sum', '1', 'X-Other', 'a', 'X-Sum', '2']]]);
  });

  test('reach the upstream from HTTP/2', async (t) => {
    const { plane, whole } = await startBench(t);
    const stream = postOver2(await openSession(t, plane), { 'x-sum': '1', 'x-other': 'a' });
    assert.equal(await text(stream), 'ok');
    assert.deepEqual(whole, [['hi', ['x-sum', '1', 'x-other', 'a']]]);
  });

  test('fall away where the body goes on with a length', async (t) => {
    const { plane, whole } = await startBench(t);
    const wire = await openFrames(t, plane);
    wire.sendHeaders(1, [...REQUEST, 'content-length', '2'], 0);
    wire.sendFrame(FRAME.data, 0, 1, Buffer.from('hi'));
    wire.sendHeaders(1, ['x-sum', '1']);
    assert.equal(await wire.readOutcome(1), 200);
    assert.deepEqual(whole, [['hi', []]]);
  });

  test('bring the upstream nothing that only we may say, from HTTP/1.1', async (t) => {
    const { plane, whole } = await startBench(t);
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    const trailers = DISTRUSTED.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    wire.send(`${postOver1('Connection: x-hop')}2\r\nhi\r\n0\r\n${trailers}X-Hop: 1\r\nx-kept: 1\r\n\r\n`);
    assert.equal((await wire.readAnswer()).status, 200);
    assert.deepEqual(whole, [['hi', ['x-kept', '1']]]);
  });

  test('bring the upstream nothing that only we may say, from HTTP/2', async (t) => {
    const { plane, whole } = await startBench(t);
    const stream = postOver2(await openSession(t, plane), { ...Object.fromEntries(DISTRUSTED), 'x-kept': '1' });
    assert.equal(await text(stream), 'ok');
    assert.deepEqual(whole, [['hi', ['x-kept', '1']]]);
  });

  const refused: readonly (readonly [name: string, value: string, outcome: 'reset' | 400])[] = [
    ['content-length', '2', 400],
    ['host', 'evil.test', 400],
    ['authorization', 'Bearer x', 400],
    ['cookie', 'a=b', 400],
    ['te', 'trailers', 400],
    ['x-long', 'a'.repeat(9000), 400],
    [':path', '/', 'reset'],
    ['connection', 'close', 'reset'],
  ];
  for (const [name, value, outcome] of refused) {
    test(`that must not be there break the request over HTTP/2: ${name}`, async (t) => {
      const { plane, whole } = await startBench(t);
      const wire = await openFrames(t, plane);
      wire.sendHeaders(1, REQUEST, 0);
      wire.sendFrame(FRAME.data, 0, 1, Buffer.from('hi'));
      wire.sendHeaders(1, [name, value], END_STREAM);
      assert.equal(await wire.readOutcome(1), outcome);
      assert.deepEqual(whole, [], 'the upstream took the request for whole');
      const [record] = await plane.sink.wait(1);
      assert.equal(record?.status, outcome === 400 ? 400 : 499);
    });
  }
});

describe('the trailers of an answer', () => {
  const answer = (trailers: string): string =>
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: x-hop\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`;

  async function ask(t: TestContext, trailers: string, ...fields: readonly string[]): Promise<[string, unknown]> {
    const plane = await startBefore(t, await startRawUpstream((socket) => void socket.write(answer(trailers))));
    const stream = (await openSession(t, plane)).request([':method', 'GET', ...REQUEST.slice(2), ...fields], {
      endStream: true,
    });
    let got: unknown;
    stream.on('trailers', (_fields, _flags, raw: unknown) => (got = raw));
    const body = await text(stream);
    assert.equal((await plane.sink.wait(1))[0]?.status, 200);
    return [body, got];
  }

  test('reach the caller over HTTP/2 who takes them', async (t) => {
    const got = await ask(t, 'X-Sum: 1\r\nX-Sum: 2\r\nX-Other: a\r\n', 'te', 'trailers');
    assert.deepEqual(got, ['ok', ['x-sum', '1', 'x-sum', '2', 'x-other', 'a']]);
  });

  test('are left out for the caller over HTTP/2 who does not', async (t) => {
    assert.deepEqual(await ask(t, 'X-Sum: 1\r\n'), ['ok', undefined]);
  });

  test('that are none end the body like any other', async (t) => {
    assert.deepEqual(await ask(t, '', 'te', 'trailers'), ['ok', undefined]);
  });

  test('bring the caller nothing that belongs to the connection behind, or that we say', async (t) => {
    const got = await ask(t, 'X-Hop: 1\r\nX-Request-Id: theirs\r\nProxy-Evil: 1\r\nX-Kept: 1\r\n', 'te', 'trailers');
    assert.deepEqual(got, ['ok', ['x-kept', '1']]);
  });

  test('come though the caller has not sent all of the request', async (t) => {
    const raw = answer('X-Sum: 1\r\n');
    const plane = await startBefore(t, await startRawUpstream((socket) => void socket.write(raw)));
    const stream = (await openSession(t, plane)).request([...REQUEST, 'te', 'trailers']);
    stream.on('error', () => undefined);
    stream.write('half');
    const [trailers] = await once(stream, 'trailers');
    assert.equal(trailers['x-sum'], '1');
  });
});
