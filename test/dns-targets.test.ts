// Targets by name, with a DNS server of our own and real sockets: every address is called, renewals are felt by nobody, and what DNS says can lead no
// request where none may go.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { ServiceConfig } from '../src/gateway/snapshot.ts';
import { createAskName } from '../src/gateway/upstream/ask-name.ts';
import { type PrivateTargets, refusalOf } from '../src/gateway/upstream/guarded-lookup.ts';
import { createNames } from '../src/gateway/upstream/names.ts';
import { createOpenSocket } from '../src/gateway/upstream/open-socket.ts';
import { createSystemNames } from '../src/gateway/upstream/system-names.ts';
import { createCertificate } from './harness/certificates.ts';
import { ask, createGateway, type DataPlane, openWire, startDataPlane, valuesOf } from './harness/data-plane.ts';
import { type DnsRecord, type DnsServer, startDnsServer } from './harness/dns-server.ts';
import { startRawUpstream } from './harness/upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

interface Named {
  readonly dns: DnsServer;
  readonly plane: DataPlane;
  /** The time to live of every name is over. */
  readonly renew: () => void;
  /** Resolves when DNS has been asked so many times in all, and the answers are taken in. */
  readonly asked: (count: number) => Promise<void>;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setImmediate(resolve));
}

interface Told {
  readonly zone: Readonly<Record<string, Parameters<DnsServer['zone']['set']>[1]>>;
  readonly targets: ServiceConfig['targets'];
  readonly more?: Partial<ServiceConfig>;
  readonly privateTargets?: PrivateTargets;
}

async function startNamed(t: TestContext, { zone, targets, more, privateTargets = 'allow' }: Told): Promise<Named> {
  const dns = await startDnsServer();
  t.after(() => dns.close());
  for (const [name, answer] of Object.entries(zone)) dns.zone.set(name, answer);
  const renewals = new Set<() => void>();
  let answered = 0;
  const askName = createAskName({
    servers: dns.resolver,
    lookUp: () => Promise.reject(new Error('ENOTFOUND')),
    isAllowed: (address) => refusalOf(address, privateTargets) === undefined,
    hasFamily: (family) => family === 4,
  });
  const names = createNames({
    ask: (name) => askName(name).finally(() => void setImmediate(() => answered++)),
    later(callback) {
      renewals.add(callback);
      return { cancel: () => renewals.delete(callback) };
    },
  });
  const plane = await startDataPlane({
    gateways: [createGateway('', { services: [{ name: 'echo', targets, stripPrefix: false, ...more }] })],
    names,
    openSocket: createOpenSocket(privateTargets),
  });
  t.after(() => plane.close());
  return {
    dns,
    plane,
    renew() {
      for (const renewal of renewals) {
        renewals.delete(renewal);
        renewal();
      }
    },
    asked: (times) => until(() => answered >= times),
  };
}

const a = (address: string): DnsRecord => ({ type: 'A', address, ttl: 60 });

