// What goes on to the next hop and what ends at this one, on real sockets: chains of gateways, proxies before them, loops, traces.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { METHODS } from '../src/gateway/router.ts';
import { localReply } from '../src/gateway/exchange.ts';
import {
  ask,
  createEndpoint,
  createGateway,
  createKey,
  type DataPlane,
  type DataPlaneOptions,
  openWire,
  readProblem,
  startDataPlane,
  valuesOf,
} from './harness/data-plane.ts';
import { type RawUpstream, startRawUpstream } from './harness/upstream.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

async function startUpstream(t: TestContext, answer = OK): Promise<RawUpstream> {
  const upstream = await startRawUpstream((socket: Socket) => void socket.write(answer, 'latin1'));
  t.after(() => upstream.close());
  return upstream;
}

async function startBefore(t: TestContext, url: string, options: Partial<DataPlaneOptions> = {}): Promise<DataPlane> {
  const endpoints = METHODS.map((method) => createEndpoint({ method }));
  const plane = await startDataPlane({ gateways: [createGateway(url, { endpoints })], ...options });
  t.after(() => plane.close());
  return plane;
}

const urlOf = (plane: DataPlane): string => `http://127.0.0.1:${plane.port}`;

function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: api.test:8080', ...headers, '', ''].join('\r\n');
}

