import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExchange } from '../../test/harness/data-plane.ts';
import { createMmdb, toShared } from '../../test/harness/mmdb.ts';
import { countryDatabaseFault, createCountrySource, type CountryOptions } from './country.ts';

const NETWORKS = {
  '192.0.2.0/24': 'DE',
  '198.51.100.0/25': 'FR',
  '203.0.113.7/32': 'XK',
  '10.0.0.0/8': 'EU',
  '2001:db8::/32': 'US',
};
const database = toShared(createMmdb({ networks: NETWORKS }));

interface Caller {
  readonly address?: string;
  readonly isTrusted?: boolean;
  readonly headers?: readonly string[];
}

function find(options: Partial<CountryOptions>, { address = '192.0.2.1', isTrusted = false, headers = [] }: Caller) {
  const { exchange } = createExchange({ headers: [...headers] });
  exchange.isPeerTrusted = isTrusted;
  exchange.clientAddress = address;
  return createCountrySource({ header: undefined, database: undefined, ...options }).find(exchange);
}

describe('the database', () => {
  const table: readonly (readonly [address: string, country: string | undefined])[] = [
    ['192.0.2.1', 'DE'],
    ['192.0.2.255', 'DE'],
    ['::ffff:192.0.2.1', 'DE'],
    ['198.51.100.127', 'FR'],
    ['198.51.100.128', undefined],
    ['203.0.113.7', 'XK'],
    ['203.0.113.8', undefined],
    ['2001:db8::1', 'US'],
    ['2001:db9::1', undefined],
    ['10.1.2.3', undefined],
    ['', undefined],
    ['unknown', undefined],
    ['192.0.2', undefined],
  ];
  for (const [address, country] of table) {
    test(`tells ${country ?? 'nothing'} of ${address || 'no address'}`, () => {
      assert.equal(find({ database }, { address }), country);
    });
  }

  test('of IPv4 addresses tells nothing of IPv6 ones, whose first bits it could take for them', () => {
    const small = toShared(createMmdb({ ipVersion: 4, networks: { '32.0.0.0/4': 'DE' } }));
    assert.equal(find({ database: small }, { address: '33.1.2.3' }), 'DE');
    assert.equal(find({ database: small }, { address: '2001:db8::1' }), undefined);
    assert.equal(find({ database: small }, { address: '::ffff:33.1.2.3' }), 'DE');
  });

  test('tells the same again, and after more addresses than are remembered', () => {
    const source = createCountrySource({ header: undefined, database });
    const { exchange } = createExchange();
    for (let i = 0; i < 3000; i++) {
      exchange.clientAddress = `192.0.${i % 3}.${i % 251}`;
      assert.equal(source.find(exchange), i % 3 === 2 ? 'DE' : undefined);
    }
  });

  test('is refused when it is none, or tells something else', () => {
    assert.equal(countryDatabaseFault(database), undefined);
    const faults = [
      toShared(createMmdb({ type: 'GeoLite2-ASN', networks: NETWORKS })),
      toShared(Buffer.from('not a database at all')),
      toShared(Buffer.alloc(0)),
    ].map((bytes) => countryDatabaseFault(bytes));
    assert.match(faults[0] ?? '', /GeoLite2-ASN/);
    assert.deepEqual(
      faults.map((fault) => typeof fault),
      ['string', 'string', 'string'],
    );
  });
});

describe('the header', () => {
  const header = 'cf-ipcountry';
  const both = { header, database };
  const rows: readonly (readonly [what: string, options: Partial<CountryOptions>, Caller, string | undefined])[] = [
    ['from a trusted proxy', { header }, { isTrusted: true, headers: ['CF-IPCountry', 'FR'] }, 'FR'],
    ['in small letters', { header }, { isTrusted: true, headers: ['cf-ipcountry', ' fr '] }, 'FR'],
    ['from anybody else', { header }, { headers: ['CF-IPCountry', 'FR'] }, undefined],
    ['from anybody else, beside a database', both, { headers: ['CF-IPCountry', 'FR'] }, 'DE'],
    ['before the database', both, { isTrusted: true, headers: ['CF-IPCountry', 'FR'] }, 'FR'],
    ['that is missing', both, { isTrusted: true }, 'DE'],
    ['that does not know', both, { isTrusted: true, headers: ['CF-IPCountry', 'XX'] }, undefined],
    ['that says Tor', both, { isTrusted: true, headers: ['CF-IPCountry', 'T1'] }, undefined],
    ['that is empty', both, { isTrusted: true, headers: ['CF-IPCountry', ''] }, undefined],
    ['that stands twice', both, { isTrusted: true, headers: ['cf-ipcountry', 'FR', 'CF-IPCountry', 'FR'] }, undefined],
    ['with two values', both, { isTrusted: true, headers: ['cf-ipcountry', 'FR, DE'] }, undefined],
    ['of another name', { header }, { isTrusted: true, headers: ['x-country', 'FR'] }, undefined],
    ['that nobody named', {}, { isTrusted: true, headers: ['cf-ipcountry', 'FR'] }, undefined],
  ];
  for (const [what, options, caller, country] of rows) {
    test(`${what} tells ${country ?? 'nothing'}`, () => assert.equal(find(options, caller), country));
  }
});

test('a database that takes the place of another counts at once, for addresses that were asked for before, too', () => {
  const source = createCountrySource({
    header: undefined,
    database: toShared(createMmdb({ networks: { '192.0.2.0/24': 'DE' } })),
  });
  const { exchange } = createExchange({ peerAddress: '192.0.2.1' });
  assert.equal(source.find(exchange), 'DE');
  source.replace(toShared(createMmdb({ networks: { '192.0.2.0/24': 'FR' } })));
  assert.equal(source.find(exchange), 'FR');
});