/** Servers on one port of these addresses, each saying which it is. */
async function startOnEach(t: TestContext, addresses: readonly string[], answer?: (socket: Socket) => void) {
  const heads: string[] = [];
  const servers: Server[] = [];
  let port = 0;
  for (const address of addresses) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => undefined));
      socket.on('data', (bytes) => {
        heads.push(bytes.toString('latin1'));
        if (answer === undefined)
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${address.length}\r\n\r\n${address}`);
        else answer(socket);
      });
    });
    server.listen(port, address);
    await once(server, 'listening');
    const bound = server.address();
    port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    servers.push(server);
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }
  return { port, heads, servers };
}

const who = async (plane: DataPlane): Promise<string> => (await ask(plane.port, GET)).body.toString('latin1');

async function count(plane: DataPlane, times: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < times; i++) {
    const name = await who(plane);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('a target by name', () => {
  test('is called at every address that the name leads to, under its own name', async (t) => {
    const { port, heads } = await startOnEach(t, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    const zone = { 'api.test': [a('127.0.0.1'), a('127.0.0.2'), a('127.0.0.3')] };
    const { plane, asked } = await startNamed(t, { zone, targets: [{ url: `http://api.test:${port}/base` }] });
    await asked(1);
    assert.deepEqual(await count(plane, 9), { '127.0.0.1': 3, '127.0.0.2': 3, '127.0.0.3': 3 });
    assert.match(heads[0] ?? '', new RegExp(`^GET /base/ HTTP/1.1\\r\\nhost: api.test:${port}\\r\\n`));
    assert.equal(plane.sink.records[0]?.target, `http://api.test:${port}/base`);
  });

  test('keeps its weight beside other targets, however many addresses it has', async (t) => {
    const { port } = await startOnEach(t, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    const zone = { 'api.test': [a('127.0.0.1'), a('127.0.0.2')] };
    const targets = [{ url: `http://api.test:${port}` }, { url: `http://127.0.0.3:${port}`, weight: 3 }];
    const { plane, asked } = await startNamed(t, { zone, targets });
    await asked(1);
    assert.deepEqual(await count(plane, 16), { '127.0.0.1': 2, '127.0.0.2': 2, '127.0.0.3': 12 });
  });

  test('follows the name when its time is over; what it carries at an old address goes to its end', async (t) => {
    const { port, heads } = await startOnEach(t, ['127.0.0.1', '127.0.0.2']);
    const held: Socket[] = [];
    const old = await startOnEach(t, ['127.0.0.4'], (socket) => void held.push(socket));
    const zone = { 'api.test': [a('127.0.0.1')], 'old.test': [a('127.0.0.4')] };
    const { dns, plane, renew, asked } = await startNamed(t, { zone, targets: [{ url: `http://api.test:${port}` }] });
    await asked(1);
    assert.deepEqual(await count(plane, 4), { '127.0.0.1': 4 });
    dns.zone.set('api.test', [a('127.0.0.1'), a('127.0.0.2')]);
    assert.deepEqual(await count(plane, 4), { '127.0.0.1': 4 }, 'not before');
    renew();
    await asked(2);
    assert.deepEqual(await count(plane, 4), { '127.0.0.1': 2, '127.0.0.2': 2 });
    dns.zone.set('api.test', [a('127.0.0.2')]);
    renew();
    await asked(3);
    assert.deepEqual(await count(plane, 4), { '127.0.0.2': 4 });
    assert.equal(heads.length, 16);

    const other = await startNamed(t, { zone, targets: [{ url: `http://old.test:${old.port}` }] });
    await other.asked(1);
    const wire = await openWire(other.plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(GET);
    await until(() => held.length === 1);
    other.dns.zone.set('old.test', [a('127.0.0.1')]);
    other.renew();
    await other.asked(2);
    held[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold');
    assert.equal((await wire.readAnswer()).body.toString(), 'old');
  });

  for (const failure of ['silent', 'broken', []] as const) {
    test(`goes on where it was when DNS is ${failure.length === 0 ? 'empty' : failure.toString()}, and nobody waits`, async (t) => {
      const { port } = await startOnEach(t, ['127.0.0.1', '127.0.0.2']);
      const zone = { 'api.test': [a('127.0.0.1'), a('127.0.0.2')] };
      const { dns, plane, renew, asked } = await startNamed(t, { zone, targets: [{ url: `http://api.test:${port}` }] });
      await asked(1);
      dns.zone.set('api.test', failure);
      for (let i = 1; i <= 3; i++) {
        renew();
        assert.deepEqual(await count(plane, 4), { '127.0.0.1': 2, '127.0.0.2': 2 });
        await asked(i + 1);
      }
      dns.zone.set('api.test', [a('127.0.0.2')]);
      renew();
      await asked(5);
      assert.deepEqual(await count(plane, 4), { '127.0.0.2': 4 });
    });
  }

  test('of which one address is dead loses no request', async (t) => {
    const { port, servers } = await startOnEach(t, ['127.0.0.1', '127.0.0.2']);
    servers[1]?.close();
    const zone = { 'api.test': [a('127.0.0.1'), a('127.0.0.2')] };
    const more = { retry: { attempts: 1, statuses: [] } };
    const { plane, asked } = await startNamed(t, { zone, targets: [{ url: `http://api.test:${port}` }], more });
    await asked(1);
    assert.deepEqual(await count(plane, 10), { '127.0.0.1': 10 });
  });

  test('gives those who wait for room the address that is new', async (t) => {
    const held: Socket[] = [];
    const { port } = await startOnEach(t, ['127.0.0.1', '127.0.0.2'], (socket) => void held.push(socket));
    const zone = { 'api.test': [a('127.0.0.1')] };
    const targets = [{ url: `http://api.test:${port}`, maxConcurrentRequests: 1 }];
    const { dns, plane, renew, asked } = await startNamed(t, { zone, targets });
    await asked(1);
    const send = async (): Promise<void> => {
      const wire = await openWire(plane.port);
      t.after(() => wire.socket.destroy());
      wire.send(GET);
    };
    await send();
    await until(() => held.length === 1);
    await send();
    await new Promise((resolve) => void setImmediate(resolve));
    assert.equal(held.length, 1);
    dns.zone.set('api.test', [a('127.0.0.1'), a('127.0.0.2')]);
    renew();
    await until(() => held.length === 2);
    assert.deepEqual(new Set(held.map(({ localAddress }) => localAddress)), new Set(['127.0.0.1', '127.0.0.2']));
  });

  test('has to prove its name over TLS, whatever address it leads to', async (t) => {
    const certificate = createCertificate(['api.test']);
    const names: unknown[] = [];
    const upstream = createTlsServer({ cert: certificate.certificate, key: certificate.key }, (socket) => {
      names.push(socket.servername);
      socket
        .on('error', () => undefined)
        .on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
      t.after(() => socket.destroy());
    });
    upstream.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => upstream.close());
    const bound = upstream.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    const port = { type: 'SRV', host: 'node.test', port: bound.port, priority: 0, weight: 1 } as const;
    const zone = {
      'api.test': [a('127.0.0.1')],
      'other.test': [a('127.0.0.1')],
      'node.test': [a('127.0.0.1')],
      '_api._tcp.api.test': [port],
      '_api._tcp.other.test': [port],
    };
    const more = { tls: { ca: certificate.certificate } };
    const statuses: number[] = [];
    for (const url of [
      `https://api.test:${bound.port}`,
      `https://other.test:${bound.port}`,
      'https+srv://_api._tcp.api.test',
      'https+srv://_api._tcp.other.test',
    ]) {
      const { plane, asked } = await startNamed(t, { zone, targets: [{ url }], more });
      await asked(1);
      statuses.push((await ask(plane.port, GET)).status);
    }
    assert.deepEqual(statuses, [200, 502, 200, 502]);
    assert.deepEqual(names, ['api.test', 'api.test']);
  });

  test('is asked for by the machine’s own servers, too, and looked up where they are told to be wrong', async (t) => {
    const dns = await startDnsServer();
    t.after(() => dns.close());
    dns.zone.set('api.invalid', [a('127.0.0.1')]);
    const names = createSystemNames('allow', dns.resolver);
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = names.watch({ kind: 'host', name: 'api.invalid' }, resolve);
    await promise;
    const known = names.known({ kind: 'host', name: 'api.invalid' });
    assert.deepEqual(
      known?.map(({ address }) => address),
      ['127.0.0.1'],
    );
    watch.cancel();
  });

  test('works by the system where DNS knows nothing: names of this machine', async (t) => {
    const { port } = await startOnEach(t, ['127.0.0.1']);
    const { plane, dns } = await startNamed(t, { zone: {}, targets: [{ url: `http://localhost:${port}` }] });
    assert.deepEqual(await count(plane, 3), { '127.0.0.1': 3 });
    assert.deepEqual(dns.asked, []);
  });

  test('that nobody knows gets 502 with the reason', async (t) => {
    const { plane, asked } = await startNamed(t, { zone: {}, targets: [{ url: 'http://nobody.invalid' }] });
    await asked(1);
    const { status, headers } = await ask(plane.port, GET);
    assert.deepEqual([status, valuesOf(headers, 'proxy-status')], [502, ['tollgate; error=dns_error']]);
  });

  test('leads nowhere that requests may not go, first or later', async (t) => {
    const { port, heads } = await startOnEach(t, ['127.0.0.1']);
    const zone = { 'api.test': [a('127.0.0.1'), a('169.254.169.254')], 'evil.test': [a('169.254.169.254')] };
    const { dns, plane, renew, asked } = await startNamed(t, { zone, targets: [{ url: `http://api.test:${port}` }] });
    await asked(1);
    assert.deepEqual(await count(plane, 6), { '127.0.0.1': 6 });
    dns.zone.set('api.test', [a('169.254.169.254')]);
    renew();
    await asked(2);
    assert.equal((await ask(plane.port, GET)).status, 502);
    const evil = await startNamed(t, { zone, targets: [{ url: `http://evil.test:${port}` }] });
    await evil.asked(1);
    assert.equal((await ask(evil.plane.port, GET)).status, 502);
    const strict = await startNamed(t, {
      zone: { 'api.test': [a('127.0.0.1')] },
      targets: [{ url: `http://api.test:${port}` }],
      privateTargets: 'refuse',
    });
    await strict.asked(1);
    assert.equal((await ask(strict.plane.port, GET)).status, 502);
    assert.equal(heads.length, 6);
  });
});

