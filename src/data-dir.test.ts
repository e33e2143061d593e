import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { type DataDir, DataDirInUse, openDataDir } from './data-dir.ts';

/** A folder that does not exist yet, below one that is removed after the test. */
function createPath(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'tollgate-data-'));
  t.after(() => rmSync(parent, { recursive: true }));
  return join(parent, 'deep', 'data');
}

function open(t: TestContext, path: string): DataDir {
  const dir = openDataDir(path);
  t.after(() => dir.release());
  return dir;
}

const HOLDER = `
const [module, path] = process.argv.slice(1);
const { openDataDir } = await import(module);
try {
  const dir = openDataDir(path);
  console.log('held ' + dir.secret('hmac-secret'));
  setInterval(() => dir, 1000);
} catch (error) {
  console.log('refused ' + error.message);
}
`;

interface Holder {
  readonly child: ChildProcess;
  /** What it said first: that it holds the folder, or that it was refused. */
  readonly word: string;
}

/** Another process that opens the folder and keeps it for as long as it lives. */
async function startHolder(t: TestContext, path: string): Promise<Holder> {
  const module = new URL('data-dir.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, module, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  child.stdout.setEncoding('utf8');
  const [word] = await once(child.stdout, 'data');
  return { child, word: String(word).trim() };
}

async function end({ child }: Holder, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

const modeOf = (file: string): number => statSync(file).mode & 0o777;

describe('the data directory', () => {
  test('is made, private, with all that lies above it', (t) => {
    const path = createPath(t);
    assert.equal(open(t, path).path, path);
    assert.equal(modeOf(path), 0o700);
  });

  test('is refused to a second owner in the same process, with the process that has it', (t) => {
    const path = createPath(t);
    open(t, path);
    assert.throws(
      () => openDataDir(path),
      (error) => error instanceof DataDirInUse && error.message.includes(String(process.pid)),
    );
  });

  test('can be had again after its release', (t) => {
    const path = createPath(t);
    openDataDir(path).release();
    open(t, path);
  });

  test('is refused while another process has it, with that process, and can be had when that was killed', async (t) => {
    const path = createPath(t);
    const holder = await startHolder(t, path);
    assert.match(holder.word, /^held /);
    assert.throws(
      () => openDataDir(path),
      (error) => error instanceof DataDirInUse && error.message.includes(String(holder.child.pid)),
    );
    await end(holder, 'SIGKILL');
    const secret = open(t, path).secret('hmac-secret');
    assert.equal(holder.word, `held ${secret}`);
  });

  test('is refused to another process, which does not take it from us', async (t) => {
    const path = createPath(t);
    open(t, path);
    const holder = await startHolder(t, path);
    assert.equal(holder.word, `refused process ${process.pid} uses it`);
    assert.equal(readFileSync(join(path, 'pid'), 'utf8'), `${process.pid}\n`);
  });

  test('is one place, by whatever name it is called', (t) => {
    const path = createPath(t);
    open(t, path);
    assert.throws(() => openDataDir(join(path, '..', 'data', '.')), DataDirInUse);
  });

  test('is not said to be in use when something else is wrong with it', (t) => {
    const path = createPath(t);
    openDataDir(path).release();
    writeFileSync(join(path, 'lock'), 'not what was there '.repeat(1000));
    assert.throws(
      () => openDataDir(path),
      (error) => !(error instanceof DataDirInUse),
    );
    const file = join(path, 'pid');
    assert.throws(
      () => openDataDir(file),
      (error) => !(error instanceof DataDirInUse),
    );
  });
});

describe('a secret that nobody gave', () => {
  test('is made once, and is the same ever after', (t) => {
    const path = createPath(t);
    const first = openDataDir(path);
    const secret = first.secret('hmac-secret');
    assert.match(secret, /^[0-9a-f]{64}$/);
    assert.equal(first.secret('hmac-secret'), secret);
    first.release();
    assert.equal(open(t, path).secret('hmac-secret'), secret);
  });

  test('is another for another name and another folder', (t) => {
    const dir = open(t, createPath(t));
    const other = open(t, createPath(t));
    const secrets = [dir.secret('hmac-secret'), dir.secret('encryption-key'), other.secret('hmac-secret')];
    assert.equal(new Set(secrets).size, 3);
  });

  test('is for its owner only, and made so again when somebody opened it to others', (t) => {
    const path = createPath(t);
    const dir = open(t, path);
    const secret = dir.secret('encryption-key');
    const file = join(path, 'encryption-key');
    assert.equal(modeOf(file), 0o600);
    chmodSync(file, 0o644);
    assert.equal(dir.secret('encryption-key'), secret);
    assert.equal(modeOf(file), 0o600);
  });

  test('leaves no drafts', (t) => {
    const path = createPath(t);
    const dir = open(t, path);
    dir.secret('encryption-key');
    dir.secret('hmac-secret');
    assert.deepEqual(
      readdirSync(path).filter((name) => !name.startsWith('lock')),
      ['encryption-key', 'hmac-secret', 'pid'],
    );
  });

  for (const damage of ['', '\n', 'abc', 'z'.repeat(64)]) {
    test(`is not replaced or believed when its file is damaged: ${JSON.stringify(damage).slice(0, 10)}`, (t) => {
      const path = createPath(t);
      const dir = open(t, path);
      dir.secret('hmac-secret');
      writeFileSync(join(path, 'hmac-secret'), damage);
      assert.throws(() => dir.secret('hmac-secret'), /hmac-secret is damaged/);
      assert.equal(readFileSync(join(path, 'hmac-secret'), 'utf8'), damage);
    });
  }
});
