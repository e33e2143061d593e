// TLS on real sockets: who is shown which certificate, what is spoken afterwards, and the folder that the certificates come from.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { CertificateFolder } from '../src/certificate-folder.ts';
import { toListenFault } from '../src/claim-port.ts';
import { SettingsError } from '../src/config.ts';
import type { EdgeLimits } from '../src/gateway/edge/limits.ts';
import type { TlsCertificate } from '../src/gateway/ports.ts';
import { ListenError } from '../src/gateway/start-error.ts';
import { spawnThreads, startGateway } from '../src/gateway/supervisor.ts';
import { createSharedCounters } from '../src/limits/shared-counters.ts';
import { createCertificate } from './harness/certificates.ts';
import { ask, createGateway, type DataPlane, startDataPlane, USUAL_LIMITS } from './harness/data-plane.ts';
import { freePort } from './harness/free-port.ts';
import { createSandbox } from './harness/tollgate.ts';
import { startRawUpstream } from './harness/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const SHOP = createCertificate(['shop.test', 'www.shop.test']);
const WILD = createCertificate(['*.wild.test'], { name: 'wild' });
const DEFAULT = createCertificate(['fallback.test'], { name: 'default' });

interface TlsPlane extends DataPlane {
  readonly tlsPort: number;
  readonly heads: readonly string[];
}

async function startPlane(
  t: TestContext,
  certificates: readonly TlsCertificate[],
  limits: Partial<EdgeLimits> = {},
  trustedProxies: readonly string[] = [],
): Promise<TlsPlane> {
  const upstream = await startRawUpstream((socket) => void socket.write(OK));
  const plane = await startDataPlane({
    gateways: [createGateway(upstream.url)],
    edge: { limits, tls: { port: 0, certificates } },
    trustedProxies,
  });
  t.after(async () => {
    await plane.close();
    await upstream.close();
  });
  const { tlsPort } = plane.listener;
  assert.ok(tlsPort !== undefined);
  return { ...plane, tlsPort, heads: upstream.heads };
}

/** Shakes hands; rejects with what the handshake failed of. */
async function open(t: TestContext, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

async function failureOf(t: TestContext, port: number, options: ConnectionOptions): Promise<string> {
  return open(t, port, options).then(
    () => 'no failure',
    (cause: unknown) => (cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)),
  );
}

/** The names of the certificate that is shown. */
async function shownTo(t: TestContext, port: number, servername?: string): Promise<string | undefined> {
  const socket = await open(t, port, servername === undefined ? {} : { servername });
  return socket.getPeerCertificate().subjectaltname;
}

async function askOver(socket: Socket, path = '/', host = 'shop.test'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  let answer = '';
  while (!answer.endsWith('\r\n\r\nok')) {
    const [chunk]: unknown[] = await once(socket, 'data');
    answer += String(chunk);
  }
  return answer;
}

describe('a certificate', () => {
  const shown: readonly [servername: string | undefined, names: string][] = [
    ['shop.test', 'DNS:shop.test, DNS:www.shop.test'],
    ['WWW.Shop.test', 'DNS:shop.test, DNS:www.shop.test'],
    ['a.wild.test', 'DNS:*.wild.test'],
    ['a.b.wild.test', 'DNS:fallback.test'],
    ['wild.test', 'DNS:fallback.test'],
    ['other.test', 'DNS:fallback.test'],
    [undefined, 'DNS:fallback.test'],
  ];
  for (const [servername, names] of shown) {
    test(`is chosen by the name that the caller asks for: ${servername}`, async (t) => {
      const { tlsPort } = await startPlane(t, [SHOP, WILD, DEFAULT]);
      assert.equal(await shownTo(t, tlsPort, servername), names);
    });
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`is not shown to who asks for an unknown name without a default one (${version})`, async (t) => {
      const { tlsPort } = await startPlane(t, [SHOP]);
      const failure = await failureOf(t, tlsPort, { servername: 'other.test', maxVersion: version });
      assert.equal(failure, 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
      assert.equal(await shownTo(t, tlsPort, 'shop.test'), 'DNS:shop.test, DNS:www.shop.test');
    });
  }

  test('is not shown to who asks for no name without a default one', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    assert.match(await failureOf(t, tlsPort, {}), /HANDSHAKE_FAILURE/);
  });

  test('of two for one name is the one that lasts longer', async (t) => {
    const later = createCertificate(['shop.test', 'renewed.test'], { name: 'a', expiresAtMs: SHOP.expiresAtMs + 1e6 });
    const { tlsPort } = await startPlane(t, [later, SHOP]);
    assert.equal(await shownTo(t, tlsPort, 'shop.test'), 'DNS:shop.test, DNS:renewed.test');
  });

  test('that is replaced is shown to new connections, and those that stand go on', async (t) => {
    const { listener, tlsPort } = await startPlane(t, [SHOP, DEFAULT]);
    const old = await open(t, tlsPort, { servername: 'shop.test' });
    await askOver(old);
    listener.setCertificates([
      createCertificate(['shop.test', 'new.test']),
      createCertificate(['newer.test'], { name: 'default' }),
    ]);
    assert.equal(await shownTo(t, tlsPort, 'shop.test'), 'DNS:shop.test, DNS:new.test');
    assert.equal(await shownTo(t, tlsPort), 'DNS:newer.test');
    assert.match(await askOver(old), /^HTTP\/1\.1 200 /);
  });
});