/** The headers of the request that the upstream saw last, flat. */
function seen(upstream: RawUpstream): string[] {
  const lines = (upstream.heads.at(-1) ?? '').split('\r\n').slice(1);
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

describe('between the neighbours alone', () => {
  test('stays what Connection names of a request, and what always does, the body with its length goes on', async (t) => {
    const upstream = await startUpstream(t);
    const plane = await startBefore(t, upstream.url);
    const hop = [
      'Keep-Alive: timeout=5',
      'Proxy-Authorization: Basic x',
      'Proxy-Connection: keep-alive',
      'Upgrade: h2c',
    ];
    const named =
      'Connection: keep-alive, X-Hop, content-length, cookie, via, x-forwarded-for, tollgate-context, Upgrade';
    const kept = ['Cookie: a=1', 'X-One: 1', 'x-one: 2'];
    await ask(plane.port, `${head('POST /', named, ...hop, 'X-Hop: 1', ...kept, 'Content-Length: 2')}ab`);
    const headers = seen(upstream);
    for (const name of [
      'connection',
      'keep-alive',
      'proxy-authorization',
      'proxy-connection',
      'upgrade',
      'x-hop',
      'te',
    ])
      assert.deepEqual(valuesOf(headers, name), [], name);
    assert.deepEqual(valuesOf(headers, 'x-one'), ['1', '2']);
    assert.deepEqual(valuesOf(headers, 'cookie'), ['a=1']);
    assert.deepEqual(valuesOf(headers, 'content-length'), ['2']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-for'), ['127.0.0.1']);
  });

  test('stays what Connection names of an answer, and what always does', async (t) => {
    const fields = [
      'Connection: X-Hop, keep-alive, Set-Cookie, Content-Length',
      'Keep-Alive: timeout=5',
      'X-Hop: 1',
      'Proxy-Authenticate: Basic',
      'Upgrade: h2c',
      'Set-Cookie: a=1, x',
      'set-cookie: b=2',
      'Proxy-Status: inner; error=x',
    ];
    const upstream = await startUpstream(t, `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`);
    const plane = await startBefore(t, upstream.url);
    const { headers } = await ask(plane.port, head('GET /'));
    for (const name of ['connection', 'keep-alive', 'x-hop', 'proxy-authenticate', 'upgrade'])
      assert.deepEqual(valuesOf(headers, name), [], name);
    assert.deepEqual(valuesOf(headers, 'set-cookie'), ['a=1, x', 'b=2']);
    assert.deepEqual(valuesOf(headers, 'proxy-status'), ['inner; error=x']);
  });

  test('goes the wish for trailers, and no other coding', async (t) => {
    const upstream = await startUpstream(t);
    const plane = await startBefore(t, upstream.url);
    await ask(plane.port, head('GET /', 'TE: trailers, deflate;q=0.5', 'Connection: TE'));
    assert.deepEqual(valuesOf(seen(upstream), 'te'), ['trailers']);
    await ask(plane.port, head('GET /', 'TE: gzip', 'Connection: TE'));
    assert.deepEqual(valuesOf(seen(upstream), 'te'), []);
  });
});

describe('Via', () => {
  test('names us on the way there, on the way back, and not on answers of our own', async (t) => {
    const upstream = await startUpstream(t, OK.replace('\r\n', '\r\nVia: 1.1 cache\r\n'));
    const plane = await startBefore(t, upstream.url, { pseudonym: 'tollgate-aaaaaaaa' });
    const { headers } = await ask(plane.port, head('GET /', 'Via: 2.0 edge (a, b)'));
    assert.deepEqual(valuesOf(seen(upstream), 'via'), ['2.0 edge (a, b)', '1.1 tollgate-aaaaaaaa']);
    assert.deepEqual(valuesOf(headers, 'via'), ['1.1 cache', '1.1 tollgate-aaaaaaaa']);
    assert.deepEqual(valuesOf((await ask(plane.port, head('GET /a/../b'))).headers, 'via'), []);
  });

  test('tells of an HTTP/1.0 caller', async (t) => {
    const upstream = await startUpstream(t);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send('GET / HTTP/1.0\r\n\r\n');
    await wire.readAnswer();
    assert.deepEqual(valuesOf(seen(upstream), 'via'), ['1.0 tollgate-test']);
  });

  test('lets one installation stand behind another', async (t) => {
    const upstream = await startUpstream(t);
    const inner = await startBefore(t, upstream.url, { pseudonym: 'tollgate-bbbbbbbb' });
    const outer = await startBefore(t, urlOf(inner), { pseudonym: 'tollgate-aaaaaaaa' });
    const answer = await ask(outer.port, head('GET /'));
    assert.equal(answer.status, 200);
    assert.deepEqual(valuesOf(seen(upstream), 'via'), ['1.1 tollgate-aaaaaaaa', '1.1 tollgate-bbbbbbbb']);
    assert.deepEqual(valuesOf(answer.headers, 'via'), ['1.1 tollgate-bbbbbbbb', '1.1 tollgate-aaaaaaaa']);
  });
});

describe('a loop', () => {
  test('through the gateway itself ends with 508, at the second turn, with one record each', async (t) => {
    const key = createKey();
    const plane = await startBefore(t, 'http://127.0.0.1:1', { keys: [key] });
    const policies = [{ name: 'api-key', config: {} }];
    const withKey = createEndpoint({ policies });
    plane.swap({ gateways: [createGateway(urlOf(plane), { endpoints: [withKey] })] });
    const answer = await ask(plane.port, head('GET /', `X-API-Key: ${key.text}`));
    assert.equal(answer.status, 508);
    const problem = readProblem(localReply(508, [], answer.body));
    assert.equal(problem['code'], 'loop_detected');
    assert.deepEqual(valuesOf(answer.headers, 'proxy-status'), ['tollgate; error=proxy_loop_detected']);
    const records = await plane.sink.wait(2);
    // The second turn has no key any more: that it is told of the loop shows that no policy was asked.
    const ends = records.map(({ status, errorCode }) => `${status} ${errorCode}`);
    assert.deepEqual(ends.toSorted(), ['508 loop_detected', '508 undefined']);
    assert.deepEqual(plane.defects, []);
  });

  test('over another installation ends, too', async (t) => {
    const first = await startBefore(t, 'http://127.0.0.1:1', { pseudonym: 'tollgate-aaaaaaaa' });
    const second = await startBefore(t, urlOf(first), { pseudonym: 'tollgate-bbbbbbbb' });
    first.swap({ gateways: [createGateway(urlOf(second))] });
    assert.equal((await ask(first.port, head('GET /'))).status, 508);
    await first.sink.wait(2);
    assert.equal((await second.sink.wait(1)).length, 1);
  });
});

describe('who asked for what', () => {
  const forged = [
    'X-Forwarded-For: 127.0.0.1',
    'x_forwarded_for: 127.0.0.1',
    'Forwarded: for=127.0.0.1;host=evil',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Port: 1',
    'X-Forwarded-Proto: gopher',
    'X-Real-IP: 1.1.1.1',
  ];

  test('is what we see, whatever a caller says', async (t) => {
    const upstream = await startUpstream(t);
    const plane = await startBefore(t, upstream.url);
    await ask(plane.port, head('GET /', ...forged));
    const headers = seen(upstream);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-proto'), ['http']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-host'), ['api.test:8080']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-port'), ['8080']);
    assert.deepEqual(valuesOf(headers, 'forwarded'), ['for=127.0.0.1;proto=http;host="api.test:8080"']);
    assert.doesNotMatch(headers.join('\n'), /evil|gopher|1\.1\.1\.1|x_forwarded/i);
    assert.equal((await plane.sink.wait(1))[0]?.clientIp, '127.0.0.1');
  });

  test('is told by a chain of gateways that trust each other, down to the record of the last', async (t) => {
    const upstream = await startUpstream(t);
    const inner = await startBefore(t, upstream.url, {
      pseudonym: 'tollgate-bbbbbbbb',
      trustedProxies: ['127.0.0.0/8'],
    });
    const outer = await startBefore(t, urlOf(inner), { pseudonym: 'tollgate-aaaaaaaa', trustedProxies: ['127.0.0.1'] });
    const said = [
      'X-Forwarded-For: 198.51.100.7, 203.0.113.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.test',
    ];
    await ask(outer.port, head('GET /', ...said, 'Forwarded: for=6.6.6.6'));
    const headers = seen(upstream);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-for'), ['198.51.100.7, 203.0.113.9, 127.0.0.1, 127.0.0.1']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-proto'), ['https']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-host'), ['shop.test']);
    assert.deepEqual(valuesOf(headers, 'x-forwarded-port'), ['443']);
    const [forwarded = ''] = valuesOf(headers, 'forwarded');
    assert.ok(
      forwarded.startsWith('for=198.51.100.7, for=203.0.113.9, for=127.0.0.1;proto=http;host="api.test:8080", '),
    );
    for (const plane of [outer, inner]) assert.equal((await plane.sink.wait(1))[0]?.clientIp, '203.0.113.9');
  });
});