describe('a target by SRV records', () => {
  const srv = (host: string, url: string, priority: number, weight: number): DnsRecord => ({
    type: 'SRV',
    host,
    port: Number(new URL(url).port),
    priority,
    weight,
  });

  async function startSaying(t: TestContext, name: string) {
    const upstream = await startRawUpstream(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`),
    );
    t.after(() => upstream.close().catch(() => undefined));
    return upstream;
  }

  test('is called at hosts and ports by weight; the next priority comes when the first is down', async (t) => {
    const [one, two, spare] = [await startSaying(t, 'one'), await startSaying(t, 'two'), await startSaying(t, 'spare')];
    const zone = {
      '_api._tcp.shop.test': [
        srv('one.test', one.url, 1, 30),
        srv('one.test', two.url, 1, 10),
        srv('spare.test', spare.url, 2, 1),
      ],
      'one.test': [a('127.0.0.1')],
      'spare.test': [a('127.0.0.1')],
    };
    const more = { retry: { attempts: 3, statuses: [] } };
    const targets = [{ url: 'http+srv://_api._tcp.shop.test/base' }];
    const { plane, dns, asked, renew } = await startNamed(t, { zone, targets, more });
    await asked(1);
    assert.deepEqual(await count(plane, 8), { one: 6, two: 2 });
    assert.match(one.heads[0] ?? '', /^GET \/base\/ HTTP\/1\.1\r\nhost: shop\.test\r\n/);
    await one.close();
    assert.deepEqual(await count(plane, 4), { two: 4 });
    await two.close();
    assert.deepEqual(await count(plane, 4), { spare: 4 });
    const back = await startSaying(t, 'back');
    dns.zone.set('_api._tcp.shop.test', [srv('one.test', back.url, 1, 1), srv('spare.test', spare.url, 2, 1)]);
    renew();
    await asked(2);
    assert.deepEqual(await count(plane, 4), { back: 4 });
  });

  test('sends nothing anywhere, not to the domain either, as long as nobody knows where it is', async (t) => {
    const { port, heads } = await startOnEach(t, ['127.0.0.1']);
    const zone = { 'shop.test': [a('127.0.0.1')] };
    const { plane, asked } = await startNamed(t, { zone, targets: [{ url: 'http+srv://_api._tcp.shop.test' }] });
    await asked(1);
    const { status, headers } = await ask(plane.port, GET);
    assert.deepEqual([status, valuesOf(headers, 'proxy-status')], [502, ['tollgate; error=dns_error']]);
    assert.deepEqual([heads.length, port > 0], [0, true]);
  });
});