describe('a handshake', () => {
  test('with less than TLS 1.2 is refused', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    // The client's own library would refuse too, at its usual level.
    const options = { servername: 'shop.test', ciphers: 'DEFAULT@SECLEVEL=0' };
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const failure = await failureOf(t, tlsPort, { ...options, minVersion: version, maxVersion: version });
      assert.equal(failure, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    }
  });

  test('without forward secrecy or authenticated encryption is refused', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384']) {
      const failure = await failureOf(t, tlsPort, { servername: 'shop.test', maxVersion: 'TLSv1.2', ciphers });
      assert.match(failure, /HANDSHAKE_FAILURE/, ciphers);
    }
  });

  const agreed: readonly [offered: readonly string[], spoken: string | false][] = [
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [[], false],
  ];
  for (const [offered, spoken] of agreed) {
    test(`agrees on ${spoken} with who offers ${offered.join(', ') || 'nothing'}`, async (t) => {
      const { tlsPort } = await startPlane(t, [SHOP]);
      const socket = await open(t, tlsPort, { servername: 'shop.test', ALPNProtocols: [...offered] });
      assert.equal(socket.alpnProtocol, spoken);
    });
  }

  test('with who speaks neither is refused', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    const failure = await failureOf(t, tlsPort, { servername: 'shop.test', ALPNProtocols: ['spdy/3'] });
    assert.match(failure, /NO_APPLICATION_PROTOCOL/);
  });

  test('that does not come ends, and counts as a connection until then', async (t) => {
    const { tlsPort, port } = await startPlane(t, [SHOP], { headTimeoutMs: 300, connections: 1 });
    const silent = connectTcp(tlsPort, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    await once(silent, 'connect');
    const ended = once(silent, 'close');
    for (const other of [port, tlsPort]) {
      const turnedAway = connectTcp(other, '127.0.0.1');
      turnedAway.on('error', () => undefined).resume();
      await once(turnedAway, 'close');
    }
    await ended;
    // The place is free again as soon as the server has heard of its own closing.
    for (;;) {
      const failure = await failureOf(t, tlsPort, { servername: 'shop.test' });
      if (failure === 'no failure') break;
    }
  });

  test('that is nonsense ends that connection alone', async (t) => {
    const { tlsPort } = await startPlane(t, [SHOP]);
    const socket = connectTcp(tlsPort, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await once(socket, 'close');
    assert.match(await askOver(await open(t, tlsPort, { servername: 'shop.test' })), /^HTTP\/1\.1 200 /);
  });
});

