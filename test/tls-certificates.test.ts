// Certificates from a folder, and those who serve with them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { CertificateFolder } from '../src/certificate-folder.ts';
import { toListenFault } from '../src/claim-port.ts';
import { SettingsError } from '../src/config.ts';
import type { TlsCertificate } from '../src/gateway/ports.ts';
import { ListenError } from '../src/gateway/start-error.ts';
import { spawnThreads, startGateway } from '../src/gateway/supervisor.ts';
import { createCertificate } from './harness/certificates.ts';
import { freePort } from './harness/free-port.ts';
import { toThreadOptions } from './harness/gateway-threads.ts';
import { createSandbox } from './harness/tollgate.ts';
import { DEFAULT, SHOP, WILD, shownTo } from './tls.fixture.ts';

/** A port that somebody else listens on, and does not share. */
async function holdPort(t: TestContext): Promise<number> {
  const holder = createServer().listen({ port: 0, host: '0.0.0.0' });
  t.after(() => holder.close());
  await once(holder, 'listening');
  const address = holder.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

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

describe('a gateway thread', () => {
  test('that cannot have the TLS port says that it is this one', async (t) => {
    const heldPort = await holdPort(t);
    const threads = spawnThreads(1);
    t.after(() => Promise.all(threads.map((thread) => thread.terminate())));
    const options = toThreadOptions(await freePort());
    const tls = { port: heldPort, certificates: [SHOP] };
    const started = startGateway(threads, { ...options, boot: { ...options.boot, host: '0.0.0.0', tls } });
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
