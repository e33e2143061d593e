import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createGateway } from '../test/harness/data-plane.ts';
import { createSnapshotFile, type SnapshotFile } from './snapshot-file.ts';

const MANAGEMENT = createGateway('unix:/run/control', { id: null, name: 'management' });
const SHOP = createGateway('http://h', { name: 'shop' });
let dataDir = '';
let errors: string[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tollgate-snapshot-'));
  errors = [];
});
afterEach(() => rmSync(dataDir, { recursive: true }));

function openFile(hmacSecret = 'secret'): SnapshotFile {
  return createSnapshotFile({ dataDir, hmacSecret, onError: (cause) => errors.push(String(cause)) });
}

const pathOf = (): string => join(dataDir, readdirSync(dataDir)[0] ?? '');

describe('the last good snapshot', () => {
  test('is kept for its owner alone, without the management API, and read again', async () => {
    const file = openFile();
    assert.equal(file.load(), undefined);
    file.save({ version: 3, gateways: [MANAGEMENT, SHOP] });
    await file.flush();
    assert.deepEqual(readdirSync(dataDir), ['last-good-snapshot.json']);
    assert.equal(statSync(pathOf()).mode & 0o777, 0o600);
    assert.deepEqual(openFile().load(), [SHOP]);
    assert.deepEqual(errors, []);
  });

  test('is the newest of those that came while one was written', async () => {
    const file = openFile();
    for (let version = 1; version <= 20; version++) {
      file.save({ version, gateways: [{ ...SHOP, name: `shop ${version}` }] });
    }
    file.save({ version: 19, gateways: [] });
    await file.flush();
    assert.equal(openFile().load()?.[0]?.name, 'shop 20');
    assert.equal(readdirSync(dataDir).length, 1);
  });

  test('that is damaged, of another installation or of another program is none, and said so', async () => {
    const file = openFile();
    file.save({ version: 1, gateways: [SHOP] });
    await file.flush();
    const good = readFileSync(pathOf());
    assert.equal(openFile('another secret').load(), undefined);
    for (let at = 0; at < good.length; at += 7) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      writeFileSync(pathOf(), bad);
      assert.equal(openFile().load(), undefined, `byte ${at}`);
    }
    for (const text of ['', '\n', 'x', good.subarray(0, -1).toString(), `${good.toString()} `, '{}\n{}']) {
      writeFileSync(pathOf(), text);
      assert.equal(openFile().load(), undefined, JSON.stringify(text.slice(0, 20)));
    }
    assert.match(errors.join(), /damaged, or of another installation/);
    errors = [];
    const odd: unknown = { ...SHOP, from: 'the future' };
    file.save({ version: 2, gateways: [Object.assign(structuredClone(SHOP), odd)] });
    await file.flush();
    assert.equal(openFile().load(), undefined);
    assert.match(errors.join(), /does not understand/);
  });

  test('survives the exchange of the pepper', async () => {
    const file = openFile();
    file.save({ version: 1, gateways: [SHOP] });
    await file.flush();
    const onError = (cause: unknown): void => void errors.push(String(cause));
    const after = createSnapshotFile({ dataDir, hmacSecret: 'new', previousHmacSecret: 'secret', onError });
    assert.deepEqual(after.load(), [SHOP]);
    assert.deepEqual(errors, []);
  });

  test('that cannot be written is an error, and no harm', async () => {
    const file = createSnapshotFile({
      dataDir: join(dataDir, 'nowhere'),
      hmacSecret: 's',
      onError: (cause) => errors.push(String(cause)),
    });
    file.save({ version: 1, gateways: [] });
    await file.flush();
    assert.match(errors.join(), /ENOENT/);
  });
});