describe('HTTP/1.1 over TLS', () => {
  test('is the same as without, and tells the upstream that it was https', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test', ALPNProtocols: ['http/1.1'] });
    for (let i = 0; i < 3; i++) assert.match(await askOver(socket, `/${i}`), /^HTTP\/1\.1 200 /);
    for (const head of plane.heads) assert.match(head, /\r\nx-forwarded-proto: https\r\n/);
    assert.equal((await ask(plane.port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')).status, 200);
    assert.match(plane.heads[3] ?? '', /\r\nx-forwarded-proto: http\r\n/);
    assert.equal((await plane.sink.wait(4)).length, 4);
  });

  // RFC 9110 §7.4: whether the request belongs on the connection, by the name that was asked for and the certificate that was shown.
  const hosts: readonly [servername: string | undefined, host: string, status: number][] = [
    ['shop.test', 'shop.test', 200],
    ['shop.test', 'SHOP.test:8443', 200],
    ['shop.test', 'www.shop.test', 200],
    ['shop.test', 'a.wild.test', 421],
    ['shop.test', 'fallback.test', 421],
    ['shop.test', '127.0.0.1', 421],
    ['shop.test', 'shop.test.evil.test', 421],
    ['a.wild.test', 'b.wild.test', 200],
    ['a.wild.test', 'wild.test', 421],
    ['a.wild.test', 'a.b.wild.test', 421],
    ['other.test', 'other.test', 200],
    ['other.test', 'fallback.test', 200],
    ['other.test', 'another.test', 421],
    [undefined, 'fallback.test', 200],
    [undefined, '127.0.0.1:8443', 200],
    [undefined, '[::1]:8443', 200],
    [undefined, 'shop.test', 421],
  ];
  for (const [servername, host, status] of hosts) {
    test(`is ${status} for ${host} on a connection that was made for ${servername ?? 'an address'}`, async (t) => {
      const plane = await startPlane(t, [SHOP, WILD, DEFAULT]);
      const socket = await open(t, plane.tlsPort, servername === undefined ? {} : { servername });
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const [chunk]: unknown[] = await once(socket, 'data');
      assert.match(String(chunk), new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(plane.heads.length, status === 200 ? 1 : 0);
      assert.equal((await plane.sink.wait(1))[0]?.status, status);
    });
  }

  test('is for any host with a certificate that names none', async (t) => {
    const plane = await startPlane(t, [createCertificate([])]);
    assert.match(await askOver(await open(t, plane.tlsPort, {}), '/', 'any.test'), /^HTTP\/1\.1 200 /);
  });

  test('may bring requests for any host from a trusted proxy', async (t) => {
    const plane = await startPlane(t, [SHOP], {}, ['127.0.0.1']);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test' });
    assert.match(await askOver(socket, '/', 'other.test'), /^HTTP\/1\.1 200 /);
  });

  test('tells the upstream the port that the caller asked at, and the one they reached when they name no host', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test' });
    await askOver(socket);
    await askOver(socket, '/', `shop.test:${plane.tlsPort}`);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    await once(socket, 'close');
    const told = plane.heads.map((head) => /\r\nx-forwarded-port: (\d+)/.exec(head)?.[1]);
    assert.deepEqual(told, ['443', String(plane.tlsPort), String(plane.tlsPort)]);
  });

  test('is as strict as without', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const socket = await open(t, plane.tlsPort, { servername: 'shop.test' });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    const [chunk]: unknown[] = await once(socket, 'data');
    assert.match(String(chunk), /^HTTP\/1\.1 400 /);
    await once(socket, 'close');
    assert.deepEqual(plane.heads, []);
  });

  test('drains: idle connections and handshakes under way end at once', async (t) => {
    const plane = await startPlane(t, [SHOP]);
    const idle = await open(t, plane.tlsPort, { servername: 'shop.test' });
    await askOver(idle);
    const silent = connectTcp(plane.tlsPort, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    await once(silent, 'connect');
    await open(t, plane.tlsPort, { servername: 'shop.test' }); // By now the server has taken the silent one, too.
    const ends = [once(idle, 'close'), once(silent, 'close')];
    await plane.listener.drain();
    await Promise.all(ends);
  });
});

describe('the folder of certificates', () => {
  interface Folder {
    readonly path: string;
    /** What was logged: level and file or name. */
    readonly logged: string[];
    put(...certificates: readonly TlsCertificate[]): void;
    open(): CertificateFolder;
  }

  function createFolder(t: TestContext): Folder {
    const path = mkdtempSync(join(tmpdir(), 'tollgate-certificates-'));
    t.after(() => rmSync(path, { recursive: true, force: true }));
    const logged: string[] = [];
    const say =
      (level: string) =>
      (fields: object, message: string): void => {
        logged.push(`${level} ${Object.values(fields)[0]}: ${message}`);
      };
    return {
      path,
      logged,
      put(...certificates) {
        for (const { name, certificate, key } of certificates) {
          writeFileSync(join(path, `${name}.crt`), certificate);
          writeFileSync(join(path, `${name}.key`), key);
        }
      },
      open: () =>
        new CertificateFolder({
          folder: path,
          nowMs: () => Date.now(),
          log: { info: say('info'), warn: say('warn'), error: say('error') },
        }),
    };
  }

  function faultsOf(folder: Folder): string[] {
    try {
      folder.open();
    } catch (cause) {
      assert.ok(cause instanceof SettingsError);
      return cause.faults.map((fault) => fault.replaceAll(folder.path, 'FOLDER'));
    }
    return [];
  }

  test('gives every pair with its names', (t) => {
    const folder = createFolder(t);
    folder.put(SHOP, WILD, DEFAULT);
    writeFileSync(join(folder.path, 'README'), 'not a pair');
    const { certificates } = folder.open();
    assert.deepEqual(certificates, [DEFAULT, SHOP, WILD]);
    assert.deepEqual(folder.logged, []);
  });

  const faulty: readonly [what: string, spoil: (folder: string) => void, says: RegExp][] = [
    ['is missing', (folder) => rmSync(folder, { recursive: true }), /the folder FOLDER cannot be read \(ENOENT\)/],
    [
      'is empty',
      (folder) => ['crt', 'key'].forEach((end) => rmSync(join(folder, `shop.test.${end}`))),
      /holds no pair/,
    ],
    [
      'has a certificate without a key',
      (folder) => rmSync(join(folder, 'shop.test.key')),
      /shop\.test\.key: cannot be read \(ENOENT\)/,
    ],
    [
      'has a key without a certificate',
      (folder) => rmSync(join(folder, 'shop.test.crt')),
      /shop\.test\.crt: cannot be read \(ENOENT\)/,
    ],
    [
      'has a certificate that is none',
      (folder) => writeFileSync(join(folder, 'shop.test.crt'), 'x'),
      /shop\.test\.crt: is not a certificate in PEM/,
    ],
    [
      'has a key that is none',
      (folder) => writeFileSync(join(folder, 'shop.test.key'), 'x'),
      /shop\.test\.key: is not a private key in PEM/,
    ],
    [
      'has a key of another certificate',
      (folder) => writeFileSync(join(folder, 'shop.test.key'), WILD.key),
      /shop\.test\.key: is not the key of shop\.test\.crt/,
    ],
  ];
  for (const [what, spoil, says] of faulty) {
    test(`that ${what} stops the start with one line that names it`, (t) => {
      const folder = createFolder(t);
      folder.put(SHOP);
      spoil(folder.path);
      const faults = faultsOf(folder);
      assert.equal(faults.length, 1);
      assert.match(faults[0] ?? '', /^TLS_CERTIFICATES: .*$/);
      assert.match(faults[0] ?? '', says);
      assert.doesNotMatch(faults[0] ?? '', /PRIVATE KEY/);
    });
  }

  test('that has a certificate without names stops the start, unless it is the default one', (t) => {
    const folder = createFolder(t);
    folder.put(createCertificate([], { name: 'default' }));
    assert.deepEqual(faultsOf(folder), []);
    folder.put(createCertificate([], { name: 'nameless' }));
    assert.match(faultsOf(folder).join(), /nameless\.crt: has no DNS name/);
  });

  test('may hold an expired certificate, with a warning', (t) => {
    const folder = createFolder(t);
    folder.put(createCertificate(['old.test'], { expiresAtMs: Date.now() - 1000 }));
    assert.equal(folder.open().certificates.length, 1);
    assert.match(folder.logged.join(), /^warn old\.test: a TLS certificate has expired/);
  });

  test('is read again when it changes, and only then', (t) => {
    const folder = createFolder(t);
    folder.put(SHOP);
    const opened = folder.open();
    assert.equal(opened.reload(), false);
    const renewed = createCertificate(['shop.test', 'renewed.test']);
    folder.put(renewed, WILD);
    assert.equal(opened.reload(), true);
    assert.deepEqual(opened.certificates, [renewed, WILD]);
    assert.equal(opened.reload(), false);
    rmSync(join(folder.path, 'wild.crt'));
    rmSync(join(folder.path, 'wild.key'));
    assert.equal(opened.reload(), true);
    assert.deepEqual(opened.certificates, [renewed]);
  });

  test('keeps the pair that it knows while the new one is half written, and tells so once', (t) => {
    const folder = createFolder(t);
    folder.put(SHOP, WILD);
    const opened = folder.open();
    const renewed = createCertificate(['shop.test', 'renewed.test']);
    writeFileSync(join(folder.path, 'shop.test.crt'), renewed.certificate);
    assert.equal(opened.reload(), false);
    assert.equal(opened.reload(), false);
    assert.deepEqual(opened.certificates, [SHOP, WILD]);
    assert.equal(folder.logged.length, 1);
    assert.match(folder.logged[0] ?? '', /^error .*shop\.test\.key: a TLS certificate cannot be used; the one before/);
    writeFileSync(join(folder.path, 'shop.test.key'), renewed.key);
    assert.equal(opened.reload(), true);
    assert.deepEqual(opened.certificates, [renewed, WILD]);
  });

  test('that goes away leaves what is known in place, and is told once', (t) => {
    const folder = createFolder(t);
    folder.put(SHOP);
    const opened = folder.open();
    rmSync(folder.path, { recursive: true });
    assert.equal(opened.reload(), false);
    assert.equal(opened.reload(), false);
    assert.deepEqual(opened.certificates, [SHOP]);
    assert.equal(folder.logged.length, 1);
  });
});

/** A port that somebody else listens on, and does not share. */
async function holdPort(t: TestContext): Promise<number> {
  const holder = createServer().listen({ port: 0, host: '0.0.0.0' });
  t.after(() => holder.close());
  await once(holder, 'listening');
  const address = holder.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

describe('a gateway thread', () => {
  test('that cannot have the TLS port says that it is this one', async (t) => {
    const heldPort = await holdPort(t);
    const threads = spawnThreads(1);
    t.after(() => Promise.all(threads.map((thread) => thread.terminate())));
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const started = startGateway(threads, {
      log,
      findCredential: () => Promise.resolve(undefined),
      saveRehash: () => Promise.resolve(),
      writeRecords: () => Promise.resolve(),
      circuits: { take: () => undefined, drop: () => undefined },
      boot: {
        host: '0.0.0.0',
        port: await freePort(),
        threads: 1,
        privateTargets: 'allow',
        secretsKey: new Uint8Array(32),
        hmacSecret: 'x'.repeat(32),
        previousHmacSecret: undefined,
        pseudonym: 'tollgate-test',
        keyCache: { entries: 100, ageMs: 1000, awayMs: 1000 },
        controlToken: 'token',
        trustedProxies: [],
        countries: { header: undefined, database: undefined },
        limits: USUAL_LIMITS,
        counters: createSharedCounters({ entries: 1024, seats: 3, secret: 's' }),
        redisUrl: undefined,
        redisTimeoutMs: 100,
        limitSettings: { address: [], ipv6Bits: 64, onFailure: 'deny', refundsFailures: true },
        tls: { port: heldPort, certificates: [SHOP] },
        snapshot: { version: 1, gateways: [] },
      },
    });
    await assert.rejects(started, (cause) => {
      assert.ok(cause instanceof ListenError);
      assert.deepEqual([cause.code, cause.port], ['EADDRINUSE', heldPort]);
      const place = { host: '0.0.0.0', port: heldPort, setting: 'TLS_PORT' };
      assert.match(toListenFault(place, cause).message, /^TLS_PORT: \d+ is in use by another program;/);
      return true;
    });
  });
});

describe('a node with TLS', () => {
  test('shows its certificate, takes a new one while it runs, and refuses settings that cannot be', async (t) => {
    const sandbox = await createSandbox();
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-certificates-'));
    t.after(async () => {
      await sandbox.remove();
      rmSync(folder, { recursive: true, force: true });
    });
    const put = ({ certificate, key }: TlsCertificate): void => {
      writeFileSync(join(folder, 'shop.crt'), certificate);
      writeFileSync(join(folder, 'shop.key'), key);
    };
    put(SHOP);
    const port = await freePort();
    const heldPort = await holdPort(t);
    const settings = { TOLLGATE_TLS_PORT: String(port), TOLLGATE_TLS_CERTIFICATES: folder };
    const refused: readonly [Record<string, string>, RegExp][] = [
      [{ ...settings, TOLLGATE_TLS_CERTIFICATES: '' }, /^tollgate: TLS_PORT: needs TLS_CERTIFICATES.*\n$/],
      [{ ...settings, TOLLGATE_TLS_PORT: '' }, /^tollgate: TLS_CERTIFICATES: needs TLS_PORT.*\n$/],
      [{ ...settings, TOLLGATE_PORT: String(port) }, /^tollgate: TLS_PORT: \d+ is PORT already.*\n$/],
      [
        { ...settings, TOLLGATE_TLS_PORT: String(heldPort) },
        /^tollgate: TLS_PORT: \d+ is in use by another program;.*\n$/,
      ],
      [
        { ...settings, TOLLGATE_TLS_CERTIFICATES: join(folder, 'none') },
        /^tollgate: TLS_CERTIFICATES: the folder .*\n$/,
      ],
    ];
    for (const [env, says] of refused) {
      const { code, log } = await sandbox.run([], env);
      assert.match(log, says);
      assert.equal(code, 2);
    }

    const node = await sandbox.start(settings);
    assert.match(
      node.output(),
      new RegExp(`listens on http://127\\.0\\.0\\.1:\\d+ and https://127\\.0\\.0\\.1:${port} `),
    );
    assert.equal(await shownTo(t, port, 'shop.test'), 'DNS:shop.test, DNS:www.shop.test');
    put(createCertificate(['shop.test', 'renewed.test']));
    while ((await shownTo(t, port, 'shop.test')) !== 'DNS:shop.test, DNS:renewed.test');
    node.signal('SIGTERM');
    assert.equal(await node.ended(), 0);
  });
});
