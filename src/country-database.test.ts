import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createMmdb } from '../test/harness/mmdb.ts';
import { loadSettings, SettingsError } from './config.ts';
import { openCountries, openCountryFile } from './country-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'tollgate-countries-'));
after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function open(env: Readonly<Record<string, string>>) {
  return openCountries(loadSettings({ TOLLGATE_CONFIG: fileOf('settings.yaml', Buffer.alloc(0)), ...env }).settings);
}

const proxies = { TOLLGATE_TRUSTED_PROXIES: '10.0.0.0/8' };
const networks = { '192.0.2.0/24': 'DE' };

test('without settings nothing tells the country of a caller', () => {
  assert.deepEqual(open(proxies), { header: undefined, database: undefined });
});

test('the header is compared in small letters, and the database handed on byte for byte', () => {
  const bytes = createMmdb({ networks });
  const path = fileOf('countries.mmdb', bytes);
  const opened = open({ ...proxies, TOLLGATE_COUNTRY_HEADER: 'CF-IPCountry', TOLLGATE_GEOIP_DATABASE: path });
  assert.equal(opened.header, 'cf-ipcountry');
  assert.deepEqual(Buffer.from(opened.database ?? new SharedArrayBuffer(0)), bytes);
});

test('a database that changes is read again, once; one that cannot be used is told of, and leaves the known one', () => {
  const path = fileOf('changing.mmdb', createMmdb({ networks }));
  const told: string[] = [];
  const log = {
    info: (_: object, message: string) => told.push(message),
    error: (_: object, message: string) => told.push(message),
  };
  const file = openCountryFile(path, log);
  assert.equal(file.reload(), undefined);
  const next = createMmdb({ networks: { '192.0.2.0/24': 'FR', '198.51.100.0/24': 'DE' } });
  fileOf('changing.mmdb', next);
  assert.deepEqual(Buffer.from(file.reload() ?? new SharedArrayBuffer(0)), next);
  assert.equal(file.reload(), undefined);
  fileOf('changing.mmdb', Buffer.from('half of it'));
  for (let i = 0; i < 2; i++) assert.equal(file.reload(), undefined);
  rmSync(path);
  for (let i = 0; i < 2; i++) assert.equal(file.reload(), undefined);
  fileOf('changing.mmdb', next);
  assert.ok(file.reload() !== undefined);
  const isKept = 'the database of countries cannot be read: the known one is kept';
  const isRead = 'the database of countries was read again';
  assert.deepEqual(told, [isRead, isKept, isKept, isRead]);
});

const faulty = [
  { env: { TOLLGATE_COUNTRY_HEADER: 'cf-ipcountry' }, says: /COUNTRY_HEADER: needs TRUSTED_PROXIES/ },
  { env: { TOLLGATE_GEOIP_DATABASE: join(folder, 'none') }, says: /GEOIP_DATABASE: .*none cannot be read/ },
  {
    env: { TOLLGATE_GEOIP_DATABASE: fileOf('text.mmdb', Buffer.from('hello')) },
    says: /GEOIP_DATABASE: .* is no database of countries/,
  },
  {
    env: { TOLLGATE_GEOIP_DATABASE: fileOf('asn.mmdb', createMmdb({ type: 'GeoLite2-ASN', networks })) },
    says: /GeoLite2-ASN, not countries/,
  },
];
for (const { env, says } of faulty) {
  test(`a start fails in one line: ${says.source}`, () => {
    assert.throws(
      () => open(env),
      (error) => error instanceof SettingsError && error.faults.length === 1 && says.test(error.message),
    );
  });
}
