// Each example, run as it stands against the package as it is built, and called on real sockets.

import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const START_TIMEOUT_MS = 60_000;
/** RFC 6455 §1.3. */
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const run = promisify(execFile);

describe('the package', () => {
  let folder = '';
  let upstream: Upstream;
  const running = new Set<ChildProcess>();

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-package-'));
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, 'tollgate'), { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name !== '.bin') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    cpSync(join(ROOT, 'package.json'), join(modules, 'tollgate', 'package.json'));
    for (const project of ['tsconfig.build.json', 'tsconfig.types.json']) {
      await run(join(BIN, 'tsc'), ['--project', join(ROOT, project), '--outDir', join(modules, 'tollgate', 'dist')]);
    }
    upstream = await startUpstream(
      (request, response) => {
        const { method, url } = request;
        void readAll(request).then((body) => response.end(JSON.stringify({ method, url, body })));
      },
      ({ headers }, socket) => {
        const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEBSOCKET}`).digest('base64');
        socket.on('error', () => undefined);
        socket.end(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n\x81\x02hi\x88\x00`,
          'latin1',
        );
      },
    );
    for (const name of ['embedded', 'sidecar']) {
      cpSync(join(ROOT, 'examples', name), join(folder, name), { recursive: true });
      const config = join(folder, name, 'api.yaml');
      const given = readFileSync(config, 'utf8');
      assert.ok(given.includes('http://127.0.0.1:3000'));
      writeFileSync(config, given.replace('url: http://127.0.0.1:3000', `url: ${upstream.url}`));
    }
  });

  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const MAIN = (): string => join(folder, 'node_modules', 'tollgate', 'dist', 'main.js');

  async function makeKey(cwd: string, name: string, scopes: string): Promise<string> {
    const args = [MAIN(), 'key-file', 'add', 'keys.yaml', '--name', name, '--scopes', scopes];
    return (await run(process.execPath, args, { cwd })).stdout.trim();
  }

  /** Resolves with the address that it says it listens on. */
  async function start(cwd: string, args: readonly string[]): Promise<{ url: string; stop: () => Promise<number> }> {
    const env = { ...process.env, PORT: '0' };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const closed = once(child, 'close');
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (output += String(chunk)));
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    for (;;) {
      const url = /listens on (http:\S+)/.exec(output)?.[1];
      if (url !== undefined) {
        const stop = async (): Promise<number> => {
          child.kill('SIGTERM');
          const [code] = await closed;
          running.delete(child);
          return Number(code ?? Number.NaN);
        };
        return { url, stop };
      }
      if (child.exitCode !== null) throw new Error(`it ended before it listened:\n${output}`);
      await sleep(50, undefined, { signal });
    }
  }

  async function call(url: string, key?: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
    const answer = await fetch(url, { ...init, headers: key === undefined ? {} : { 'x-api-key': key } });
    return { status: answer.status, body: await answer.text() };
  }

  const programs: readonly [string, string | undefined][] = [
    ['listen.mjs', undefined],
    ['express.mjs', 'from Express'],
    ['fastify.mjs', 'from Fastify'],
  ];
  for (const [file, greeting] of programs) {
    test(`runs examples/embedded/${file}: the gateway beside what the program does itself`, async () => {
      const cwd = join(folder, 'embedded');
      const key = await makeKey(cwd, `of ${file}`, 'orders:read,orders:write');
      const { url, stop } = await start(cwd, [file]);

      assert.deepEqual(await call(`${url}/shop/status`), {
        status: 200,
        body: '{"method":"GET","url":"/status","body":""}',
      });
      assert.equal((await call(`${url}/shop/orders/1`)).status, 401);
      assert.equal((await call(`${url}/shop/orders/1`, key)).body, '{"method":"GET","url":"/orders/1","body":""}');
      const body = JSON.stringify({ item: 'x'.repeat(100_000) });
      const posted = await call(`${url}/shop/orders`, key, { method: 'POST', body });
      assert.equal(posted.body, JSON.stringify({ method: 'POST', url: '/orders', body }));
      assert.equal((await call(`${url}/shop/nothing`, key)).status, 404);
      const [greeted] = (await once(new WebSocket(`${url.replace('http', 'ws')}/shop/status`), 'message')) as [
        MessageEvent,
      ];
      assert.equal(greeted.data, 'hi');
      if (greeting !== undefined) assert.match((await call(`${url}/hello`)).body, new RegExp(greeting));
      assert.equal(await stop(), 0);
    });
  }

  test('runs examples/sidecar/api.yaml', async () => {
    const cwd = join(folder, 'sidecar');
    const key = await makeKey(cwd, 'me', 'reports:read');
    const args = [MAIN(), 'sidecar', '--config', 'api.yaml', '--keys', 'keys.yaml', '--port', '0'];
    const { url, stop } = await start(cwd, args);
    assert.equal((await call(`${url}/healthz`)).status, 200);
    assert.equal((await call(`${url}/reports/2026`)).status, 401);
    assert.equal((await call(`${url}/reports/2026`, key)).status, 200);
    assert.equal((await call(`${url}/admin`, key)).status, 404);
    assert.equal(await stop(), 0);
  });

  test('brings its types along, and they refuse what the program would refuse', async () => {
    await writeFile(
      join(folder, 'consumer.ts'),
      `import { createGateway, DeclarationError, type ExchangeRecord, type Gateway } from 'tollgate';
import { createServer } from 'node:http';

const seen: ExchangeRecord[] = [];
const gateway: Gateway = createGateway({
  config: { gateways: [{ name: 'a', endpoints: [{ method: 'GET', path: '/', authRequired: false }] }] },
  keys: [{ name: 'b', hash: 'sha256:…', rateLimit: { requestsPerMinute: 5 } }],
  onRecord: (record) => void seen.push(record),
});
createServer(gateway.handler).on('upgrade', gateway.upgrade);
const { port }: { port: number } = await gateway.listen({ port: 0, tls: { cert: '…', key: Buffer.from('…') } });
export const facts = { port, status: seen[0]?.status.toFixed(), DeclarationError };

// @ts-expect-error -- there is no such option
createGateway({ upstrem: 'http://127.0.0.1:3000' });
// @ts-expect-error -- there is no such method
createGateway({ config: { gateways: [{ name: 'a', endpoints: [{ method: 'FETCH', path: '/' }] }] } });
// @ts-expect-error -- a key needs what proves it
createGateway({ config: 'api.yaml', keys: [{ name: 'b' }] });
`,
    );
    const options = { strict: true, noEmit: true, target: 'esnext', module: 'nodenext', types: ['node'] };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, skipLibCheck: false }, files: ['consumer.ts'] }),
    );
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await assert.doesNotReject(
      run(join(BIN, 'tsc'), ['--project', folder]).catch((cause: unknown) => {
        throw new Error(cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : String(cause));
      }),
    );
  });

  test('holds all that its manifest names', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.ok(typeof manifest === 'object' && manifest !== null && 'exports' in manifest && 'files' in manifest);
    assert.deepEqual(manifest.files, ['dist', 'examples/quickstart.yaml']);
    const paths = [...JSON.stringify(manifest.exports).matchAll(/"\.\/(dist\/[^"]+)"/g)].map(([, path]) => path ?? '');
    assert.equal(paths.length, 2);
    for (const path of paths) assert.ok(readFileSync(join(folder, 'node_modules', 'tollgate', path), 'utf8') !== '');
  });
});