describe('the control plane', () => {
  async function contextOf(
    t: TestContext,
    trustedProxies: readonly string[],
    ...said: readonly string[]
  ): Promise<unknown> {
    const upstream = await startUpstream(t);
    const gateways = [createGateway(upstream.url, { id: null })];
    const plane = await startDataPlane({ gateways, trustedProxies });
    t.after(() => plane.close());
    await ask(plane.port, head('GET /', ...said));
    const [context = ''] = valuesOf(seen(upstream), 'tollgate-context');
    const { address, forwarded } = Object(JSON.parse(Buffer.from(context, 'base64url').toString()));
    return [address, forwarded];
  }

  test('is told whom a trusted proxy names, and never that a proxied caller is a local one', async (t) => {
    assert.deepEqual(await contextOf(t, []), ['127.0.0.1', false]);
    assert.deepEqual(await contextOf(t, [], 'X-Forwarded-For: 203.0.113.9'), ['127.0.0.1', true]);
    assert.deepEqual(await contextOf(t, ['127.0.0.1'], 'X-Forwarded-For: 203.0.113.9'), ['203.0.113.9', true]);
    assert.deepEqual(await contextOf(t, ['127.0.0.1'], 'X-Forwarded-For: 127.0.0.1'), ['127.0.0.1', true]);
    assert.deepEqual(await contextOf(t, ['127.0.0.1']), ['127.0.0.1', true]);
  });
});

describe('one id', () => {
  const table: readonly [who: string, trustedProxies: readonly string[], id: string, isTheirs: boolean][] = [
    ['a trusted proxy', ['127.0.0.1'], 'edge-1:2.3_4', true],
    ['a trusted proxy, malformed', ['127.0.0.1'], 'a b', false],
    ['anybody else', ['10.0.0.0/8'], 'edge-1', false],
  ];
  for (const [who, trustedProxies, id, isTheirs] of table) {
    test(`of ${who} is ${isTheirs ? 'that' : 'not that'} of the upstream, the answer and the record`, async (t) => {
      const upstream = await startUpstream(t, OK.replace('\r\n', '\r\nX-Request-Id: of upstream\r\n'));
      const plane = await startBefore(t, upstream.url, { trustedProxies });
      const { headers } = await ask(plane.port, head('GET /', `X-Request-Id: ${id}`));
      const [record] = await plane.sink.wait(1);
      const expected = isTheirs ? id : record?.requestId;
      assert.match(record?.requestId ?? '', /^req_/);
      assert.equal(record?.correlationId, isTheirs ? id : undefined);
      assert.deepEqual(valuesOf(headers, 'x-request-id'), [expected]);
      assert.deepEqual(valuesOf(seen(upstream), 'x-request-id'), [expected]);
    });
  }
});

describe('a trace', () => {
  test('goes on through us, and the answer tells the step', async (t) => {
    const upstream = await startUpstream(t, OK.replace('\r\n', `\r\ntraceparent: ${TRACEPARENT}\r\n`));
    const plane = await startBefore(t, upstream.url);
    const { headers } = await ask(plane.port, head('GET /', `traceparent: ${TRACEPARENT}`, 'tracestate: a=1,b=2'));
    const [step = ''] = valuesOf(seen(upstream), 'traceparent');
    assert.match(step, new RegExp(`^00-${TRACE}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
    assert.deepEqual(valuesOf(seen(upstream), 'tracestate'), ['a=1,b=2']);
    assert.deepEqual(valuesOf(headers, 'traceparent'), [step]);
  });

  test('begins here where there is none, or none that can be read, on our own answers as well', async (t) => {
    const upstream = await startUpstream(t);
    const plane = await startBefore(t, upstream.url);
    const { headers } = await ask(plane.port, head('GET /', 'traceparent: 00-junk', 'tracestate: a=1'));
    const [step = ''] = valuesOf(seen(upstream), 'traceparent');
    assert.match(step, /^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/);
    assert.deepEqual(valuesOf(seen(upstream), 'tracestate'), []);
    assert.deepEqual(valuesOf(headers, 'traceparent'), [step]);
    const refused = await ask(plane.port, head('GET /a/../b', `traceparent: ${TRACEPARENT}`));
    assert.match(valuesOf(refused.headers, 'traceparent').join(' '), new RegExp(`^00-${TRACE}-`));
  });
});
